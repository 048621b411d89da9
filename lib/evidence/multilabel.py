"""Images with several labels: scores and intervals when a row has a 0/1 and a probability per label.

predictions of every seed --sums--> answers counted per label and group --macro--> precision, recall, F1
                                                     --replicates--> their 95 % intervals

An image is right when all its labels are predicted, and no other (exact match: scikit-learn's accuracy of several
labels). As images of one class, predicted right or wrong, they go through the intervals and tests for one label per
image (`as_right`): sets of labels are too many, and too rare.
"""

import numpy as np
import pandas as pd

from lib.evidence.intervals import DRAWS, PRIOR, dirichlet

RIGHT, WRONG = "all labels right", "another answer"


def truth(table: pd.DataFrame, labels: list[str]) -> np.ndarray:
    """(rows, labels) of predictions.csv: which labels an image has."""
    return table[[f"t_{name}" for name in labels]].to_numpy().astype(bool)


def answers(table: pd.DataFrame, labels: list[str]) -> np.ndarray:
    """(rows, labels) of predictions.csv: which labels are predicted, those with a probability above a half."""
    return table[[f"p_{name}" for name in labels]].to_numpy() > 0.5


def as_right(seeds: list[pd.DataFrame]) -> tuple[list[pd.DataFrame], list[str]]:
    """The same predictions with one class that every image has; predicted is that class, or another answer."""
    tables = []
    for table in seeds:
        predicted = np.where(table.predicted == table.label, RIGHT, WRONG)
        tables.append(table.assign(label=RIGHT, predicted=predicted))
    return tables, [RIGHT, WRONG]


def scores(table: pd.DataFrame, labels: list[str]) -> dict[str, float]:
    """Exact-match accuracy; precision, recall and F1, mean over the labels that an image of the table has."""
    # inside: scikit-learn brings scipy.stats, and who only checks a study's claims would wait a second for it
    from sklearn.metrics import accuracy_score, precision_recall_fscore_support

    true, predicted = truth(table, labels), answers(table, labels)
    met = true.any(0)
    precision, recall, f1, _ = precision_recall_fscore_support(
        true[:, met], predicted[:, met], average="macro", zero_division=0
    )
    return {"accuracy": accuracy_score(true, predicted), "precision": precision, "recall": recall, "f1": f1}


def groups(table: pd.DataFrame, labels: list[str]) -> dict[str, int]:
    """In how many groups each label is."""
    return {name: table.group[present].nunique() for name, present in zip(labels, truth(table, labels).T)}


def sums(seeds: list[pd.DataFrame], labels: list[str]) -> np.ndarray:
    """(seeds, groups, 5, labels) counts of images: with a label that is predicted, with it predicted, with the label;
    then, the same for all labels, answered exactly, and all images."""
    rows, distinct = pd.factorize(seeds[0].group)
    counted = np.zeros((len(seeds), len(distinct), 5, len(labels)))
    for number, table in enumerate(seeds):
        true, predicted = truth(table, labels), answers(table, labels)
        exact = np.repeat((true == predicted).all(1)[:, None], len(labels), 1)
        kinds = np.stack([true & predicted, predicted, true, exact, np.ones_like(exact)], 1)
        np.add.at(counted[number], rows, kinds.astype(float))
    return counted


def macro(summed: np.ndarray) -> dict[str, np.ndarray]:
    """Scores of (..., 5, labels) as `sums` gives them, over labels that some image has."""
    both, predicted, true, exact, images = np.moveaxis(summed, -2, 0)
    met = true.reshape(-1, true.shape[-1]).any(0)
    per_label = {
        "precision": both / np.where(predicted > 0, predicted, 1),
        "recall": both / np.where(true > 0, true, 1),
        "f1": 2 * both / np.where(predicted + true > 0, predicted + true, 1),
    }
    means = {name: values[..., met].mean(-1) for name, values in per_label.items()}
    return {"accuracy": (exact / images)[..., 0], **means}


def replicates(
    seeds: list[pd.DataFrame], labels: list[str], *, prior: float = PRIOR, opposite: bool = False
) -> dict[str, np.ndarray]:
    """(draws,) of each score, mean over seeds: what other groups and other seeds could have given.

    The Bayesian bootstrap of lib.evidence.intervals, widened as there, since many labels belong to one or two patients:
    each is imagined to have `prior` patients more that are recognised, as many that are not, and as many that are
    wrongly predicted to have it. With `opposite` the replicates of two models pair up, as there. Accuracy has no such
    images here: `as_right` leads to its intervals.
    """
    summed, (for_seeds, rng) = sums(seeds, labels), np.random.default_rng(0).spawn(2)
    of_seeds = dirichlet(for_seeds, DRAWS, np.ones(len(summed))).T
    of_groups = dirichlet(rng, DRAWS, np.ones(summed.shape[1])) * summed.shape[1]
    # (groups, labels) images with the label, and images per patient with it, mean over such images
    present = summed[0][:, 2]
    patient = (present**2).sum(0) / np.maximum(present.sum(0), 1)
    right, wrong = patient * rng.gamma(prior, size=(2, DRAWS, 1))[:: -1 if opposite else 1]
    # in the order of `sums`
    imagined = np.stack([right, right + wrong, right + wrong, 0 * right, 0 * right], -2)
    per_seed = [macro(np.tensordot(of_groups, seed, 1) + imagined) for seed in summed]
    return {name: sum(share * one[name] for share, one in zip(of_seeds, per_seed)) for name in per_seed[0]}
