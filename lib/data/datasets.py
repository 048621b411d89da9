"""A catalogue entry and its archive -> a table of images and their pixels, decoded once.

archive --members--> which files are images, and of what --read_images--> images.csv + pixels.npy (the same rows, uint8)
"""

import hashlib
import json
import re
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image

from lib.data import dicom
from lib.data.archives import JUNK, open_archive, quiet
from lib.data.catalogue import Dataset
from lib.data.decoding import HEIF, bands, decode, extent, frames, patient
from lib.data.files import write
from lib.data.folders import arranged
from lib.data.hints import told_of_beginnings, told_of_patients
from lib.data.labels import NONE, SEPARATOR
from lib.data.listing import images_of
from lib.data.scales import Deep, common_scales
from lib.data.spelling import silent, visible
from lib.data.tables import FEW, FOUND, from_table
from lib.strict import StudyError

# What decoders raise on a file that is no whole image. The last two come from pydicom: no picture, or an empty header.
# NotImplementedError, of zipfile, is a RuntimeError.
UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
UNREADABLE += (Image.DecompressionBombError, AttributeError, TypeError)

COLUMNS = ["path", "label", "width", "height", "sha256", "published_part", "source"]  # of images.csv
NAMED = 20  # files that do not decode, named in the message
# first bytes of files that stand in for images
NO_IMAGES = {
    b"version https://git-lfs": "a pointer of Git LFS, not the file: git lfs pull",
    b"/annex/objects": "a pointer of git-annex, not the file: git annex get",
    b"<!doctype html": "a web page, saved in the place of an image: download it again",
    b"<html": "a web page, saved in the place of an image: download it again",
}


def members(archive, entry: Dataset, tell=silent) -> pd.DataFrame:
    """List the archive's images: path, label, published_part, source (patient or photograph; empty if unknown).

    Rows are sorted by class, then path. `tell` is called with a sentence on each omission and assumption.

    StudyError: as `require_every_class`: a folder is missing or empty, or this is another archive.
    """
    table = from_table(archive, entry, tell) if entry.table else from_names(archive, entry, tell)
    require_every_class(table, entry, Path(archive.filename).name)
    if entry.folder and (table.source == "").all():
        told_of_beginnings(table, tell)
    position = {label: i for i, label in enumerate([*entry.labels_in_order, NONE])}
    first = table.label.map(lambda label: position[label.split(SEPARATOR)[0]])
    return table.assign(first=first).sort_values(["first", "label", "path"], ignore_index=True).drop(columns="first")


def from_names(archive, entry: Dataset, tell=silent) -> pd.DataFrame:
    """List the images by the catalogue's pattern of their names: * is anything but a slash, ** is anything.

    In a user's own folder, a file counts if its suffix or first bytes are an image's. If no name fits, the pattern is
    tried again without regard to letter case, and below one more folder, which some programs put around an archive.
    """
    pattern = re.escape(entry.images).replace(r"\*\*", ".+").replace(r"\*", "[^/]+")
    for field, choices in {"label": entry.classes, "part": entry.parts}.items():
        group = f"(?P<{field}>{'|'.join(map(re.escape, choices))})"
        pattern = pattern.replace(re.escape("{" + field + "}"), group)
    names = archive.namelist()
    if len(set(names)) < len(names):
        tell(f"{len(names) - len(set(names))} members are in the archive twice: the last of each counts")
    names = images_of(archive, tell) if entry.folder else [name for name in dict.fromkeys(names) if not JUNK(name)]
    if entry.folder:
        arranged(archive, names, tell)
    matches = [re.fullmatch(pattern, name, re.DOTALL) for name in names]
    for around in ["", "[^/]+/"] if not entry.folder else []:
        if not any(matches):
            matches = [re.fullmatch(around + pattern, name, re.DOTALL | re.IGNORECASE) for name in names]
            if found := next(filter(None, matches), None):
                tell(f"the images have other names than in the catalogue, for example {visible(found.string)}")
    classes, parts = ({name.lower(): name for name in names} for names in [entry.classes, entry.parts])
    rows = []
    for match in filter(None, matches):
        found = match.groupdict()
        part = parts[found["part"].lower()] if "part" in found else ""
        folder = found["label"] if found["label"] in entry.classes else classes[found["label"].lower()]
        rows.append((match.string, entry.classes[folder], part, ""))
    return pd.DataFrame(rows, columns=FOUND)


def require_every_class(table: pd.DataFrame, entry: Dataset, archive: str, broken: list[str] = ()) -> None:
    """StudyError: a class has no image or, if folders are the parts, no image in one of them.

    `broken`: files that do not decode, with the reason of each.
    """
    parts_by_folder = entry.parts if entry.table is None else []
    present = set()
    for label, part in zip(table.label, table.published_part):
        for name in label.split(SEPARATOR):
            present.add((name, part if parts_by_folder else ""))
    lacking = {}
    for folder, label in entry.classes.items():
        for part in parts_by_folder or [""]:
            if (label, part) not in present:
                lacking.setdefault((label, part), f"{folder} {part}".strip())
    if not lacking:
        return
    if broken:
        by_reason: dict[str, list[str]] = {}
        for line in broken:
            name, _, why = line.partition(": ")
            by_reason.setdefault(why, []).append(name)
        reasons = "".join(
            f"\n  {', '.join(names[:3])}{', ...' if len(names) > 3 else ''} ({len(names)}): {why}"
            for why, names in list(by_reason.items())[:NAMED]
        )
        raise StudyError(
            f"{archive} has no image of {', '.join(lacking.values())} that can be read;"
            f" {len(broken)} files do not decode:{reasons}"
        )
    raise StudyError(
        f"{archive} has no image of {', '.join(lacking.values())}; the pattern of its images is {entry.images!r}.\n"
        "  Is it the archive of another data set, or is a folder missing or empty?"
    )


class Read(NamedTuple):
    """A decoded member: pixels (size, size, 3) uint8; `hidden` bands, and `pages` beyond the first, are not shown."""

    width: int  # px, of the file
    height: int
    pixels: np.ndarray
    sha256: str
    hidden: int = 0
    pages: int = 1
    patient: str = ""  # that a DICOM file names


def read_image(archive, size: int, crop: bool, scales: dict | None, is_first: bool, name: str) -> Read | Deep | str:
    """Decode a member; if that fails, return its name and the reason as one string.

    On the first of two readings with `scales`, a file that needs a scale returns the range of its values.
    """
    content = None
    try:
        content = archive.read(name)
        if scales is not None and is_first and (found := extent(content)):
            return found
        unseen = (bands(content), frames(content), patient(content)) if scales is not None else ()
        return Read(*decode(content, size, crop, scales), hashlib.sha256(content).hexdigest(), *unseen)
    except StudyError:  # a package is missing; the file may be whole
        raise
    except (*UNREADABLE, KeyError) as error:
        return f"{visible(name)}: {reason(error, content)}"


def reason(error: Exception, content: bytes | None) -> str:
    """Say in one line why a file does not decode, and what helps; `content`: None if the file itself cannot be read."""
    if isinstance(error, KeyError):
        return "the file is not there any more"
    if content == b"":
        return "the file is empty"
    for start, what in NO_IMAGES.items():
        if content and content.lstrip()[: len(start)].lower() == start.lower():
            return what
    if content and dicom.has_lost_its_preamble(content):
        return "a DICOM file without its preamble: dcmtk's dcmconv +F writes it anew"
    if isinstance(error, Image.DecompressionBombError):
        return f"{error}: cut it into tiles, or save it smaller"
    if isinstance(error, Image.UnidentifiedImageError):
        if content and content[4:12] in HEIF:
            return "a photograph in HEIC, which is not read here: save it as JPEG or PNG"
        return "no image of a kind that is read here"
    text = " ".join(str(error).split())
    if "plugins are missing" in text or "missing dependencies" in text:
        text += ": python -m pip install pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg, and run this again"
    return text or type(error).__name__


def read_images(
    path: Path,
    entry: Dataset,
    size: int,
    *,
    skip_broken: bool = False,
    crop: bool = False,
    progress=quiet,
    tell=silent,
    scales: dict | None = None,
) -> tuple[pd.DataFrame, np.ndarray, list[str]]:
    """Read every image of an archive.

    Args:
        path: the archive.
        entry: its catalogue entry.
        size: side of the pixels, px.
        skip_broken: leave out files that do not decode, instead of stopping.
        crop: take the middle square of each image, instead of squeezing it.
        progress: wraps the images as they are read (tqdm).
        tell: called with a sentence on each omission and assumption.
        scales: filled with the values shown as black and white, if the entry asks for one scale.

    Returns:
        images.csv as a table: path, label, width, height (px), sha256, published_part, source, and view if known;
        its pixels, (rows, size, size, 3) uint8; and the files left out, with the reason.

    Raises:
        StudyError: the archive is damaged or another one, or files do not decode (the message names them).
    """
    scales = {} if scales is None else scales
    with open_archive(path) as archive, ThreadPoolExecutor() as pool:
        table = members(archive, entry, tell)
        options = [archive, size, crop, scales if entry.one_scale else None]
        results = list(progress(pool.map(partial(read_image, *options, True), table.path), total=len(table)))
        deep = [row for row, result in enumerate(results) if isinstance(result, Deep)]
        if deep:
            scales |= common_scales(table.path[deep], [results[row] for row in deep], tell)
            again = pool.map(partial(read_image, *options, False), table.path[deep])
            for row, result in zip(deep, progress(again, total=len(deep))):
                results[row] = result
    is_broken = np.array([isinstance(result, str) for result in results])
    broken = [result for result in results if isinstance(result, str)]
    if broken and not skip_broken:
        shown = broken[:NAMED] + (["..."] if len(broken) > NAMED else [])
        cure = "mend them, or set skip_broken: true in the study"
        raise StudyError(f"{len(broken)} of {len(results)} images do not decode; {cure}:\n  " + "\n  ".join(shown))
    table = table[~is_broken].reset_index(drop=True)
    require_every_class(table, entry, path.name, broken)
    seen = [result for result in results if not isinstance(result, str)]
    width, height, pixels, digest, *_ = zip(*seen)
    table = table.assign(width=width, height=height, sha256=digest)
    if entry.folder or entry.one_scale:
        told_of_unseen(table.path, seen, tell)
    if entry.folder and (table.source == "").all():
        told_of_patients([one.patient for one in seen], tell)
    if entry.folder:
        told_of_two_labels(table, entry, tell)
    return table[[*COLUMNS, *(name for name in ["view"] if name in table)]], np.stack(pixels), broken


def keep_scales(folder: Path, scales: dict[str, tuple[float, float]]) -> None:
    """Write scales.json beside pixels.npy, for new images of the same data set."""
    write(folder / "scales.json", lambda part: part.write_text(json.dumps(scales), encoding="utf-8"))


def kept_scales(folder: Path, entry: Dataset) -> dict | None:
    """The scales that `decode` needs for a new image of a data set; None: its entry asks for none."""
    if not entry.one_scale:
        return None
    path = folder / "scales.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def told_of_unseen(paths, seen: list[Read], tell) -> None:
    """Tell which bands and pages of files are not shown, and which files show a single grey.

    `seen`: a Read per path.
    """
    if number := sum(one.hidden > 0 for one in seen):
        tell(f"{number} images have bands beside red, green, blue and alpha: only the first three are used")
    if number := sum(one.pages > 1 for one in seen):
        tell(f"{number} files have several pages or frames: only the first of each is seen")
    plain = [path for path, one in zip(paths, seen) if one.pixels.min() == one.pixels.max()]
    if plain:
        tell(f"{len(plain)} images are of one grey alone, as {visible(plain[0])}: are these files whole?")


def told_of_two_labels(table: pd.DataFrame, entry: Dataset, tell) -> None:
    """Tell which files are in two classes. StudyError: over 5 % do, without `two_labels`."""
    several = table.groupby("sha256").label.transform("nunique") > 1
    if not several.any():
        return
    pairs = table[several].groupby("sha256").label.agg(lambda labels: " and ".join(sorted(set(labels))))
    problem = f"{several.sum()} of {len(table)} images stand in two classes: {describe(pairs)}"
    if several.mean() > FEW and not entry.two_labels:
        raise StudyError(
            f"{problem}. Was an archive unpacked twice, or are these labels of two readers? Keep one of each; or set"
            " two_labels: true in the file of params/datasets, and run this again"
        )
    tell(f"{problem}: no classifier can be right about both")


def describe(pairs: pd.Series) -> str:
    """Count pairs of classes for a message: 'no and yes (12 files), ...'."""
    return ", ".join(f"{pair} ({number} files)" for pair, number in pairs.value_counts().head(5).items())
