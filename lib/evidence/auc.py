"""Area under the ROC curve, as MedMNIST's Evaluator takes it (Yang et al. 2023), with its interval.

predictions of every seed --placements--> where each image stands among those of the other side
                          --arm--> the AUC per seed, and as other groups could have given it --interval--> its ends

Two classes: how often an image of the first gets a higher probability of it than one of the second, ties by half. More
classes, ordinal ones too: the mean over classes, each against all others. Several labels: the mean over labels.

Replicates are linear in the weights of groups (DeLong et al. 1988: an AUC is a mean of placements on either side), so
that ten thousand images take a moment. A test set in which the score has few errors, or none, may have been lucky:
for the lower end each side has one imagined image more of which the score says nothing, for the upper end one that is
right.
"""

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from lib.evidence import mover, multilabel
from lib.evidence.intervals import Interval, dirichlet
from lib.evidence.mover import Arm

FEWEST = 4  # groups on either side of a class or label: below, no interval is given
DRAWS = 2000
NOTHING = 0.5  # the AUC of a score that says nothing


def truth(table: pd.DataFrame, classes: list[str]) -> np.ndarray:
    """(rows, classes) of predictions.csv: which classes, or labels, an image has."""
    if several(table):
        return multilabel.truth(table, classes)
    return table.label.to_numpy()[:, None] == np.array(classes, dtype=object)


def several(table: pd.DataFrame) -> bool:
    """Whether an image of predictions.csv may have several labels."""
    return any(name.startswith("t_") for name in table)


def tested(table: pd.DataFrame, classes: list[str]) -> list[str]:
    """The classes, or labels, that some images have and others lack: the AUC is a mean over these."""
    share = truth(table, classes).mean(0)
    return [name for name, one in zip(classes, share) if 0 < one < 1]


def placements(positive: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """(rows,) of each image: how many of the other side it is on the right side of, as a share, ties by half.

    The AUC is its mean over either side. positive, probability: (rows,).
    """
    rank, placed = rankdata(probability), np.empty(len(probability))
    below = (rank[positive] - rankdata(probability[positive])) / (~positive).sum()
    placed[positive] = below
    placed[~positive] = 1 - (rank[~positive] - rankdata(probability[~positive])) / positive.sum()
    return placed


def auc(table: pd.DataFrame, classes: list[str]) -> float:
    """MedMNIST's AUC of one table of predictions, over the classes or labels that `tested` names; NaN without any."""
    met = tested(table, classes)
    columns = zip(truth(table, met).T, table[[f"p_{name}" for name in met]].to_numpy().T)
    values = [placements(positive, probability)[positive].mean() for positive, probability in columns]
    return float(np.mean(values)) if values else np.nan


def arm(tables: list[pd.DataFrame], classes: list[str], effect: float = 1.0) -> Arm:
    """The AUC of each seed, as it is and as other groups could have given it.

    Args:
        tables: test predictions, one table per seed, the same images in each, and some class in `tested`.
        classes: all of them, or of several labels those that the AUC is the mean of.
        effect: as how many images an imagined one counts, see `intervals.design_effect`.
    """
    met, first, rng = tested(tables[0], classes), tables[0], np.random.default_rng(0)
    positive = truth(first, met)
    images = np.stack([positive.sum(0), (~positive).sum(0)])
    per_label, influence = np.empty((len(tables), len(met))), np.zeros((len(tables), len(first)))
    for seed, table in enumerate(tables):
        for number, name in enumerate(met):
            side = positive[:, number]
            placed = placements(side, table[f"p_{name}"].to_numpy())
            per_label[seed, number] = placed[side].mean()
            influence[seed] += (placed - placed[side].mean()) / np.where(side, *images[:, number]) / len(met)
    moved = reweighted(influence, strata(first), first.group.to_numpy(), rng)
    # (labels, draws) what an imagined image on either side of each label weighs; the labels share it
    imagined = effect * rng.gamma(1 / max(2, len(met)), size=(len(met), DRAWS)) * (1 / images).sum(0)[:, None]
    estimates = per_label.mean(1)
    low, high = ((end - per_label) @ imagined / len(met) for end in (NOTHING, 1))
    base = estimates[:, None] + moved
    return Arm(tuple(range(len(tables))), estimates, base + np.minimum(low, 0), base + high)


def strata(table: pd.DataFrame) -> np.ndarray:
    """(rows,) what groups are drawn within: their class; of several labels all images, since one has many."""
    return np.zeros(len(table), dtype=object) if several(table) else table.label.to_numpy()


def reweighted(influence: np.ndarray, within: np.ndarray, group: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(seeds, draws) how far a mean moves when groups weigh more or less than they did.

    influence: (seeds, rows) what each image adds to the mean; within, group: (rows,).
    """
    moved = np.zeros((len(influence), DRAWS))
    for stratum in pd.unique(within):
        rows = within == stratum
        number, distinct = pd.factorize(group[rows])
        own = influence[:, rows] - influence[:, rows].mean(1, keepdims=True)
        summed = np.stack([np.bincount(number, one, len(distinct)) for one in own])
        moved += len(distinct) * summed @ dirichlet(rng, DRAWS, np.ones(len(distinct))).T
    return moved


def groups(table: pd.DataFrame, name: str) -> tuple[int, int]:
    """In how many groups a class or label is, and how many hold images without it."""
    positive = truth(table, [name])[:, 0]
    return table.group[positive].nunique(), table.group[~positive].nunique()


def interval(tables: list[pd.DataFrame], classes: list[str], effect: float = 1.0) -> Interval | None:
    """The AUC, mean over seeds, with its 95 % interval over groups and seeds; None where no class is `tested`.

    The ends are NaN where a class or label stands in fewer than FEWEST groups, or is lacking in fewer. Arguments: as of
    `arm`.
    """
    met = tested(tables[0], classes)
    if not met:
        return None
    if min(min(groups(tables[0], name)) for name in met) < FEWEST:
        return Interval(float(np.mean([auc(table, classes) for table in tables])), np.nan, np.nan)
    one = arm(tables, classes, effect)
    low, high = mover.ends([one])
    return Interval(mover.estimate([one]), max(low, 0.0), min(high, 1.0))
