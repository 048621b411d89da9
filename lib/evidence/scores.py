"""Score finished runs from their predictions alone: in seconds, on any laptop, without torch.

predictions.csv of every seed --scores, calibration--> numbers per run
                              --table1, assess-------> mean over seeds, with an interval over groups and seeds
                              --pairs----------------> the difference of two models, with its interval
"""

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, precision_recall_fscore_support
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from lib.evidence import auc, intervals, labelwise, multilabel
from lib.evidence.differences import Difference, difference
from lib.evidence.intervals import Counts

# titles of the scores in the paper's Table 1, and of those added below; others keep the names of `clinical`
METRICS = {"accuracy": "Accuracy (%)", "precision": "Precision", "recall": "Recall", "f1": "F1 score", "auc": "AUC"}
BINS = 10  # of confidence, for the calibration error


def scores(predictions: pd.DataFrame, labels: list[str] = ()) -> dict[str, float]:
    """Accuracy, and precision, recall and F1 averaged over the classes that occur (macro), as fractions.

    The paper does not state its averaging; the released code uses scikit-learn's macro average. A class that is never
    predicted has precision 0. labels: given for images that may have several.
    """
    if labels:
        return multilabel.scores(predictions, labels)
    truth, predicted, met = predictions.label, predictions.predicted, sorted(set(predictions.label))
    average = {"average": "macro", "labels": met, "zero_division": 0}
    precision, recall, f1, _ = precision_recall_fscore_support(truth, predicted, **average)
    return {"accuracy": accuracy_score(truth, predicted), "precision": precision, "recall": recall, "f1": f1}


def of_two(predictions: pd.DataFrame, classes: list[str]) -> dict[str, float]:
    """Sensitivity, specificity, precision and F1 of two classes, as fractions; empty for more classes.

    The first class of the catalogue entry is the positive one, and each name says so: `sensitivity (yes)`.
    """
    if len(classes) != 2:
        return {}
    truth, predicted = predictions.label, predictions.predicted
    precision, recall, f1, _ = precision_recall_fscore_support(truth, predicted, labels=classes, zero_division=0)
    values = {"sensitivity": recall[0], "specificity": recall[1], "precision": precision[0], "F1": f1[0]}
    return {f"{name} ({classes[0]})": float(value) for name, value in values.items()}


def confusion(predictions: pd.DataFrame, classes: list[str]) -> pd.DataFrame:
    """The fraction of each true class (rows) by predicted class (columns), as in figures 6 to 9 of the paper.

    Rows sum to 1; the row of an absent class sums to 0.
    """
    matrix = confusion_matrix(predictions.label, predictions.predicted, labels=classes, normalize="true")
    return pd.DataFrame(matrix, index=pd.Index(classes, name="true"), columns=pd.Index(classes, name="predicted"))


def calibration(predictions: pd.DataFrame, classes: list[str]) -> dict[str, float]:
    """Three measures of how well probabilities fit the truth; 0 is best.

    Log loss, in nats; the Brier score (sum over classes of squared errors, 0 to 2); and the expected calibration error,
    the mean distance of accuracy from confidence over ten bins, weighted by images (0 to 1; Guo et al. 2017).
    """
    probabilities = predictions[[f"p_{name}" for name in classes]].to_numpy()
    truth = predictions.label.map(classes.index).to_numpy()
    right, confidence = probabilities.argmax(1) == truth, probabilities.max(1)
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    error = 0.0
    for inside in (bins == number for number in np.unique(bins)):
        error += abs(right[inside].mean() - confidence[inside].mean()) * inside.mean()
    clipped = np.clip(probabilities, 1e-7, 1)
    return {
        "log_loss": log_loss(truth, clipped / clipped.sum(1, keepdims=True), labels=range(len(classes))),
        "brier": float(((probabilities - np.eye(len(classes))[truth]) ** 2).sum(1).mean()),
        "calibration_error": float(error),
    }


def table1(seeds: list[pd.DataFrame], counted: Counts, labels: list[str] = ()) -> list[dict]:
    """One row per metric: mean and standard deviation over seeds, and the 95 % interval over groups and seeds.

    Args:
        seeds: the test predictions, one table per seed. counted: the same, counted.
        labels: given for images that may have several.
    """
    per_seed = pd.DataFrame([scores(table, labels) for table in seeds])
    found = intervals.arms(counted, intervals.MACRO)
    if labels:
        found = multilabel.arms(seeds, labels) | {"accuracy": found["accuracy"]}
    rows = []
    for metric, mean in per_seed.mean().items():
        _, low, high = intervals.of_share(found[metric])
        rows.append({"metric": metric, "mean": mean, "std": per_seed[metric].std(), "low": low, "high": high})
    return rows


def clinical(seeds: list[pd.DataFrame], counted: Counts, classes: list[str], *, several: bool) -> list[dict]:
    """Scores that the paper's table lacks, as rows of `table1`: AUC, and sensitivity and specificity of two classes.

    With several labels per image (`several`): AUC and label accuracy, both averaged over labels. The ends of an
    interval are NaN if too few groups are behind it.
    """
    found = {}
    if area := auc.interval(auc.scored(seeds, classes)):
        found["auc"] = area, [auc.auc(table, classes) for table in seeds]
    if several:
        found["label accuracy"] = labelwise.accuracy(seeds, classes), labelwise.per_seed(seeds, classes)
    elif len(classes) == 2 and len(np.unique(counted.label)) == 2:
        per_seed = pd.DataFrame([of_two(table, classes) for table in seeds])
        for place, name in enumerate(["sensitivity", "specificity"]):
            one = intervals.interval(intervals.of_class(counted, place))
            found[f"{name} ({classes[0]})"] = one, per_seed[f"{name} ({classes[0]})"]
    return [
        {"metric": name, "mean": one.estimate, "std": pd.Series(values).std(), "low": one.low, "high": one.high}
        for name, (one, values) in found.items()
    ]


def assess(counted: Counts) -> dict[str, float]:
    """The accuracy's interval beside the naive one, which treats images as independent (Wilson 1927)."""
    interval, images = intervals.interval(counted), counted.images.sum()
    naive_low, naive_high = proportion_confint(interval.estimate * images, images, method="wilson")
    effect = intervals.design_effect(counted)
    return {
        "images": int(images),
        "groups": len(np.unique(counted.group)),
        "seeds": len(counted.predicted),
        "accuracy": interval.estimate,
        "low": interval.low,
        "high": interval.high,
        "naive_low": naive_low,
        "naive_high": naive_high,
        "design_effect": effect,
        "effective_images": images / effect,
    }


def pairs(counted: dict[str, Counts], which: list[tuple[str, str]]) -> pd.DataFrame:
    """One row per pair of models: a, b, the `Difference` of a minus b, seeds (the smaller number of the two).

    StudyError: two models were tested on different images.
    """
    rows = [(a, b, *difference(counted[a], counted[b])) for a, b in which]
    table = pd.DataFrame(rows, columns=["a", "b", *Difference._fields])
    table["seeds"] = [min(len(counted[name].predicted) for name in pair) for pair in which]
    return table


def holm(p_values: pd.Series) -> pd.Series:
    """Correct p values for their number (Holm 1979); NaN stays NaN."""
    known = p_values.dropna()
    corrected = multipletests(known, method="holm")[1] if len(known) else []
    return pd.Series(corrected, known.index, float).reindex(p_values.index)


def ranking(per_run: pd.DataFrame) -> pd.DataFrame:
    """Rank models by their validation accuracy, the best first: one column per cell, and their mean.

    A model that lacks a result in some cell has no mean, and comes last.

    Args:
        per_run: dataset, split, model, seed, metric, value; only rows with the metric validation_accuracy are used.
    """
    part = per_run[per_run.metric == "validation_accuracy"]
    part = part.assign(where=part.dataset + ", " + part.split)
    wide = part.pivot_table(index="model", columns="where", values="value", sort=False).rename_axis(columns=None)
    wide["mean"] = wide.mean(axis=1, skipna=False)
    return wide.sort_values("mean", ascending=False, kind="stable").reset_index()


def groups(counted: Counts, classes: list[str]) -> dict[str, int]:
    """The number of groups that hold each class."""
    return dict(zip(classes, np.bincount(counted.label, minlength=len(classes)).tolist()))


def limits(groups: dict[str, int], seeds: int, untold: list[str] = ()) -> list[str]:
    """Say in sentences what the results cannot show.

    Args:
        groups: the number of groups of the test part that hold each class.
        untold: the scores without an interval, by `lib.evidence.intervals.tells`.
    """
    absent = [name for name, number in groups.items() if number == 0]
    single = [name for name, number in groups.items() if number == 1]
    sentences = []
    if absent:
        sentences.append(f"The test part has no image of {', '.join(absent)}: averages over classes leave it out.")
    if single:
        sentences.append(f"All test images of {', '.join(single)} belong to one group: its variation is unknown.")
    if untold:
        sentences.append(
            f"No interval for {', '.join(untold)}: a third of the classes (or labels), or of the images, have"
            f" fewer than {intervals.FEWEST} groups, or most of their images in one group."
        )
    if seeds == 1:
        sentences.append("One seed per model: the intervals leave out the variation between seeds.")
    return sentences
