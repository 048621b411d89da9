"""Images with several labels: scores and intervals when a row has a 0/1 and a probability per label.

predictions of every seed --sums--> answers counted per label and group --macro--> precision, recall, F1
                                                     --arms-------> their 95 % intervals

An image is right if exactly its labels are predicted (scikit-learn's accuracy of several labels). Sets of labels are
too many and too rare to be classes. So intervals and tests for one label per image treat all images as one class,
predicted right or wrong (`as_right`).
"""

import numpy as np
import pandas as pd

from lib.evidence.intervals import DRAWS, IMAGINED, PART, TOO_MANY, Counts, counts, dirichlet, few
from lib.evidence.mover import Arm

RIGHT, WRONG = "all labels right", "another answer"


def truth(table: pd.DataFrame, labels: list[str]) -> np.ndarray:
    """predictions.csv -> (rows, labels) bool: which labels an image has."""
    return table[[f"t_{name}" for name in labels]].to_numpy().astype(bool)


def answers(table: pd.DataFrame, labels: list[str]) -> np.ndarray:
    """predictions.csv -> (rows, labels) bool: which labels are predicted, with a probability above one half."""
    return table[[f"p_{name}" for name in labels]].to_numpy() > 0.5


def counted(seeds: list[pd.DataFrame], classes: list[str], names: tuple = (), *, several: bool) -> Counts:
    """Count predictions by class and group; with several labels per image, by whether all of them are right."""
    return counts(*as_right(seeds), names) if several else counts(seeds, classes, names)


def as_right(seeds: list[pd.DataFrame]) -> tuple[list[pd.DataFrame], list[str]]:
    """The same predictions with one class for every image; predicted is this class, or another answer."""
    tables = []
    for table in seeds:
        predicted = np.where(table.predicted == table.label, RIGHT, WRONG)
        tables.append(table.assign(label=RIGHT, predicted=predicted))
    return tables, [RIGHT, WRONG]


def scores(table: pd.DataFrame, labels: list[str]) -> dict[str, float]:
    """Exact-match accuracy, and precision, recall and F1 averaged over the labels that occur; fractions."""
    # imported here: scikit-learn takes a second, which checking a study's claims does not need
    from sklearn.metrics import accuracy_score, precision_recall_fscore_support

    true, predicted = truth(table, labels), answers(table, labels)
    met = true.any(0)
    precision, recall, f1, _ = precision_recall_fscore_support(
        true[:, met], predicted[:, met], average="macro", zero_division=0
    )
    return {"accuracy": accuracy_score(true, predicted), "precision": precision, "recall": recall, "f1": f1}


def groups(table: pd.DataFrame, labels: list[str]) -> dict[str, int]:
    """The number of groups that hold each label."""
    return {name: table.group[present].nunique() for name, present in zip(labels, truth(table, labels).T)}


def sums(seeds: list[pd.DataFrame], labels: list[str]) -> np.ndarray:
    """Count images per seed and group: (seeds, groups, 5, labels).

    The five: with the label and predicted so; predicted so; with the label; exactly right; all images. The last two are
    equal for all labels.
    """
    rows, distinct = pd.factorize(seeds[0].group)
    counted = np.zeros((len(seeds), len(distinct), 5, len(labels)))
    for number, table in enumerate(seeds):
        true, predicted = truth(table, labels), answers(table, labels)
        exact = np.repeat((true == predicted).all(1)[:, None], len(labels), 1)
        kinds = np.stack([true & predicted, predicted, true, exact, np.ones_like(exact)], 1)
        np.add.at(counted[number], rows, kinds.astype(float))
    return counted


def macro(summed: np.ndarray) -> dict[str, np.ndarray]:
    """Scores from counts (..., 5, labels) of `sums`, averaged over the labels that occur: name -> (...)."""
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
    """The arms of each score, by the Bayesian bootstrap of lib.evidence.intervals over patients: name -> [Arm].

    If a third of the labels have too few patients, the replicates are NaN. Otherwise the labels share a few imagined
    patients: for the lower end missed, or wrongly given the label; for the upper end recognised. Accuracy gets none of
    these here: its intervals come from `as_right`.
    """
    summed, names = sums(seeds, labels), tuple(names) or tuple(range(len(seeds)))
    scored = macro(summed.sum(1))
    present = summed[0][:, 2]
    met = present.any(0)
    if np.mean([few(of_label[of_label > 0]) for of_label in present.T[met]]) >= TOO_MANY:
        nothing = np.full((len(seeds), draws), np.nan)
        return {name: [Arm(names, values, nothing, nothing)] for name, values in scored.items()}
    found = {name: ([], []) for name in scored}
    # images per patient with a label, mean over images with it
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
