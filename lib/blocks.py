"""The blocks of a study's parameters: what it may say of a data set, of pre-training, and of a model."""

import inspect
from typing import Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    create_model,
    field_validator,
    model_validator,
)

from lib import catalogue
from lib.models import MODELS
from lib.schema import Name, Strict, known

Optimizer = Literal["adam", "adamw", "sgd"]  # sgd: with a momentum of 0.9
Schedule = Literal["constant", "warmup-cosine", "steps"]
Draw = dict[str, NonNegativeInt]  # how many phantoms: see DRAWN
STARTS = {"none": "from scratch", "imagenet": "ImageNet weights", "phantoms": "pre-trained on drawings"}


class Training(Strict):
    """What a study says of one of its data sets."""

    epochs: PositiveInt
    epoch_images: PositiveInt | None = None
    flips: Literal["none", "horizontal", "both"] = "none"
    shift: NonNegativeInt = 0  # px: while training each image moves so far at most, left or right, up or down
    turn: float = Field(0, ge=0, le=180)  # degrees: and turns so far at most, one way or the other
    centre_crop: bool = False  # the middle square of an image, instead of all of it squeezed to one
    draw: Draw = {}
    version: str = ""  # of images of one's own: another one, and they are read again


class Pretraining(Strict):
    """What models with `weights: phantoms` learn first: every class of these drawn data sets, in one model."""

    epochs: PositiveInt
    flips: Literal["none", "horizontal", "both"] = "none"
    draw: dict[str, Draw] = Field(min_length=1)  # a drawn data set -> how many phantoms

    @field_validator("draw")
    @classmethod
    def _draw(cls, draw):
        for name, numbers in draw.items():
            require_draw(name, numbers)
            if not numbers:
                raise ValueError(f"{name} is not drawn: pre-training is on phantoms")
        return draw


class Model(BaseModel):
    """One model of a study: its architecture, and whatever keyword arguments that architecture takes."""

    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())

    title: Name
    architecture: str
    learning_rate: PositiveFloat | list[PositiveFloat] | None = None  # several: the best on validation is kept
    batch_size: PositiveInt | None = None  # this and the next three: where it differs from the study's
    optimizer: Optimizer | None = None
    weight_decay: NonNegativeFloat | None = None
    schedule: Schedule | None = None
    weights_file: str | None = None

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
        """none, imagenet or phantoms."""
        return self.settings.get("weights", "none")

    @property
    def label(self) -> str:
        """The title, and what it started from."""
        return f"{self.title}, {STARTS[self.starts_from]}"


def titles(models: dict[str, Model]) -> dict[str, str]:
    """How every table and figure names the models of a study: with what they started from, where that is not the same for all."""
    alike = len({model.starts_from for model in models.values()}) == 1
    return {name: model.title if alike else model.label for name, model in models.items()}


def require_draw(name: str, draw: Draw) -> None:
    """A StudyError or ValueError if `draw` does not say, by the right names, how many phantoms of data set `name`."""
    wanted = catalogue.DRAWN.get(catalogue.entry(name).draw, [])
    for setting in draw:
        known(setting, wanted, f"setting of draw in {name}")
    if lacking := [setting for setting in wanted if setting not in draw]:
        raise ValueError(f"{name}: draw lacks {', '.join(lacking)}")
