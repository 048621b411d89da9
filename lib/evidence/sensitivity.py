"""What an owner of images asks of a result: how good is it for each class, where is it surely wrong, what is lacking.

predictions.csv --per_class, more_needed--> tables and a number
"""

import numpy as np
import pandas as pd

from lib.evidence import auc, intervals
from lib.evidence.evaluate import Result

NARROW = 0.05  # half of the width of an interval that `more_needed` is asked for


def per_class(result: Result) -> pd.DataFrame:
    """One row per class that is tested: class, images, groups, sensitivity with its 95 % interval, and AUC.

    Sensitivity is the share of a class's images that is recognised (recall); the AUC is of this class against all
    others. Means over seeds. No interval (NaN) for a class of too few groups.
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
    """How many more groups narrow an interval to plus or minus `half`: its width falls as one over their root.

    0 where there is no interval: so few groups say nothing of it.
    """
    if np.isnan(low):
        return 0
    now = (high - low) / 2
    return max(0, int(np.ceil(groups * ((now / half) ** 2 - 1))))
