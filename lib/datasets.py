"""A catalogue entry -> an archive -> a table of images and their pixels, decoded once.

    archive.zip --read_images--> images.csv (one row an image) + pixels.npy (the same rows, uint8)

Images are read out of the zip; nothing is ever unpacked, so no member can be written anywhere.
"""

import hashlib
import io
import os
import re
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from lib import phantoms
from lib.catalogue import Dataset
from lib.errors import StudyError
from lib.fetch import download, from_kaggle
from lib.study import ROOT, Study

UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)


def quiet(items, **_):
    """Progress that is not shown; tqdm takes its place in a notebook."""
    return items


def archives() -> Path:
    """Where archives are looked for and kept: $STUDY_ARCHIVES (from the project's root), or data/archives."""
    return ROOT / Path(os.environ.get("STUDY_ARCHIVES") or "data/archives").expanduser()


def find_archive(name: str, entry: Dataset, draw: dict, drawn: Path, progress=quiet) -> Path:
    """The archive of a data set: drawn, or `<name>.zip` where archives are kept, or fetched from its address or Kaggle.

    Args:
        name: the data set's name in the catalogue. entry: what stands there.
        draw: arguments of the drawing function, for phantoms. drawn: where to draw them.
    """
    if entry.draw:
        phantoms.DRAW[entry.draw](drawn, **draw, progress=progress)
        return drawn
    path = archives() / f"{name}.zip"
    if path.exists():
        return path
    return download(entry.url, path, progress) if entry.url else from_kaggle(entry.kaggle, path)


def archive_path(study: Study, name: str) -> Path:
    """Where notebook 01 found or drew the archive of a study's data set."""
    return study.images(name) / "archive.zip" if study.dataset(name).draw else archives() / f"{name}.zip"


MOST_FILES, MOST_BYTES = (
    500_000,
    64 << 30,
)  # of an archive, unpacked: far more than any data set here, far less than a bomb


def open_archive(path: Path) -> zipfile.ZipFile:
    """An open zip file; a StudyError says what to do when it is not a whole, honest one."""
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        size = path.stat().st_size if path.exists() else 0
        raise StudyError(f"{path} is no whole zip file ({size} bytes: {error}): delete it and fetch it again") from None
    for name in archive.namelist():
        if name.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", name) or re.match("[A-Za-z]:", name):
            raise StudyError(f"{path} has a member that points outside of it, {name!r}: do not use this archive")
    size = sum(member.file_size for member in archive.infolist())
    if len(archive.infolist()) > MOST_FILES or size > MOST_BYTES:
        says = f"{len(archive.infolist())} files and {size} bytes unpacked, more than the {MOST_FILES} and {MOST_BYTES} allowed"
        raise StudyError(f"{path} says it holds {says}: do not use this archive")
    return archive


def members(archive: zipfile.ZipFile, entry: Dataset) -> pd.DataFrame:
    """The archive's images by the catalogue's pattern: path, label, published_part, sorted by class, then path.

    Raises:
        StudyError: a class, or a part of one, has no image (missing or empty folder, or another archive).
    """
    groups = {"{label}": ("label", entry.classes), "{part}": ("part", entry.parts)}
    pattern = re.escape(entry.images).replace(r"\*", "[^/]+")
    for field, (group, names) in groups.items():
        pattern = pattern.replace(re.escape(field), f"(?P<{group}>{'|'.join(map(re.escape, names))})")
    found = [m for m in map(re.compile(pattern).fullmatch, archive.namelist()) if m]
    rows = [(m[0], entry.classes[m["label"]], m.groupdict().get("part", "")) for m in found]
    table = pd.DataFrame(rows, columns=["path", "label", "published_part"])
    require_every_class(table, entry, Path(archive.filename).name)
    order = {label: i for i, label in enumerate(entry.classes.values())}
    return table.sort_values(
        ["label", "path"], key=lambda c: c.map(order) if c.name == "label" else c, ignore_index=True
    )


def require_every_class(table: pd.DataFrame, entry: Dataset, archive: str) -> None:
    """A StudyError that names the classes, or parts of one, that have no image."""
    have = set(zip(table.label, table.published_part))
    wanted = [(folder, label, part) for folder, label in entry.classes.items() for part in entry.parts or [""]]
    if lacking := [f"{folder} {part}".strip() for folder, label, part in wanted if (label, part) not in have]:
        raise StudyError(
            f"{archive} has no image of {', '.join(lacking)}; they are looked for at {entry.images!r}.\n"
            "  Is it the archive of another data set, or is a folder missing or empty?"
        )


def to_rgb(image: Image.Image) -> Image.Image:
    """Any mode as 8-bit RGB: 16-bit grey keeps its 8 high bits; palettes are looked up; alpha is dropped."""
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, dtype=np.float64)
        deep = image.mode.startswith("I;16") or values.max() > 255
        return Image.fromarray(np.uint8(np.clip(values / 257 if deep else values, 0, 255))).convert("RGB")
    return image.convert("RGBA").convert("RGB") if image.mode in ("P", "LA") else image.convert("RGB")


def decode(content: bytes, size: int) -> tuple[int, int, np.ndarray]:
    """A file's bytes -> width, height, and (size, size, 3) uint8: squeezed to a square, bilinear, antialiased."""
    with Image.open(io.BytesIO(content)) as image:
        return *image.size, np.asarray(to_rgb(image).resize((size, size), Image.Resampling.BILINEAR))


def read_image(archive: zipfile.ZipFile, size: int, name: str) -> tuple | str:
    """Width, height, pixels and SHA-256 of a member; or, if it does not decode, its name and why, as one string."""
    try:
        content = archive.read(name)
        return *decode(content, size), hashlib.sha256(content).hexdigest()
    except (*UNREADABLE, Image.DecompressionBombError) as error:
        return f"{name}: {error}"


def read_images(
    path: Path, entry: Dataset, size: int, *, skip_broken: bool = False, progress=quiet
) -> tuple[pd.DataFrame, np.ndarray, list[str]]:
    """Every image of an archive.

    Args:
        path: the archive. entry: its catalogue entry. size: px.
        skip_broken: leave out files that do not decode, instead of stopping.
        progress: wraps the images as they are read (tqdm).

    Returns:
        images.csv as a table: path, label, width, height, sha256, published_part;
        its pixels, (rows, size, size, 3) uint8; and the files left out, with the reason.

    Raises:
        StudyError: the archive is not whole or not this one, or files do not decode (they are named).
    """
    with open_archive(path) as archive, ThreadPoolExecutor() as pool:
        table = members(archive, entry)
        results = list(progress(pool.map(partial(read_image, archive, size), table.path), total=len(table)))
    broken = [result for result in results if isinstance(result, str)]
    if broken and not skip_broken:
        shown = "\n  ".join(broken[:20] + ["..."] * (len(broken) > 20))
        cure = "mend them, or set skip_broken: true in the study"
        raise StudyError(f"{len(broken)} of {len(results)} images do not decode; {cure}:\n  {shown}")
    table = table[[not isinstance(result, str) for result in results]].reset_index(drop=True)
    require_every_class(table, entry, path.name)
    width, height, pixels, digest = zip(*(result for result in results if not isinstance(result, str)))
    table = table.assign(width=width, height=height, sha256=digest)
    return table[["path", "label", "width", "height", "sha256", "published_part"]], np.stack(pixels), broken
