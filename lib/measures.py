"""What a claim can be about: each measure turns the study's files into an estimate, and an interval where one makes sense.

predictions.csv, history.csv --difference-->        points, with an interval over groups and seeds
reports/<study>/{groups,splits,models,shown}/*.csv --> counts and shares, exact
params/published/*/*.csv --printed_better, rows-->  what the paper's own numbers say
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from lib import averages, consistency, intervals
from lib.apart import apart, seeds_left, smallest, tested
from lib.files import read_csv
from lib.predictions import histories
from lib.published import printed, test_sizes
from lib.study import Study

SHOW = {
    "points": "{:+z.1f} points",
    "share": "{:.1%}",
    "times": "{:.3f}",
    "megabytes": "{:.2f} MB",
    "": "{:g}",
}  # a unit -> how it is written


class Measured(NamedTuple):
    """An estimate in its own unit, the ends of its interval and the smallest decidable size; None where there is none."""

    quantity: str
    estimate: float | list | None
    link: str = ""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    decidable: float | None = None

    def show(self, value) -> str:
        """A value, or several, in this measure's unit; nothing for none."""
        if value is None:
            return ""
        return ", ".join(SHOW[self.unit].format(number) for number in np.atleast_1d(value))


def difference(
    study: Study, metric: str, dataset: str, split: str, models: list[str], minus: list[str] = (), minus_dataset: str = ""
) -> Measured:  # fmt: skip
    """`metric` of a model minus that of another on the same images, or minus its own on another data set, in points.

    Of several models or others the smallest difference is taken: such a claim is about all of them.
    """
    pairs = [(model, other) for model in models for other in minus or [model]]
    found = [apart(study, metric, (dataset, split, a), (minus_dataset or dataset, split, b)) for a, b in pairs]
    against = f"the same on {minus_dataset}" if minus_dataset else " or ".join(minus)
    quantity = f"{metric}: {' or '.join(models)} on {dataset} minus {against}, split {split}"
    quantity += ", the smallest" * (len(pairs) > 1) + seeds_left(study, dataset, split, [*models, *minus])
    quantity += seeds_left(study, minus_dataset, split, models) if minus_dataset else ""
    page = f"05_train-{dataset}-{split}-{models[0]}.html"
    estimate, low, high, seen = smallest(found)
    return Measured(quantity, estimate, page, "points", low, high, seen)


def accuracy(study: Study, dataset: str, split: str, model: str, stated: float) -> Measured:
    """The test accuracy of a model minus the one that the document states (a fraction), in points."""
    found = intervals.interval(tested(study.study, dataset, split, model)[0])
    estimate, low, high = (100 * (value - stated) for value in found)
    quantity = f"accuracy of {model} on {dataset}, split {split}, minus {stated:.1%}"
    return Measured(quantity, estimate, f"05_train-{dataset}-{split}-{model}.html", "points", low, high)


def epochs_to(study: Study, dataset: str, split: str, model: str, than: str) -> Measured:
    """After how many epochs a model's validation accuracy is that of another after its last one; mean over seeds, one more if never."""
    own, other = (
        histories(study, dataset, split, name).groupby("seed").validation_accuracy.agg(list) for name in (model, than)
    )
    both = own.index.intersection(other.index)
    reached = ([value >= other[seed][-1] for value in own[seed]] + [True] for seed in both)
    found = [first.index(True) + 1 for first in reached]
    quantity = f"epochs until {model} is as right on validation images of {dataset} as {than} at its end, split {split}"
    quantity += seeds_left(study, dataset, split, [model, than])
    return Measured(quantity, float(np.mean(found)), f"05_train-{dataset}-{split}-{model}.html")


def size(study: Study, dataset: str, split: str, model: str) -> Measured:
    """What a model's parameters take in float32, in megabytes."""
    table = pd.read_csv(study.learnt(dataset, split, model) / "size.csv")
    page = f"05_train-{dataset}-{split}-{model}.html"
    return Measured(f"size of {model}, for {dataset}", float(table.megabytes.iloc[0]), page, "megabytes")


def unlikely_f1(study: Study, dataset: str) -> Measured:
    """How many rows of the document have an F1 beyond what any classes of their precision and recall have."""
    checked = averages.check(printed(study).query("dataset == @dataset"))
    what = f"rows of {len(checked)}, {dataset}, whose F1 lies beyond what their precision and recall allow"
    return Measured(what, int((~checked.attainable).sum()), "08_claims.html")


def attention(study: Study, table: str, column: str, where: dict, over: dict = {}, unit: str = "share") -> Measured:
    """A number of notebook 04, from the row of a table that `where` names; over the number of the row that `over` names."""
    rows = pd.read_csv(study.shown("04_attention") / f"{table}.csv")

    def cell(keys: dict) -> float:
        return float(rows.loc[(rows[list(keys)] == pd.Series(keys)).all(axis=1), column].iloc[0])

    words = ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in where.items())
    quantity = f"{column}: {words}" + (f", over {', '.join(map(str, over.values()))}" if over else "")
    return Measured(quantity, cell(where) / (cell(over) if over else 1), "04_attention.html", unit)


def images(
    study: Study, dataset: str, by: list[str] = (), split: str = "", unit: str = "images", smallest=False
) -> Measured:
    """How many images, photographs or groups: all, or a number a class, or a part of a split and class; or the smallest of them."""
    page = f"03_split-{dataset}-{split}" if split else f"02_groups-{dataset}"
    folder = study.report / ("splits" if split else "groups")
    table = read_csv(folder / (f"{dataset}-{split}.csv" if split else f"{dataset}/counts.csv"))
    numbers = table.groupby(list(by), sort=False)[unit].sum().tolist() if by else [int(table[unit].sum())]
    quantity = f"{unit} of {dataset}" + "".join(f", by {name}" for name in by) + (", the smallest" if smallest else "")
    return Measured(quantity, min(numbers) if smallest or len(numbers) == 1 else numbers, f"{page}.html")


def printed_better(
    study: Study, dataset: str = "", than: str = "", metric: str = "accuracy", model: str = ""
) -> Measured:
    """How many models of the printed table have a higher `metric` on one data set than on another; or one model than another, on how many sets."""
    of, by = ("dataset", "model") if dataset else ("model", "dataset")
    table = printed(study).pivot(index=by, columns=of, values=metric)
    better = int((table[dataset or model] > table[than]).sum())
    where = (
        f"models of {len(table)} in the printed table" if dataset else f"data sets of {len(table)} in the printed table"
    )
    quantity = f"{where} with a higher {metric} {'on' if dataset else 'of'} {dataset or model} than {'on' if dataset else 'of'} {than}"
    return Measured(quantity, better, "index.html#The-scores")


def rows_that_cannot(study: Study, dataset: str, whole: bool) -> Measured:
    """How many accuracies (`whole`: rows) of Table 1 no stated or known test set can give, rounded or cut off."""
    checked = consistency.check_table(printed(study).query("dataset == @dataset"), test_sizes(study))
    wrong = int((~checked.row_attainable if whole else ~checked.attainable).sum())
    what = "rows" if whole else "accuracies"
    return Measured(f"{what} of {len(checked)} in Table 1, {dataset}, that cannot arise", wrong, "08_claims.html")


def accuracies_that_cannot(study: Study, dataset: str, images: int) -> Measured:
    """How many printed accuracies of a data set no number of right ones among so many gives, rounded or cut off."""
    table = printed(study).query("dataset == @dataset")
    ways = [
        [consistency.attainable(f"{100 * v:.2f}", images, truncate=cut) for cut in (False, True)]
        for v in table.accuracy
    ]
    wrong = sum(not any(counts) for counts in ways)
    what = f"printed accuracies of {len(table)}, {dataset}, that are no number of right ones among {images} (an arbitrary one is in {consistency.chance(images):.0%})"
    return Measured(what, wrong, "index.html#The-scores")


def nothing(study: Study) -> Measured:
    """Of what cannot be measured here."""
    return Measured("nothing here measures it", None)


MEASURES = {
    "difference": difference, "accuracy": accuracy, "epochs_to": epochs_to, "size": size, "unlikely_f1": unlikely_f1, "attention": attention, "images": images, "printed_better": printed_better,
    "rows_that_cannot": rows_that_cannot, "accuracies_that_cannot": accuracies_that_cannot, "nothing": nothing,
}  # fmt: skip
