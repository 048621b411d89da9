"""Simulate networks with known true scores, by a model that no interval here assumes: a probit with random effects.

An image is predicted right if its margin is above 0. The margin is the level of its class, plus normal effects of its
group, of the group for this network, of the seed, and of group and seed together, plus a standard normal error. Two
networks share the effects of groups and part of those of seeds. Views of one group mostly agree.

structure, level, standard deviation over seeds --network--> levels of its classes, effect of a seed
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import scipy

from lib.evidence.regimes import STRUCTURES

OFFSETS = 0.4  # the classes' levels lie within this distance of their middle, on the probit scale
# standard deviations of the effects of groups: shared by networks, of one network, of one network and seed
EFFECTS = (0.9, 0.5, 0.4)
SHARED = 0.3  # correlation of the effects of seeds of two networks
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(31)  # to average over a normal effect


class Truth(NamedTuple):
    """A network on the probit scale."""

    level: np.ndarray  # (classes,)
    seed: float  # standard deviation of the effect of a seed


def sizes(structure: str) -> tuple[np.ndarray, np.ndarray]:
    """The class and the number of images of every group of a structure: both (entries,)."""
    classes = STRUCTURES[structure]
    label = np.repeat(range(len(classes)), [len(one) for one in classes])
    return label, np.concatenate(classes).astype(int)


def network(structure: str, score: Callable, level: float, seed_sd: float) -> Truth:
    """Find the network with a mean score of `level` over seeds, and a standard deviation of `seed_sd`; fractions.

    score: (levels (..., classes), standard deviation of the effect of a seed) -> mean score over seeds, (...).
    """
    classes = len(STRUCTURES[structure])
    offsets = OFFSETS * np.linspace(-1, 1, classes) if classes > 1 else np.zeros(1)

    def levels(seed: float) -> np.ndarray:
        return scipy.optimize.brentq(lambda middle: score(middle + offsets, seed) - level, -40, 40) + offsets

    def lacks(seed: float) -> float:
        of_seeds = score(levels(seed) + seed * NODES[:, None], 0)
        return np.sqrt(max(WEIGHTS @ (of_seeds - level) ** 2 / WEIGHTS.sum(), 0)) - seed_sd

    seed = scipy.optimize.brentq(lacks, 0, 8) if seed_sd else 0.0
    return Truth(levels(seed), seed)
