"""A catalogue entry and its archive -> a table of images and their pixels, decoded once.

archive --members--> which files are images, and of what --read_images--> images.csv + pixels.npy (the same rows, uint8)
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

import networkx
import numpy as np
import pandas as pd
from PIL import Image

from lib.data.archives import open_archive, quiet
from lib.data.catalogue import Dataset
from lib.data.decoding import SUFFIXES, decode
from lib.data.labels import NONE, SEPARATOR
from lib.strict import StudyError

# What decoders raise on a file that is no whole image. The last two come from pydicom: no picture, or an empty header.
UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
UNREADABLE += (Image.DecompressionBombError, AttributeError, TypeError)

FOUND = ["path", "label", "published_part", "source"]  # columns of `members`
COLUMNS = ["path", "label", "width", "height", "sha256", "published_part", "source"]  # of images.csv
NAMED = 20  # files that do not decode, named in the message


def members(archive, entry: Dataset) -> pd.DataFrame:
    """The archive's images: path, label, published_part, and source (patient or photograph; empty where unknown).

    Rows are sorted by class, then path. StudyError: a class, or a part of one, has no image (a missing or empty folder,
    or another archive).
    """
    table = from_table(archive, entry) if entry.table else from_names(archive, entry)
    require_every_class(table, entry, Path(archive.filename).name)
    position = {label: i for i, label in enumerate([*entry.classes.values(), NONE])}
    first = table.label.map(lambda label: position[label.split(SEPARATOR)[0]])
    return table.assign(first=first).sort_values(["first", "label", "path"], ignore_index=True).drop(columns="first")


def from_names(archive, entry: Dataset) -> pd.DataFrame:
    """Images by the catalogue's pattern for their names: * is anything but a slash, ** is anything.

    In a folder, only files with the suffix of an image count.
    """
    pattern = re.escape(entry.images).replace(r"\*\*", ".+").replace(r"\*", "[^/]+")
    for field, choices in {"label": entry.classes, "part": entry.parts}.items():
        group = f"(?P<{field}>{'|'.join(map(re.escape, choices))})"
        pattern = pattern.replace(re.escape("{" + field + "}"), group)
    rows = []
    for name in archive.namelist():
        match = re.fullmatch(pattern, name)
        if match and (not entry.folder or name.lower().endswith(SUFFIXES)):
            rows.append((name, entry.classes[match["label"]], match.groupdict().get("part", ""), ""))
    return pd.DataFrame(rows, columns=FOUND)


def from_table(archive, entry: Dataset) -> pd.DataFrame:
    """Images by a table in the archive, without rows that have none of the catalogue's labels or parts.

    StudyError: there is no such table, it lacks columns, it gives an image two different labels or parts, or it names
    images that the archive does not hold.
    """
    columns = entry.table
    table = read_table(archive, columns.file)
    named = [name for name in [columns.path, columns.label, columns.source, columns.part] if name]
    if lacking := [name for name in named if name not in table]:
        raise StudyError(f"{columns.file} has no column {', '.join(lacking)}: it has {', '.join(table.columns)}")
    if columns.part:
        table = table[table[columns.part].isin(list(columns.parts))]
    labels = table[columns.label].map(partial(label_of, entry))
    table, labels = table[labels != ""], labels[labels != ""]

    paths = [path_of(archive, entry, name) for name in table[columns.path]]
    found = pd.DataFrame({"path": paths, "label": labels.to_list(), "published_part": "", "source": ""})
    if columns.part:
        found["published_part"] = table[columns.part].map(columns.parts).to_list()
    if columns.source:
        found["source"] = table[columns.source].to_list()
    found["source"] = joined_sources(found)
    found = found.drop_duplicates(["path", "label", "published_part"], ignore_index=True)
    require_images(found, columns.file, archive)
    return found


def require_images(found: pd.DataFrame, table: str, archive) -> None:
    """StudyError: the table gives an image two different labels or parts, or the archive lacks an image of it."""
    twice = found.path.duplicated()
    absent = ~found.path.isin(set(archive.namelist()))
    for wrong, problem in [(twice, "stand twice with different labels or parts"), (absent, "are not there")]:
        if wrong.any():
            named = ", ".join(found.path[wrong].head(5))
            raise StudyError(f"{wrong.sum()} images of {table} {problem}: {named}; mend the table")


def path_of(archive, entry: Dataset, name: str) -> str:
    """The archive's path of an image that a table names; in a folder, the table may also give absolute paths."""
    if entry.folder:
        top = Path(archive.filename).resolve()
        path = Path(os.path.normpath(top / name.replace("\\", "/")))
        if path.is_relative_to(top):
            name = path.relative_to(top).as_posix()
    return entry.images.replace("{path}", name)


def joined_sources(table: pd.DataFrame) -> pd.Series:
    """The source of every row, where sources that share an image count as one and get one name."""
    if (table.source == "").any():
        return table.source
    graph = networkx.Graph()
    graph.add_edges_from(zip("path " + table.path, "source " + table.source))
    name = {}
    for nodes in networkx.connected_components(graph):
        sources = sorted(node.removeprefix("source ") for node in nodes if node.startswith("source "))
        name |= dict.fromkeys(sources, sources[0])
    return table.source.map(name)


def label_of(entry: Dataset, cell: str) -> str:
    """The label or labels in a table's cell, as the catalogue prints and orders them; empty: the image is left out."""
    if entry.table.none is not None and cell == entry.table.none:
        return NONE
    words = cell.split(entry.table.separator) if entry.labels == "many" else [cell]
    return SEPARATOR.join(name for folder, name in entry.classes.items() if folder in words)


def read_table(archive, name: str) -> pd.DataFrame:
    """A CSV file of an archive, every cell as text. StudyError: it is missing, or not a table."""
    try:
        return pd.read_csv(io.BytesIO(archive.read(name)), dtype=str, keep_default_na=False, skipinitialspace=True)
    except KeyError:
        archive_name = Path(archive.filename).name
        raise StudyError(f"{archive_name} has no {name}: is it the archive of another data set?") from None
    except ValueError as error:  # of pandas, and of text that is not UTF-8
        raise StudyError(f"{name} is no table: {error}") from None


def require_every_class(table: pd.DataFrame, entry: Dataset, archive: str) -> None:
    """StudyError: classes, or folders of one, without an image. Where a table names the parts, a part may lack one."""
    parts_by_folder = entry.parts if entry.table is None else []
    present = set()
    for label, part in zip(table.label, table.published_part):
        for name in label.split(SEPARATOR):
            present.add((name, part if parts_by_folder else ""))
    lacking = []
    for folder, label in entry.classes.items():
        for part in parts_by_folder or [""]:
            if (label, part) not in present:
                lacking.append(f"{folder} {part}".strip())
    if lacking:
        raise StudyError(
            f"{archive} has no image of {', '.join(lacking)}; the pattern of its images is {entry.images!r}.\n"
            "  Is it the archive of another data set, or is a folder missing or empty?"
        )


def read_image(archive, size: int, crop: bool, name: str) -> tuple | str:
    """Width, height, pixels and SHA-256 of a member; if it does not decode, its name and the reason as one string."""
    try:
        content = archive.read(name)
        return *decode(content, size, crop), hashlib.sha256(content).hexdigest()
    except StudyError:  # a package is missing, the file may be whole
        raise
    except UNREADABLE as error:
        return f"{name}: {error}"


def read_images(
    path: Path, entry: Dataset, size: int, *, skip_broken: bool = False, crop: bool = False, progress=quiet
) -> tuple[pd.DataFrame, np.ndarray, list[str]]:
    """Every image of an archive.

    Args:
        path: the archive.
        entry: its catalogue entry.
        size: px.
        skip_broken: leave out files that do not decode, instead of stopping.
        crop: take the middle square of each image, instead of squeezing it.
        progress: wraps the images as they are read (tqdm).

    Returns:
        images.csv as a table: path, label, width, height, sha256, published_part, source;
        its pixels, (rows, size, size, 3) uint8; and the files left out, with the reason.

    Raises:
        StudyError: the archive is damaged or another one, or files do not decode (the message names them).
    """
    with open_archive(path) as archive, ThreadPoolExecutor() as pool:
        table = members(archive, entry)
        results = list(progress(pool.map(partial(read_image, archive, size, crop), table.path), total=len(table)))
    is_broken = np.array([isinstance(result, str) for result in results])
    broken = [result for result in results if isinstance(result, str)]
    if broken and not skip_broken:
        shown = broken[:NAMED] + (["..."] if len(broken) > NAMED else [])
        cure = "mend them, or set skip_broken: true in the study"
        raise StudyError(f"{len(broken)} of {len(results)} images do not decode; {cure}:\n  " + "\n  ".join(shown))
    table = table[~is_broken].reset_index(drop=True)
    require_every_class(table, entry, path.name)
    width, height, pixels, digest = zip(*(result for result in results if not isinstance(result, str)))
    table = table.assign(width=width, height=height, sha256=digest)
    return table[COLUMNS], np.stack(pixels), broken
