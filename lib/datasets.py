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

from lib.archives import open_archive, quiet
from lib.catalogue import Dataset
from lib.decoding import SUFFIXES, decode
from lib.errors import StudyError
from lib.many import SEPARATOR

UNREADABLE = (OSError, ValueError, SyntaxError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
UNREADABLE += (
    Image.DecompressionBombError,
    AttributeError,
    TypeError,
)  # the last two of pydicom: no picture, or an empty header
COLUMNS = ["path", "label", "published_part", "source"]


def members(archive, entry: Dataset) -> pd.DataFrame:
    """The archive's images: path, label, published_part, and source (whose, or of which photograph; empty if nobody says so).

    Sorted by class, then path. StudyError: a class, or a part of one, has no image (missing or empty folder, or another archive).
    """
    table = listed(archive, entry) if entry.table else matched(archive, entry)
    require_every_class(table, entry, Path(archive.filename).name)
    order = {label: i for i, label in enumerate(entry.classes.values())}
    first = table.label.map(lambda label: order[label.split(SEPARATOR)[0]])
    return table.assign(first=first).sort_values(["first", "label", "path"], ignore_index=True).drop(columns="first")


def matched(archive, entry: Dataset) -> pd.DataFrame:
    """Images by the catalogue's pattern, in which * is anything but a slash, and ** anything; of a folder only files with an image's suffix."""
    groups = {"{label}": ("label", entry.classes), "{part}": ("part", entry.parts)}
    pattern = re.escape(entry.images).replace(r"\*\*", ".+").replace(r"\*", "[^/]+")
    for field, (group, names) in groups.items():
        pattern = pattern.replace(re.escape(field), f"(?P<{group}>{'|'.join(map(re.escape, names))})")
    names = [name for name in archive.namelist() if not entry.folder or name.lower().endswith(SUFFIXES)]
    found = [m for m in map(re.compile(pattern).fullmatch, names) if m]
    rows = [(m[0], entry.classes[m["label"]], m.groupdict().get("part", ""), "") for m in found]
    return pd.DataFrame(rows, columns=COLUMNS)


def listed(archive, entry: Dataset) -> pd.DataFrame:
    """Images by a table in the archive; rows with another label than the catalogue's are no part of the data set.

    StudyError: no such table, columns that lack, images that stand twice with different labels or that the archive does not hold.
    """
    table = read_table(archive, entry.table.file)
    columns = [name for name in [entry.table.path, entry.table.label, entry.table.source, entry.table.part] if name]
    if lacking := [name for name in columns if name not in table]:
        raise StudyError(f"{entry.table.file} has no column {', '.join(lacking)}: it has {', '.join(table.columns)}")
    if entry.table.part:
        table = table[table[entry.table.part].isin(list(entry.table.parts))]
    said = table[entry.table.label].map(partial(names, entry))
    table, said = table[said != ""], said[said != ""]
    found = pd.DataFrame({
        "path": [entry.images.replace("{path}", inside(archive, entry, name)) for name in table[entry.table.path]],
        "label": said.to_list(),
        "published_part": table[entry.table.part].map(entry.table.parts).to_list() if entry.table.part else "",
        "source": table[entry.table.source].to_list() if entry.table.source else "",
    })  # fmt: skip
    found = found.assign(source=one_name(found)).drop_duplicates(COLUMNS[:3], ignore_index=True)
    have = set(archive.namelist())
    for wrong, what in [
        (found.path.duplicated(), "stand twice with different labels or parts"),
        (~found.path.isin(have), "are not there"),
    ]:
        if wrong.any():
            named = ", ".join(found.path[wrong].head(5))
            raise StudyError(f"{wrong.sum()} images of {entry.table.file} {what}: {named}; mend the table")
    return found


def inside(archive, entry: Dataset, name: str) -> str:
    """A table's name for an image as the archive has it: of a folder, below it, however the path to it is written."""
    if not entry.folder:
        return name
    top = Path(archive.filename).resolve()
    path = Path(os.path.normpath(top / name.replace("\\", "/")))
    return path.relative_to(top).as_posix() if path.is_relative_to(top) else name


def one_name(table: pd.DataFrame) -> pd.Series:
    """The source of every row; sources that share an image are one, and get one name."""
    graph = networkx.Graph()
    graph.add_edges_from(zip("path " + table.path, "source " + table.source))
    name = {}
    for members in networkx.connected_components(graph):
        sources = sorted(member.removeprefix("source ") for member in members if member.startswith("source "))
        name |= dict.fromkeys(sources, sources[0])
    return table.source.map(name) if (table.source != "").all() else table.source


def names(entry: Dataset, cell: str) -> str:
    """What a table says of an image, in the catalogue's words; empty if it is none of its classes. Of several, in its order."""
    parts = cell.split(entry.table.separator) if entry.labels == "many" else [cell]
    return SEPARATOR.join(name for label, name in entry.classes.items() if label in parts)


def read_table(archive, name: str) -> pd.DataFrame:
    """A CSV file of an archive, every cell as text; a StudyError says what is wrong with it."""
    try:
        return pd.read_csv(io.BytesIO(archive.read(name)), dtype=str, keep_default_na=False, skipinitialspace=True)
    except KeyError:
        raise StudyError(
            f"{Path(archive.filename).name} has no {name}: is it the archive of another data set?"
        ) from None
    except ValueError as error:  # of pandas, and of text that is not UTF-8
        raise StudyError(f"{name} is no table: {error}") from None


def require_every_class(table: pd.DataFrame, entry: Dataset, archive: str) -> None:
    """A StudyError that names the classes, or folders of one, that have no image; a part that a table names may lack a class."""
    found = table.published_part if entry.table is None else ""
    rows = set(table.assign(found=found)[["label", "found"]].itertuples(index=False, name=None))
    have = {(name, part) for label, part in rows for name in label.split(SEPARATOR)}
    parts = entry.parts if entry.table is None else []
    wanted = [(folder, label, part) for folder, label in entry.classes.items() for part in parts or [""]]
    if lacking := [f"{folder} {part}".strip() for folder, label, part in wanted if (label, part) not in have]:
        raise StudyError(
            f"{archive} has no image of {', '.join(lacking)}; they are looked for at {entry.images!r}.\n"
            "  Is it the archive of another data set, or is a folder missing or empty?"
        )


def read_image(archive, size: int, crop: bool, name: str) -> tuple | str:
    """Width, height, pixels and SHA-256 of a member; or, if it does not decode, its name and why, as one string."""
    try:
        content = archive.read(name)
        return *decode(content, size, crop), hashlib.sha256(content).hexdigest()
    except StudyError:  # what is lacking is a package
        raise
    except UNREADABLE as error:
        return f"{name}: {error}"


def read_images(
    path: Path, entry: Dataset, size: int, *, skip_broken: bool = False, crop: bool = False, progress=quiet
) -> tuple[pd.DataFrame, np.ndarray, list[str]]:
    """Every image of an archive.

    Args:
        path: the archive. entry: its catalogue entry. size: px.
        crop: take the middle square of each, instead of squeezing it. skip_broken: leave out files that do not decode, instead of stopping.
        progress: wraps the images as they are read (tqdm).

    Returns:
        images.csv as a table: path, label, width, height, sha256, published_part, source;
        its pixels, (rows, size, size, 3) uint8; and the files left out, with the reason.

    Raises:
        StudyError: the archive is not whole or not this one, or files do not decode (they are named).
    """
    with open_archive(path) as archive, ThreadPoolExecutor() as pool:
        table = members(archive, entry)
        results = list(progress(pool.map(partial(read_image, archive, size, crop), table.path), total=len(table)))
    broken = [result for result in results if isinstance(result, str)]
    if broken and not skip_broken:
        shown = "\n  ".join(broken[:20] + ["..."] * (len(broken) > 20))
        cure = "mend them, or set skip_broken: true in the study"
        raise StudyError(f"{len(broken)} of {len(results)} images do not decode; {cure}:\n  {shown}")
    table = table[[not isinstance(result, str) for result in results]].reset_index(drop=True)
    require_every_class(table, entry, path.name)
    width, height, pixels, digest = zip(*(result for result in results if not isinstance(result, str)))
    table = table.assign(width=width, height=height, sha256=digest)
    return table[["path", "label", "width", "height", "sha256", "published_part", "source"]], np.stack(pixels), broken
