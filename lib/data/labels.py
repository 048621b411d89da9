"""Labels as reports and tables show them: a class's printed name, and the labels of an image as one text."""

import re

import numpy as np

from lib.data.spelling import clean
from lib.strict import printable

SEPARATOR = "; "
NONE = "none"
INSTEAD = str.maketrans("<>&`$;\\", "‹›+'S,/")  # for characters that no report can show


def printed(classes: list[str]) -> dict[str, str]:
    """Make each class's name for reports: without characters of HTML and formulas, and no two alike."""
    names = {}
    for label in classes:
        plain = " ".join(re.sub(r"[<>&`$;\\\s]+", " ", clean(label)).split()) or "class"
        if plain in names.values():  # A&B beside A B
            plain = " ".join(clean(label).translate(INSTEAD).split())
        same = [name for name in names.values() if name == plain or name.startswith(f"{plain} (")]
        names[label] = printable(f"{plain} ({len(same) + 1})" if same else plain)
    return names


def joined(chosen: np.ndarray, labels: list[str]) -> list[str]:
    """(rows, labels) of 0 and 1 -> the labels of each row as one text; `none` for a row without a label."""
    texts = []
    for row in chosen:
        present = [name for name, is_present in zip(labels, row) if is_present]
        texts.append(SEPARATOR.join(present) or NONE)
    return texts


def separate(text: str) -> list[str]:
    """The labels that `joined` put into one text; an empty list for `none`.

    A class may itself be called `none`: use this on data of several labels per image only.
    """
    return [] if text == NONE else text.split(SEPARATOR)
