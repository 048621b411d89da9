"""Can a printed F1 be the mean over classes whose precision and recall have the printed means?

The F1 of a class is the harmonic mean of its precision and recall. That mean is concave, so the mean F1 is at most that
of the mean precision and recall (Jensen), and smallest where as many classes as possible are at 0 or 1. This holds for
any confusion matrix, and for any number of labels per image.

    precision, recall, f1 as printed --bounds--> lowest, highest --attainable_f1--> attainable or not
"""

import numpy as np
import pandas as pd
import scipy

from lib.evidence.arithmetic import decimals


def harmonic(precision, recall):
    """F1 of a class; 0 where both are 0."""
    total = np.add(precision, recall)
    return 2 * np.multiply(precision, recall) / np.where(total > 0, total, 1)


def extreme(mean: float, classes: int) -> np.ndarray:
    """(classes,) numbers with a mean, as many as possible 0 or 1: a corner of what is possible."""
    return np.clip(mean * classes - np.arange(classes), 0, 1)


def bounds(precision: float, recall: float, classes: int) -> tuple[float, float]:
    """The smallest and largest mean F1 of so many classes, given their mean precision and recall, all as fractions."""
    of_pairs = harmonic(*np.meshgrid(extreme(precision, classes), extreme(recall, classes), indexing="ij"))
    paired = scipy.optimize.linear_sum_assignment(of_pairs)
    return float(of_pairs[paired].mean()), float(harmonic(precision, recall))


def attainable_f1(table: pd.DataFrame) -> pd.DataFrame:
    """One row per printed row: dataset, model, classes, precision, recall, f1, lowest, highest, attainable.

    table: the first six, as printed: each may be off by half a unit of its last decimal.
    """
    half = {name: 0.5 * 10.0 ** -decimals(table[name]) for name in ["precision", "recall", "f1"]}
    rows = []
    for row in table.itertuples():
        low, _ = bounds(max(row.precision - half["precision"], 0), max(row.recall - half["recall"], 0), row.classes)
        _, high = bounds(min(row.precision + half["precision"], 1), min(row.recall + half["recall"], 1), row.classes)
        fits = low - half["f1"] - 1e-9 <= row.f1 <= high + half["f1"] + 1e-9
        printed = {name: getattr(row, name) for name in ["dataset", "model", "classes", "precision", "recall", "f1"]}
        rows.append({**printed, "lowest": low, "highest": high, "attainable": fits})
    return pd.DataFrame(rows)
