"""Images with several labels: scores and intervals when a row has a 0/1 and a probability per label.

predictions of every seed --sums--> answers counted per label and group --macro--> precision, recall, F1
                                                     --arms-------> their 95 % intervals

An image is right when all its labels are predicted, and no other (exact match: scikit-learn's accuracy of several
labels). As images of one class, predicted right or wrong, they go through the intervals and tests for one label per
image (`as_right`): sets of labels are too many, and too rare.
"""

import numpy as np
import pandas as pd

from lib.evidence.intervals import DRAWS, IMAGINED, PART, TOO_MANY, Counts, counts, dirichlet, few
from lib.evidence.mover import Arm

RIGHT, WRONG = "all labels right", "another answer"


def truth(table: pd.DataFrame, labels: list[str]) -> np.ndarray:
    """(rows, labels) of predictions.csv: which labels an image has."""
    return table[[f"t_{name}" for name in labels]].to_numpy().astype(bool)


def answers(table: pd.DataFrame, labels: list[str]) -> np.ndarray:
    """(rows, labels) of predictions.csv: which labels are predicted, those with a probability above a half."""
    return table[[f"p_{name}" for name in labels]].to_numpy() > 0.5


def counted(seeds: list[pd.DataFrame], classes: list[str], names: tuple = (), *, several: bool) -> Counts:
    """Predictions counted by class and group; of several labels per image, by whether all of them are right."""
    return counts(*as_right(seeds), names) if several else counts(seeds, classes, names)


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


def arms(seeds: list[pd.DataFrame], labels: list[str], names=(), *, draws: int = DRAWS, rng: int = 0) -> dict:
    """Each score per seed, as it is and as other patients could have given it: name -> [Arm].

    The Bayesian bootstrap of lib.evidence.intervals. Many labels belong to one or two patients: where a third of them
    have too few there is no interval (NaN). Else the labels share a few imagined patients: for the lower end not
    recognised, or wrongly taken to have the label; for the upper end recognised. Accuracy has no such patients here:
    `as_right` leads to its intervals.
    """
    summed, names = sums(seeds, labels), tuple(names) or tuple(range(len(seeds)))
    scored = macro(summed.sum(1))
    present = summed[0][:, 2]
    met = present.any(0)
    if np.mean([few(of_label[of_label > 0]) for of_label in present.T[met]]) >= TOO_MANY:
        nothing = np.full((len(seeds), draws), np.nan)
        return {name: [Arm(names, values, nothing, nothing)] for name, values in scored.items()}
    found = {name: ([], []) for name in scored}
    # images per patient with a label, mean over such images
    patient = (present**2).sum(0) / np.maximum(present.sum(0), 1)
    for part in np.random.default_rng(rng).spawn(-(-draws // PART)):
        number = min(draws, PART)
        of_groups = dirichlet(part, number, np.ones(summed.shape[1])) * summed.shape[1]
        more = patient * part.gamma(IMAGINED / met.sum(), size=(number, 1)) * met
        none = 0 * more
        row = np.einsum("dg,sgkl->sdkl", of_groups, summed)
        # in the order of `sums`
        for side, imagined in enumerate([[none, more, more, none, none], [more, more, more, none, none]]):
            for name, values in macro(row + np.stack(imagined, -2)).items():
                found[name][side].append(values)
    made = {name: [np.concatenate(side, 1) for side in sides] for name, sides in found.items()}
    return {name: [Arm(names, scored[name], *made[name])] for name in scored}
