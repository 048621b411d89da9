"""Area under the ROC curve, as MedMNIST's Evaluator computes it (Yang et al. 2023), with its interval.

predictions of every seed --scored--> scores and truths of the labels that some images have and others lack
  --placed--> the AUC of each seed and label, and the placement of each image among those of the other side
  --interval--> the mean over seeds, with its 95 % interval over groups and seeds (lib.evidence.linear)
  --arms------> the mean over well-tested labels, as lib.evidence.mover compares it between two models

Two classes: how often an image of the first gets a higher probability of it than one of the second; a tie counts half.
More classes, ordinal ones too: the mean over classes, each against all others. Several labels: the mean over labels.

An AUC is a mean of placements on either side (DeLong et al. 1988). A test set with few errors or none may have been
lucky: for the lower end, half a group with an AUC of 0.5 is added on either side.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from lib.evidence import linear, multilabel
from lib.evidence.intervals import DRAWS, IMAGINED, TOO_MANY, Interval, dirichlet, few
from lib.evidence.mover import Arm

NOTHING = 0.5  # the AUC of an uninformative score


class Scored(NamedTuple):
    """The scores of every seed, and the truths, for the classes or labels over which an AUC is averaged."""

    score: np.ndarray  # (seeds, images, labels)
    positive: np.ndarray  # (images, labels) whether an image has the label
    group: np.ndarray  # (images,) number
    stratum: np.ndarray  # (images,) number of the class, within which groups vary; 0 for all with several labels


def truth(table: pd.DataFrame, classes: list[str]) -> np.ndarray:
    """predictions.csv -> (rows, classes) bool: which classes, or labels, an image has."""
    if several(table):
        return multilabel.truth(table, classes)
    return table.label.to_numpy()[:, None] == np.array(classes, dtype=object)


def several(table: pd.DataFrame) -> bool:
    """Whether an image of predictions.csv may have several labels."""
    return any(name.startswith("t_") for name in table)


def tested(table: pd.DataFrame, classes: list[str]) -> list[str]:
    """The classes, or labels, that some images have and others lack; the AUC is averaged over these."""
    share = truth(table, classes).mean(0)
    return [name for name, one in zip(classes, share) if 0 < one < 1]


def scored(tables: list[pd.DataFrame], classes: list[str]) -> Scored:
    """Arrange the test predictions of every seed, with the same images in each, for the `tested` ones of `classes`."""
    first, met = tables[0], tested(tables[0], classes)
    score = np.stack([table[[f"p_{name}" for name in met]].to_numpy() for table in tables])
    stratum = np.zeros(len(first), int) if several(first) else pd.factorize(first.label)[0]
    return Scored(score, truth(first, met), pd.factorize(first.group)[0], stratum)


def placed(one: Scored) -> tuple[np.ndarray, np.ndarray]:
    """Compute the AUC, (seeds, labels), and how far each image's placement is from it, (seeds, images, labels).

    A placement is the share of the images of the other side that are ranked right relative to this one; a tie counts
    half. The AUC is the mean placement over either side.
    """
    areas, apart = np.empty((len(one.score), one.positive.shape[1])), np.empty(one.score.shape)
    for label, side in enumerate(one.positive.T):
        score = one.score[:, :, label]
        rank = rankdata(score, axis=1)
        above = (rank[:, side] - rankdata(score[:, side], axis=1)) / (~side).sum()
        below = 1 - (rank[:, ~side] - rankdata(score[:, ~side], axis=1)) / side.sum()
        areas[:, label] = above.mean(1)
        apart[:, side, label], apart[:, ~side, label] = above, below
    return areas, apart - areas[:, None]


def auc(table: pd.DataFrame, classes: list[str]) -> float:
    """MedMNIST's AUC of one table of predictions, mean over the `tested` classes or labels; NaN without any."""
    areas, _ = placed(scored([table], classes))
    return float(areas.mean()) if areas.size else np.nan


def per_group(one: Scored) -> np.ndarray:
    """Count each group's images with a label, and without it: (groups, labels, 2)."""
    sides = np.stack([one.positive, ~one.positive], -1).astype(float)
    counted = np.zeros((one.group.max() + 1, *sides.shape[1:]))
    np.add.at(counted, one.group, sides)
    return counted


def weak(images: np.ndarray) -> np.ndarray:
    """Which labels too few groups have, or lack: (labels,) bool. images: from `per_group`."""
    return np.array([any(few(side[side > 0]) for side in label.T) for label in np.moveaxis(images, 1, 0)], dtype=bool)


def tells(one: Scored, images: np.ndarray) -> bool:
    """Whether an interval can be given: under a third of the labels, and of the images, have too few groups.

    images: from `per_group`.
    """
    lacking = weak(images)
    return max(lacking.mean(), one.positive[:, lacking].any(1).mean()) < TOO_MANY


def interval(one: Scored) -> Interval | None:
    """The AUC, mean over seeds and labels, with its 95 % interval over groups and seeds; None without a label.

    The ends are NaN if too few groups are behind it (`tells`).
    """
    if not one.positive.size:
        return None
    estimates, added, lucky = shares(one)
    if not tells(one, per_group(one)):
        return Interval(float(estimates.mean()), np.nan, np.nan)
    return linear.interval(estimates, linear.of_groups(added, one.stratum, one.group), lucky)


def shares(one: Scored) -> tuple[np.ndarray, np.ndarray, float]:
    """The mean AUC of each seed, (seeds,); what each image adds to it, (seeds, images); by how much it may be lucky."""
    areas, apart = placed(one)
    images = per_group(one)
    # two classes: both labels have the same AUC
    labels = 1 if two(one) else len(areas.T)
    sides = images.sum(0)
    added = (apart / np.where(one.positive, *sides.T)).mean(2)
    # a group's share of its side, mean over images
    share = (images**2).sum(0) / sides**2
    lower = ((areas.mean(0) - NOTHING) * share.sum(1)).mean() * IMAGINED / labels
    return areas.mean(1), added, max(float(lower), 0.0)


def arms(
    tables: list[pd.DataFrame], classes: list[str], names: tuple, *, draws: int = DRAWS, rng: int = 0
) -> list[Arm]:
    """The AUC, mean over labels that enough groups have and lack, as one arm; NaN if there is no such label.

    A replicate gives every group a random weight (lib.evidence.intervals) and moves the AUC by what the weighted groups
    add to it: the bootstrap of a linear approximation. Two models get the same weights. names: of the seeds.
    """
    met = tested(tables[0], classes)
    lacking = weak(per_group(scored(tables[:1], met))) if met else []
    firm = [name for name, few_groups in zip(met, lacking) if not few_groups]
    if not firm:
        nothing = np.full((len(tables), draws), np.nan)
        return [Arm(tuple(names), nothing[:, 0], nothing, nothing)]
    one = scored(tables, firm)
    estimates, added, lucky = shares(one)
    of_groups = np.stack([np.bincount(one.group, row) for row in added])
    number = of_groups.shape[1]
    weights = dirichlet(np.random.default_rng(rng), draws, np.ones(number)) * number
    replicates = estimates[:, None] + of_groups @ weights.T
    return [Arm(tuple(names), estimates, replicates - lucky, replicates)]


def two(one: Scored) -> bool:
    """Whether there are two classes, and every image has one of them."""
    return one.positive.shape[1] == 2 and bool((one.positive.sum(1) == 1).all())
