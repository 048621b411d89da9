"""What a claim can be about: each measure turns files of a study into an estimate, and maybe an interval.

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

# a unit -> how it is written
SHOW = {"points": "{:+z.1f} points", "share": "{:.1%}", "times": "{:.3f}", "megabytes": "{:.2f} MB", "": "{:g}"}

USUAL = MappingProxyType({})  # draws and rng of the replicates as `intervals.arms` has them


class Measured(NamedTuple):
    """An estimate in its own unit, the ends of its interval and the smallest decidable size; None: there is none."""

    quantity: str
    estimate: float | list | None
    link: str = ""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    decidable: float | None = None

    def show(self, value) -> str:
        """A value, or several, in this measure's unit; nothing for None."""
        if value is None:
            return ""
        return ", ".join(SHOW[self.unit].format(number) for number in np.atleast_1d(value))


class Unrecorded(StudyError):
    """What a measure needs stands in no history of these runs."""


def seeds_left(cell: Cell, models: list[str]) -> str:
    """How many seeds of which model have a result, where some were stopped."""
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
    """`metric` of a model minus that of another on the same images, or minus its own on another data set, in points.

    With several models or others the smallest difference counts: such a claim is about all of them. stream: draws and
    rng of the replicates.
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
    """Unrecorded: a run of these models has no accuracy on its training part as it is, without dropout or mirroring."""
    for model in models:
        if "final_train_accuracy" not in histories(*cell.holder(model)):
            raise Unrecorded(
                f"the histories of {model} have the training accuracy with dropout and random mirroring on, which is no"
                " accuracy to compare with that on the test part; new runs record it without (final_train_accuracy)"
            )


def interaction(
    study: Study, metric: str, dataset: str, split: str, models: list[str], minus: list[str], stream: Mapping = USUAL
) -> Measured:
    """Difference of differences, in points: (models[0] - models[1]) - (minus[0] - minus[1])."""
    cell = study.cell(dataset, split)
    one, other = (metric_difference(metric, (cell, pair[0]), (cell, pair[1]), **stream) for pair in (models, minus))
    estimate, low, high, decidable = smallest([mover.minus(one, other)])
    quantity = f"{metric} on {dataset}: ({' minus '.join(models)}) minus ({' minus '.join(minus)}), split {split}"
    quantity += seeds_left(cell, [*models, *minus])
    return Measured(quantity, estimate, of_accuracy(cell, models[0]), "points", low, high, decidable)


def accuracy(study: Study, dataset: str, split: str, model: str, stated: float, stream: Mapping = USUAL) -> Measured:
    """The test accuracy of a model minus the one that the paper states (a fraction), in points."""
    cell = study.cell(dataset, split)
    counted, _ = tested(cell, model)
    estimate, low, high = (100 * (value - stated) for value in intervals.interval(counted, **stream))
    quantity = f"accuracy of {model} on {dataset}, split {split}, minus {stated:.1%}"
    return Measured(quantity, estimate, of_accuracy(cell, model), "points", low, high)


def epochs_to(study: Study, dataset: str, split: str, model: str, than: str, runs_of: str = "") -> Measured:
    """After how many epochs a model's validation accuracy is that of another after its last one.

    Mean over the seeds that both have; one more than its epochs where it never is. runs_of: the study whose runs tell.
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
    """The last training loss of a model over that of another, or over the constant answer's: mean over all trainings.

    An interval above 1 without `than`: the model has learned no more than how frequent each label is.
    """
    found = losses.ratios(study, dataset, model, than)
    estimate, low, high = losses.interval(found)
    quantity = f"last training loss of {model} on {dataset} over that of {than or 'the constant answer'}"
    quantity += f", geometric mean of {len(found)} trainings (splits {', '.join(study.splits)})"
    return Measured(quantity, estimate, link("07_figures"), "times", low, high)


def size(study: Study, dataset: str, split: str, model: str, over: str = "") -> Measured:
    """What a model's parameters take in float32, in megabytes; `over`: how many times what those of another take."""
    cell = study.cell(dataset, split)

    def megabytes(name: str) -> float:
        return float(pd.read_csv(cell.learnt(name) / "size.csv").megabytes.iloc[0])

    page = link("05_train", cell.name, model)
    if over:
        quantity = f"size of {model} over that of {over}, for {dataset}"
        return Measured(quantity, megabytes(model) / megabytes(over), page, "times")
    return Measured(f"size of {model}, for {dataset}", megabytes(model), page, "megabytes")


def unlikely_f1(study: Study, dataset: str) -> Measured:
    """How many published rows have an F1 beyond what any classes with their precision and recall have."""
    checked = attainable_f1(printed(study).query("dataset == @dataset"))
    what = f"rows of {len(checked)}, {dataset}, whose F1 lies beyond what their precision and recall allow"
    return Measured(what, int((~checked.attainable).sum()), link("08_claims"))


def attention(study: Study, table: str, column: str, where: dict, over: dict = {}, unit: str = "share") -> Measured:
    """A number of notebook 04, from the row of a table that `where` names; over that of the row that `over` names."""
    rows = pd.read_csv(study.shown("04_attention") / f"{table}.csv")

    def entry(keys: dict) -> float:
        return float(rows.loc[(rows[list(keys)] == pd.Series(keys)).all(axis=1), column].iloc[0])

    quantity = f"{column}: " + ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in where.items())
    if over:
        quantity += f", over {', '.join(map(str, over.values()))}"
    return Measured(quantity, entry(where) / (entry(over) if over else 1), link("04_attention"), unit)


def complexity(study: Study, attention: str, heads: int, image_size: int) -> Measured:
    """The operations of a training step through a block of ViT-B/16, over those with the plain attention.

    torch's counter sees matrix products alone. The norm's own operations are added: per head and pair of tokens an
    absolute value and an addition, and a comparison per head.
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
    """How many images, photographs or groups: all of them, or one number per `by` (a part or a class), or the smallest.

    split: count the parts of this split; without it, the data set.
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
    """How many published models have a higher `metric` on one data set than on another.

    With `model` instead of `dataset`: on how many data sets one model has a higher `metric` than another.
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
    """How many accuracies (`whole`: rows) of Table 1 no stated or known test set can give, rounded or cut off."""
    checked = arithmetic.attainable_rows(printed(study).query("dataset == @dataset"), test_sizes(study))
    attainable = checked.row_attainable if whole else checked.attainable
    what = "rows" if whole else "accuracies"
    quantity = f"{what} of {len(checked)} in Table 1, {dataset}, that cannot arise"
    return Measured(quantity, int((~attainable).sum()), link("08_claims"))


def accuracies_that_cannot(study: Study, dataset: str, images: int) -> Measured:
    """How many published accuracies of a data set no count over so many images prints as, rounded or cut off."""
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
    """For a claim that cannot be measured here."""
    return Measured("nothing here measures it", None)


# what claims.yaml may name; the arguments of each stand in `of`
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
