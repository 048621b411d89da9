"""What a claim can be about: each measure turns the study's files into an estimate, and an interval where one makes sense.

predictions.csv, history.csv --difference-->        points, with an interval over photographs and seeds
reports/<study>/{groups,splits,attention}/*.csv --> counts and shares, exact
params/published/*/table1.csv --printed, rows-->    what the paper's own numbers say
"""

from functools import cache
from typing import NamedTuple

import numpy as np
import pandas as pd

from lib import consistency, intervals
from lib.compare import decidable, require_same_images
from lib.intervals import Counts, counts, ends, replicates
from lib.predictions import read_seeds
from lib.published import printed
from lib.study import Study, load_study


class Measured(NamedTuple):
    """An estimate in its own unit, the ends of its interval and the smallest decidable size; None where there is none."""

    quantity: str
    estimate: float | list
    link: str = ""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    decidable: float | None = None

    def show(self, value) -> str:
        """A value in this measure's unit."""
        if isinstance(value, list):
            return ", ".join(f"{number:g}" for number in value)
        return {"points": f"{value:+.1f}", "share": f"{value:.1%}", "times": f"{value:.3f}", "": f"{value:g}"}[
            self.unit
        ]


METRICS = {  # (confusion matrices (..., classes, classes), accuracy on the training part) -> (...)
    "accuracy": lambda confusion, trained: intervals.accuracy(confusion),
    "smallest recall of a class": lambda confusion, trained: intervals.smallest_recall(confusion),
    "training minus test accuracy": lambda confusion, trained: trained - intervals.accuracy(confusion),
}


@cache
def tested(study: str, dataset: str, split: str, model: str) -> tuple[Counts, float]:
    """The test predictions of a model, counted; and its accuracy on the training part in the last epoch, mean over seeds."""
    study = load_study(study)
    histories = [pd.read_csv(study.run(dataset, split, model, seed) / "history.csv") for seed in study.seeds]
    classes = list(study.dataset(dataset).classes.values())
    return counts(read_seeds(study, dataset, split, model), classes), float(
        np.mean([h.train_accuracy.iloc[-1] for h in histories])
    )


def difference(
    study: Study,
    metric: str,
    dataset: str,
    split: str,
    models: list[str],
    minus: list[str] = (),
    minus_dataset: str = "",
) -> Measured:
    """`metric` of a model minus that of another on the same images, or minus its own on another data set, in points.

    Of several models or others the smallest difference is taken: the claim is about all of them.
    """
    drawn, estimates = [], []
    for one, other in [(model, other) for model in models for other in minus or [model]]:
        (a, a_trained), (b, b_trained) = (
            tested(study.study, *where) for where in [(dataset, split, one), (minus_dataset or dataset, split, other)]
        )
        if not minus_dataset:
            require_same_images(a, b)
        second = replicates(b, rng=1) if minus_dataset else replicates(b, opposite=True)
        drawn.append(100 * (METRICS[metric](replicates(a), a_trained) - METRICS[metric](second, b_trained)))
        estimates.append(100 * float(METRICS[metric](a.confusion, a_trained) - METRICS[metric](b.confusion, b_trained)))
    smallest, estimate = np.min(drawn, axis=0), min(estimates)
    quantity = f"{metric}: {' or '.join(models)} on {dataset} minus {' or '.join(minus) or 'the same'}" + (
        f" on {minus_dataset}" if minus_dataset else ""
    )
    quantity += f", split {split}" + (", the smallest" if len(drawn) > 1 else "")
    low, high = ends(smallest, estimate)
    return Measured(
        quantity, estimate, f"05_train-{dataset}-{split}-{models[0]}.html", "points", low, high, decidable(smallest)
    )


def attention(
    study: Study, table: str, column: str, where: dict, over: dict | None = None, unit: str = "share"
) -> Measured:
    """A number of notebook 04, from the row of a table that `where` names; over the number of the row that `over` names."""
    rows = pd.read_csv(study.report / "attention" / f"{table}.csv")

    def cell(keys: dict) -> float:
        return float(rows.loc[(rows[list(keys)] == pd.Series(keys)).all(axis=1), column].iloc[0])

    words = ", ".join(f"{key} {value}" for key, value in where.items())
    quantity = f"{column}: {words}" + (f", over {', '.join(map(str, over.values()))}" if over else "")
    return Measured(quantity, cell(where) / (cell(over) if over else 1), "04_attention.html", unit)


def images(
    study: Study, dataset: str, by: list[str] = (), split: str | None = None, unit: str = "images", smallest=False
) -> Measured:
    """How many images, photographs or groups: all, or a number for each class, or each part of a split and class; or the smallest of them."""
    folder, page = (study.report / "splits" / f"{dataset}-{split}.csv", f"03_split-{dataset}-{split}.html") if split else (
        study.report / "groups" / dataset / "counts.csv", f"02_groups-{dataset}.html")  # fmt: skip
    table = pd.read_csv(folder)
    numbers = table.groupby(list(by), sort=False)[unit].sum().tolist() if by else [int(table[unit].sum())]
    quantity = (
        f"{unit} of {dataset}" + (f" by {' and '.join(by)}" if by else "") + (", the smallest" if smallest else "")
    )
    return Measured(quantity, min(numbers) if smallest or len(numbers) == 1 else numbers, page)


def printed_better(study: Study, dataset: str, than: str, metric: str) -> Measured:
    """How many models of the paper's own Table 1 have a higher `metric` on one data set than on another."""
    table = printed(study).pivot(index="model", columns="dataset", values=metric)
    better = int((table[dataset] > table[than]).sum())
    return Measured(
        f"models of {len(table)} in Table 1 with a higher {metric} on {dataset} than on {than}",
        better,
        "index.html#table-1",
    )


def rows_that_cannot(study: Study, dataset: str, sizes: dict[str, dict[str, int]], whole: bool) -> Measured:
    """How many accuracies (`whole`: rows) of Table 1 no test set of the given sizes can give, rounded or cut off."""
    checked = consistency.check_table(printed(study).query("dataset == @dataset"), {dataset: sizes})
    wrong = int((~checked.row_attainable if whole else ~checked.attainable).sum())
    return Measured(
        f"{'rows' if whole else 'accuracies'} of {len(checked)} in Table 1, {dataset}, that cannot arise",
        wrong,
        "index.html#arithmetic",
    )


def nothing(study: Study) -> Measured:
    """Of what cannot be measured here."""
    return Measured("nothing here measures it", float("nan"))


MEASURES = {
    "difference": difference, "attention": attention, "images": images, "printed_better": printed_better,
    "rows_that_cannot": rows_that_cannot, "nothing": nothing,
}  # fmt: skip
