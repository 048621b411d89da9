"""params/datasets/: every data set that a study may name, a file each: where it comes from and how it is laid out."""

from pathlib import Path
from typing import Literal

from lib.schema import Name, Strict, known, read_yaml, validated

FOLDER = Path(__file__).resolve().parents[1] / "params" / "datasets"
DRAWN = {"blood": ["seed", "photographs", "views"], "brain": ["seed", "patients"]}  # what a study says of its phantoms


class Table(Strict):
    """A CSV in the archive that says what each image shows: its name, and the columns in which to look."""

    file: str
    path: str  # column: the image, which stands at {path} of `images`
    label: str  # column: its class; of many, the classes
    separator: str = ", "  # between the classes of one image, where there are many
    source: str | None = None  # column: the patient or photograph that it comes from
    part: str | None = None  # column: what decides the part that it is in
    parts: dict[
        str, str
    ] = {}  # what stands there -> one of the parts; images of which something else is said are left out


class Check(Strict):
    """Pictures on which the grouping is tried: they are said to be the photographs of one part's images."""

    images: str  # members
    part: str  # one of the parts


class Dataset(Strict):
    """A file of params/datasets: where a data set comes from and how it is laid out."""

    title: Name  # as it stands at the beginning of a sentence
    images: str  # the archive's members that are images, with {label} and, where it has parts, {part}
    classes: dict[str, Name]  # class folder -> printed name, in the order of the paper
    table: Table | None = None  # what says each image's class, if not its folder
    labels: Literal["one", "many"] = "one"  # many: an image may have several of the classes, or none
    parts: list[str] = []  # folders that {part} may be, or parts that the table names: train first, then test
    published: Literal["folders", "call", "random"] | None = (
        None  # how the document's own split is made: see lib/splits.py
    )
    kaggle: str | None = None  # owner/name
    url: str | None = None  # where its archive is, if not at Kaggle
    torchvision: str | None = None  # the name of its class in torchvision.datasets
    archive: str | None = None  # the file's name where archives are kept, if not <name>.zip
    folder: str | None = None  # where its images are, from the project's root, if not in an archive
    draw: Literal["blood", "brain"] | None = None  # drawn by lib/phantoms.py instead
    like: str | None = None  # the data set of the paper that it stands for
    note: str = ""  # what a reader of its scores must know
    originals: str | None = None  # members that are the photographs which the images were made from
    check: Check | None = None  # members, no part of the study, of which it is known what photographs they are
    near_duplicates: bool = True  # are images that look alike one piece of evidence? (not where all look alike)
    masks: str | None = None  # the member that holds the mask of the image {name}, where the truth is known
    pictures: bool = False  # may a report show its images? (not without a licence that says so)


def names() -> list[str]:
    """Every data set that a study may name: the names of the files."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def entry(name: str) -> Dataset:
    """What stands in the file of a data set; StudyError: there is none, or it is not right."""
    path = FOLDER / f"{known(name, names(), 'data set')}.yaml"
    return validated(Dataset, read_yaml(path), f"params/datasets/{path.name}")
