"""Can a printed F1 be the mean over classes whose precision and recall have the printed means?

The F1 of a class is the harmonic mean of its precision and recall. That mean is concave, so the mean F1 is at most that of the mean precision and
recall (Jensen), and smallest where as many classes as possible are at 0 or 1. Whatever the confusion matrix, and however many labels an image has.

    precision, recall, f1 as printed --bounds--> lowest, highest --check--> attainable or not
"""

import numpy as np
import pandas as pd
from scipy.optimize import linear_sum_assignment


def harmonic(precision, recall):
    """F1 of a class; 0 where both are 0."""
    total = np.add(precision, recall)
    return 2 * np.multiply(precision, recall) / np.where(total > 0, total, 1)


def extreme(mean: float, classes: int) -> np.ndarray:
    """(classes,) numbers of a mean, as many as possible 0 or 1: a corner of what is possible."""
    return np.clip(mean * classes - np.arange(classes), 0, 1)


def bounds(precision: float, recall: float, classes: int) -> tuple[float, float]:
    """The smallest and the largest mean F1 of so many classes, given their mean precision and recall, all as fractions."""
    of_pairs = harmonic(*np.meshgrid(extreme(precision, classes), extreme(recall, classes), indexing="ij"))
    paired = linear_sum_assignment(of_pairs)
    return float(of_pairs[paired].mean()), float(harmonic(precision, recall))


def decimals(fractions: pd.Series) -> int:
    """With how many decimals a column is printed: the most that a number of it has."""
    return max((len(f"{value:.6f}".rstrip("0").split(".")[1]) for value in fractions), default=0)


def check(table: pd.DataFrame) -> pd.DataFrame:
    """A row a printed row: dataset, model, classes, precision, recall, f1, lowest, highest, attainable.

    Args:
        table: dataset, model, classes, precision, recall, f1, as printed.
    """
    rows, half = [], {name: 0.5 * 10.0 ** -decimals(table[name]) for name in ["precision", "recall", "f1"]}
    for row in table.itertuples():
        number = row.classes
        low, _ = bounds(max(row.precision - half["precision"], 0), max(row.recall - half["recall"], 0), number)
        _, high = bounds(min(row.precision + half["precision"], 1), min(row.recall + half["recall"], 1), number)
        fits = low - half["f1"] - 1e-9 <= row.f1 <= high + half["f1"] + 1e-9
        printed = {name: getattr(row, name) for name in ["dataset", "model", "classes", "precision", "recall", "f1"]}
        rows.append({**printed, "lowest": low, "highest": high, "attainable": fits})
    return pd.DataFrame(rows)
