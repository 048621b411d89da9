"""A study is one folder of parameters: this file is its schema and the paths that follow from it.

    params/<study>/params.yaml  --load_study-->  Study: every setting and every path that a notebook needs

Nothing here imports torch, pandas or scikit-learn, so a misspelt parameter stops within a second.
`python -m lib.study params/quick` checks a study and says in one line what it will do.
"""

import sys
from itertools import product
from pathlib import Path
from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt, field_validator, model_validator

from lib import blocks, catalogue
from lib.blocks import Model, Optimizer, Pretraining, Schedule, Training, require_draw
from lib.catalogue import Dataset
from lib.errors import StudyError
from lib.schema import Key, Name, Strict, known, read_yaml, validated
from lib.splits import SPLITS

ROOT = Path(__file__).resolve().parents[1]


class Study(Strict):
    """All of a study. params/demo/params.yaml says in a comment what each line is, and its unit."""

    study: str
    root: str
    title: Name
    published: str | None
    datasets: dict[Key, Training] = Field(min_length=1)
    splits: list[str] = Field(min_length=1)
    split_seed: NonNegativeInt
    validation_share: float = Field(gt=0, le=0.5)
    extra: list[Literal["00_primer", "04_attention", "10_use"]] = Field(min_length=1)
    pretrain: Pretraining | None
    models: dict[Key, Model] = Field(min_length=1)
    seeds: list[NonNegativeInt] = Field(min_length=1)
    image_size: PositiveInt
    pixel_mean: float
    pixel_std: PositiveFloat
    batch_size: PositiveInt
    optimizer: Optimizer
    learning_rate: PositiveFloat
    weight_decay: float = Field(ge=0)
    schedule: Schedule
    device: Literal["auto", "cpu", "cuda"]
    devices: PositiveInt = 1
    nodes: PositiveInt = 1
    strategy: Literal["auto", "ddp", "ddp_find_unused_parameters_true"] = "auto"
    precision: Literal["32-true", "bf16-mixed"]
    skip_broken: bool

    @field_validator("splits")
    @classmethod
    def _splits(cls, splits):
        return [known(name, SPLITS, "split protocol") for name in splits]

    @field_validator("published")
    @classmethod
    def _published(cls, published):
        folders = [path.name for path in (ROOT / "params" / "published").glob("*")]
        return published and known(published, folders, "document of params/published")

    @model_validator(mode="after")
    def _agree(self):
        for name, training in self.datasets.items():
            require_draw(name, training.draw)
        titles = list(self.titles.values())
        for what, values in [("seeds", self.seeds), ("splits", self.splits), ("titles of models", titles)]:
            if len(set(values)) < len(values):
                raise ValueError(f"two {what} are the same: {', '.join(map(str, values))}")
        asking = [name for name, model in self.models.items() if model.starts_from == "phantoms"]
        if asking and self.pretrain is None:
            raise ValueError(f"{', '.join(asking)} ask for weights: phantoms, and pretrain says nothing")
        for name, draw in self.pretrain.draw.items() if self.pretrain else []:
            if name in self.datasets and self.datasets[name].draw["seed"] == draw["seed"]:
                raise ValueError(f"pretrain draws the very phantoms that {name} tests on: give it another seed")
        return self

    def dataset(self, name: str) -> Dataset:
        """The catalogue's entry of one of this study's data sets."""
        known(name, self.datasets, f"data set of the study {self.study!r}")
        return catalogue.entry(name)

    @property
    def titles(self) -> dict[str, str]:
        """How tables and figures name each model."""
        return blocks.titles(self.models)

    @property
    def data(self) -> Path:
        """Where this study keeps what is made from archives: nothing in it is in Git."""
        return ROOT / "data" / self.study

    @property
    def report(self) -> Path:
        """Where people read: pages, tables/, figures/."""
        return ROOT / "reports" / self.study

    def vits(self, *, plain: bool) -> list[str]:
        """Names of the models that are ViTs, with the library's own attention or with another."""
        vits = {name: model.settings for name, model in self.models.items() if model.architecture == "vit"}
        return [name for name, settings in vits.items() if (settings.get("attention", "plain") == "plain") == plain]

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
        return sorted([*pages, "06_evaluate", "07_figures", "08_claims", *self.extra], key=lambda page: page[:2])

    def shown(self, notebook: str) -> Path:
        """A folder: figures.csv and what else one of the `extra` notebooks shows."""
        return self.report / "shown" / notebook

    def learnt(self, dataset: str, split: str, model: str) -> Path:
        """A folder: size.csv of a model, and filters.csv of its first layer, if that is a small convolution."""
        return self.report / "models" / f"{dataset}-{split}-{model}"

    def images(self, dataset: str) -> Path:
        """A folder: images.csv (one row an image) and pixels.npy (the same rows, uint8)."""
        return self.data / "images" / dataset

    def groups(self, dataset: str) -> Path:
        """groups.csv of a data set: which images belong together."""
        return self.data / "groups" / f"{dataset}.csv"

    def links(self, dataset: str) -> Path:
        """links.csv of a data set: why images are in one group."""
        return self.data / "groups" / f"{dataset}-links.csv"

    def split(self, dataset: str, split: str) -> Path:
        """split.csv of a data set under a protocol: which image is in which part."""
        return self.data / "splits" / f"{dataset}-{split}.csv"

    def run(self, dataset: str, split: str, model: str, seed: int) -> Path:
        """A folder of one trained model: history.csv, predictions.csv, settings.yaml (in Git)."""
        return ROOT / "runs" / self.study / dataset / split / model / f"seed-{seed}"

    def stopped(self, dataset: str, split: str, model: str, seed: int) -> str | None:
        """Why a run has no result, where its training had to be stopped; None: it has one, or was not trained yet."""
        path = self.run(dataset, split, model, seed) / "stopped.txt"
        return path.read_text().strip() if path.exists() else None

    def finished(self, dataset: str, split: str, model: str) -> list[int]:
        """The seeds of a model whose training was not stopped."""
        return [seed for seed in self.seeds if self.stopped(dataset, split, model, seed) is None]

    @property
    def pretrained(self) -> Path:
        """A folder: the ViTs that `weights: phantoms` starts from, how they were trained, history.csv (in Git, since every run rests on them)."""
        return ROOT / "runs" / self.study / "pretrained"

    def baselines(self, dataset: str, split: str) -> Path:
        """A folder: predictions of every baseline of lib/baselines.py (in Git)."""
        return ROOT / "runs" / self.study / dataset / split / "baselines"

    def weights(self, dataset: str, split: str, model: str, seed: int) -> Path:
        """The trained weights of a run, a safetensors file (not in Git)."""
        return ROOT / "weights" / self.study / dataset / split / model / f"seed-{seed}.safetensors"

    def timing(self, dataset: str, split: str, model: str, seed: int) -> Path:
        """How long each epoch of a run took, and on what. Nothing depends on it."""
        return self.report / "timing" / f"{dataset}-{split}-{model}-seed-{seed}.csv"


def load_study(name: str | Study) -> Study:
    """The study in params/<name>/params.yaml; a study that is already loaded comes back as it is.

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
