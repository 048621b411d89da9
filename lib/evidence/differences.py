"""Two models on the same test images: is one better, and by how much, as far as these photographs and seeds can tell?

counts of A, counts of B --replicates with the same weights--> differences --> interval, P(A > B), smallest decidable
                         --groups swapped between A and B----> permutation test

As claims ask it, of runs: of another metric, of several pairs, or of one model on two data sets.

runs --tested--> counts --metric_difference--> (draws,) differences, estimate --smallest--> interval, in points
"""

from functools import cache, partial
from typing import NamedTuple

import numpy as np
import scipy

from lib.evidence import intervals, multilabel
from lib.evidence.intervals import Counts, accuracy, alike, counts, ends, replicates
from lib.evidence.predictions import histories, read_seeds
from lib.strict import StudyError
from lib.study import Cell

POWER = 0.8
# Imagined images that only A gets right, and as many that only B does: fewer than intervals.PRIOR imagines per model,
# since two models on one image agree more often than not.
PRIOR = 0.1


class Difference(NamedTuple):
    """A minus B."""

    estimate: float
    # ends of the 95 % interval, over groups and seeds
    low: float
    high: float
    # P(A > B): the share of the replicates in which A is better, ties by half
    better: float
    # permutation test: see `p_value`
    p_value: float
    # the smallest true difference that is detected with 80 % power
    decidable: float


def difference(a: Counts, b: Counts, metric=accuracy) -> Difference:
    """`metric`, (..., classes, classes) -> (...), of A minus that of B. StudyError: tested on different images."""
    drawn = differences(a, b, metric)
    estimate = float(metric(a.confusion) - metric(b.confusion))
    better = float((drawn > 0).mean() + (drawn == 0).mean() / 2)
    return Difference(estimate, *ends(drawn, estimate), better, p_value(a, b), decidable(drawn))


def differences(a: Counts, b: Counts, of_a=accuracy, of_b=None) -> np.ndarray:
    """(draws,): a metric of A minus that of B, as other photographs and seeds could have given it.

    of_a, of_b: the metric of either; of_b: None where it is the same. StudyError: tested on different images.
    """
    require_same_images(a, b)
    settings = {"prior": PRIOR, "kinds": alike(a, b)}
    return of_a(replicates(a, **settings)) - (of_b or of_a)(replicates(b, **settings, opposite=True))


def decidable(drawn: np.ndarray) -> float:
    """The smallest true difference that is detected with 80 % power, from draws of the difference."""
    return float((scipy.stats.norm.ppf(0.975) + scipy.stats.norm.ppf(POWER)) * drawn.std())


def require_same_images(a: Counts, b: Counts) -> None:
    """A StudyError unless both have the same classes, groups and numbers of images."""
    same = a.predicted.shape[1:] == b.predicted.shape[1:]
    if not same or not all((x == y).all() for x, y in [(a.label, b.label), (a.group, b.group), (a.images, b.images)]):
        raise StudyError("two models that were tested on different images cannot be compared: train both on one split")


def p_value(a: Counts, b: Counts) -> float:
    """Two-sided, of no difference in accuracy: in each group the two models may as well have changed places.

    It is about the networks that were trained: that other seeds would give others is in the interval, and not in here.
    """
    groups = np.unique(a.group, return_inverse=True)[1]
    # sums over seeds, not means, so that ties are ties; each times the other's number of seeds
    of_a = np.bincount(groups, len(b.predicted) * right_answers(a))
    of_b = np.bincount(groups, len(a.predicted) * right_answers(b))
    # groups in which both are equally right change nothing when the models change places
    differ = of_a != of_b
    if differ.sum() < 2:
        return 1.0
    # resamples at once: scipy holds about ten times as many numbers
    batch = max(1, 10_000_000 // int(differ.sum()))
    settings = dict(permutation_type="samples", vectorized=True, n_resamples=9999, batch=batch, rng=0)
    return float(scipy.stats.permutation_test([of_a[differ], of_b[differ]], difference_of_sums, **settings).pvalue)


def right_answers(counted: Counts) -> np.ndarray:
    """(entries,) how many images were predicted right, summed over seeds."""
    return counted.predicted.sum(0)[range(len(counted.label)), counted.label]


def difference_of_sums(x: np.ndarray, y: np.ndarray, axis: int) -> np.ndarray:
    """The statistic of the permutation test."""
    return (x - y).sum(axis)


GAP = "gap between training and test accuracy"
# a claim's name for a metric -> (confusion matrices (..., classes, classes), accuracy on the training part) -> (...)
METRICS = {
    "accuracy": lambda confusion, trained: accuracy(confusion),
    "mean recall": lambda confusion, trained: intervals.MACRO["recall"](confusion),
    "smallest recall of a class": lambda confusion, trained: intervals.smallest_recall(confusion),
    GAP: lambda confusion, trained: np.abs(trained - accuracy(confusion)),
}


@cache
def tested(cell: Cell, model: str) -> tuple[Counts, float]:
    """The test predictions, counted; and the final accuracy on the training part, mean over seeds, where recorded.

    model: of the cell's study, or one of `cell.beside`.
    """
    cell, model = cell.holder(model)
    kept = histories(cell, model).reindex(columns=["seed", "final_train_accuracy"])
    trained = float(kept.groupby("seed").final_train_accuracy.last().mean())
    tables, classes = read_seeds(cell, model), cell.classes
    if cell.multilabel:
        tables, classes = multilabel.as_right(tables)
    return counts(tables, classes), trained


@cache
def label_recall(cell: Cell, model: str, opposite: bool = False) -> tuple[np.ndarray, float]:
    """The mean recall over labels, where images have several: replicates (they pair up), and estimate."""
    # raises NothingTrained where there is no result
    tested(cell, model)
    cell, model = cell.holder(model)
    tables = read_seeds(cell, model)
    estimate = float(np.mean([multilabel.scores(table, cell.classes)["recall"] for table in tables]))
    drawn = multilabel.replicates(tables, cell.classes, prior=PRIOR, opposite=opposite)
    return drawn["recall"], estimate


def metric_difference(metric: str, one: tuple[Cell, str], other: tuple[Cell, str]) -> tuple[np.ndarray, float]:
    """A metric of one (cell, model) minus that of another: replicates and estimate, as fractions.

    On the same images groups and seeds are drawn for both at once. The accuracy on the training part counts as known.
    """
    if metric == "mean recall" and one[0].multilabel:
        (drawn, estimate), (drawn_other, estimate_other) = label_recall(*one), label_recall(*other, opposite=True)
        return drawn - drawn_other, estimate - estimate_other
    (a, trained_a), (b, trained_b) = tested(*one), tested(*other)
    of_a, of_b = partial(METRICS[metric], trained=trained_a), partial(METRICS[metric], trained=trained_b)
    same_images = one[0] == other[0]
    drawn = differences(a, b, of_a, of_b) if same_images else of_a(replicates(a)) - of_b(replicates(b, rng=1))
    return drawn, float(of_a(a.confusion) - of_b(b.confusion))


def smallest(several: list[tuple[np.ndarray, float]]) -> tuple[float, float, float, float]:
    """Of several differences the smallest, in points: estimate, ends of its 95 % interval, smallest decidable size.

    All of them lie above a line if their lower ends do (Berger 1982), so the lowest of these needs no correction; that
    one of them lies below a line is found in 2.5 % of cases at most if the upper ends share the error (Bonferroni).
    """
    drawn, estimate = 100 * np.stack([draws for draws, _ in several]), 100 * min(value for _, value in several)
    low = np.quantile(drawn, 0.025, axis=1).min()
    high = np.quantile(drawn, 1 - 0.025 / len(several), axis=1).min()
    return estimate, min(float(low), estimate), max(float(high), estimate), max(decidable(draws) for draws in drawn)
