"""Test whether a printed mean F1 can go with the printed mean precision and mean recall.

The F1 of a class is the harmonic mean of its precision and recall, which is concave. So the mean F1 is at most the F1
of the means (Jensen), and smallest if as many classes as possible are at 0 or 1. This holds for any confusion matrix
and any number of labels per image.

    precision, recall, f1 as printed --bounds--> lowest, highest --attainable_f1--> attainable or not
"""

import numpy as np
import pandas as pd
import scipy

from lib.evidence.arithmetic import decimals


def harmonic(precision, recall):
    """F1 of a precision and a recall, as fractions or arrays; 0 if both are 0."""
    total = np.add(precision, recall)
    return 2 * np.multiply(precision, recall) / np.where(total > 0, total, 1)


def extreme(mean: float, classes: int) -> np.ndarray:
    """(classes,) numbers from 0 to 1 with this mean, of which all but one are 0 or 1."""
    return np.clip(mean * classes - np.arange(classes), 0, 1)


def bounds(precision: float, recall: float, classes: int) -> tuple[float, float]:
    """The smallest and largest mean F1 over `classes` classes with this mean precision and recall; fractions."""
    of_pairs = harmonic(*np.meshgrid(extreme(precision, classes), extreme(recall, classes), indexing="ij"))
    paired = scipy.optimize.linear_sum_assignment(of_pairs)
    return float(of_pairs[paired].mean()), float(harmonic(precision, recall))


def attainable_f1(table: pd.DataFrame) -> pd.DataFrame:
    """Check printed rows; one row each: dataset, model, classes, precision, recall, f1, lowest, highest, attainable.

    table: the first six columns, as printed; each score may be off by half a unit of its last decimal.
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
