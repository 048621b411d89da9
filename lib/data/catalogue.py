"""params/datasets/: every data set that a study may name, one file each: where it comes from and how it is laid out."""

from pathlib import Path
from typing import Literal

from lib import strict
from lib.strict import Key, Name, Strict, known, read_yaml, validated

# what a study's `draw` sets for each kind of drawing (lib.data.phantoms)
DRAWN = {"blood": ["seed", "photographs", "views"], "brain": ["seed", "patients"]}


class Table(Strict):
    """A CSV in the archive that gives the label of each image: the file's name, and which columns hold what."""

    file: str
    # column: the image, which stands at {path} of `images`
    path: str
    # column: its class; with several labels per image, the classes
    label: str
    # between the classes of one image, where there may be several
    separator: str = ", "
    # column: the patient or photograph that the image comes from
    source: str | None = None
    # column: how the image was taken; page 03 asks what that alone says of the label
    view: str | None = None
    # column: what decides the image's part
    part: str | None = None
    # value in that column -> name of the part; rows with any other value are left out
    parts: dict[str, str] = {}
    # what stands in the label's column where an image has none of the classes; without it such images are left out
    none: str | None = None


class MedMNIST(Strict):
    """A set of MedMNIST (Yang et al. 2023), by its name in that collection: lib.data.medmnist reads it."""

    name: Key
    # of the collection at zenodo.org
    record: int
    task: Literal["binary-class", "multi-class", "ordinal-regression", "multi-label, binary-class"]
    # side of the images, px -> MD5 of the official file
    md5: dict[int, str]


class Check(Strict):
    """Pictures that test the grouping: the archive calls them the photographs behind one part's images."""

    # members
    images: str
    # one of the parts
    part: str


class Dataset(Strict):
    """A file of params/datasets: where a data set comes from and how it is laid out."""

    # as it stands at the beginning of a sentence
    title: Name
    # the archive's members that are images, with {label} and, where there are parts, {part}
    images: str
    # class folder -> printed name, in the order of the paper
    classes: dict[str, Name]
    # where the label of each image is, if not in the name of its folder
    table: Table | None = None
    # many: an image may have several of the classes, or none
    labels: Literal["one", "many"] = "one"
    # folders that {part} may be, or parts that the table names: train first, test last; between them validation, where
    # the data set has one of its own
    parts: list[str] = []
    # how the paper made its own split: lib.data.splits
    published_split: Literal["folders", "call", "random"] | None = None
    # owner/name
    kaggle: str | None = None
    # the address of its archive, if not on Kaggle
    url: str | None = None
    # the name of its class in torchvision.datasets
    torchvision: str | None = None
    # which set of MedMNIST it is, if it is one
    medmnist: MedMNIST | None = None
    # the file's name in the folder of archives, if not <name>.zip
    archive: str | None = None
    # where its images are, from the project's root, if not in an archive
    folder: str | None = None
    # the kind of drawing, if it is drawn by lib.data.phantoms
    draw: Literal["blood", "brain"] | None = None
    # the paper's data set that this one stands in for
    like: str | None = None
    # what a reader of its scores must know
    note: str = ""
    # members that are the photographs which the images were made from
    originals: str | None = None
    # members outside the study that are known photographs
    check: Check | None = None
    # whether images that look alike are one piece of evidence (not where all images look alike)
    near_duplicates: bool = True
    # whether an image may carry two labels: a file that stands in two classes, a text of several labels as a class
    two_labels: bool = False
    # whether deep grey values are shown on one scale for all images, and transparent parts as white; off, as for the
    # committed data sets: each image by itself, and whatever lies under transparency
    one_scale: bool = False
    # the member that holds the mask of the image {name}, where the truth is known
    masks: str | None = None
    # of its images, as its authors state it
    licence: str = ""
    # whom a page that shows its images names
    attribution: str = ""
    # whether a report may show its images (only with a licence that allows it)
    pictures: bool = False

    @property
    def labels_in_order(self) -> list[str]:
        """The printed names, each once: several folders may hold one class."""
        return list(dict.fromkeys(self.classes.values()))

    @property
    def phrase(self) -> str:
        """The title as it stands within a sentence: its first letter small, unless its first word has more capitals."""
        first = self.title.split(" ")[0]
        return self.title[:1].lower() + self.title[1:] if first[1:] == first[1:].lower() else self.title

    @property
    def credit(self) -> str:
        """Attribution and licence as a sentence; empty where neither is known."""
        known_ones = [text for text in [self.attribution, self.licence] if text]
        return f"Images: {'; licence '.join(known_ones)}." if known_ones else ""

    def origin(self, archive: str) -> str:
        """Where the images come from, as part of a sentence; `archive`: the name of the archive's file."""
        if self.draw:
            return "drawn by `lib/data/phantoms` with the seed of the study"
        if self.torchvision:
            return f"torchvision's `{self.torchvision}`"
        if self.medmnist:
            return f"MedMNIST's `{self.medmnist.name}`"
        if self.kaggle:
            return f"in the layout of Kaggle's `{self.kaggle}`"
        if self.url:
            return self.url
        if self.folder:
            return "a folder of your own"
        return f"the archive `{archive}`"


def folder() -> Path:
    """The folder of the entries, one file each."""
    return strict.ROOT / "params" / "datasets"


def names() -> list[str]:
    """Every data set that a study may name: the names of the files."""
    return sorted(path.stem for path in folder().glob("*.yaml"))


def entry(name: str) -> Dataset:
    """The entry of a data set. StudyError: there is no such file, or it is not right."""
    path = folder() / f"{known(name, names(), 'data set')}.yaml"
    return validated(Dataset, read_yaml(path), f"params/datasets/{path.name}")
