"""Read the label, part and source of each image from a table.

    cells as text (lib.data.cells) --from_table--> path, label, published_part, source

In data sets of the catalogue, cells are read as they are. In a user's own folder, equal values may be spelt differently
(lib.data.spelling), and rows without an image or a single label are left out and counted.
"""

import os
import re
import unicodedata
from functools import partial
from pathlib import Path

import networkx
import pandas as pd

from lib.data.catalogue import Dataset
from lib.data.cells import read_table
from lib.data.decoding import SUFFIXES
from lib.data.labels import NONE, SEPARATOR
from lib.data.spelling import clean, folded, is_missing, is_unknown, one_spelling, silent, visible
from lib.strict import StudyError

FOUND = ["path", "label", "published_part", "source"]  # columns of `members`
# A patient with more than this share of all images, and more than this many times the median patient's, is reported.
LARGEST, MANY = 0.2, 5
FEW = 0.05  # share of the images that may have two labels; they are left out
# 1.23457E+11: its decimals, and its exponent
SCIENTIFIC = re.compile(r"[+-]?\d[.,](\d+)[eE]\+?(\d+)").fullmatch
FROM_ELSEWHERE = re.compile(r"[A-Za-z]:[\\/]|[\\/]|[a-z]+://")


def from_table(archive, entry: Dataset, tell=silent) -> pd.DataFrame:
    """List the images of a table in the archive, without rows that have none of the catalogue's labels or parts.

    Columns: FOUND, and view if the table has it.

    StudyError: the table is missing or lacks columns, an image has two labels or parts, or an image is missing.
    """
    columns = entry.table
    named = [columns.path, columns.label, columns.source, columns.part, columns.view]
    named = [name for name in dict.fromkeys(named) if name]
    table = read_table(archive, columns.file, named, tell)
    if lacking := [name for name in named if name not in table]:
        raise StudyError(f"{columns.file} has no column {', '.join(lacking)}: it has {', '.join(table.columns)}")
    if entry.folder:
        table = as_meant(archive, entry, table, tell)
    if columns.part:
        table = table[table[columns.part].isin(list(columns.parts))]
    labels = table[columns.label].map(partial(label_of, entry))
    table, labels = table[labels != ""], labels[labels != ""]

    paths = table[columns.path] if entry.folder else [entry.images.replace("{path}", p) for p in table[columns.path]]
    found = pd.DataFrame({"path": list(paths), "label": labels.to_list(), "published_part": "", "source": ""})
    if columns.part:
        found["published_part"] = table[columns.part].map(columns.parts).to_list()
    if columns.view:
        found["view"] = table[columns.view].to_list()
    if columns.source:
        found["source"] = table[columns.source].to_list()
    sources = joined_sources(found, bool(entry.folder))
    joined = found.source != sources
    if entry.folder and joined.any():
        example = f"{found.source[joined].iat[0]!r} is {sources[joined].iat[0]!r}"
        tell(f"column {columns.source!r}: values with an image in common count as one, for example {visible(example)}")
    found["source"] = sources
    cells = table[columns.label].to_list()  # as written, since a printed name lacks the mark between two labels
    found = found.assign(cell=cells).drop_duplicates(["path", "label", "published_part"], ignore_index=True)
    if entry.folder and not entry.two_labels:
        found = without_two_labels(found, columns.file, tell)
    found = found.drop(columns="cell")
    require_images(found, columns.file, archive)
    return found


def as_meant(archive, entry: Dataset, table: pd.DataFrame, tell) -> pd.DataFrame:
    """Clean a user's table: one spelling per value, paths of files, and only rows with a label and an existing image.

    If more than half of the files are missing, their rows are kept, so that `require_images` reports them.
    """
    columns = entry.table
    named = {columns.path, columns.label, columns.source}
    table = table[~table.map(is_missing).all(axis=1)].copy()
    unlabelled = table[columns.label].map(is_missing)
    if unlabelled.any():
        written = ", ".join(sorted({repr(visible(cell)) for cell in table[columns.label][unlabelled]}))
        tell(f"{unlabelled.sum()} of {len(table)} rows of {columns.file} have no label ({written}): left out")
        table = table[~unlabelled]
    spelling, sentences = one_spelling(table[columns.label], "label")
    table[columns.label] = table[columns.label].map(spelling)
    for perhaps in sorted({label for label in table[columns.label] if is_unknown(label)}):
        number = (table[columns.label] == perhaps).sum()
        sentences.append(f"label {perhaps!r} ({number} rows) is a class here: empty these cells if it is not")
    if columns.source:
        spelling, told = one_spelling(table[columns.source], columns.source)
        sentences += told
        unknown = table[columns.source].map(is_unknown)
        table[columns.source] = table[columns.source].map(spelling).map(lambda name: name).mask(unknown, "")
        if unknown.any():
            what = "images that look alike are grouped instead"
            if not unknown.all():
                what = "each of these images counts as its own source, so intervals may be too narrow"
            sentences.append(f"{unknown.sum()} of {len(table)} rows have no known {columns.source}: {what}")
        sentences += standing_out(table[columns.source], columns.source)
        sentences += rounded(table[columns.source], columns.source)
    if others := [name for name in table if name not in named and not name.startswith("Unnamed: ")]:
        shown = ", ".join(map(visible, others[:8])) + (f" and {len(others) - 8} others" if len(others) > 8 else "")
        sentences.append(f"columns of {columns.file} that are not used: {shown}")
    for sentence in sentences:
        tell(sentence)
    index = names_by_spelling(archive.namelist())
    paths = table[columns.path].map(partial(path_of, archive, index))
    guessed = (paths != "") & (paths != table[columns.path].map(os.path.normpath))
    if guessed.any():
        row = table.index[guessed][0]
        example = f"{visible(table[columns.path][row])} is {visible(paths[row])}"
        if unicodedata.normalize("NFC", table[columns.path][row]) == unicodedata.normalize("NFC", paths[row]):
            example += " in another Unicode form"
        tell(f"{guessed.sum()} of {len(table)} paths of {columns.file} are spelt differently from the files: {example}")
    absent = paths == ""
    if outside := [cell for cell in table[columns.path][absent] if is_outside(archive, cell)]:
        cure = "move the table into a folder that holds all images"
        tell(f"{len(outside)} images of {columns.file} lie outside of its folder, as {visible(outside[0])}: {cure}")
    if absent.any() and absent.mean() <= 0.5:
        names = ", ".join(map(visible, table[columns.path][absent].head(5)))
        tell(f"{absent.sum()} of {len(table)} rows of {columns.file} name files that are not there: left out: {names}")
        table, paths = table[~absent], paths[~absent]
    return table.assign(**{columns.path: paths.where(paths != "", table[columns.path])})


def is_outside(archive, cell: str) -> bool:
    """Whether a table's cell names an existing file outside the folder of the table."""
    top = Path(archive.filename).resolve()
    path = Path(os.path.normpath(top / cell.strip().replace("\\", "/").replace("\0", "")))
    return not path.is_relative_to(top) and os.path.isfile(path)


def standing_out(sources: pd.Series, what: str) -> list[str]:
    """A sentence on a source with so many images that its name may stand for unknown ones; else empty."""
    number = sources[sources != ""].value_counts()
    if len(number) < 3 or number.iloc[0] <= max(LARGEST * len(sources), MANY * number.median()):
        return []
    problem = f"{what} {number.index[0]!r} has {number.iloc[0]} of {len(sources)} images, others {number.median():g}"
    return [f"{problem} (median): empty these cells if it means that the {what} is not known"]


def rounded(sources: pd.Series, what: str) -> list[str]:
    """A sentence on numbers that a spreadsheet has rounded, like 1.23457E+11, so that several may look like one."""
    found = [text for text in sources if (match := SCIENTIFIC(text)) and len(match[1]) < int(match[2])]
    if not found:
        return []
    problem = f"{len(found)} rows have a {what} that a spreadsheet has rounded, for example {found[0]!r}"
    return [f"{problem}: different ones may count as one; write the column as text"]


def names_by_spelling(names: list[str]) -> dict[str, set[str]]:
    """Map spellings of a file's name in a table (other case or Unicode form, without suffix) to the files so named.

    A key that begins with a slash stands for files of that name in any folder.
    """
    index: dict[str, set[str]] = {}
    for name in names:
        whole = folded(name)
        without = whole.rpartition(".")[0] if whole.endswith(SUFFIXES) else whole
        alone = {f"/{key.rpartition('/')[2]}" for key in [whole, without]}
        for key in {name, whole, without, *alone}:
            index.setdefault(key, set()).add(name)
    return index


def path_of(archive, index: dict[str, set[str]], cell: str) -> str:
    """The file below the folder that a table's cell names; empty: no file, or several.

    An absolute path, of this or another machine, is matched from its end: /home/me/scans/a/1.png is a/1.png.
    """
    text = unicodedata.normalize("NFC", cell.strip()).replace("\\", "/")
    top = Path(archive.filename).resolve()
    path = Path(os.path.normpath(top / text))
    candidates = [path.relative_to(top).as_posix()] if path.is_relative_to(top) else []
    if FROM_ELSEWHERE.match(text):
        parts = [part for part in re.split("/+", text) if part]
        candidates += ["/".join(parts[start:]) for start in range(1, len(parts))]
    elif "/" not in text:
        candidates.append(f"/{text}")
    for candidate in [cell, *candidates]:
        for key in [candidate, folded(candidate)]:
            found = index.get(key, set())
            if len(found) == 1:
                return next(iter(found))
            if found:  # several, like a/1.png and a/1.PNG
                return candidate if candidate in found else ""
    return ""


def without_two_labels(found: pd.DataFrame, file: str, tell) -> pd.DataFrame:
    """Keep the images with one label; `found.cell`: labels as the table has them.

    StudyError: over 5 % of the images have several.
    """
    single = set(found.cell.map(bare))
    several = found.cell.map(partial(names_several, single=single))
    wrong = several | (found.groupby("path").label.transform("nunique") > 1)
    if not wrong.any():
        return found
    images, of = found.path[wrong].nunique(), found.path.nunique()
    row = found[wrong].iloc[0]
    labels = " and ".join(repr(label) for label in found.cell[found.path == row.path].unique())
    problem = f"{images} of {of} images of {file} have two labels or more, for example {visible(row.path)}: {labels}"
    if images > FEW * of:
        raise StudyError(
            f"{problem}. This project learns one label per image: keep one, or delete these rows; or, if these texts"
            " are classes, set two_labels: true in the file of params/datasets and run this again"
        )
    tell(f"{problem}; they are left out")
    return found[~wrong].reset_index(drop=True)


def bare(label: str) -> str:
    """A label without quotes and the brackets of a list around it."""
    return clean(label.strip("[](){}'\" "))


def names_several(cell: str, single: set[str]) -> bool:
    """Whether a cell names several labels: a|b and a;b, or a,b and a/b where both are labels of other images.

    Args:
        single: the cells of all images, `bare`.
    """
    for mark in "|;,/+&":
        parts = [bare(part) for part in cell.strip("[](){} ").split(mark)]
        if len(parts) > 1 and all(parts) and (mark in "|;" or set(parts) <= single):
            return True
    return False


def require_images(found: pd.DataFrame, table: str, archive) -> None:
    """StudyError: the table gives an image two different labels or parts, or names an image that is missing."""
    twice = found.path.duplicated()
    absent = ~found.path.isin(set(archive.namelist()))
    for wrong, problem in [(twice, "appear twice, with different labels or parts"), (absent, "are not there")]:
        if wrong.any():
            named = ", ".join(map(visible, found.path[wrong].head(5)))
            raise StudyError(f"{wrong.sum()} images of {table} {problem}: {named}; mend the table")


def joined_sources(table: pd.DataFrame, also_where_some_are_unknown: bool) -> pd.Series:
    """The source of every row; sources that share an image are one source, with one name."""
    is_known = table.source != ""
    if not is_known.all() and not also_where_some_are_unknown:
        return table.source
    graph = networkx.Graph()
    graph.add_edges_from(zip("path " + table.path[is_known], "source " + table.source[is_known]))
    name = {"": ""}
    for nodes in networkx.connected_components(graph):
        sources = sorted(node.removeprefix("source ") for node in nodes if node.startswith("source "))
        name |= dict.fromkeys(sources, sources[0])
    return table.source.map(name)


def label_of(entry: Dataset, cell: str) -> str:
    """The label or labels in a cell, as the catalogue prints and orders them; empty: the image is left out."""
    if entry.table.none is not None and cell == entry.table.none:
        return NONE
    words = cell.split(entry.table.separator) if entry.labels == "many" else [cell]
    return SEPARATOR.join(name for folder, name in entry.classes.items() if folder in words)
