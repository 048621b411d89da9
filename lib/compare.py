"""Two models on the same test images: is one better, and by how much, as far as these photographs and seeds can tell?

counts of A, counts of B --replicates with the same weights--> differences --> interval, P(A > B), smallest decidable
                          --groups swapped between A and B--> permutation test
"""

from typing import NamedTuple

import numpy as np
from scipy import stats

from lib.errors import StudyError
from lib.intervals import Counts, accuracy, alike, ends, replicates

POWER = 0.8
PRIOR = 0.1  # independent images imagined that only A gets right, and as many that only B does: less than for one model alone


class Difference(NamedTuple):
    """A minus B: estimate and 95 % interval, the chance that A is better, a permutation test, and what could have been seen."""

    estimate: float
    low: float
    high: float
    better: float  # P(A > B): share of the replicates in which A is better, ties by half
    p_value: float  # two-sided, of no difference in accuracy of these trained networks: in each group, which of the two is A is drawn anew
    decidable: float  # a true difference of this size would be told from none on four of five such test sets


def difference(a: Counts, b: Counts, metric=accuracy) -> Difference:
    """`metric`, (..., classes, classes) -> (...), of A minus that of B. StudyError: they were tested on other images."""
    drawn = differences(a, b, metric)
    estimate = float(metric(a.confusion) - metric(b.confusion))
    better = float((drawn > 0).mean() + (drawn == 0).mean() / 2)
    return Difference(estimate, *ends(drawn, estimate), better, p_value(a, b), decidable(drawn))


def differences(a: Counts, b: Counts, of_a=accuracy, of_b=None) -> np.ndarray:
    """(draws,): what a metric of A minus that of B could have been with other photographs and seeds. StudyError: other images."""
    require_same_images(a, b)
    settings = {"prior": PRIOR, "kinds": alike(a, b)}
    return of_a(replicates(a, **settings)) - (of_b or of_a)(replicates(b, **settings, opposite=True))


def decidable(drawn: np.ndarray) -> float:
    """The smallest true difference that an interval as wide as that of these replicates would tell from none, in four of five cases."""
    return float((stats.norm.ppf(0.975) + stats.norm.ppf(POWER)) * drawn.std())


def require_same_images(a: Counts, b: Counts) -> None:
    """A StudyError unless both have the same classes, groups and numbers of images."""
    same = a.predicted.shape[1:] == b.predicted.shape[1:]
    if not same or not all((x == y).all() for x, y in [(a.label, b.label), (a.group, b.group), (a.images, b.images)]):
        raise StudyError("two models that were tested on different images cannot be compared: train both on one split")


def p_value(a: Counts, b: Counts) -> float:
    """Of no difference in accuracy, two-sided: in each group the two models may as well have changed places.

    It is about the networks that were trained: that another seed would have made others is in the interval, and not in here.
    """
    groups, shares = np.unique(a.group, return_inverse=True)[1], [len(other.predicted) for other in (b, a)]
    right = [  # sums and no means, so that ties are ties
        np.bincount(groups, share * one.predicted.sum(0)[range(len(one.label)), one.label])
        for one, share in zip((a, b), shares)
    ]
    right = [one[right[0] != right[1]] for one in right]  # who changes places with its like changes nothing
    if len(right[0]) < 2:
        return 1.0
    batch = max(1, 10_000_000 // len(right[0]))  # resamples at once: scipy holds about ten times so many numbers
    settings = dict(permutation_type="samples", vectorized=True, n_resamples=9999, batch=batch, rng=0)
    return float(stats.permutation_test(right, lambda x, y, axis: (x - y).sum(axis), **settings).pvalue)
