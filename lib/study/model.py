"""The parameters of one model of a study: architecture, start and training."""

import inspect
from typing import Literal

from pydantic import BaseModel, ConfigDict, NonNegativeFloat, PositiveFloat, PositiveInt, create_model, model_validator

from lib.models import MODELS
from lib.strict import Name, Strict, known

Optimizer = Literal["adam", "adamw", "sgd"]  # sgd: with a momentum of 0.9
Schedule = Literal["constant", "warmup-cosine", "steps"]
# settings in which a model may differ from the study's `training`
OWN = ["batch_size", "learning_rate", "optimizer", "schedule", "weight_decay"]
NOT_IN_PAPER = ["efficientnet_lite0"]  # architectures that tables mark as not in the paper
STARTS = {"none": "from scratch", "imagenet": "ImageNet weights", "phantoms": "pre-trained on drawings"}


class ModelSettings(BaseModel):
    """One model of a study: its architecture, and any keyword arguments of that architecture."""

    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())

    title: Name
    architecture: str
    learning_rate: PositiveFloat | list[PositiveFloat] | None = None  # several: the best on validation is kept
    batch_size: PositiveInt | None = None  # this and the next three; None: the study's
    optimizer: Optimizer | None = None
    weight_decay: NonNegativeFloat | None = None
    schedule: Schedule | None = None
    weights_file: str | None = None
    seeds: PositiveInt | None = None  # number of seeds; None: the data set's number

    @model_validator(mode="after")
    def _settings(self):
        known(self.architecture, MODELS, "architecture")
        takes = inspect.signature(MODELS[self.architecture]).parameters.values()
        options = {p.name: (p.annotation, p.default) for p in takes if p.kind is p.KEYWORD_ONLY}
        create_model(self.architecture, __base__=Strict, **options)(**self.settings)
        if self.weights_file and self.starts_from != "imagenet":
            raise ValueError("weights_file is named, but the model does not ask for weights: set weights: imagenet")
        return self

    @property
    def settings(self) -> dict:
        """The keyword arguments of the architecture that this study sets."""
        return dict(self.model_extra)

    @property
    def starts_from(self) -> str:
        """The start of the model: none, imagenet or phantoms."""
        return self.settings.get("weights", "none")

    @property
    def label(self) -> str:
        """The title, and the start of the model."""
        return f"{self.title}, {STARTS[self.starts_from]}"

    @property
    def aside(self) -> str:
        """What tables add to the title of a model that is not in the paper; else empty."""
        return " (not in the paper)" if self.architecture in NOT_IN_PAPER else ""
