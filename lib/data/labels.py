"""Write the labels of an image as one text, the form of images.csv and predictions.csv."""

import numpy as np

SEPARATOR = "; "
NONE = "none"


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
