"""Combine two sources of chance in one interval: groups by replicates, seeds by Student's t.

an Arm: replicates over groups, one estimate per seed --ends--> the 95 % interval
arms of two models --minus--> arms of the difference --ends, p_value, decidable--> interval, p value, detectable size

The distances of the ends of two independent intervals from their estimates add up as squares, each side by itself
(MOVER, "method of variance estimates recovery": Zou and Donner 2008). Replicates keep the seeds fixed. The t term has
k - 1 degrees of freedom, and Welch's if two models have different seeds. The part of the replicates' variance that
seeds do not share is already in the differences between seeds, so it is removed from the replicates.
"""

from typing import NamedTuple

import numpy as np
import scipy

POWER = 0.8  # of `decidable`


class Arm(NamedTuple):
    """A statistic of one model (or of two, paired by seed): its value per seed, and replicates over groups."""

    seeds: tuple  # names; two models with the same names are paired
    estimates: np.ndarray  # (seeds,)
    low: np.ndarray  # (seeds, draws) replicates for the lower end, with the same draws of groups for all seeds
    high: np.ndarray  # (seeds, draws) replicates for the upper end


def minus(one: list[Arm], other: list[Arm], paired: bool = True) -> list[Arm]:
    """The arms of a difference: one paired arm if both have the same seeds (and `paired`), else the arms of both.

    The replicates of both must come from the same draws of groups, or from independent ones.
    """
    if paired and len(one) == len(other) == 1 and one[0].seeds == other[0].seeds:
        (a,), (b,) = one, other
        return [Arm(a.seeds, a.estimates - b.estimates, a.low - b.high, a.high - b.low)]
    return [*one, *(Arm(arm.seeds, -arm.estimates, -arm.high, -arm.low) for arm in other)]


def estimate(arms: list[Arm]) -> float:
    """The sum of the arms' means over seeds."""
    return float(sum(arm.estimates.mean() for arm in arms))


def of_groups(drawn: list[np.ndarray]) -> tuple[np.ndarray, float]:
    """Sum the arms' means over seeds, (draws,); and the share of its standard deviation common to all seeds, 0 to 1.

    drawn: (seeds, draws) of each arm.
    """
    total = sum(one.mean(0) for one in drawn)
    own = 0.0
    for one in drawn:
        if len(one) > 1:
            own += (one - one.mean(0)).var(1).mean() / (len(one) - 1)
    variance = total.var()
    return total, float(np.sqrt(max(variance - own, 0) / variance)) if variance > 0 else 1.0


def of_seeds(arms: list[Arm]) -> tuple[float, float]:
    """The standard error of the mean over seeds, and its degrees of freedom (Satterthwaite 1946); 0, 1 for one seed."""
    parts = [(arm.estimates.var(ddof=1) / len(arm.seeds), len(arm.seeds) - 1) for arm in arms if len(arm.seeds) > 1]
    variance = sum(part for part, _ in parts)
    if not variance > 0:
        return 0.0, 1.0
    return float(np.sqrt(variance)), float(variance**2 / sum(part**2 / freedom for part, freedom in parts))


def student(tail: float, freedom: float) -> float:
    """Student's quantile with `tail` above it; with half of `tail` for two seeds.

    Seeds are not normally distributed: a network that fails is far below the others. With two seeds that happen to be
    close together, the interval would miss the truth twice as often as it should.
    """
    return scipy.stats.t.isf(tail / 2 if freedom < 1.5 else tail, freedom)


def reaches(arms: list[Arm], tail: float) -> tuple[float, float]:
    """The distances of the replicates' quantiles below and above the estimate, as far as seeds share them."""
    middle = estimate(arms)
    below, shared_below = of_groups([arm.low for arm in arms])
    above, shared_above = of_groups([arm.high for arm in arms])
    down = max(middle - float(np.quantile(below, tail)), 0.0)
    up = max(float(np.quantile(above, 1 - tail)) - middle, 0.0)
    return down * shared_below, up * shared_above


def ends(arms: list[Arm], tail: float = 0.025) -> tuple[float, float]:
    """The ends of the interval with a probability of `tail` on either side."""
    middle, (down, up), (error, freedom) = estimate(arms), reaches(arms, tail), of_seeds(arms)
    seeds = student(tail, freedom) * error
    return middle - float(np.hypot(down, seeds)), middle + float(np.hypot(up, seeds))


def p_value(arms: list[Arm]) -> float:
    """Two-sided p value of a statistic of 0: 1 minus the level of the interval that just reaches 0; NaN without one.

    It is below 0.05 exactly if the 95 % interval excludes 0. The distance over groups scales with the normal quantile,
    the distance over seeds with Student's.
    """
    middle, (down, up), (error, freedom) = estimate(arms), reaches(arms, 0.025), of_seeds(arms)
    size, reach = abs(middle), (down if middle > 0 else up) / scipy.stats.norm.isf(0.025)

    def lacks(exponent: float) -> float:
        tail = 10**exponent / 2
        return np.hypot(reach * scipy.stats.norm.isf(tail), error * student(tail, freedom)) - size

    smallest = -12
    if np.isnan(reach):
        return np.nan
    if size == 0 or lacks(0) >= 0:
        return 1.0
    return 10**smallest if lacks(smallest) <= 0 else float(10 ** scipy.optimize.brentq(lacks, smallest, 0))


def decidable(arms: list[Arm]) -> float:
    """The smallest true difference that is detected with 80 % power: half the interval plus 0.84 standard errors."""
    low, high = ends(arms)
    groups, shared = of_groups([(arm.low + arm.high) / 2 for arm in arms])
    error = np.hypot(groups.std() * shared, of_seeds(arms)[0])
    return float((high - low) / 2 + scipy.stats.norm.ppf(POWER) * error)
