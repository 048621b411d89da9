"""How often a 95 % interval holds the truth, on a test set's own classes and groups: simulated, since four photographs a class are few.

counts --simulated--> another outcome of the same test set, and its true accuracy --interval--> held or not --coverage--> a share
"""

import numpy as np

from lib.intervals import Counts, correlation, interval, recalls


def simulated(counted: Counts, alike: float, rng: np.random.Generator) -> tuple[Counts, float]:
    """Another outcome of the same test set, one seed, and the accuracy that its model truly has.

    Each photograph's share of right views is drawn from a beta distribution: its class's recall as mean, `alike` as correlation.
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
    """How many are simulated to measure `coverage`: 500, fewer where groups are thousands, a hundred at least."""
    return int(np.clip(1_000_000 // len(counted.label), 100, 500))


def coverage(counted: Counts, repeats: int = 500, draws: int = 800) -> float:
    """How often the interval of a simulated outcome holds the true accuracy; 0.95 is what it promises."""
    rng, alike, held = np.random.default_rng(0), correlation(counted), 0
    for _ in range(repeats):
        outcome, truth = simulated(counted, alike, rng)
        low, high = interval(outcome, draws=draws, rng=rng)[1:]
        held += low <= truth <= high
    return held / repeats
