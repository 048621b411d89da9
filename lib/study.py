"""A study is one folder of parameters: this file is its schema and the paths that follow from it.

    params/<study>/params.yaml  --load_study-->  Study: every setting and every path that a notebook needs

Nothing here imports torch, pandas or scikit-learn, so a misspelt parameter stops within a second.
`python -m lib.study params/quick` checks a study and says in one line what it will do.
"""

import inspect
import sys
from itertools import product
from pathlib import Path
from typing import Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    create_model,
    field_validator,
    model_validator,
)

from lib.catalogue import DRAWN, Dataset, catalogue
from lib.errors import StudyError
from lib.models import MODELS
from lib.schema import Strict, known, read_yaml, validated
from lib.splits import SPLITS

ROOT = Path(__file__).resolve().parents[1]


class Training(Strict):
    """What a study says of one of its data sets."""

    epochs: PositiveInt
    epoch_images: PositiveInt | None = None
    flips: Literal["none", "horizontal", "both"] = "none"
    draw: dict[str, NonNegativeInt] = {}  # how many phantoms: see DRAWN


class Model(BaseModel):
    """One model of a study: its architecture, and whatever keyword arguments that architecture takes."""

    model_config = ConfigDict(extra="allow", frozen=True, protected_namespaces=())

    title: str
    architecture: str
    learning_rate: PositiveFloat | None = None
    weights_file: str | None = None

    @model_validator(mode="after")
    def _settings(self):
        known(self.architecture, MODELS, "architecture")
        takes = inspect.signature(MODELS[self.architecture]).parameters.values()
        options = {p.name: (p.annotation, p.default) for p in takes if p.kind is p.KEYWORD_ONLY}
        create_model(self.architecture, __base__=Strict, **options)(**self.settings)
        if self.weights_file and self.settings.get("weights", "none") == "none":
            raise ValueError("weights_file is named, but the model does not ask for weights: set weights: imagenet")
        return self

    @property
    def settings(self) -> dict:
        """The keyword arguments of the architecture that this study sets."""
        return dict(self.model_extra)


class Study(Strict):
    """All of a study. params/demo/params.yaml says in a comment what each line is, and its unit."""

    study: str
    root: str
    title: str
    published: Literal["res-vit"] | None
    datasets: dict[str, Training] = Field(min_length=1)
    splits: list[str] = Field(min_length=1)
    split_seed: NonNegativeInt
    validation_share: float = Field(gt=0, le=0.5)
    models: dict[str, Model] = Field(min_length=1)
    seeds: list[NonNegativeInt] = Field(min_length=1)
    image_size: PositiveInt
    pixel_mean: float
    pixel_std: PositiveFloat
    batch_size: PositiveInt
    optimizer: Literal["adam", "adamw"]
    learning_rate: PositiveFloat
    weight_decay: float = Field(ge=0)
    schedule: Literal["constant", "warmup-cosine"]
    device: Literal["auto", "cpu", "cuda"]
    precision: Literal["32-true", "bf16-mixed"]
    skip_broken: bool

    @field_validator("datasets")
    @classmethod
    def _datasets(cls, datasets):
        for name, training in datasets.items():
            known(name, catalogue(), "data set")
            wanted = DRAWN[catalogue()[name].draw] if catalogue()[name].draw else []
            for setting in training.draw:
                known(setting, wanted, f"setting of draw in {name}")
            if lacking := [setting for setting in wanted if setting not in training.draw]:
                raise ValueError(f"{name}: draw lacks {', '.join(lacking)}")
        return datasets

    @field_validator("splits")
    @classmethod
    def _splits(cls, splits):
        return [known(name, SPLITS, "split protocol") for name in splits]

    @model_validator(mode="after")
    def _distinct(self):
        titles = [model.title for model in self.models.values()]
        for what, values in [("seeds", self.seeds), ("splits", self.splits), ("titles of models", titles)]:
            if len(set(values)) < len(values):
                raise ValueError(f"two {what} are the same: {', '.join(map(str, values))}")
        return self

    def dataset(self, name: str) -> Dataset:
        """The catalogue's entry of one of this study's data sets."""
        known(name, self.datasets, f"data set of the study {self.study!r}")
        return catalogue()[name]

    @property
    def data(self) -> Path:
        """Where this study keeps what is made from archives: nothing in it is in Git."""
        return ROOT / "data" / self.study

    @property
    def report(self) -> Path:
        """Where people read: pages, tables/, figures/."""
        return ROOT / "reports" / self.study

    @property
    def runs(self) -> list[dict]:
        """What is trained: dataset, split, model and seed of every run, in the order of the parameters."""
        grid = product(self.datasets, self.splits, self.models, self.seeds)
        return [dict(zip(["dataset", "split", "model", "seed"], run)) for run in grid]

    @property
    def pages(self) -> list[str]:
        """The report's pages beside index.html, in the order of the notebooks."""
        splits = [f"{dataset}-{split}" for dataset, split in product(self.datasets, self.splits)]
        pages = [f"{notebook}-{dataset}" for notebook in ["01_download", "02_groups"] for dataset in self.datasets]
        pages += [f"03_split-{split}" for split in splits]
        pages += [f"05_train-{split}-{model}" for split, model in product(splits, self.models)]
        return [*pages, "06_evaluate", "07_figures"]

    def images(self, dataset: str) -> Path:
        """A folder: images.csv (one row an image) and pixels.npy (the same rows, uint8)."""
        return self.data / "images" / dataset

    def groups(self, dataset: str) -> Path:
        """groups.csv of a data set: which images belong together."""
        return self.data / "groups" / f"{dataset}.csv"

    def split(self, dataset: str, split: str) -> Path:
        """split.csv of a data set under a protocol: which image is in which part."""
        return self.data / "splits" / f"{dataset}-{split}.csv"

    def run(self, dataset: str, split: str, model: str, seed: int) -> Path:
        """A folder of one trained model: history.csv, predictions.csv, settings.yaml (in Git)."""
        return ROOT / "runs" / self.study / dataset / split / model / f"seed-{seed}"

    def weights(self, dataset: str, split: str, model: str, seed: int) -> Path:
        """The trained weights of a run, a safetensors file (not in Git)."""
        return ROOT / "weights" / self.study / dataset / split / model / f"seed-{seed}.safetensors"

    def timing(self, dataset: str, split: str, model: str, seed: int) -> Path:
        """How long each epoch of a run took, and on what. Nothing depends on it."""
        return self.report / "timing" / f"{dataset}-{split}-{model}-seed-{seed}.csv"


def load_study(name: str | Study) -> Study:
    """The study in params/<name>/params.yaml; a study that is already loaded comes back as it is.

    Raises:
        StudyError: no such study, or parameters that are not right (all of them listed, with the right names).
    """
    if isinstance(name, Study):
        return name
    studies = sorted(p.parent.name for p in (ROOT / "params").glob("*/params.yaml"))
    if name not in studies:
        raise StudyError(f"there is no params/{name}/params.yaml: the studies are {', '.join(studies)}")
    study = validated(Study, read_yaml(ROOT / "params" / name / "params.yaml"), f"params/{name}/params.yaml")
    if study.study != name:
        raise StudyError(f"params/{name}/params.yaml says 'study: {study.study}': it must be the folder's name, {name}")
    return study


if __name__ == "__main__":
    try:
        checked = load_study(Path(sys.argv[1]).name)
    except StudyError as error:
        sys.exit(f"error: {error}")
    print(f"study {checked.study}: {len(checked.models)} models, {len(checked.runs)} trainings")
