"""The measures that a claim can name: each turns files of a study into an estimate, and maybe an interval.

predictions.csv, history.csv --difference-->           points, with an interval over groups and seeds
history.csv                  --training_loss-->        a ratio, with an interval over splits and seeds
reports/<study>/{groups,splits,models,shown}/*.csv --> counts and shares, exact
params/published/*/*.csv --printed_better, rows-->     what the paper's own numbers say
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import pandas as pd

from lib.data.files import read_csv
from lib.evidence import arithmetic, intervals, losses, mover
from lib.evidence.differences import GAP, metric_difference, smallest, tested
from lib.evidence.f1_bounds import attainable_f1
from lib.evidence.predictions import histories
from lib.evidence.published import printed, test_sizes
from lib.evidence.rows import link, of_accuracy, of_difference
from lib.strict import StudyError
from lib.study import Cell, Study, load_study

# unit -> format of a number in it
SHOW = {"points": "{:+z.1f} points", "share": "{:.1%}", "times": "{:.3f}", "megabytes": "{:.2f} MB", "": "{:g}"}

USUAL = MappingProxyType({})  # the defaults of `intervals.arms` for draws and rng


class Measured(NamedTuple):
    """An estimate in its unit, the ends of its 95 % interval, and the smallest detectable size; None: not known."""

    quantity: str
    estimate: float | list | None
    link: str = ""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    decidable: float | None = None

    def show(self, value) -> str:
        """Format a value, or several, in this measure's unit; empty for None."""
        if value is None:
            return ""
        return ", ".join(SHOW[self.unit].format(number) for number in np.atleast_1d(value))


class Unrecorded(StudyError):
    """The histories of these runs do not hold what a measure needs."""


def seeds_left(cell: Cell, models: list[str]) -> str:
    """Say how many seeds of each model have a result, if some were stopped; else empty."""
    text = ""
    for model in dict.fromkeys(models):
        holder, name = cell.holder(model)
        seeds, number = len(holder.runs(name)), len(holder.with_result(name))
        if number < seeds:
            text += f"; {number} of {seeds} seeds of {model}, the others were stopped"
    return text


def difference(
    study: Study,
    metric: str,
    dataset: str,
    split: str,
    models: list[str],
    minus: list[str] = (),
    minus_dataset: str = "",
    stream: Mapping = USUAL,
) -> Measured:
    """`metric` of a model minus that of another on the same images, or its own on another data set; percentage points.

    Of several pairs the smallest difference counts, since the claim is about all of them. stream: draws and rng of the
    replicates.
    """
    cell = study.cell(dataset, split)
    other_cell = study.cell(minus_dataset or dataset, split)
    pairs = [(model, other) for model in models for other in minus or [model]]
    if metric == GAP:
        require_final_accuracy(cell, [*models, *minus])
    differences = [metric_difference(metric, (cell, model), (other_cell, other), **stream) for model, other in pairs]
    against = f"the same on {minus_dataset}" if minus_dataset else " or ".join(minus)
    quantity = f"{metric}: {' or '.join(models)} on {dataset} minus {against}, split {split}"
    if len(pairs) > 1:
        quantity += ", the smallest"
    quantity += seeds_left(cell, [*models, *minus])
    if minus_dataset:
        quantity += seeds_left(other_cell, models)
    estimate, low, high, decidable = smallest(differences)
    decides = of_difference(cell, metric, *pairs[np.argmin([mover.estimate(arms) for arms in differences])])
    return Measured(quantity, estimate, decides, "points", low, high, decidable)


def require_final_accuracy(cell: Cell, models: list[str]) -> None:
    """Unrecorded: a run of these models has no training accuracy without dropout and augmentation."""
    for model in models:
        if "final_train_accuracy" not in histories(*cell.holder(model)):
            raise Unrecorded(
                f"the histories of {model} have the training accuracy with dropout and random mirroring on, which is no"
                " accuracy to compare with that on the test part; new runs record it without (final_train_accuracy)"
            )


def interaction(
    study: Study, metric: str, dataset: str, split: str, models: list[str], minus: list[str], stream: Mapping = USUAL
) -> Measured:
    """Difference of differences, in percentage points: (models[0] - models[1]) - (minus[0] - minus[1])."""
    cell = study.cell(dataset, split)
    one, other = (metric_difference(metric, (cell, pair[0]), (cell, pair[1]), **stream) for pair in (models, minus))
    estimate, low, high, decidable = smallest([mover.minus(one, other)])
    quantity = f"{metric} on {dataset}: ({' minus '.join(models)}) minus ({' minus '.join(minus)}), split {split}"
    quantity += seeds_left(cell, [*models, *minus])
    return Measured(quantity, estimate, of_accuracy(cell, models[0]), "points", low, high, decidable)


def accuracy(study: Study, dataset: str, split: str, model: str, stated: float, stream: Mapping = USUAL) -> Measured:
    """The test accuracy of a model minus the paper's, `stated` as a fraction; in percentage points."""
    cell = study.cell(dataset, split)
    counted, _ = tested(cell, model)
    estimate, low, high = (100 * (value - stated) for value in intervals.interval(counted, **stream))
    quantity = f"accuracy of {model} on {dataset}, split {split}, minus {stated:.1%}"
    return Measured(quantity, estimate, of_accuracy(cell, model), "points", low, high)


def epochs_to(study: Study, dataset: str, split: str, model: str, than: str, runs_of: str = "") -> Measured:
    """The number of epochs after which a model reaches the final validation accuracy of another, `than`.

    Mean over the seeds that both have; one more than all epochs if it never does. runs_of: the study that has the runs.
    """
    cell = (load_study(runs_of) if runs_of else study).cell(dataset, split)
    own = histories(cell, model).groupby("seed").validation_accuracy.agg(list)
    other = histories(cell, than).groupby("seed").validation_accuracy.agg(list)
    epochs = []
    for seed in own.index.intersection(other.index):
        reached = [value >= other[seed][-1] for value in own[seed]]
        epochs.append([*reached, True].index(True) + 1)
    quantity = f"epochs until {model} is as right on validation images of {dataset} as {than} at its end, split {split}"
    quantity += seeds_left(cell, [model, than])
    page = link("05_train", cell.name, model)
    if runs_of:
        quantity, page = f"{quantity}, study {runs_of}", f"../{runs_of}/{page}"
    return Measured(quantity, float(np.mean(epochs)), page)


def training_loss(study: Study, dataset: str, model: str, than: str = "") -> Measured:
    """The last training loss of a model divided by another's, or by the best constant answer's; mean over trainings.

    Without `than`, an interval above 1 means that the model learned no more than the label frequencies.
    """
    found = losses.ratios(study, dataset, model, than)
    estimate, low, high = losses.interval(found)
    quantity = f"last training loss of {model} on {dataset} over that of {than or 'the constant answer'}"
    quantity += f", geometric mean of {len(found)} trainings (splits {', '.join(study.splits)})"
    return Measured(quantity, estimate, link("07_figures"), "times", low, high)


def size(study: Study, dataset: str, split: str, model: str, over: str = "") -> Measured:
    """The size of a model's parameters in float32, in megabytes; with `over`, divided by that of another model."""
    cell = study.cell(dataset, split)

    def megabytes(name: str) -> float:
        return float(pd.read_csv(cell.learnt(name) / "size.csv").megabytes.iloc[0])

    page = link("05_train", cell.name, model)
    if over:
        quantity = f"size of {model} over that of {over}, for {dataset}"
        return Measured(quantity, megabytes(model) / megabytes(over), page, "times")
    return Measured(f"size of {model}, for {dataset}", megabytes(model), page, "megabytes")


def unlikely_f1(study: Study, dataset: str) -> Measured:
    """Count the published rows with an F1 that is impossible for their precision and recall."""
    checked = attainable_f1(printed(study).query("dataset == @dataset"))
    what = f"rows of {len(checked)}, {dataset}, whose F1 lies beyond what their precision and recall allow"
    return Measured(what, int((~checked.attainable).sum()), link("08_claims"))


def attention(study: Study, table: str, column: str, where: dict, over: dict = {}, unit: str = "share") -> Measured:
    """A number of notebook 04: `column` of the row of a table that `where` names, divided by the row of `over`."""
    rows = pd.read_csv(study.shown("04_attention") / f"{table}.csv")

    def entry(keys: dict) -> float:
        return float(rows.loc[(rows[list(keys)] == pd.Series(keys)).all(axis=1), column].iloc[0])

    quantity = f"{column}: " + ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in where.items())
    if over:
        quantity += f", over {', '.join(map(str, over.values()))}"
    return Measured(quantity, entry(where) / (entry(over) if over else 1), link("04_attention"), unit)


def complexity(study: Study, attention: str, heads: int, image_size: int) -> Measured:
    """The operations of a training step through a block of ViT-B/16, divided by those with the plain attention.

    torch counts matrix products only. The norm's operations are added: an absolute value and an addition per head and
    pair of tokens, and a comparison per head.
    """
    rows = pd.read_csv(study.shown("04_attention") / "blocks.csv")
    rows = rows[rows.image_size == image_size].set_index("attention")
    norm = 2 * heads * int(rows.tokens[attention]) ** 2 + heads
    quantity = (
        f"FLOPs: attention {attention}, image size {image_size}, the norm's {norm:,} operations included, over plain"
    )
    return Measured(quantity, (rows.flops[attention] + norm) / rows.flops["plain"], link("04_attention"), "times")


def images(
    study: Study, dataset: str, by: list[str] = (), split: str = "", unit: str = "images", smallest: bool = False
) -> Measured:
    """Count images, photographs or groups: all of them, or per part or class (`by`), or the smallest of these.

    split: count its parts; without it, the data set.
    """
    if split:
        cell = study.cell(dataset, split)
        path, page = study.report / "splits" / f"{cell.name}.csv", link("03_split", cell.name)
    else:
        path, page = study.report / "groups" / dataset / "counts.csv", link("02_groups", dataset)
    table = read_csv(path)
    numbers = table.groupby(list(by), sort=False)[unit].sum().tolist() if by else [int(table[unit].sum())]
    quantity = f"{unit} of {dataset}" + "".join(f", by {name}" for name in by) + (", the smallest" if smallest else "")
    return Measured(quantity, min(numbers) if smallest or len(numbers) == 1 else numbers, page)


def printed_better(
    study: Study, dataset: str = "", than: str = "", metric: str = "accuracy", model: str = ""
) -> Measured:
    """Count the published models with a higher `metric` on one data set than on another.

    With `model` instead of `dataset`: the data sets on which one model has a higher `metric` than another.
    """
    if dataset:
        table = printed(study).pivot(index="model", columns="dataset", values=metric)
        what, one = f"models of {len(table)} in the printed table with a higher {metric} on", dataset
        quantity = f"{what} {dataset} than on {than}"
    else:
        table = printed(study).pivot(index="dataset", columns="model", values=metric)
        what, one = f"data sets of {len(table)} in the printed table with a higher {metric} of", model
        quantity = f"{what} {model} than of {than}"
    return Measured(quantity, int((table[one] > table[than]).sum()), "index.html#The-scores")


def rows_that_cannot(study: Study, dataset: str, whole: bool) -> Measured:
    """Count the accuracies (`whole`: rows) of Table 1 that no stated or known test set can give, rounded or cut off."""
    checked = arithmetic.attainable_rows(printed(study).query("dataset == @dataset"), test_sizes(study))
    attainable = checked.row_attainable if whole else checked.attainable
    what = "rows" if whole else "accuracies"
    quantity = f"{what} of {len(checked)} in Table 1, {dataset}, that cannot arise"
    return Measured(quantity, int((~attainable).sum()), link("08_claims"))


def accuracies_that_cannot(study: Study, dataset: str, images: int) -> Measured:
    """Count the published accuracies of a data set that no count over `images` prints as, rounded or cut off."""
    published = printed(study).query("dataset == @dataset").accuracy
    wrong = 0
    for percent in [f"{100 * value:.2f}" for value in published]:
        rounded = arithmetic.attainable(percent, images)
        cut_off = arithmetic.attainable(percent, images, truncate=True)
        wrong += not rounded and not cut_off
    what = f"printed accuracies of {len(published)}, {dataset}, that are no number of right ones among {images}"
    quantity = f"{what} (an arbitrary one is in {arithmetic.chance(images):.0%})"
    return Measured(quantity, wrong, "index.html#The-scores")


def nothing(study: Study) -> Measured:
    """Measure nothing, for a claim that cannot be tested here."""
    return Measured("nothing here measures it", None)


# names for claims.yaml; its `of` holds their arguments
MEASURES = {
    measure.__name__: measure
    for measure in [
        difference,
        interaction,
        accuracy,
        epochs_to,
        training_loss,
        size,
        unlikely_f1,
        attention,
        complexity,
        images,
        printed_better,
        rows_that_cannot,
        accuracies_that_cannot,
        nothing,
    ]
}
