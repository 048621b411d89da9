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
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    create_model,
    field_validator,
    model_validator,
)

from lib.errors import StudyError
from lib.models import MODELS
from lib.schema import Strict, known, read_yaml, validated
from lib.splits import SPLITS

ROOT = Path(__file__).resolve().parents[1]


class Dataset(Strict):
    """One entry of params/datasets.yaml: where a data set comes from and how it is laid out."""

    title: str
    images: str  # the archive's members that are images, with {label} and, where it has parts, {part}
    classes: dict[str, str]  # class folder -> printed name, in the order of the paper
    parts: list[str] = []  # folders that {part} may be: train first, then test
    published: Literal["folders", "call"]  # how the paper's own split is made: see lib/splits.py
    kaggle: str | None = None  # owner/name
    draw: Literal["blood", "brain"] | None = None  # drawn by lib/phantoms.py instead
    like: str | None = None  # the data set of the paper that it stands for
    pictures: bool = False  # may a report show its images? (not without a licence that says so)


class Training(Strict):
    """What a study says of one of its data sets."""

    epochs: PositiveInt
    epoch_images: PositiveInt | None = None
    flips: Literal["none", "horizontal", "both"] = "none"
    draw: dict[str, NonNegativeInt] = {}


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
    datasets: dict[str, Training]
    splits: list[str]
    split_seed: NonNegativeInt
    validation_share: PositiveFloat
    models: dict[str, Model]
    seeds: list[NonNegativeInt]
    image_size: PositiveInt
    pixel_mean: float
    pixel_std: PositiveFloat
    batch_size: PositiveInt
    optimizer: Literal["adam", "adamw"]
    learning_rate: PositiveFloat
    weight_decay: NonNegativeFloat
    schedule: Literal["constant", "warmup-cosine"]
    device: Literal["auto", "cpu", "cuda"]
    precision: Literal["32-true", "bf16-mixed"]
    skip_broken: bool

    @field_validator("datasets")
    @classmethod
    def _datasets(cls, datasets):
        for name in datasets:
            known(name, catalogue(), "data set")
        return datasets

    @field_validator("splits")
    @classmethod
    def _splits(cls, splits):
        return [known(name, SPLITS, "split protocol") for name in splits]

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


def catalogue() -> dict[str, Dataset]:
    """Every data set that a study may name, from params/datasets.yaml."""
    path = ROOT / "params" / "datasets.yaml"
    return {name: validated(Dataset, entry, f"{path.name}, {name},") for name, entry in read_yaml(path).items()}


def load_study(name: str) -> Study:
    """The study in params/<name>/params.yaml.

    Raises:
        StudyError: no such study, or parameters that are not right (all of them listed, with the right names).
    """
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
    print(
        f"study {checked.study}: {', '.join(checked.datasets)}; {len(checked.models)} models, {len(checked.runs)} trainings"
    )
