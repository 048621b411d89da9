"""Intervals that count groups, not images: views of one photograph are one piece of evidence.

predictions of every seed --counts--> one row per (class, group) --replicates--> confusion matrices
  --metric, arms--> each seed's score, with replicates over groups --lib.evidence.mover--> interval

The bootstrap over groups is Bayesian (Rubin 1981): every replicate gives each group of a class a random weight, and
weights vary more the fewer groups there are. So that perfect predictions leave some doubt, and scores near 100 % are
not pulled down, a few imagined images are added: wrong ones for the lower end, right ones for the upper. If too many
classes have too few groups, there is no interval (`tells`). lib.evidence.coverage measures the coverage.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from lib.evidence import mover
from lib.evidence.mover import Arm

# imagined independent images: wrong for the lower end, right for the upper one (Jeffreys 1946; 1 would be Clopper and
# Pearson 1934)
IMAGINED = 0.5
DRAWS = 4000
PART = 1000  # draws at once
FEWEST = 4  # least number of groups of a class; a class with fewer, or most images in one, has too few
TOO_MANY = 1 / 3  # share of the classes, or of the images; if so many have too few groups, there is no interval


class Interval(NamedTuple):
    """An estimate and the ends of its 95 % interval."""

    estimate: float
    low: float
    high: float


class Counts(NamedTuple):
    """The counted predictions of every seed; an entry stands for the images of one class in one group."""

    label: np.ndarray  # (entries,) number of the true class
    group: np.ndarray  # (entries,)
    predicted: np.ndarray  # (seeds, entries, classes) how many images were predicted as each class
    names: tuple = ()  # names of the seeds

    @property
    def seeds(self) -> tuple:
        """The names of the seeds, or their numbers if they have none."""
        return self.names or tuple(range(len(self.predicted)))

    @property
    def images(self) -> np.ndarray:
        """(entries,) number of images of each entry."""
        return self.predicted[0].sum(-1)

    @property
    def confusion(self) -> np.ndarray:
        """(classes, classes) images by true and predicted class, mean over seeds."""
        return by_class(self.label, self.predicted.mean(0)[None])[0]


def counts(seeds: list[pd.DataFrame], classes: list[str], names: tuple = ()) -> Counts:
    """Count predictions (group, label, predicted): one table per seed, with the same images; names: of the seeds."""
    first, number = seeds[0], {name: index for index, name in enumerate(classes)}
    entries = pd.MultiIndex.from_frame(pd.DataFrame({"label": first.label.map(number), "group": first.group}))
    rows, distinct = pd.factorize(entries, sort=True)
    predicted = np.zeros((len(seeds), len(distinct), len(classes)))
    for seed, table in enumerate(seeds):
        np.add.at(predicted[seed], (rows, table.predicted.map(number).to_numpy()), 1)
    return Counts(*(distinct.get_level_values(level).to_numpy() for level in (0, 1)), predicted, tuple(names))


def of_class(counted: Counts, number: int) -> Counts:
    """Keep the images of one class; their accuracy is its sensitivity."""
    own = counted.label == number
    return counted._replace(label=counted.label[own], group=counted.group[own], predicted=counted.predicted[:, own])


def by_class(label: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Sum (replicates, entries, classes) over the entries of each true class: (replicates, true classes, classes)."""
    return np.einsum("ec,rep->rcp", label[:, None] == np.arange(predicted.shape[-1]), predicted)


def alike(*models: Counts) -> np.ndarray:
    """(entries,) numbers, equal for groups of a class with the same predictions by every model and seed.

    A sum of Dirichlet weights is a Dirichlet weight of a larger shape. So equal entries can share one weight, which has
    the same distribution and is faster for a test part with thousands of groups of one image.
    """
    seen = [one.predicted.transpose(1, 0, 2).reshape(len(one.label), -1) for one in models]
    rows = np.column_stack([models[0].label, *seen])
    # one number per row, by random factors; different rows have equal numbers with probability 0
    factors = np.random.default_rng(0).random(rows.shape[1])
    return np.unique(rows @ factors, return_inverse=True)[1]


def replicates(
    counted: Counts, imagined: float, draws: int, rng: np.random.Generator, kinds: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Draw confusion matrices of other groups, (seeds, draws, classes, classes), for the lower and the upper end.

    Rows keep their sums, since the class frequencies are known. All seeds get the same weights of groups; so do two
    models with equally seeded `rng` and the same `kinds`.

    Args:
        imagined: imagined independent images per class, wrong for the lower end and right for the upper one.
        kinds: from `alike`, over both models if two are paired.
    """
    seeds, _, classes = counted.predicted.shape
    weight = cautious(counted)
    made = np.zeros((2, seeds, draws, classes, classes))
    for label in np.unique(counted.label):
        entries, right = counted.label == label, (np.arange(classes) == label).astype(float)
        _, first, times = np.unique(kinds[entries], return_index=True, return_counts=True)
        drawn = dirichlet(rng, draws, times) * entries.sum()
        row = drawn @ counted.predicted[:, entries][:, first]
        more = weight * rng.gamma(imagined, size=(draws, 1))
        for side, answer in enumerate([(1 - right) / (classes - 1), right]):
            one = row + more * answer
            made[side, :, :, label] = one / one.sum(-1, keepdims=True) * counted.images[entries].sum()
    return made[0], made[1]


def few(images: np.ndarray) -> bool:
    """Whether a class has too few groups: fewer than four, or over half of its images in one; images: per group."""
    return len(images) < FEWEST or 2 * images.max() > images.sum()


def weak(counted: Counts) -> list[int]:
    """List the classes that have too few groups."""
    return [int(label) for label in np.unique(counted.label) if few(counted.images[counted.label == label])]


def tells(counted: Counts, each: bool = False) -> bool:
    """Whether an interval can be given: under a third of the classes, and of the images, have too few groups.

    each: for a score that depends on every single class, none may have too few.
    """
    found = weak(counted)
    if each or not found:
        return not found
    images = counted.images[np.isin(counted.label, found)].sum() / counted.images.sum()
    return max(images, len(found) / len(np.unique(counted.label))) < TOO_MANY


def arms(
    counted: Counts,
    metrics: dict[str, Callable],
    *,
    each: bool = False,
    draws: int = DRAWS,
    rng: int = 0,
    kinds: np.ndarray | None = None,
) -> dict[str, list[Arm]]:
    """The arms of each metric: its value per seed, and replicates over groups, NaN if there are too few groups.

    each: every class has its own imagined images, as for the smallest recall; else the classes share them.
    """
    of_seed = by_class(counted.label, counted.predicted)
    if not tells(counted, each):
        nothing = np.full((len(counted.predicted), draws), np.nan)
        return {name: [Arm(counted.seeds, metric(of_seed), nothing, nothing)] for name, metric in metrics.items()}
    kinds = alike(counted) if kinds is None else kinds
    imagined = IMAGINED if each else IMAGINED / len(np.unique(counted.label))
    found = {name: ([], []) for name in metrics}
    # in parts, since replicates of many seeds and classes take much memory
    for part in np.random.default_rng(rng).spawn(-(-draws // PART)):
        low, high = replicates(counted, imagined, min(draws, PART), part, kinds)
        for name, metric in metrics.items():
            one, other = metric(low), metric(high)
            found[name][0].append(np.minimum(one, other))
            found[name][1].append(np.maximum(one, other))
    made = {name: [np.concatenate(side, 1) for side in sides] for name, sides in found.items()}
    return {name: [Arm(counted.seeds, metrics[name](of_seed), *made[name])] for name in metrics}


def dirichlet(rng: np.random.Generator, draws: int, times: np.ndarray) -> np.ndarray:
    """Draw weights (draws, kinds) that sum to 1, with shape (n - 3) / n per group: the fewer groups, the more uneven.

    Rubin's shape is 1. times: (kinds,) the number of the n groups that share each weight.
    """
    number = times.sum()
    drawn = rng.gamma(max(number - 3, 0.4) / number * times, size=(draws, len(times))) + 1e-12
    return drawn / drawn.sum(1, keepdims=True)


def accuracy(confusion: np.ndarray) -> np.ndarray:
    """Share of images with the right class predicted: (..., classes, classes) -> (...)."""
    return np.trace(confusion, axis1=-2, axis2=-1) / confusion.sum((-2, -1))


def recalls(confusion: np.ndarray) -> np.ndarray:
    """Recall of each class that has images: (..., classes, classes) -> (..., classes with images)."""
    met = confusion.sum(-1).reshape(-1, confusion.shape[-1]).any(0)
    return (np.diagonal(confusion, axis1=-2, axis2=-1) / np.where(met, confusion.sum(-1), 1))[..., met]


def precisions(confusion: np.ndarray) -> np.ndarray:
    """Precision of each class that has images, 0 if it is never predicted: (..., classes with images)."""
    met, predicted = confusion.sum(-1).reshape(-1, confusion.shape[-1]).any(0), confusion.sum(-2)
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    return (right / np.where(predicted > 0, predicted, 1))[..., met]


def f1s(confusion: np.ndarray) -> np.ndarray:
    """F1 of each class that has images: (..., classes with images)."""
    met = confusion.sum(-1).reshape(-1, confusion.shape[-1]).any(0)
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    return (2 * right / np.where(met, confusion.sum(-1) + confusion.sum(-2), 1))[..., met]


def smallest_recall(confusion: np.ndarray) -> np.ndarray:
    """The recall of the class that is recognised worst: (...)."""
    return recalls(confusion).min(-1)


MACRO = {  # averages as scikit-learn's, over the classes that have images
    "accuracy": accuracy,
    "precision": lambda confusion: precisions(confusion).mean(-1),
    "recall": lambda confusion: recalls(confusion).mean(-1),
    "f1": lambda confusion: f1s(confusion).mean(-1),
}


def interval(counted: Counts, metric=accuracy, **settings) -> Interval:
    """A metric, mean over seeds, with its 95 % interval over groups and seeds; settings: as in `arms`."""
    return of_share(arms(counted, {"metric": metric}, **settings)["metric"])


def of_share(arms: list[Arm]) -> Interval:
    """The 95 % interval of a statistic from 0 to 1, over groups and seeds."""
    return Interval(mover.estimate(arms), *(float(end) for end in np.clip(mover.ends(arms), 0, 1)))


def correlation(counted: Counts) -> float:
    """The intraclass correlation, 0 to 1, of right answers within groups (analysis of variance).

    Within classes, mean over seeds. 1.0 if nothing varies: if all images are right, nothing shows that a photograph's
    views are more than one piece of evidence.
    """
    images, total, entries = counted.images, counted.images.sum(), len(counted.label)
    classes = len(np.unique(counted.label))
    if total == entries or entries == classes:
        return 1.0
    size = (total - (images**2).sum() / total) / (entries - 1)
    per_seed = []
    for predicted in counted.predicted:
        share = predicted[range(entries), counted.label] / images
        mean = np.bincount(counted.label, share * images) / np.maximum(np.bincount(counted.label, images), 1)
        between = (images * (share - mean[counted.label]) ** 2).sum() / (entries - classes)
        within = (images * share * (1 - share)).sum() / (total - entries)
        varies = between + within > 0
        per_seed.append((between - within) / (between + (size - 1) * within) if varies else 1.0)
    return float(np.clip(np.mean(per_seed), 0, 1))


def design_effect(counted: Counts) -> float:
    """The variance of the accuracy relative to that of as many independent images (Kish 1965).

    The number of images divided by it is the effective sample size.
    """
    return 1 + correlation(counted) * ((counted.images**2).sum() / counted.images.sum() - 1)


def cautious(counted: Counts) -> float:
    """The `design_effect` with a correlation halfway to 1, for imagined images.

    A few wrong images cannot show how similarly the views of the next photograph would be predicted.
    """
    return 1 + (1 + correlation(counted)) / 2 * ((counted.images**2).sum() / counted.images.sum() - 1)
