"""Several labels an image: what `lib.evidence` and `lib.intervals` do for one, where a row holds a 0 or 1 and a probability a label.

predictions of every seed --sums--> right and wrong answers of every label and group --macro--> precision, recall, F1 --> 95 % intervals

An image is right when all its labels are, and no other (exact match: scikit-learn's accuracy of several labels). As images of one
class, predicted right or wrong, they go through the intervals and tests for one label: sets of labels are too many, and too rare.
"""

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, precision_recall_fscore_support

from lib.intervals import DRAWS, PRIOR, weights

SEPARATOR = "; "
RIGHT, WRONG = "all labels right", "another answer"


def joined(chosen: np.ndarray, labels: list[str]) -> list[str]:
    """(rows, labels) of 0 and 1 -> the labels of each row as one text; `none` where there is none."""
    return [SEPARATOR.join(name for name, one in zip(labels, row) if one) or "none" for row in chosen]


def truth(table: pd.DataFrame, labels: list[str]) -> np.ndarray:
    """(rows, labels) of predictions.csv: which labels an image has."""
    return table[[f"t_{name}" for name in labels]].to_numpy().astype(bool)


def answers(table: pd.DataFrame, labels: list[str]) -> np.ndarray:
    """(rows, labels) of predictions.csv: which labels are predicted, those with a probability above a half."""
    return table[[f"p_{name}" for name in labels]].to_numpy() > 0.5


def as_right(seeds: list[pd.DataFrame]) -> tuple[list[pd.DataFrame], list[str]]:
    """The same predictions with one class, of which every image is, and what is predicted of it: that, or another answer."""
    right = [table.predicted == table.label for table in seeds]
    tables = [table.assign(label=RIGHT, predicted=np.where(one, RIGHT, WRONG)) for table, one in zip(seeds, right)]
    return tables, [RIGHT, WRONG]


def scores(table: pd.DataFrame, labels: list[str]) -> dict[str, float]:
    """Exact-match accuracy; precision, recall and F1, mean over the labels that an image of the table has."""
    true, said = truth(table, labels), answers(table, labels)
    met = true.any(0)
    precision, recall, f1, _ = precision_recall_fscore_support(
        true[:, met], said[:, met], average="macro", zero_division=0
    )
    return {"accuracy": accuracy_score(true, said), "precision": precision, "recall": recall, "f1": f1}


def groups(table: pd.DataFrame, labels: list[str]) -> dict[str, int]:
    """In how many groups each label is."""
    return {name: table.group[there].nunique() for name, there in zip(labels, truth(table, labels).T)}


def sums(seeds: list[pd.DataFrame], labels: list[str]) -> np.ndarray:
    """(seeds, groups, 5, labels): how often a label was there and said, said, there; then, alike for all labels, exact answers and images."""
    rows, groups = pd.factorize(seeds[0].group)
    found = np.zeros((len(seeds), len(groups), 5, len(labels)))
    for number, table in enumerate(seeds):
        true, said = truth(table, labels), answers(table, labels)
        exact = np.repeat((true == said).all(1)[:, None], len(labels), 1)
        np.add.at(found[number], rows, np.stack([true & said, said, true, exact, np.ones_like(exact)], 1).astype(float))
    return found


def macro(summed: np.ndarray) -> dict[str, np.ndarray]:
    """Scores of (..., 5, labels) as `sums` gives them, over labels that are there."""
    both, said, true, exact, images = np.moveaxis(summed, -2, 0)
    met = true.reshape(-1, true.shape[-1]).any(0)
    means = {
        "precision": both / np.where(said > 0, said, 1),
        "recall": both / np.where(true > 0, true, 1),
        "f1": 2 * both / np.where(said + true > 0, said + true, 1),
    }
    return {"accuracy": (exact / images)[..., 0]} | {name: value[..., met].mean(-1) for name, value in means.items()}


def replicates(
    seeds: list[pd.DataFrame], labels: list[str], *, prior: float = PRIOR, opposite: bool = False
) -> dict[str, np.ndarray]:
    """(draws,) of each score, mean over seeds: what other groups and other seeds could have given.

    The Bayesian bootstrap of lib.intervals, widened as there, since many a label belongs to one or two patients: each is imagined
    to have `prior` patients more that are recognised, as many that are not, and as many that are wrongly said to have it. With
    `opposite` the replicates of two models pair up, as there. Accuracy has no such images here: `as_right` leads to its intervals.
    """
    summed, (for_seeds, rng) = sums(seeds, labels), np.random.default_rng(0).spawn(2)
    of_seeds = weights(for_seeds, DRAWS, np.ones(len(summed))).T
    of_groups = weights(rng, DRAWS, np.ones(summed.shape[1])) * summed.shape[1]
    there = summed[0][:, 2]  # (groups, labels)
    patient = (there**2).sum(0) / np.maximum(
        there.sum(0), 1
    )  # images of a patient with the label, mean over such images
    right, wrong = patient * rng.gamma(prior, size=(2, DRAWS, 1))[:: -1 if opposite else 1]
    imagined = np.stack([right, right + wrong, right + wrong, 0 * right, 0 * right], -2)  # in the order of `sums`
    each = [macro(np.tensordot(of_groups, seed, 1) + imagined) for seed in summed]
    return {name: sum(share * one[name] for share, one in zip(of_seeds, each)) for name in each[0]}
