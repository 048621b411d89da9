"""Images with several labels: how well scores separate a label from its absence, with intervals over groups (patients).

predictions of every seed (t_<label>, p_<label>, group) --table--> AUC of each label, images and groups that have it

MedMNIST's scores of such images (Yang et al. 2023) are means over labels: of the AUC, and of the share of images for
which a label is answered rightly. That share is `label_accuracy` here, since `accuracy` asks for all labels at once.
"""

import numpy as np
import pandas as pd

from lib.evidence.intervals import DRAWS, dirichlet
from lib.evidence.multilabel import answers, truth

FEWEST = 4  # groups with a label, and without it: below, no interval is given


def table(seeds: list[pd.DataFrame], labels: list[str]) -> pd.DataFrame:
    """One row per label that some test images have and others lack: label, images, groups, auc, low, high.

    auc: mean over seeds. low, high: its 95 % interval over groups (Bayesian bootstrap) with the networks fixed; NaN
    where fewer than FEWEST groups have the label or lack it.
    """
    true, rows = truth(seeds[0], labels), []
    groups, distinct = pd.factorize(seeds[0].group)
    weights = dirichlet(np.random.default_rng(0), DRAWS, np.ones(len(distinct)))[:, groups]
    for number, name in enumerate(labels):
        positive = true[:, number]
        if not 0 < positive.sum() < len(positive):
            continue
        probabilities = [one[f"p_{name}"].to_numpy() for one in seeds]
        auc = np.mean([weighted_auc(positive, one, np.ones((1, len(positive))))[0] for one in probabilities])
        low = high = np.nan
        of_label = len(np.unique(groups[positive]))
        if min(of_label, len(np.unique(groups[~positive]))) >= FEWEST:
            drawn = np.mean([weighted_auc(positive, one, weights) for one in probabilities], 0)
            low, high = np.quantile(drawn, [0.025, 0.975])
        rows.append((name, int(positive.sum()), of_label, auc, low, high))
    return pd.DataFrame(rows, columns=["label", "images", "groups", "auc", "low", "high"])


def weighted_auc(positive: np.ndarray, probability: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """(draws,) AUC of one label, ties by half. positive, probability: (rows,). weights of images: (draws, rows)."""
    _, rank = np.unique(probability, return_inverse=True)
    of_rank = np.zeros((rank.max() + 1, len(rank)))
    of_rank[rank, np.arange(len(rank))] = 1
    with_label, without = (weights * positive) @ of_rank.T, (weights * ~positive) @ of_rank.T
    below = without.cumsum(1) - without / 2
    return (with_label * below).sum(1) / (with_label.sum(1) * without.sum(1))


def mean_scores(predictions: pd.DataFrame, labels: list[str]) -> dict[str, float]:
    """MedMNIST's two scores of images with several labels: mean_auc, over labels that `table` has; label_accuracy."""
    right = truth(predictions, labels) == answers(predictions, labels)
    return {"mean_auc": float(table([predictions], labels).auc.mean()), "label_accuracy": float(right.mean())}
