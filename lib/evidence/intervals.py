"""Intervals that count groups, not images: views of one photograph are one piece of evidence.

predictions of every seed --counts--> one row per (class, group) --replicates--> confusion matrices
  --metric--> 95 % interval
counts --simulated--> another outcome of this test set, with a known truth
  --coverage--> how often its interval holds that

The bootstrap is Bayesian (Rubin 1981): every replicate gives each group of a class a random weight, and each seed
another. A plain one is too narrow where a class has four photographs. Two things widen it: weights vary more the fewer
groups there are, and each class is imagined to have a few more images, as many right as wrong, so that photographs
which are all predicted alike leave some doubt. `coverage` measures, on a test set's own classes and groups, how often
such an interval holds the truth: 95 % is what it promises.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

# independent images that each class is imagined to have predicted right, and as many wrong (Jeffreys 1946)
PRIOR = 0.5
DRAWS = 4000


class Interval(NamedTuple):
    """An estimate and the ends of its 95 % interval."""

    estimate: float
    low: float
    high: float


class Counts(NamedTuple):
    """The predictions of every seed, counted: one entry for the images of one class in one group."""

    label: np.ndarray  # (entries,) number of the true class
    group: np.ndarray  # (entries,)
    predicted: np.ndarray  # (seeds, entries, classes) how many images were predicted as each class

    @property
    def images(self) -> np.ndarray:
        """(entries,) how many images an entry has."""
        return self.predicted[0].sum(-1)

    @property
    def confusion(self) -> np.ndarray:
        """(classes, classes) images by true and predicted class, mean over seeds."""
        return by_class(self.label, self.predicted.mean(0)[None])[0]


def counts(seeds: list[pd.DataFrame], classes: list[str]) -> Counts:
    """Count predictions (group, label, predicted): one table per seed, the same images in every table."""
    first, number = seeds[0], {name: index for index, name in enumerate(classes)}
    entries = pd.MultiIndex.from_frame(pd.DataFrame({"label": first.label.map(number), "group": first.group}))
    rows, distinct = pd.factorize(entries, sort=True)
    predicted = np.zeros((len(seeds), len(distinct), len(classes)))
    for seed, table in enumerate(seeds):
        np.add.at(predicted[seed], (rows, table.predicted.map(number).to_numpy()), 1)
    return Counts(*(distinct.get_level_values(level).to_numpy() for level in (0, 1)), predicted)


def by_class(label: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Sum (replicates, entries, classes) over the entries of each true class: (replicates, true classes, classes)."""
    return np.einsum("ec,rep->rcp", label[:, None] == np.arange(predicted.shape[-1]), predicted)


def alike(*models: Counts) -> np.ndarray:
    """(entries,) numbers: equal for groups of one class on which all of these models, with every seed, predict alike.

    A sum of Dirichlet weights is a Dirichlet weight of a larger shape: entries that are alike share one, which is the
    same in distribution, and faster where a test part has thousands of groups of one image.
    """
    seen = [one.predicted.transpose(1, 0, 2).reshape(len(one.label), -1) for one in models]
    return np.unique(np.column_stack([models[0].label, *seen]), axis=0, return_inverse=True)[1].ravel()


def replicates(
    counted: Counts, *, prior: float = PRIOR, draws: int = DRAWS, rng=0, opposite=False, kinds=None
) -> np.ndarray:
    """(draws, classes, classes): confusion matrices that other photographs and other seeds could have given.

    Rows keep their sums: how often each class is met is not in doubt. With the same `rng`, two models tested on the
    same images get the same weights of groups, whatever their numbers of seeds, so their replicates pair up.

    Args:
        prior: imagined images. opposite: those that the other model of a pair gets right are wrong here.
        kinds: as `alike` gives them, of both models where two pair up.
    """
    kinds = alike(counted) if kinds is None else kinds
    (for_seeds, rng), classes = np.random.default_rng(rng).spawn(2), counted.predicted.shape[-1]
    imagined = design_effect(counted)  # images that say as much as one independent image
    shares = dirichlet(for_seeds, draws, np.ones(len(counted.predicted))).T  # of every seed
    made = np.zeros((draws, classes, classes))
    for label in np.unique(counted.label):
        entries, truth = counted.label == label, np.arange(classes) == label
        _, first, times = np.unique(kinds[entries], return_index=True, return_counts=True)
        drawn = dirichlet(rng, draws, times) * entries.sum()
        row = sum(share[:, None] * (drawn @ seed[entries][first]) for share, seed in zip(shares, counted.predicted))
        right, wrong = imagined * rng.gamma(prior, size=(2, draws, 1))[:: -1 if opposite else 1]
        row += right * truth + wrong * ~truth / (classes - 1)
        made[:, label] = row / row.sum(1, keepdims=True) * counted.images[entries].sum()
    return made


def averaged(counted: Counts, metrics: dict, *, draws: int = DRAWS, rng=0) -> dict[str, np.ndarray]:
    """(draws,) of each metric, computed per seed, then averaged: what a mean over seeds could have been."""
    shares = dirichlet(np.random.default_rng(rng).spawn(1)[0], draws, np.ones(len(counted.predicted))).T
    kinds = alike(counted)
    alone = (counted._replace(predicted=seed[None]) for seed in counted.predicted)
    made = [(share, replicates(one, draws=draws, rng=rng, kinds=kinds)) for share, one in zip(shares, alone)]
    return {name: sum(share * of(confusion) for share, confusion in made) for name, of in metrics.items()}


def dirichlet(rng: np.random.Generator, draws: int, times: np.ndarray) -> np.ndarray:
    """(draws, kinds) random weights that sum to 1, with shape (n - 3) / n < 1 per group: the fewer, the more uneven.

    Rubin's shape is 1. times: (kinds,) how many of the n groups, or seeds, each weight is for.
    """
    number = times.sum()
    drawn = rng.gamma(max(number - 3, 0.4) / number * times, size=(draws, len(times))) + 1e-12
    return drawn / drawn.sum(1, keepdims=True)


def accuracy(confusion: np.ndarray) -> np.ndarray:
    """Share of images whose class is predicted: (..., classes, classes) -> (...)."""
    return np.trace(confusion, axis1=-2, axis2=-1) / confusion.sum((-2, -1))


def recalls(confusion: np.ndarray) -> np.ndarray:
    """Of each class that was met, the share that is recognised: (..., classes, classes) -> (..., classes met)."""
    met = confusion.sum(-1).reshape(-1, confusion.shape[-1]).any(0)
    return (np.diagonal(confusion, axis1=-2, axis2=-1) / np.where(met, confusion.sum(-1), 1))[..., met]


def precisions(confusion: np.ndarray) -> np.ndarray:
    """Of what is predicted as each class that was met, the share that is right, 0 if nothing is: (..., classes met)."""
    met, predicted = confusion.sum(-1).reshape(-1, confusion.shape[-1]).any(0), confusion.sum(-2)
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    return (right / np.where(predicted > 0, predicted, 1))[..., met]


def f1s(confusion: np.ndarray) -> np.ndarray:
    """Harmonic mean of precision and recall of each class that was met: (..., classes met)."""
    met = confusion.sum(-1).reshape(-1, confusion.shape[-1]).any(0)
    right = np.diagonal(confusion, axis1=-2, axis2=-1)
    return (2 * right / np.where(met, confusion.sum(-1) + confusion.sum(-2), 1))[..., met]


def smallest_recall(confusion: np.ndarray) -> np.ndarray:
    """Of the class that is recognised worst."""
    return recalls(confusion).min(-1)


MACRO = {  # as scikit-learn averages, over the classes that were met
    "accuracy": accuracy,
    "precision": lambda confusion: precisions(confusion).mean(-1),
    "recall": lambda confusion: recalls(confusion).mean(-1),
    "f1": lambda confusion: f1s(confusion).mean(-1),
}


def ends(drawn: np.ndarray, estimate: float) -> tuple[float, float]:
    """The ends of the 95 % interval: quantiles of the replicates, never beyond the estimate."""
    low, high = map(float, np.quantile(drawn, [0.025, 0.975]))
    return min(low, estimate), max(high, estimate)


def interval(counted: Counts, metric=accuracy, **settings) -> Interval:
    """A metric, mean over seeds, with its 95 % interval over photographs and seeds."""
    estimate = float(np.mean([metric(counted._replace(predicted=seed[None]).confusion) for seed in counted.predicted]))
    return Interval(estimate, *ends(averaged(counted, {"metric": metric}, **settings)["metric"], estimate))


def correlation(counted: Counts) -> float:
    """How alike images of one class and group are predicted: the intraclass correlation, 0 to 1 (analysis of variance).

    Within classes, mean over seeds. 1.0 where nothing varies: if all images of a class are right, nothing shows that
    a photograph's views are more than one piece of evidence.
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
    """The variance of the accuracy over that of as many independent images (Kish 1965).

    The number of images over it is the effective sample size.
    """
    return 1 + correlation(counted) * ((counted.images**2).sum() / counted.images.sum() - 1)


def simulated(counted: Counts, alike: float, rng: np.random.Generator) -> tuple[Counts, float]:
    """Another outcome of the same test set, one seed, and the accuracy that its model truly has.

    Each photograph's share of right views is beta distributed: mean, its class's recall; correlation, `alike`.
    """
    images, classes = counted.images, counted.predicted.shape[-1]
    mean = np.zeros(classes)
    mean[np.unique(counted.label)] = np.clip(recalls(counted.confusion), 0.02, 0.98)
    mean, shape = mean[counted.label], 1 / np.clip(alike, 0.02, 0.9) - 1
    right = rng.binomial(images.astype(int), rng.beta(mean * shape, (1 - mean) * shape))
    predicted = np.zeros((1, len(images), classes))
    predicted[0, range(len(images)), counted.label] = right
    predicted[0, range(len(images)), (counted.label + 1) % classes] = images - right
    return Counts(counted.label, counted.group, predicted), float(mean @ images / images.sum())


def outcomes(counted: Counts) -> int:
    """How many outcomes measure the coverage: 500, fewer where there are thousands of groups, at least a hundred."""
    return int(np.clip(1_000_000 // len(counted.label), 100, 500))


def coverage(counted: Counts, repeats: int = 500, draws: int = 800) -> float:
    """How often the interval of a simulated outcome holds the true accuracy; 0.95 is what it promises."""
    rng, alike, held = np.random.default_rng(0), correlation(counted), 0
    for _ in range(repeats):
        outcome, truth = simulated(counted, alike, rng)
        low, high = interval(outcome, draws=draws, rng=rng)[1:]
        held += low <= truth <= high
    return held / repeats
