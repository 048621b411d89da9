"""How far two models are apart, or one on two data sets, as a claim asks: in points, with an interval.

finished runs --tested--> counts --apart--> (draws,) differences, estimate      several pairs --smallest--> estimate, interval, decidable
"""

from functools import cache

import numpy as np

from lib import intervals, many
from lib.compare import PRIOR, decidable, differences
from lib.intervals import Counts, counts, replicates
from lib.predictions import histories, read_seeds
from lib.schema import known
from lib.study import Study, load_study

METRICS = {  # (confusion matrices (..., classes, classes), accuracy on the training part) -> (...)
    "accuracy": lambda confusion, trained: intervals.accuracy(confusion),
    "mean recall": lambda confusion, trained: intervals.recalls(confusion).mean(-1),
    "smallest recall of a class": lambda confusion, trained: intervals.smallest_recall(confusion),
    "training minus test accuracy": lambda confusion, trained: trained - intervals.accuracy(confusion),
}


@cache
def tested(study: str, dataset: str, split: str, model: str) -> tuple[Counts, float]:
    """The test predictions of a model, counted; and its accuracy on the training part, as measured in the last epoch, mean over seeds."""
    study = load_study(study)
    entry, model = study.dataset(dataset), known(model, study.models, f"model of the study {study.study!r}")
    trained = float(histories(study, dataset, split, model).groupby("seed").train_accuracy.last().mean())
    tables, classes = read_seeds(study, dataset, split, model), list(entry.classes.values())
    return counts(*(many.as_right(tables) if entry.labels == "many" else (tables, classes))), trained


@cache
def recalled(study: str, dataset: str, split: str, model: str, opposite: bool = False) -> tuple[np.ndarray, float]:
    """The mean recall of a model whose images have several labels: replicates that pair with another's, and estimate, mean over seeds."""
    tested(study, dataset, split, model)  # says what is not trained
    of = load_study(study)
    labels, tables = list(of.dataset(dataset).classes.values()), read_seeds(of, dataset, split, model)
    estimate = float(np.mean([many.scores(table, labels)["recall"] for table in tables]))
    return many.replicates(tables, labels, prior=PRIOR, opposite=opposite)["recall"], estimate


def apart(study: Study, metric: str, one: tuple, other: tuple) -> tuple[np.ndarray, float]:
    """A metric of one (data set, split, model) minus that of another: replicates and estimate, as fractions.

    On the same images groups and seeds are drawn for both at once. The accuracy on the training part counts as known.
    """
    if metric == "mean recall" and study.dataset(one[0]).labels == "many":
        (drawn, estimate), (theirs, less) = recalled(study.study, *one), recalled(study.study, *other, opposite=True)
        return drawn - theirs, estimate - less
    (a, a_trained), (b, b_trained) = tested(study.study, *one), tested(study.study, *other)
    of_a, of_b = (lambda c, t=t: METRICS[metric](c, t) for t in (a_trained, b_trained))
    same_images = one[:2] == other[:2]
    drawn = differences(a, b, of_a, of_b) if same_images else of_a(replicates(a)) - of_b(replicates(b, rng=1))
    return drawn, float(of_a(a.confusion) - of_b(b.confusion))


def smallest(found: list[tuple[np.ndarray, float]]) -> tuple[float, float, float, float]:
    """Of several differences the smallest, in points: estimate, ends of its 95 % interval, smallest decidable size.

    All of them lie above a line if their lower ends do (Berger 1982), so the lowest of these needs no correction; that one of
    them lies below a line is found in 2.5 % of cases at most if the upper ends share the error (Bonferroni).
    """
    drawn, estimate = 100 * np.stack([draws for draws, _ in found]), 100 * min(value for _, value in found)
    low, high = np.quantile(drawn, 0.025, axis=1).min(), np.quantile(drawn, 1 - 0.025 / len(found), axis=1).min()
    seen = max(decidable(draws) for draws in drawn)
    return estimate, min(float(low), estimate), max(float(high), estimate), seen


def seeds_left(study: Study, dataset: str, split: str, models: list[str]) -> str:
    """How many seeds of which model came to an end, where not all did."""
    left = {model: len(study.finished(dataset, split, model)) for model in models}
    return "".join(
        f"; {number} of {len(study.seeds)} seeds of {model}, the others were stopped"
        for model, number in left.items()
        if number < len(study.seeds)
    )
