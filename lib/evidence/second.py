"""Compute a paired difference of two models by two other methods, to check the main interval.

predictions of both models --paired--> (seeds, groups) sums --plain_bootstrap, random_effects--> estimate, interval
"""

from typing import NamedTuple

import numpy as np
from scipy import stats

from lib.evidence.intervals import Interval
from lib.evidence.predictions import read_seeds
from lib.study import Cell

DRAWS = 2000


class Paired(NamedTuple):
    """The images that A gets right minus those that B gets right, per seed and group; and the images per group."""

    sums: np.ndarray  # (seeds, groups)
    images: np.ndarray  # (groups,)


def paired(cell: Cell, a: str, b: str) -> Paired:
    """Pair two models of a cell by seed, on the same test images. NothingTrained: a model has no result."""
    rows = []
    for one, other in zip(read_seeds(cell, a), read_seeds(cell, b)):
        one, other = one.sort_values("path"), other.sort_values("path")
        better = (one.predicted == one.label).to_numpy(float) - (other.predicted == other.label).to_numpy(float)
        groups = np.unique(one.group, return_inverse=True)[1]
        rows.append(np.bincount(groups, better))
    return Paired(np.stack(rows), np.bincount(groups))


def plain_bootstrap(data: Paired, draws: int = DRAWS) -> Interval:
    """The percentile bootstrap of groups and of seeds: no t term, no imagined images; as fractions."""
    rng = np.random.default_rng(0)
    seeds, groups = data.sums.shape
    drawn = []
    for _ in range(draws):
        counts = np.bincount(rng.integers(groups, size=groups), minlength=groups)
        of_seeds = data.sums[rng.integers(seeds, size=seeds)].mean(0)
        drawn.append(of_seeds @ counts / (data.images @ counts))
    return Interval(float(data.sums.sum() / seeds / data.images.sum()), *map(float, np.quantile(drawn, [0.025, 0.975])))


def random_effects(data: Paired) -> Interval:
    """Crossed random effects of seed and group (analysis of variance), and Satterthwaite's t interval; fractions."""
    seeds, groups = data.sums.shape
    total = data.images.sum()
    of_seed = data.sums.sum(1) / total
    estimate = of_seed.mean()
    of_group = data.sums.mean(0) - estimate * data.images
    rest = data.sums - np.outer(of_seed, data.images) - of_group
    variances = np.array(
        [
            of_seed.var(ddof=1) / seeds,
            groups / (groups - 1) * (of_group**2).sum() / total**2,
            groups / (groups - 1) * (rest**2).sum() / (seeds - 1) / seeds / total**2,
        ]
    )
    # the first two terms both contain the third, so it is subtracted once
    variance = max(variances[0] + variances[1] - variances[2], variances[:2].max())
    freedom = np.array([seeds - 1, groups - 1, (seeds - 1) * (groups - 1)])
    reach = stats.t.ppf(0.975, variance**2 / (variances**2 / freedom).sum()) * np.sqrt(variance)
    return Interval(float(estimate), float(estimate - reach), float(estimate + reach))


METHODS = {
    "bootstrap of groups and of seeds": plain_bootstrap,
    "random effects of seed and group (analysis of variance)": random_effects,
}
