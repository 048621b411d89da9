"""Convert MedMNIST (Yang et al. 2023, Scientific Data 10:41): a file <name>.npz -> a zip of PNG files.

    <name>.npz --read, part by part--> images and labels --save--> <part>/<label>/<number>.png
                                                 several labels per image: <part>/<number>.png and images.csv

The package `medmnist` is not needed: `python -m tests.medmnist_entries` wrote the catalogue's entries from it.
"""

import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from lib.data.archives import quiet
from lib.data.catalogue import Dataset
from lib.data.labels import NONE, SEPARATOR
from lib.strict import StudyError

SIZES = [28, 64, 128, 224]  # px, sides of the images in the official files
ADDRESS = "https://zenodo.org/records/{record}/files/{name}?download=1"
PARTS = {"train": "train", "val": "validation", "test": "test"}  # names in the file -> in images.csv


def size_for(image_size: int) -> int:
    """The smallest official size, px, that is at least `image_size`; if none is, the largest."""
    return next((size for size in SIZES if size >= image_size), SIZES[-1])


def file_name(name: str, size: int) -> str:
    """The official name of a data set's file: pneumoniamnist.npz (28 px), pneumoniamnist_64.npz (64 px)."""
    return f"{name}.npz" if size == SIZES[0] else f"{name}_{size}.npz"


def is_official(path: Path, entry: Dataset, size: int) -> bool:
    """Whether a file has the checksum that MedMNIST states."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest() == entry.medmnist.md5[size]


def read(path: Path, entry: Dataset) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
    """Read the parts of a file, one at a time: name, images, labels.

    Yields:
        images: (images, side, side) or (images, side, side, 3) uint8.
        labels: (images, 1) class numbers; (images, classes) of 0 and 1 if an image may have several.

    StudyError: the file is damaged, or of another data set.
    """
    cure = "delete it, and this downloads it; or put MedMNIST's own file there"
    try:
        # without pickles, no code in the file is run
        file = np.load(path, allow_pickle=False)
        if not isinstance(file, np.lib.npyio.NpzFile):
            raise ValueError("it holds one array, not the arrays of an .npz file")
        with file:
            for part, printed in PARTS.items():
                images, labels = file[f"{part}_images"], file[f"{part}_labels"]
                require_layout(images, labels, len(entry.classes), several=entry.labels == "many")
                yield printed, images, labels
    except (zipfile.BadZipFile, zlib.error, OSError, EOFError, AttributeError) as error:
        raise StudyError(f"{path} is not a complete MedMNIST file ({error}): {cure}") from None
    except (KeyError, ValueError) as error:
        raise StudyError(f"{path} is not MedMNIST's {entry.medmnist.name} ({error}): {cure}") from None


def require_layout(images: np.ndarray, labels: np.ndarray, classes: int, *, several: bool) -> None:
    """ValueError: the arrays are not images and labels of a data set with `classes` classes."""
    is_square = images.ndim in (3, 4) and images.shape[1] == images.shape[2] and images.shape[3:] in ((), (3,))
    if images.dtype != np.uint8 or not is_square:
        raise ValueError(f"images are {images.dtype} {images.shape}")
    columns, highest = (classes, 1) if several else (1, classes - 1)
    if labels.dtype.kind not in "iu" or labels.shape != (len(images), columns):
        raise ValueError(f"labels are {labels.dtype} {labels.shape}, for {len(images)} images")
    if labels.size and not 0 <= labels.min() <= labels.max() <= highest:
        raise ValueError(f"labels are from {labels.min()} to {labels.max()}, not from 0 to {highest}")


def save(npz: Path, entry: Dataset, path: Path, progress=quiet) -> None:
    """Write a file of MedMNIST as a zip of PNG files, losslessly; equal files give equal bytes."""
    rows = []
    with zipfile.ZipFile(path, "w") as archive:
        for part, images, labels in read(npz, entry):
            for number, (image, label) in enumerate(zip(progress(images, desc=part), labels)):
                if entry.labels == "many":
                    name = f"{part}/{number:06}.png"
                    rows.append((name, SEPARATOR.join(map(str, np.flatnonzero(label))) or NONE, part))
                else:
                    name = f"{part}/{label[0]}/{number:06}.png"
                archive.writestr(zipfile.ZipInfo(name), as_png(image))
        if rows:
            table = pd.DataFrame(rows, columns=["path", "label", "part"])
            archive.writestr(zipfile.ZipInfo("images.csv"), table.to_csv(index=False))


def as_png(image: np.ndarray) -> bytes:
    """(side, side) or (side, side, 3) uint8 -> the bytes of a PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()
