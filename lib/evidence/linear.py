"""The interval of a mean over images from 0 to 1, as an AUC is, over groups and seeds, without a bootstrap.

what each image adds to the mean, in groups --of_groups--> its variance over groups of images
estimates of the seeds                      --of_seeds---> its variance over seeds --interval--> ends

The variance over groups is cluster-robust: that of the sums of what a group's images add to the mean (for the AUC:
Obuchowski 1997, after DeLong et al. 1988). Student's t takes the degrees of freedom of Satterthwaite (1946) over the
classes' groups. The distances for groups and for seeds add as squares. The ends are set on the logit scale, so that
a mean near 1 has more room below than above, and no end leaves the range from 0 to 1.
"""

from typing import NamedTuple

import numpy as np
import scipy

from lib.evidence import mover
from lib.evidence.intervals import Interval


class Spread(NamedTuple):
    """A variance and its degrees of freedom."""

    variance: float
    freedom: float


def of_groups(added: np.ndarray, stratum: np.ndarray, group: np.ndarray) -> Spread:
    """The variance over groups of the mean over seeds, without the part that seeds do not share.

    That part is already in the differences between the seeds' means.

    Args:
        added: (seeds, rows) what each image adds to the mean. stratum, group: (rows,) numbers; groups vary within
            their stratum.
    """
    cells, row = np.unique(stratum * (group.max() + 1) + group, return_inverse=True)
    within = cells // (group.max() + 1)
    summed = np.stack([np.bincount(row, one, len(cells)) for one in added])
    number = np.bincount(within)[within]
    summed -= np.stack([np.bincount(within, one)[within] for one in summed]) / number
    factor = number / np.maximum(number - 1, 1)
    mean = summed.mean(0)
    per_stratum = np.bincount(within, factor * mean**2)
    variance = per_stratum.sum()
    freedom = variance**2 / (per_stratum**2 / np.maximum(np.bincount(within) - 1, 1)).sum() if variance else 1.0
    if len(added) > 1:
        own = (factor * (summed - mean) ** 2).sum(1).mean() / (len(added) - 1)
        variance = max(variance - own, 0.0)
    return Spread(float(variance), float(freedom))


def of_seeds(estimates: np.ndarray) -> Spread:
    """The variance over seeds of their mean; 0 with one seed."""
    number = len(estimates)
    return Spread(float(estimates.var(ddof=1) / number), number - 1) if number > 1 else Spread(0.0, 1.0)


def reach(groups: Spread, seeds: Spread) -> float:
    """Half the width of the 95 % interval, before the logit."""
    tail = 0.025
    parts = [scipy.stats.t.isf(tail, groups.freedom) ** 2 * groups.variance]
    parts.append(mover.student(tail, seeds.freedom) ** 2 * seeds.variance)
    return float(np.sqrt(sum(parts)))


def end(share: float, distance: float) -> float:
    """The end of an interval at a distance from a mean (negative: below), set on the logit scale; 0 to 1."""
    slope = share * (1 - share)
    return float(scipy.special.expit(scipy.special.logit(share) + distance / slope)) if slope > 0 else share


def interval(estimates: np.ndarray, groups: Spread, lucky: float = 0.0) -> Interval:
    """The mean over seeds with the ends of its 95 % interval.

    Args:
        estimates: (seeds,), 0 to 1. groups: from `of_groups`. lucky: by how much the mean is lowered for the lower end.
    """
    estimate, distance = float(estimates.mean()), reach(groups, of_seeds(estimates))
    return Interval(estimate, end(estimate - lucky, -distance), end(estimate, distance))
