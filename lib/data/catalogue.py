"""The catalogue, params/datasets: one file per data set says where it comes from and how it is laid out."""

from pathlib import Path
from typing import Literal

from lib import strict
from lib.strict import Key, Name, Strict, known, read_yaml, validated

# what a study's `draw` sets for each kind of drawing (lib.data.phantoms)
DRAWN = {"blood": ["seed", "photographs", "views"], "brain": ["seed", "patients"]}


class Table(Strict):
    """A CSV in the archive that labels the images: the name of the file, and the meaning of its columns."""

    file: str
    # column: the image; it replaces {path} in `images`
    path: str
    # column: its class; with several labels per image, the classes
    label: str
    # between the classes of an image that has several
    separator: str = ", "
    # column: the patient or photograph that the image comes from
    source: str | None = None
    # column: how the image was taken; page 03 asks how well this alone predicts the label
    view: str | None = None
    # column: its value gives the image's part
    part: str | None = None
    # value in that column -> name of the part; rows with any other value are left out
    parts: dict[str, str] = {}
    # text in the label's column of an image of none of the classes; without it these images are left out
    none: str | None = None


class MedMNIST(Strict):
    """A data set of MedMNIST (Yang et al. 2023), by its name in that collection; lib.data.medmnist reads it."""

    name: Key
    # number of the collection's record at zenodo.org
    record: int
    task: Literal["binary-class", "multi-class", "ordinal-regression", "multi-label, binary-class"]
    # side of the images, px -> MD5 of the official file
    md5: dict[int, str]


class Check(Strict):
    """Pictures that test the grouping: according to the archive, the photographs behind one part's images."""

    # pattern of their names
    images: str
    # the part with images made from them
    part: str


class Dataset(Strict):
    """A file of params/datasets: where a data set comes from and how it is laid out."""

    # capitalised, as at the beginning of a sentence
    title: Name
    # pattern of the images' names in the archive, with {label} and, if there are parts, {part}
    images: str
    # class folder -> printed name, in the order of the paper
    classes: dict[str, Name]
    # the table of labels; without it the folder's name is the label
    table: Table | None = None
    # many: an image may have several of the classes, or none
    labels: Literal["one", "many"] = "one"
    # values of {part}, or parts that the table names: train first, test last, validation between them if there is one
    parts: list[str] = []
    # how the paper made its own split: lib.data.splits
    published_split: Literal["folders", "call", "random"] | None = None
    # owner/name
    kaggle: str | None = None
    # address of its archive, if it is not on Kaggle
    url: str | None = None
    # the name of its class in torchvision.datasets
    torchvision: str | None = None
    # its entry in MedMNIST, if it has one
    medmnist: MedMNIST | None = None
    # the file's name in the folder of archives, if not <name>.zip
    archive: str | None = None
    # where its images are, from the project's root, if not in an archive
    folder: str | None = None
    # the kind of drawing, if it is drawn by lib.data.phantoms
    draw: Literal["blood", "brain"] | None = None
    # the paper's data set that this one stands in for
    like: str | None = None
    # a warning to readers of its scores
    note: str = ""
    # pattern of the members that are the photographs from which the images were made
    originals: str | None = None
    # known photographs outside the study, which test the grouping
    check: Check | None = None
    # whether images that look alike are grouped; false where all images look alike
    near_duplicates: bool = True
    # whether a file may be in two classes, and a text of several labels may be a class
    two_labels: bool = False
    # true: one grey scale for all images of more than 8 bits, and transparent parts white; false, as for the committed
    # data sets: a scale per image, and transparency is ignored
    one_scale: bool = False
    # the member that holds the true mask of the image {name}, if there are masks
    masks: str | None = None
    # licence of its images, as its authors state it
    licence: str = ""
    # text that a page shows with its images
    attribution: str = ""
    # whether a report may show its images; true only if the licence allows it
    pictures: bool = False

    @property
    def labels_in_order(self) -> list[str]:
        """The printed class names in order, each once, since several folders may hold one class."""
        return list(dict.fromkeys(self.classes.values()))

    @property
    def phrase(self) -> str:
        """The title within a sentence: its first letter is lower case, unless its first word holds more capitals."""
        first = self.title.split(" ")[0]
        return self.title[:1].lower() + self.title[1:] if first[1:] == first[1:].lower() else self.title

    @property
    def credit(self) -> str:
        """Attribution and licence as a sentence; empty if neither is known."""
        known_ones = [text for text in [self.attribution, self.licence] if text]
        return f"Images: {'; licence '.join(known_ones)}." if known_ones else ""

    def origin(self, archive: str) -> str:
        """Say where the images come from, as part of a sentence; `archive`: the name of the archive's file."""
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
    """Read the entry of a data set. StudyError: it does not exist, or its values are wrong."""
    path = folder() / f"{known(name, names(), 'data set')}.yaml"
    return validated(Dataset, read_yaml(path), f"params/datasets/{path.name}")
