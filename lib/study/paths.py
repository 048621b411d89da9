"""Name every path of a study: a (data set, split) is a Cell, and one training in it a Run.

    study.cell("brain-mri", "group").run("vit", 0).predictions
      -> runs/<study>/brain-mri/group/vit/seed-0/predictions.csv.gz

In Git: runs/ (without trained weights) and reports/. Not in Git: data/, weights/, build/.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from lib import strict
from lib.data.catalogue import Dataset
from lib.data.files import alone
from lib.data.splits import FOLDS
from lib.strict import StudyError, known

if TYPE_CHECKING:
    from lib.study.schema import Study


def page_name(notebook: str, *of: str) -> str:
    """The name of a page and of its executed notebook: 05_train-<dataset>-<split>-<model>; `index` for 09_report."""
    return "index" if notebook == "09_report" else "-".join([notebook, *of])


@dataclass(frozen=True)
class Cell:
    """One data set of a study under one split protocol. StudyError: the study has no such data set or split."""

    study: "Study" = field(hash=False, repr=False)
    dataset: str
    split: str

    def __post_init__(self):
        known(self.dataset, self.study.datasets, f"data set of the study {self.study.study!r}")
        known(self.split, self.study.splits, f"split of the study {self.study.study!r}")

    @cached_property
    def entry(self) -> Dataset:
        """The catalogue's entry of the data set."""
        return self.study.entry(self.dataset)

    @property
    def classes(self) -> list[str]:
        """The printed names of the classes, in the order of the logits."""
        return self.entry.labels_in_order

    @property
    def multilabel(self) -> bool:
        """Whether an image may have several of the classes, or none."""
        return self.entry.labels == "many"

    @property
    def name(self) -> str:
        """The name of the cell in file names: <dataset>-<split>."""
        return f"{self.dataset}-{self.split}"

    @property
    def title(self) -> str:
        """The name of the cell in headings."""
        return f"{self.entry.title}, split `{self.split}`"

    @property
    def images(self) -> Path:
        """The folder of images.csv and pixels.npy."""
        return self.study.images(self.dataset)

    @property
    def parts(self) -> Path:
        """The file split.csv: the part of every image."""
        return self.study.data / "splits" / f"{self.name}.csv"

    @property
    def folds(self) -> list[int | None]:
        """The folds of one run, each with its own training; [None] for a split without folds."""
        return FOLDS if self.split == "folds" else [None]

    @property
    def runs_folder(self) -> Path:
        """The folder of runs, one sub-folder per model (in Git)."""
        return strict.ROOT / "runs" / self.study.study / self.dataset / self.split

    @property
    def baselines(self) -> Path:
        """The folder of the predictions of every baseline of lib.evidence.baselines (in Git)."""
        return self.runs_folder / "baselines"

    def run(self, model: str, seed: int) -> "Run":
        """The training of a model with a seed. StudyError: the study has no such model."""
        return Run(self, model, seed)

    def seeds(self, model: str) -> list[int]:
        """The seeds of a model: all of the study's, or the first ones if the data set or the model gives a number."""
        own, shared = self.study.models[model].seeds, self.study.datasets[self.dataset].seeds
        return self.study.seeds[: own or shared]

    def runs(self, model: str) -> list["Run"]:
        """The trainings of a model, one per seed."""
        return [self.run(model, seed) for seed in self.seeds(model)]

    def with_result(self, model: str) -> list["Run"]:
        """The trainings of a model that were not stopped."""
        return [run for run in self.runs(model) if run.stopped is None]

    @property
    def beside(self) -> list[str]:
        """The models of the neighbouring study for the same data set and split, as <study>/<model>."""
        other = self.study.neighbour
        if other is None or self.dataset not in other.datasets or self.split not in other.splits:
            return []
        return [f"{other.study}/{model}" for model in other.models]

    def holder(self, name: str) -> tuple["Cell", str]:
        """The cell that holds the runs of a model, and the model's name there; name: a model, or one of `beside`."""
        if "/" not in name:
            return self, name
        known(name, self.beside, f"model beside the study {self.study.study!r}")
        return self.study.neighbour.cell(self.dataset, self.split), name.split("/")[1]

    def learnt(self, model: str) -> Path:
        """The folder of a model's size.csv, and of filters.csv if its first layer is a small convolution."""
        return self.study.report / "models" / f"{self.name}-{model}"


@dataclass(frozen=True)
class Run:
    """One training: a model on a cell with a seed. StudyError: the study has no such model."""

    cell: Cell
    model: str
    seed: int

    def __post_init__(self):
        known(self.model, self.study.models, f"model of the study {self.study.study!r}")

    @property
    def study(self) -> "Study":
        """The study that the cell belongs to."""
        return self.cell.study

    def __str__(self) -> str:
        return f"{self.model} on {self.cell.dataset}, split {self.cell.split}, seed {self.seed}"

    @property
    def keys(self) -> dict:
        """The entries that name the run in a table: dataset, split, model and seed."""
        return {"dataset": self.cell.dataset, "split": self.cell.split, "model": self.model, "seed": self.seed}

    @property
    def folder(self) -> Path:
        """The folder of the files below (in Git)."""
        return self.cell.runs_folder / self.model / f"seed-{self.seed}"

    @property
    def history(self) -> Path:
        """The file history.csv, one row per epoch (and fold): epoch, loss (nats) and accuracy (0 to 1) per part."""
        return self.folder / "history.csv"

    @property
    def predictions(self) -> Path:
        """The predictions, one row per test image: part, path, group, label, predicted, one probability per class.

        New runs have predictions.csv.gz; older ones predictions.csv, which also holds the validation part.
        """
        earlier = self.folder / "predictions.csv"
        return earlier if earlier.exists() else self.folder / "predictions.csv.gz"

    @property
    def settings(self) -> Path:
        """The file settings.yaml: everything that decided the result; written last, so that it marks a complete run."""
        return self.folder / "settings.yaml"

    @property
    def weights(self) -> Path:
        """The safetensors file of the trained weights (not in Git); with folds, of the first."""
        return self.weights_of(self.cell.folds[0])

    def weights_of(self, fold: int | None) -> Path:
        """The safetensors file of one fold; None: of a run without folds."""
        folder = strict.ROOT / "weights" / self.study.study / self.cell.dataset / self.cell.split / self.model
        name = f"seed-{self.seed}" if fold is None else f"seed-{self.seed}.fold-{fold}"
        return folder / f"{name}.safetensors"

    @property
    def has_weights(self) -> bool:
        """Whether the weights of all folds are on this machine."""
        return all(self.weights_of(fold).exists() for fold in self.cell.folds)

    @property
    def timing(self) -> Path:
        """The file of the seconds of each epoch, and the machine. No result depends on it."""
        return self.study.report / "timing" / f"{self.cell.name}-{self.model}-seed-{self.seed}.csv"

    @property
    def stopped(self) -> str | None:
        """Why the training was stopped without a result; None: it has a result, or was not trained yet."""
        path = self.folder / "stopped.txt"
        return path.read_text().strip() if path.exists() else None

    def kept_settings(self) -> dict:
        """Read settings.yaml. StudyError: it is not there."""
        if not self.settings.exists():
            raise StudyError(f"{self} was not trained: make report STUDY={self.study.study}, or restore {self.folder}")
        return yaml.safe_load(self.settings.read_text())


@contextmanager
def making_report(study: str) -> Iterator[None]:
    """Lock a study's report within the block; prints a line and waits if another process makes it."""
    waiting = "another process is making this report: waiting until it has ended"
    with alone(report_lock(study), waiting):
        yield


def report_lock(study: str) -> Path:
    """The lock file of a study's report."""
    return strict.ROOT / "build" / ".locks" / f"{study}-report"


def reports_made() -> list[Path]:
    """The lock files of all reports that were ever made here."""
    return sorted(report_lock("any").parent.glob("*-report"))
