"""What finished runs are worth, from their predictions alone: any laptop redoes it in seconds, without torch.

predictions.csv of every seed --scores, calibration--> a number a run
                              --table1, assess-------> mean over seeds, with an interval over groups and seeds
                              --pairs----------------> which of two models is better, as far as these images can tell
"""

import numpy as np
import pandas as pd
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, precision_recall_fscore_support
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from lib import intervals, many
from lib.compare import Difference, difference
from lib.intervals import Counts

METRICS = {"accuracy": "Accuracy (%)", "precision": "Precision", "recall": "Recall", "f1": "F1 score"}
BINS = 10  # of confidence, for the calibration error


def scores(predictions: pd.DataFrame, labels: list[str] = ()) -> dict[str, float]:
    """Accuracy, and precision, recall and F1 averaged over the classes that are met (macro), as fractions; `labels`: see lib.many.

    The paper does not say how it averages; the released code takes scikit-learn's macro average. A class that is
    never predicted has precision 0.
    """
    if labels:
        return many.scores(predictions, labels)
    truth, predicted, met = predictions.label, predictions.predicted, sorted(set(predictions.label))
    average = {"average": "macro", "labels": met, "zero_division": 0}
    precision, recall, f1, _ = precision_recall_fscore_support(truth, predicted, **average)
    return {"accuracy": accuracy_score(truth, predicted), "precision": precision, "recall": recall, "f1": f1}


def of_two(predictions: pd.DataFrame, classes: list[str]) -> dict[str, float]:
    """Of two classes: precision, recall and F1 with the first as positive, as fractions; of more classes nothing."""
    if len(classes) != 2:
        return {}
    truth, predicted = predictions.label, predictions.predicted
    found = precision_recall_fscore_support(truth, predicted, labels=classes[:1], average=None, zero_division=0)
    return {f"{name} of {classes[0]}": float(value[0]) for name, value in zip(["precision", "recall", "f1"], found)}


def confusion(predictions: pd.DataFrame, classes: list[str]) -> pd.DataFrame:
    """Fractions of each true class (rows) by predicted class (columns), as in figures 6 to 9; rows sum to 1, or to 0 if absent."""
    matrix = confusion_matrix(predictions.label, predictions.predicted, labels=classes, normalize="true")
    return pd.DataFrame(matrix, index=pd.Index(classes, name="true"), columns=pd.Index(classes, name="predicted"))


def calibration(predictions: pd.DataFrame, classes: list[str]) -> dict[str, float]:
    """How far probabilities can be believed: 0 is best in all three.

    Log loss in nats, the Brier score (sum over classes of squared errors, 0 to 2), and the expected calibration error: how far
    accuracy is from confidence in ten bins of confidence, weighted by images (Guo et al. 2017).
    """
    probabilities = predictions[[f"p_{name}" for name in classes]].to_numpy()
    truth = predictions.label.map(classes.index).to_numpy()
    right, confidence = probabilities.argmax(1) == truth, probabilities.max(1)
    bins = np.minimum((confidence * BINS).astype(int), BINS - 1)
    gaps = [abs(right[bins == b].mean() - confidence[bins == b].mean()) * (bins == b).mean() for b in np.unique(bins)]
    clipped = np.clip(probabilities, 1e-7, 1)
    return {
        "log_loss": log_loss(truth, clipped / clipped.sum(1, keepdims=True), labels=range(len(classes))),
        "brier": float(((probabilities - np.eye(len(classes))[truth]) ** 2).sum(1).mean()),
        "calibration_error": float(sum(gaps)),
    }


def table1(seeds: list[pd.DataFrame], counted: Counts, labels: list[str] = ()) -> list[dict]:
    """A row a metric: mean and standard deviation over seeds, the ends of its 95 % interval over groups and seeds.

    Args:
        seeds: the test predictions, a table a seed. counted: the same, counted. labels: those of images that may have several.
    """
    per_seed = pd.DataFrame([scores(table, labels) for table in seeds])
    drawn = intervals.averaged(counted, intervals.MACRO)
    drawn |= (
        {metric: values for metric, values in many.replicates(seeds, labels).items() if metric != "accuracy"}
        if labels
        else {}
    )
    rows = []
    for metric, mean in per_seed.mean().items():
        low, high = intervals.ends(drawn[metric], mean)
        rows.append({"metric": metric, "mean": mean, "std": per_seed[metric].std(), "low": low, "high": high})
    return rows


def assess(counted: Counts) -> dict[str, float]:
    """The accuracy's interval beside the naive one, which takes every image for a piece of evidence (Wilson 1927)."""
    found, images = intervals.interval(counted), counted.images.sum()
    naive = proportion_confint(found.estimate * images, images, method="wilson")
    effect = intervals.design_effect(counted)
    return {
        "images": int(images), "groups": len(np.unique(counted.group)), "seeds": len(counted.predicted),
        "accuracy": found.estimate, "low": found.low, "high": found.high, "naive_low": naive[0], "naive_high": naive[1],
        "design_effect": effect, "effective_images": images / effect,
    }  # fmt: skip


def pairs(counted: dict[str, Counts], which: list[tuple[str, str]]) -> pd.DataFrame:
    """A row per pair of models: a, b, what `lib.compare.difference` says of a minus b, seeds of each, and p_holm, which counts how many pairs were tried.

    StudyError: tested on other images.
    """
    rows = [(a, b, *difference(counted[a], counted[b])) for a, b in which]
    table = pd.DataFrame(rows, columns=["a", "b", *Difference._fields])
    table["seeds"] = [min(len(counted[name].predicted) for name in pair) for pair in which]
    return table.assign(p_holm=multipletests(table.p_value, method="holm")[1] if len(table) else [])


def ranking(per_run: pd.DataFrame) -> pd.DataFrame:
    """Models by their accuracy on the validation part, the best first: a column per data set and split, and their mean.

    A model that came to no end somewhere has no mean, and stands last.

    Args:
        per_run: dataset, split, model, seed, metric, value; those with the metric validation_accuracy count.
    """
    part = per_run[per_run.metric == "validation_accuracy"]
    part = part.assign(where=part.dataset + ", " + part.split)
    wide = part.pivot_table(index="model", columns="where", values="value", sort=False).rename_axis(columns=None)
    return (
        wide.assign(mean=wide.mean(axis=1, skipna=False))
        .sort_values("mean", ascending=False, kind="stable")
        .reset_index()
    )


def groups(counted: Counts, classes: list[str]) -> dict[str, int]:
    """In how many groups each class is."""
    return dict(zip(classes, np.bincount(counted.label, minlength=len(classes)).tolist()))


def limits(groups: dict[str, int], seeds: int) -> list[str]:
    """What cannot be said, in sentences: absent classes, classes of a single photograph, one seed; `groups`: of each class in the test part."""
    absent, single = ([name for name, number in groups.items() if number == wanted] for wanted in (0, 1))
    says = (
        [f"No test image is {', '.join(absent)}: nothing is said of it, and averages leave it out."] if absent else []
    )
    if single:
        says.append(f"All test images of {', '.join(single)} belong to one group: how it varies cannot be said.")
    if seeds == 1:
        says.append("One seed: what another seed would give is not in the intervals.")
    return says


def no_better(table: pd.DataFrame, often: float) -> list[str]:
    """A sentence that names the models whose interval reaches down to one answer for all, if there are any.

    Args:
        table: model, low of its accuracy. often: the share of images that have the most frequent label.
    """
    weak = table.model[table.low <= often]
    says = f"One and the same answer would be right for {often:.0%} of these images; as far as they can tell, no better than that: "
    return [f"{says}{'; '.join(weak)}."] if len(weak) else []
