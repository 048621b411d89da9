"""What finished runs are worth, from their predictions alone: any laptop redoes it in seconds, without torch.

predictions.csv of every seed --scores, calibration--> numbers per run
                              --table1, assess-------> mean over seeds, with an interval over groups and seeds
                              --pairs----------------> which of two models is better, as far as these images can tell
"""

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, precision_recall_fscore_support
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from lib.evidence import auc, intervals, labelwise, multilabel
from lib.evidence.differences import Difference, difference
from lib.evidence.intervals import Counts

# of the paper's Table 1, and what stands below these; others go by the names that `clinical` gives them
METRICS = {"accuracy": "Accuracy (%)", "precision": "Precision", "recall": "Recall", "f1": "F1 score", "auc": "AUC"}
BINS = 10  # of confidence, for the calibration error


def scores(predictions: pd.DataFrame, labels: list[str] = ()) -> dict[str, float]:
    """Accuracy, and precision, recall and F1 averaged over the classes that are met (macro), as fractions.

    The paper does not say how it averages; the released code takes scikit-learn's macro average. A class that is
    never predicted has precision 0. labels: of images that may have several.
    """
    if labels:
        return multilabel.scores(predictions, labels)
    truth, predicted, met = predictions.label, predictions.predicted, sorted(set(predictions.label))
    average = {"average": "macro", "labels": met, "zero_division": 0}
    precision, recall, f1, _ = precision_recall_fscore_support(truth, predicted, **average)
    return {"accuracy": accuracy_score(truth, predicted), "precision": precision, "recall": recall, "f1": f1}


def of_two(predictions: pd.DataFrame, classes: list[str]) -> dict[str, float]:
    """Of two classes, with the first as positive: sensitivity, specificity, precision and F1; of more classes nothing.

    Each name says which class is positive, the first of the data set's catalogue entry: `sensitivity (yes)`.
    """
    if len(classes) != 2:
        return {}
    truth, predicted = predictions.label, predictions.predicted
    precision, recall, f1, _ = precision_recall_fscore_support(truth, predicted, labels=classes, zero_division=0)
    values = {"sensitivity": recall[0], "specificity": recall[1], "precision": precision[0], "F1": f1[0]}
    return {f"{name} ({classes[0]})": float(value) for name, value in values.items()}


def confusion(predictions: pd.DataFrame, classes: list[str]) -> pd.DataFrame:
    """Fractions of each true class (rows) by predicted class (columns), as in figures 6 to 9.

    Rows sum to 1; that of an absent class to 0.
    """
    matrix = confusion_matrix(predictions.label, predictions.predicted, labels=classes, normalize="true")
    return pd.DataFrame(matrix, index=pd.Index(classes, name="true"), columns=pd.Index(classes, name="predicted"))


def calibration(predictions: pd.DataFrame, classes: list[str]) -> dict[str, float]:
    """How far probabilities can be believed: 0 is best in all three.

    Log loss in nats, the Brier score (sum over classes of squared errors, 0 to 2), and the expected calibration error:
    how far accuracy is from confidence in ten bins of confidence, weighted by images (Guo et al. 2017).
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
    """One row per metric: mean and standard deviation over seeds, the ends of its 95 % interval over groups and seeds.

    Args:
        seeds: the test predictions, one table per seed. counted: the same, counted.
        labels: of images that may have several.
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
    """What the paper's table lacks, in rows like those of `table1`: AUC; sensitivity and specificity of two classes.

    Of several labels per image (`several`) AUC and label accuracy, both means over labels. The ends of an interval are
    NaN where too few groups stand behind it.
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
    """The accuracy's interval beside the naive one, which takes every image for a piece of evidence (Wilson 1927)."""
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
    """One row per pair of models: a, b, the `Difference` of a minus b, seeds (of the model that has fewer).

    StudyError: two models were tested on different images.
    """
    rows = [(a, b, *difference(counted[a], counted[b])) for a, b in which]
    table = pd.DataFrame(rows, columns=["a", "b", *Difference._fields])
    table["seeds"] = [min(len(counted[name].predicted) for name in pair) for pair in which]
    return table


def holm(p_values: pd.Series) -> pd.Series:
    """The same, corrected for all of them (Holm 1979); NaN stays."""
    known = p_values.dropna()
    corrected = multipletests(known, method="holm")[1] if len(known) else []
    return pd.Series(corrected, known.index, float).reindex(p_values.index)


def ranking(per_run: pd.DataFrame) -> pd.DataFrame:
    """Models by their accuracy on the validation part, the best first: one column per cell, and their mean.

    A model without a result somewhere has no mean, and stands last.

    Args:
        per_run: dataset, split, model, seed, metric, value; those with the metric validation_accuracy count.
    """
    part = per_run[per_run.metric == "validation_accuracy"]
    part = part.assign(where=part.dataset + ", " + part.split)
    wide = part.pivot_table(index="model", columns="where", values="value", sort=False).rename_axis(columns=None)
    wide["mean"] = wide.mean(axis=1, skipna=False)
    return wide.sort_values("mean", ascending=False, kind="stable").reset_index()


def groups(counted: Counts, classes: list[str]) -> dict[str, int]:
    """In how many groups each class is."""
    return dict(zip(classes, np.bincount(counted.label, minlength=len(classes)).tolist()))


def limits(groups: dict[str, int], seeds: int, untold: list[str] = ()) -> list[str]:
    """What cannot be said, in sentences.

    Args:
        groups: in how many groups of the test part each class is.
        untold: what has no interval, see `lib.evidence.intervals.tells`.
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
