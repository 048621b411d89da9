"""Evaluate each label of images with several: AUC and label accuracy, with intervals over groups (patients).

predictions of every seed (t_<label>, p_<label>, group) --table--> AUC of each label, images and groups that have it
                                      --per_seed, accuracy--> the share of labels that are predicted right

MedMNIST's accuracy of these images (Yang et al. 2023) is the share of images for which a label is predicted right,
averaged over labels. It is called label accuracy here, since accuracy needs all labels of an image to be right.
"""

import numpy as np
import pandas as pd

from lib.evidence import auc, linear
from lib.evidence.intervals import Interval
from lib.evidence.multilabel import answers, truth


def table(seeds: list[pd.DataFrame], labels: list[str]) -> pd.DataFrame:
    """One row per label that some test images have and others lack: label, images, groups, auc, low, high.

    auc: mean over seeds, 0 to 1. low, high: its 95 % interval, from `auc.interval`.
    """
    rows = []
    for name in auc.tested(seeds[0], labels):
        has = truth(seeds[0], [name])[:, 0]
        groups = seeds[0].group[has].nunique()
        rows.append((name, int(has.sum()), groups, *auc.interval(auc.scored(seeds, [name]))))
    return pd.DataFrame(rows, columns=["label", "images", "groups", "auc", "low", "high"])


def rights(seeds: list[pd.DataFrame], labels: list[str]) -> np.ndarray:
    """The share of each image's labels that are predicted right: (seeds, images)."""
    return np.stack([(truth(one, labels) == answers(one, labels)).mean(1) for one in seeds])


def per_seed(seeds: list[pd.DataFrame], labels: list[str]) -> np.ndarray:
    """The label accuracy of each seed, (seeds,): MedMNIST's accuracy for several labels."""
    return rights(seeds, labels).mean(1)


def accuracy(seeds: list[pd.DataFrame], labels: list[str]) -> Interval:
    """The label accuracy, mean over seeds, with its 95 % interval over groups and seeds."""
    right, group = rights(seeds, labels), pd.factorize(seeds[0].group)[0]
    added = (right - right.mean(1, keepdims=True)) / right.shape[1]
    return linear.interval(right.mean(1), linear.of_groups(added, np.zeros_like(group), group))
