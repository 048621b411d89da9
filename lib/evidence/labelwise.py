"""Images with several labels: how well scores separate a label from its absence, with intervals over groups (patients).

predictions of every seed (t_<label>, p_<label>, group) --table--> AUC of each label, images and groups that have it
                                      --per_seed, accuracy--> the share of answers, yes or no, that are right

MedMNIST's accuracy of such images (Yang et al. 2023) is a mean over labels of the share of images for which a label is
answered rightly: `label accuracy` here, since `accuracy` asks for all labels of an image at once.
"""

import numpy as np
import pandas as pd

from lib.evidence import auc, linear
from lib.evidence.intervals import Interval
from lib.evidence.multilabel import answers, truth


def table(seeds: list[pd.DataFrame], labels: list[str]) -> pd.DataFrame:
    """One row per label that some test images have and others lack: label, images, groups, auc, low, high.

    auc: mean over seeds. low, high: its 95 % interval, see `auc.interval`.
    """
    rows = []
    for name in auc.tested(seeds[0], labels):
        has = truth(seeds[0], [name])[:, 0]
        groups = seeds[0].group[has].nunique()
        rows.append((name, int(has.sum()), groups, *auc.interval(auc.scored(seeds, [name]))))
    return pd.DataFrame(rows, columns=["label", "images", "groups", "auc", "low", "high"])


def rights(seeds: list[pd.DataFrame], labels: list[str]) -> np.ndarray:
    """(seeds, images) the share of an image's labels that are answered rightly."""
    return np.stack([(truth(one, labels) == answers(one, labels)).mean(1) for one in seeds])


def per_seed(seeds: list[pd.DataFrame], labels: list[str]) -> np.ndarray:
    """(seeds,) the label accuracy, which is MedMNIST's accuracy of several labels."""
    return rights(seeds, labels).mean(1)


def accuracy(seeds: list[pd.DataFrame], labels: list[str]) -> Interval:
    """The label accuracy, mean over seeds, with its 95 % interval over groups and seeds."""
    right, group = rights(seeds, labels), pd.factorize(seeds[0].group)[0]
    added = (right - right.mean(1, keepdims=True)) / right.shape[1]
    return linear.interval(right.mean(1), linear.of_groups(added, np.zeros_like(group), group))
