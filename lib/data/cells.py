"""Read tables that spreadsheets, R and databases write: bytes -> cells as text.

bytes --decoded--> text --separator of the header--> cells; names of columns without blanks around them
"""

import csv
import io
import re
from pathlib import Path

import pandas as pd

from lib.data.spelling import clean, folded, silent
from lib.strict import StudyError

SAVE = "open it in the program that wrote it, and save it as CSV (UTF-8)"
KINDS = {b"PK\3\4": "a spreadsheet", b"\xd0\xcf\x11\xe0": "an old spreadsheet", b"%PDF": "a PDF file"}
RENAME = (
    "its first line must name the columns, separated by commas: path (the file), label (the class) and, if known,"
    " patient"
)
# A column of one of these names, also Patient or patient_id, names the source of each image; the first one counts.
SOURCES = ["patient", "subject", "participant", "photograph", "group"]
# endings that such a name may have: patient_id, PatientID, Patient number
NUMBER = re.compile(r"[ _-]?(id|ids|no|nr|number|name|code|key)[.:]?$")


def read_table(archive, name: str, needed: list[str] = (), tell=silent) -> pd.DataFrame:
    """Read a table of an archive: every cell as text, column names without blanks around them.

    Separators may be commas, semicolons, tabs or bars; the encoding UTF-8, UTF-16 or Windows' cp1252 (`tell` says so).

    Args:
        needed: column names; the first separator that finds them all in the header is taken.
        tell: called with a sentence on each assumption.

    StudyError: the table is missing, cannot be read, or has one of these names twice; the message says what to do.
    """
    try:
        content = archive.read(name)
    except KeyError:
        archive_name = Path(archive.filename).name
        raise StudyError(f"{archive_name} has no {name}: is it the archive of another data set?") from None
    text = decoded(content, name, tell)
    lines = text.lstrip("\r\n").splitlines()
    if lines and lines[0].lower().startswith("sep="):  # Excel's own first line
        text, lines = text.lstrip("\r\n")[len(lines[0]) :], lines[1:]
    header = next((line for line in lines if line.strip()), "")
    separator = next((mark for mark in ",;\t|" if has_columns(header, mark, needed)), ",")
    if separator != ",":
        tell(f"{name}: columns are separated by {'tabs' if separator == chr(9) else repr(separator)}")
    require_once(header, separator, needed, name)
    try:
        table = pd.read_csv(
            io.StringIO(text), sep=separator, dtype=str, keep_default_na=False, skipinitialspace=separator != "\t"
        )
    except ValueError as error:  # of pandas
        raise StudyError(f"{name} cannot be read as a table: {str(error).strip()}; mend that line, or {SAVE}") from None
    if not isinstance(table.index, pd.RangeIndex):  # rows have more cells than the header
        table = without_more_cells(table, name, tell)
    return table.rename(columns=clean)


def without_more_cells(table: pd.DataFrame, name: str, tell=silent) -> pd.DataFrame:
    """Take the cells of rows that are longer than the header: after them if those are empty, else before them.

    Lines may end with separators that the header lacks; R writes the name of each row first, without a column's name.

    table: as pandas reads it, with the first cells of each row as its index.
    """
    more = table.index.nlevels
    if (table.iloc[:, -more:] == "").all(axis=None):
        return table.reset_index().iloc[:, : table.shape[1]].set_axis(table.columns, axis=1)
    what = "a cell" if more == 1 else f"{more} cells"
    tell(f"{name}: rows have {what} more than the header: what comes first in a row is taken as its name")
    return table.reset_index(drop=True)


def decoded(content: bytes, name: str, tell=silent) -> str:
    """Decode the text of a file. StudyError: it is a spreadsheet, or neither UTF-8 nor UTF-16 nor cp1252."""
    for start, kind in KINDS.items():
        if content.startswith(start):
            raise StudyError(f"{name} is {kind}, not a CSV file: {SAVE}")
    if content.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        encodings = ["utf-32"]
    elif content.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    elif b"\0" in content[:200]:
        encodings = ["utf-16-le" if content[1:2] == b"\0" else "utf-16-be"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if encoding == "cp1252":
            odd = sorted(set(text) - set(map(chr, range(128))))
            tell(f"{name} is not UTF-8: read as Windows cp1252, in which it has the letters {' '.join(odd[:20])}")
        return text
    raise StudyError(f"{name} cannot be read as a table: its text is not in UTF-8, UTF-16 or cp1252; {SAVE}")


def has_columns(header: str, separator: str, needed: list[str]) -> bool:
    """Whether a header has all the columns; letter case and blanks around names do not count."""
    return set(names_in(header, separator)) >= {folded(name) for name in needed}


def names_in(header: str, separator: str) -> list[str]:
    """The names of columns in a header, `folded`."""
    return [folded(cell) for cell in next(csv.reader([header], delimiter=separator, skipinitialspace=True), [])]


def require_once(header: str, separator: str, needed: list[str], file: str) -> None:
    """StudyError: a header has one of the names twice; pandas would rename the second without a word."""
    names = names_in(header, separator)
    if twice := [name for name in needed if names.count(folded(name)) > 1]:
        raise StudyError(
            f"{file} has {names.count(folded(twice[0]))} columns called {twice[0]}: delete or rename all but one"
        )


def column(table: pd.DataFrame, name: str, file: str) -> str:
    """The table's own spelling of a column's name. StudyError: no column has this name, or two have."""
    found = [other for other in table if folded(other) == folded(name)]
    if not found:
        raise StudyError(f"{file} has no column {name}: it has {', '.join(table.columns)}; {RENAME}")
    if len(found) > 1:
        raise StudyError(f"{file} has the columns {' and '.join(found)}: delete or rename all but one of them")
    return found[0]


def source_column(table: pd.DataFrame, file: str) -> str | None:
    """The column of SOURCES that names the source of each image; None: the table has none.

    StudyError: two of these columns, for instance patient and patient_id, group the images in different ways.
    """
    spelt: dict[str, list[str]] = {}
    for name in table:
        spelt.setdefault(NUMBER.sub("", folded(name)), []).append(name)
    found = next((spelt[name] for name in SOURCES if name in spelt), [])
    if len(set(found)) < len(found) or len({tuple(pd.factorize(table[name])[0]) for name in found}) > 1:
        raise StudyError(f"{file} has the columns {' and '.join(found)}: delete or rename all but one of them")
    return found[0] if found else None
