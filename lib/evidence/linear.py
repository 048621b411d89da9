"""The interval of a share that is a mean over images, such as an AUC: groups and seeds, without drawing any of them.

what each image adds to the mean, in groups --of_groups--> its variance over groups of images
estimates of the seeds                      --of_seeds---> its variance over seeds --interval--> ends

Groups of a class that weigh as one another would move the mean by the sum of what their images add to it: the
cluster-robust variance (for the AUC: Obuchowski 1997, after DeLong et al. 1988), with Student's t of as many degrees of
freedom as the classes' groups give together (Satterthwaite 1946). The two reaches add as squares on the logit scale,
where a share near 1 has more room below it than above, and no end leaves the range from 0 to 1.
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
    """How the mean over seeds varies from groups to other groups, as far as all seeds share it.

    What seeds have of their own is part of how their means differ, and is left out here.

    Args:
        added: (seeds, rows) what each image adds to the mean. stratum, group: (rows,) numbers; groups stand for others
            of their stratum.
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
    """How the mean over seeds varies from seeds to others; no variance where there is one."""
    number = len(estimates)
    return Spread(float(estimates.var(ddof=1) / number), number - 1) if number > 1 else Spread(0.0, 1.0)


def reach(groups: Spread, seeds: Spread) -> float:
    """How far the 95 % interval reaches to a side, before the logit."""
    tail = 0.025
    parts = [scipy.stats.t.isf(tail, groups.freedom) ** 2 * groups.variance]
    parts.append(mover.student(tail, seeds.freedom) ** 2 * seeds.variance)
    return float(np.sqrt(sum(parts)))


def end(share: float, distance: float) -> float:
    """Where the interval of a share ends that reaches so far (negative: to below), on the logit scale."""
    slope = share * (1 - share)
    return float(scipy.special.expit(scipy.special.logit(share) + distance / slope)) if slope > 0 else share


def interval(estimates: np.ndarray, groups: Spread, lucky: float = 0.0) -> Interval:
    """The share, mean over seeds, with the ends of its 95 % interval.

    Args:
        estimates: (seeds,). groups: as `of_groups` gives it. lucky: how much lower the lower end takes the share.
    """
    estimate, distance = float(estimates.mean()), reach(groups, of_seeds(estimates))
    return Interval(estimate, end(estimate - lucky, -distance), end(estimate, distance))
