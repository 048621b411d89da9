"""params/datasets.yaml: every data set that a study may name, where it comes from and how it is laid out."""

from pathlib import Path
from typing import Literal

from lib.schema import Name, Strict, read_yaml, validated

PATH = Path(__file__).resolve().parents[1] / "params" / "datasets.yaml"
DRAWN = {"blood": ["seed", "photographs", "views"], "brain": ["seed", "patients"]}  # what a study says of its phantoms


class Dataset(Strict):
    """One entry of params/datasets.yaml: where a data set comes from and how it is laid out."""

    title: Name  # as it stands at the beginning of a sentence
    images: str  # the archive's members that are images, with {label} and, where it has parts, {part}
    classes: dict[str, Name]  # class folder -> printed name, in the order of the paper
    parts: list[str] = []  # folders that {part} may be: train first, then test
    published: Literal["folders", "call"]  # how the paper's own split is made: see lib/splits.py
    kaggle: str | None = None  # owner/name
    url: str | None = None  # where its archive is, if not at Kaggle
    draw: Literal["blood", "brain"] | None = None  # drawn by lib/phantoms.py instead
    like: str | None = None  # the data set of the paper that it stands for
    note: str = ""  # what a reader of its scores must know
    originals: str | None = None  # members that are the photographs which the images were made from
    masks: str | None = None  # the member that holds the mask of the image {name}, where the truth is known
    pictures: bool = False  # may a report show its images? (not without a licence that says so)


def catalogue() -> dict[str, Dataset]:
    """Every data set that a study may name, from params/datasets.yaml."""
    return {name: validated(Dataset, entry, f"{PATH.name}, {name},") for name, entry in read_yaml(PATH).items()}
