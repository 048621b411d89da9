"""Compare two models on the same test images, with intervals over photographs and seeds.

counts of A, counts of B --contrast--> A minus B, seed by seed, by the same draws of groups --lib.evidence.mover-->
                                       interval, p
                         --p_value---> permutation test: groups swapped between A and B

Claims also ask for other metrics, several pairs, or one model on two data sets:

runs --tested--> counts --metric_difference--> arms --smallest--> interval, in percentage points
"""

from functools import cache, partial
from typing import NamedTuple

import numpy as np
import scipy

from lib.evidence import intervals, mover, multilabel
from lib.evidence.intervals import Counts, accuracy, alike
from lib.evidence.mover import Arm
from lib.evidence.predictions import histories, read_seeds
from lib.strict import StudyError
from lib.study import Cell

NEAR = 0.01  # an end closer to a line than this could lie on its other side with other random numbers
# then the verdict is computed with more draws, on three random streams
STREAMS = [{"draws": 20_000, "rng": number} for number in (1, 2, 3)]


class Difference(NamedTuple):
    """A metric of model A minus that of model B, as fractions."""

    estimate: float
    # ends of the 95 % interval, over groups and seeds
    low: float
    high: float
    # p value of no difference, over groups and seeds; below 0.05 if the interval excludes 0
    p_seeds: float
    # permutation test of the networks as trained: see `p_value`
    p_value: float
    # the smallest true difference that is detected with 80 % power
    decidable: float
    # whether three random streams agree on the side of 0 on which the interval lies
    steady: bool


def difference(a: Counts, b: Counts, metric=accuracy) -> Difference:
    """Compare a metric, (..., classes, classes) -> (...), of A and B. StudyError: tested on different images."""
    several = [contrast(a, b, metric)]
    if near(*mover.ends(several[0]), 0):
        several = [contrast(a, b, metric, **stream) for stream in STREAMS]
    first = several[0]
    steady = len({side(*mover.ends(one)) for one in several}) == 1
    tested = mover.p_value(first), p_value(a, b), mover.decidable(first)
    # fractions differ by at most 1, even if the interval of two seeds is wider
    return Difference(mover.estimate(first), *np.clip(mover.ends(first), -1, 1), *tested, steady)


def near(low: float, high: float, *lines: float) -> bool:
    """Whether an end of an interval is within NEAR of a line, so that random numbers may decide."""
    return any(abs(end - line) < NEAR for end in (low, high) for line in lines)


def side(low: float, high: float) -> int:
    """The side of 0 on which an interval lies: 1 above, -1 below, 0 if it includes 0 or is NaN."""
    return int(low > 0) - int(high < 0)


def contrast(a: Counts, b: Counts, of_a=accuracy, of_b=None, **settings) -> list[Arm]:
    """The arms of a metric of A minus that of B, with the same draws of groups, and paired seeds if both have the same.

    of_a, of_b: the metric of each; of_b=None: the same. settings: as in `intervals.arms`.
    StudyError: they were tested on different images.
    """
    require_same_images(a, b)
    settings = {"kinds": alike(a, b)} | settings
    one, other = (
        intervals.arms(counted, {"of": of}, **settings)["of"] for counted, of in [(a, of_a), (b, of_b or of_a)]
    )
    return mover.minus(one, other)


def require_same_images(a: Counts, b: Counts) -> None:
    """StudyError: the two have different classes, groups or numbers of images."""
    same = a.predicted.shape[1:] == b.predicted.shape[1:]
    if not same or not all((x == y).all() for x, y in [(a.label, b.label), (a.group, b.group), (a.images, b.images)]):
        raise StudyError("two models that were tested on different images cannot be compared: train both on one split")


def p_value(a: Counts, b: Counts) -> float:
    """Two-sided p value of no difference in accuracy: a permutation test that swaps the two models within groups.

    It concerns the trained networks only; the interval also covers what other seeds would give.
    """
    groups = np.unique(a.group, return_inverse=True)[1]
    # sums over seeds, not means, so that equal values stay equal; each times the other's number of seeds
    of_a = np.bincount(groups, len(b.predicted) * right_answers(a))
    of_b = np.bincount(groups, len(a.predicted) * right_answers(b))
    # groups in which both are equally often right do not change when the models are swapped
    differ = of_a != of_b
    if differ.sum() < 2:
        return 1.0
    # resamples at once: scipy holds about ten times as many numbers
    batch = max(1, 10_000_000 // int(differ.sum()))
    settings = dict(permutation_type="samples", vectorized=True, n_resamples=9999, batch=batch, rng=0)
    return float(scipy.stats.permutation_test([of_a[differ], of_b[differ]], difference_of_sums, **settings).pvalue)


def right_answers(counted: Counts) -> np.ndarray:
    """Count the images predicted right, summed over seeds: (entries,)."""
    return counted.predicted.sum(0)[range(len(counted.label)), counted.label]


def difference_of_sums(x: np.ndarray, y: np.ndarray, axis: int) -> np.ndarray:
    """The statistic of the permutation test: the difference of sums along an axis."""
    return (x - y).sum(axis)


SMALLEST = "smallest recall of a class"
GAP = "gap between training and test accuracy"
AREA = "AUC"  # mean over labels that enough groups have and lack: `auc.arms`
# a claim's name for a metric -> (confusion matrices (..., classes, classes), accuracy on the training part) -> (...)
METRICS = {
    "accuracy": lambda confusion, trained: accuracy(confusion),
    "mean recall": lambda confusion, trained: intervals.MACRO["recall"](confusion),
    SMALLEST: lambda confusion, trained: intervals.smallest_recall(confusion),
    GAP: lambda confusion, trained: np.abs(trained - accuracy(confusion)),
}
NAMES = [*METRICS, AREA]


@cache
def tested(cell: Cell, model: str) -> tuple[Counts, float]:
    """Count the test predictions of a model; and its final training accuracy, 0 to 1, mean over seeds, if recorded.

    model: one of the cell's study, or of `cell.beside`.
    """
    cell, model = cell.holder(model)
    kept = histories(cell, model).reindex(columns=["seed", "final_train_accuracy"])
    trained = float(kept.groupby("seed").final_train_accuracy.last().mean())
    names = [run.seed for run in cell.with_result(model)]
    return multilabel.counted(read_seeds(cell, model), cell.classes, names, several=cell.multilabel), trained


@cache
def label_recall(cell: Cell, model: str, **stream) -> list[Arm]:
    """The arms of the mean recall over labels, for images with several. NothingTrained: there is no result."""
    tested(cell, model)
    cell, model = cell.holder(model)
    names = [run.seed for run in cell.with_result(model)]
    return multilabel.arms(read_seeds(cell, model), cell.classes, names, **stream)["recall"]


def area(cell: Cell, model: str, **stream) -> list[Arm]:
    """The arm of a model's AUC, from its predicted probabilities. NothingTrained: there is no result."""
    # imported here: scipy.stats takes a second, which checking a study's claims does not need
    from lib.evidence import auc

    cell, model = cell.holder(model)
    names = [run.seed for run in cell.with_result(model)]
    return auc.arms(read_seeds(cell, model), cell.classes, names, **stream)


def metric_difference(metric: str, one: tuple[Cell, str], other: tuple[Cell, str], **stream) -> list[Arm]:
    """The arms of a metric of one (cell, model) minus that of another, as fractions.

    In one cell, both get the same draws of groups, and seeds are paired. The training accuracy is taken as exact.
    stream: draws and rng.
    """
    same_images = one[0] == other[0]
    if metric == "mean recall" and one[0].multilabel:
        return mover.minus(label_recall(*one, **stream), label_recall(*other, **stream), same_images)
    (a, trained_a), (b, trained_b) = tested(*one), tested(*other)
    if metric == AREA:
        if same_images:
            require_same_images(a, b)
        return mover.minus(area(*one, **stream), area(*other, **stream), same_images)
    of_a, of_b = partial(METRICS[metric], trained=trained_a), partial(METRICS[metric], trained=trained_b)
    each = metric == SMALLEST
    if same_images:
        return contrast(a, b, of_a, of_b, each=each, **stream)
    own = intervals.arms(a, {"": of_a}, each=each, **stream)[""]
    there = intervals.arms(b, {"": of_b}, each=each, **stream | {"rng": 1000 + stream.get("rng", 0)})[""]
    return mover.minus(own, there, paired=False)


def smallest(several: list[list[Arm]]) -> tuple[float, float, float, float]:
    """The smallest of several differences, in percentage points: estimate, ends of its 95 % interval, detectable size.

    All differences lie above a line if all lower ends do, which needs no correction (Berger 1982). The upper ends share
    the error of 2.5 % (Bonferroni).
    """
    estimate = min(mover.estimate(arms) for arms in several)
    low = np.min([mover.ends(arms)[0] for arms in several])
    high = np.min([mover.ends(arms, 0.025 / len(several))[1] for arms in several])
    decidable = np.max([mover.decidable(arms) for arms in several])
    low, high = np.clip([low, np.maximum(high, estimate)], -1, 1)
    return tuple(100 * float(value) for value in (estimate, low, high, decidable))
