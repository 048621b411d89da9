"""Evaluate a result class by class, and estimate how many more images would narrow its intervals.

predictions.csv --per_class, more_needed--> tables and a number
"""

import numpy as np
import pandas as pd

from lib.evidence import auc, intervals
from lib.evidence.evaluate import Result

NARROW = 0.05  # half the width of the interval that `more_needed` aims at


def per_class(result: Result) -> pd.DataFrame:
    """One row per tested class: class, images, groups, sensitivity, the ends of its 95 % interval, and AUC.

    Sensitivity is the recall of a class; the AUC is that of the class against all others. Both are fractions, averaged
    over seeds. A class with too few groups has no interval (NaN).
    """
    classes, first = result.cell.classes, result.tables[0]
    numbers = first.groupby("label").agg(images=("path", "size"), groups=("group", "nunique"))
    met = [name for name in classes if name in numbers.index]
    rows = []
    for name in met:
        found = intervals.interval(intervals.of_class(result.counted, classes.index(name)))
        area = np.mean([auc.auc(table, [name]) for table in result.tables])
        sizes = numbers.loc[name]
        rows.append((name, sizes.images, sizes.groups, *found, area))
    return pd.DataFrame(rows, columns=["class", "images", "groups", "sensitivity", "low", "high", "auc"])


def more_needed(low: float, high: float, groups: int, half: float = NARROW) -> int:
    """The number of further groups that narrow an interval to +- `half`; its width falls as 1 / sqrt(groups).

    0 if there is no interval, since nothing can be estimated then.
    """
    if np.isnan(low):
        return 0
    now = (high - low) / 2
    return max(0, int(np.ceil(groups * ((now / half) ** 2 - 1))))
