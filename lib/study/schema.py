"""The parameters of a study: blocks for data sets, training, pre-training and models.

    params/<study>/params.yaml --load_study--> Study

Nothing here imports torch, pandas or scikit-learn, so a misspelt parameter is reported within a second.
"""

from itertools import product
from pathlib import Path
from typing import Literal

from pydantic import (
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    field_validator,
    model_validator,
)

from lib import strict
from lib.data import catalogue
from lib.data.catalogue import Dataset
from lib.data.splits import PROTOCOLS
from lib.strict import Key, Name, Strict, StudyError, known, read_yaml, validated
from lib.study.model import ModelSettings, Optimizer, Schedule
from lib.study.paths import Cell, Run, page_name

Draw = dict[str, NonNegativeInt]  # arguments of a drawing, as lib.data.catalogue.DRAWN names them


class DatasetSettings(Strict):
    """A study's settings for one of its data sets."""

    epochs: PositiveInt
    epoch_images: PositiveInt | None = None
    flips: Literal["none", "horizontal", "both"] = "none"
    shift: NonNegativeInt = 0  # px; the largest random shift of a training image along either axis
    turn: float = Field(0, ge=0, le=180)  # degrees; the largest random turn of a training image, either way
    centre_crop: bool = False  # take the middle square of an image, instead of squeezing it
    draw: Draw = {}
    seeds: PositiveInt | None = None  # number of the study's seeds to use, the first ones; null: all
    version: str = ""  # of a user's own images; they are read again if it changes


class Pretraining(Strict):
    """The pre-training of models with `weights: phantoms`: one model learns every class of these drawn data sets."""

    epochs: PositiveInt
    flips: Literal["none", "horizontal", "both"] = "none"
    draw: dict[str, Draw] = Field(min_length=1)  # name of a drawn data set -> arguments of the drawing

    @field_validator("draw")
    @classmethod
    def _draw(cls, draw):
        for name, numbers in draw.items():
            require_draw(name, numbers)
            if not numbers:
                raise ValueError(f"{name} is not drawn: pre-training is on phantoms")
        return draw


def require_draw(name: str, draw: Draw) -> None:
    """StudyError: `draw` has an unknown argument for the drawn data set `name`. ValueError: it lacks one."""
    wanted = catalogue.DRAWN.get(catalogue.entry(name).draw, [])
    for setting in draw:
        known(setting, wanted, f"setting of draw in {name}")
    if lacking := [setting for setting in wanted if setting not in draw]:
        raise ValueError(f"{name}: draw lacks {', '.join(lacking)}")


class Training(Strict):
    """How a study trains, unless a model has its own setting, and the size and scale of its images."""

    image_size: PositiveInt
    pixel_mean: float
    pixel_std: PositiveFloat
    batch_size: PositiveInt
    optimizer: Optimizer
    learning_rate: PositiveFloat
    weight_decay: float = Field(ge=0)
    schedule: Schedule
    device: Literal["auto", "cpu", "cuda"]
    precision: Literal["32-true", "bf16-mixed"]
    threads: PositiveInt | None = None  # per training; if set, machines with any number of cores make the same bytes
    scale_of_weights: bool = True  # ImageNet weights get pixels on the scale that they were trained on
    # several labels per image: images with a label, and those without it, have the same total weight
    label_weights: bool = False
    fast_dropout: bool = False  # faster masks on a CPU: the same distribution, other random numbers


class Study(Strict):
    """All parameters of a study; comments in params/demo/params.yaml explain each line and its unit."""

    study: str
    root: str
    title: Name
    question: Name | None = None  # what the study asks; null: whether the headline's two models differ
    next_step: Name | None = None  # what to read or run after it; null: the studies in the document's own setting
    paper: str | None
    beside: str | None = None  # another study; tables also show its committed runs on the same test images
    datasets: dict[Key, DatasetSettings] = Field(min_length=1)
    splits: list[str] = Field(min_length=1)
    split_seed: NonNegativeInt
    validation_share: float = Field(gt=0, le=0.5)
    skip_broken: bool
    extra: list[Literal["00_primer", "04_attention", "10_use", "11_own"]] = Field(min_length=1)
    pretrain: Pretraining | None
    models: dict[Key, ModelSettings] = Field(min_length=1)
    seeds: list[NonNegativeInt] = Field(min_length=1)
    training: Training
    devices: PositiveInt = 1
    nodes: PositiveInt = 1
    strategy: Literal["auto", "ddp", "ddp_find_unused_parameters_true"] = "auto"

    @field_validator("splits")
    @classmethod
    def _splits(cls, splits):
        return [known(name, PROTOCOLS, "split protocol") for name in splits]

    @field_validator("paper")
    @classmethod
    def _paper(cls, paper):
        folders = [path.name for path in (strict.ROOT / "params" / "published").glob("*")]
        return paper and known(paper, folders, "folder of params/published")

    @model_validator(mode="after")
    def _draws(self):
        for name, settings in self.datasets.items():
            require_draw(name, settings.draw)
        for name, draw in self.pretrain.draw.items() if self.pretrain else []:
            if name in self.datasets and self.datasets[name].draw["seed"] == draw["seed"]:
                raise ValueError(f"pretrain draws the same phantoms that {name} tests on: give it another seed")
        return self

    @model_validator(mode="after")
    def _models(self):
        titles = list(self.titles.values())
        for what, values in [("seeds", self.seeds), ("splits", self.splits), ("titles of models", titles)]:
            if len(set(values)) < len(values):
                raise ValueError(f"two {what} are the same: {', '.join(map(str, values))}")
        for name, chosen in {**self.datasets, **self.models}.items():
            if chosen.seeds is not None and chosen.seeds > len(self.seeds):
                raise ValueError(f"{name} asks for {chosen.seeds} seeds, but the study has {len(self.seeds)}")
        asking = [name for name, model in self.models.items() if model.starts_from == "phantoms"]
        if asking and self.pretrain is None:
            raise ValueError(f"{', '.join(asking)} ask for weights: phantoms, but the study has no block pretrain")
        return self

    @property
    def titles(self) -> dict[str, str]:
        """The name of each model in tables and figures: with its start, unless all models have the same."""
        alike = len({model.starts_from for model in self.models.values()}) == 1
        models = self.models.items()
        return {name: (model.title if alike else model.label) + model.aside for name, model in models}

    @property
    def neighbour(self) -> "Study | None":
        """The study that `beside` names; tables also show its committed runs on the same test images."""
        return load_study(self.beside) if self.beside else None

    def vits(self, *, plain: bool) -> list[str]:
        """Names of the models that are ViTs, with the library's own attention (`plain`) or with another."""
        vits = {name: model.settings for name, model in self.models.items() if model.architecture == "vit"}
        return [name for name, settings in vits.items() if (settings.get("attention", "plain") == "plain") == plain]

    def entry(self, name: str) -> Dataset:
        """The catalogue's entry of one of this study's data sets. StudyError: the study does not have it."""
        return catalogue.entry(known(name, self.datasets, f"data set of the study {self.study!r}"))

    def cell(self, dataset: str, split: str) -> Cell:
        """One of its data sets under one of its split protocols. StudyError: the study does not have it."""
        return Cell(self, dataset, split)

    @property
    def cells(self) -> list[Cell]:
        """Every data set under every split protocol, in the order of the parameters."""
        return [self.cell(dataset, split) for dataset, split in product(self.datasets, self.splits)]

    @property
    def runs(self) -> list[Run]:
        """Every training, in the order of the parameters."""
        return [run for cell in self.cells for model in self.models for run in cell.runs(model)]

    @property
    def parameters(self) -> Path:
        """The folder of params.yaml, claims.yaml, dvc.yaml and dvc.lock."""
        return strict.ROOT / "params" / self.study

    @property
    def data(self) -> Path:
        """The folder of tables and pixels made from archives (not in Git)."""
        return strict.ROOT / "data" / self.study

    @property
    def report(self) -> Path:
        """The folder of the report: pages, tables/, figures/ (in Git)."""
        return strict.ROOT / "reports" / self.study

    @property
    def executed(self) -> Path:
        """The folder of executed notebooks, one per page (not in Git)."""
        return strict.ROOT / "build" / self.study

    @property
    def pretrained(self) -> Path:
        """The folder of the ViTs for `weights: phantoms`, with their recipes and history.csv (in Git)."""
        return strict.ROOT / "runs" / self.study / "pretrained"

    @property
    def pages(self) -> list[str]:
        """The report's pages other than index.html, in the order of the notebooks."""
        pages = [page_name(notebook, name) for notebook in ["01_download", "02_groups"] for name in self.datasets]
        pages += [page_name("03_split", cell.name) for cell in self.cells]
        pages += [page_name("05_train", cell.name) for cell in self.cells]  # all models on one page
        return sorted([*pages, "06_evaluate", "07_figures", "08_claims", *self.extra], key=lambda page: page[:2])

    def shown(self, notebook: str) -> Path:
        """The folder of figures.csv and of the tables that one of the `extra` notebooks shows (in Git)."""
        return self.report / "shown" / notebook

    def answer(self, notebook: str, *of: str) -> Path:
        """The file of a page's answer, Markdown; the answer of 09_report is beside the folder of the others."""
        if notebook == "09_report":
            return self.report / "answer.md"
        return self.report / "answers" / f"{page_name(notebook, *of)}.md"

    def images(self, dataset: str) -> Path:
        """The folder of images.csv (one row per image) and pixels.npy (the same rows, (rows, size, size, 3) uint8)."""
        return self.data / "images" / dataset

    def groups(self, dataset: str) -> Path:
        """The file groups.csv of a data set: the group of every image."""
        return self.data / "groups" / f"{dataset}.csv"

    def remark(self, dataset: str) -> Path:
        """The file with a warning on the file that a data set was read from; absent if there is none (in Git)."""
        return self.report / "groups" / dataset / "remark.md"

    def note(self, dataset: str) -> str:
        """The text of tables on a data set: its note, the warning of page 01, attribution and licence."""
        entry, path = self.entry(dataset), self.remark(dataset)
        remark = path.read_text(encoding="utf-8").strip() if path.exists() else ""
        return " ".join(text for text in [entry.note, remark, entry.credit] if text)

    def links(self, dataset: str) -> Path:
        """The file links.csv of a data set: why images are in one group."""
        return self.data / "groups" / f"{dataset}-links.csv"


def load_study(name: str | Study) -> Study:
    """Load the study in params/<name>/params.yaml; a loaded study is returned as it is.

    StudyError: there is no study of this name, or parameters are wrong; the message lists all of them.
    """
    if isinstance(name, Study):
        return name
    studies = sorted(path.parent.name for path in (strict.ROOT / "params").glob("*/params.yaml"))
    if name not in studies:
        raise StudyError(f"there is no params/{name}/params.yaml: the studies are {', '.join(studies)}")
    path = strict.ROOT / "params" / name / "params.yaml"
    study = validated(Study, read_yaml(path), f"params/{name}/params.yaml")
    if study.study != name:
        raise StudyError(f"params/{name}/params.yaml says 'study: {study.study}': it must be the folder's name, {name}")
    return study
