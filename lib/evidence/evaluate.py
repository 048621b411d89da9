"""Make the tables of notebook 06 for a whole study, from the predictions of every run and baseline.

study --read_study--> one Result per cell and model, or baseline --per_run, confusion, table1, evidence, differences,
                                                                    limits, metrics--> tables
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from lib.data.files import read_csv
from lib.evidence import auc, labelwise, learning, multilabel, scores
from lib.evidence.baselines import BASELINES
from lib.evidence.intervals import Counts
from lib.evidence.predictions import read, read_seeds, require_same, validation_accuracy
from lib.evidence.published import with_published
from lib.strict import StudyError
from lib.study import Cell, Study

KEYS = ["dataset", "split", "model"]


@dataclass(frozen=True, eq=False)
class Result:
    """The test predictions of one model of a cell, or of one of its baselines."""

    cell: Cell
    model: str  # a model of the study, one of `cell.beside`, or a name in BASELINES
    seeds: list[int | str]  # "none" for a baseline
    tables: list[pd.DataFrame]  # one per seed

    @property
    def trained(self) -> bool:
        """Whether it is a model of the study, not a baseline."""
        return self.model in self.cell.study.models

    @property
    def keys(self) -> dict[str, str]:
        """The entries that name it in a table."""
        return {"dataset": self.cell.dataset, "split": self.cell.split, "model": self.model}

    @property
    def labels(self) -> list[str]:
        """The labels, if an image may have several; else an empty list."""
        return self.cell.classes if self.cell.multilabel else []

    @cached_property
    def counted(self) -> Counts:
        """Predictions counted by class and group; with several labels per image, by whether all of them are right."""
        return multilabel.counted(self.tables, self.cell.classes, self.seeds, several=self.cell.multilabel)

    @property
    def groups(self) -> dict[str, int]:
        """The number of groups of the test part that hold each class, or label."""
        if self.labels:
            return multilabel.groups(self.tables[0], self.labels)
        return scores.groups(self.counted, self.cell.classes)


def read_cell(cell: Cell) -> list[Result]:
    """Read the results of a cell: its models, then those of the neighbouring study, then its baselines.

    StudyError: predictions are wrong (lib.evidence.predictions), or models were tested on different images.
    """
    results = []
    for model in cell.study.models:
        if tables := read_seeds(cell, model):
            result = Result(cell, model, [run.seed for run in cell.with_result(model)], tables)
            results.append(result)
            require_same(results[0].tables[0], tables[0], results[0].model, model)
    for name in cell.beside:
        other, model = cell.holder(name)
        if tables := read_seeds(other, model):
            results.append(Result(cell, name, [run.seed for run in other.with_result(model)], tables))
            require_same(results[0].tables[0], tables[0], results[0].model, name)
    for name in BASELINES:
        path = cell.baselines / f"{name}.csv"
        if path.exists():
            results.append(Result(cell, name, ["none"], [read(path, cell.classes, cell.entry.labels)]))
    return results


def read_study(study: Study) -> list[Result]:
    """Read the results of every cell. StudyError: as `read_cell`; or every training of the study was stopped."""
    results = [result for cell in study.cells for result in read_cell(cell)]
    if not any(result.trained for result in results):
        where = f"runs/{study.study}"
        raise StudyError(f"every training of the study {study.study} was stopped: stopped.txt in {where} says why")
    return results


def per_label(results: list[Result]) -> pd.DataFrame:
    """labels.csv: the AUC of each label with its interval, for cells with several labels per image."""
    parts = []
    for one in results:
        if one.labels:
            parts.append(labelwise.table(one.tables, one.labels).assign(**one.keys))
    columns = ["dataset", "split", "model", "label", "images", "groups", "auc", "low", "high"]
    return pd.concat(parts)[columns] if parts else pd.DataFrame(columns=columns)


def titles(study: Study) -> dict[str, str]:
    """The titles of models, of the neighbouring study's models, and of baselines, by name."""
    names = study.titles | {name: title for name, (title, *_) in BASELINES.items()}
    if other := study.neighbour:
        names |= {f"{other.study}/{model}": f"{title} (study {other.study})" for model, title in other.titles.items()}
    return names


def of_cell(table: pd.DataFrame, cell: Cell) -> pd.DataFrame:
    """The rows of a table (dataset, split, ...) for a cell."""
    return table[(table.dataset == cell.dataset) & (table.split == cell.split)]


def per_cell(study: Study, table: pd.DataFrame) -> Iterator[tuple[Cell, pd.DataFrame]]:
    """Yield the rows of each cell, in the order of the parameters, without cells that have none."""
    for cell in study.cells:
        rows = of_cell(table, cell)
        if len(rows):
            yield cell, rows


def accuracy_caption(study: Study, marks: pd.DataFrame) -> str:
    """The caption of a chart of accuracies on a data set, which can be read alone.

    Args:
        marks: the rows of evidence.csv that `charts.protocols` draws, with published (or empty) and learned.
    """
    of, over = seeds_in_words(study, marks)
    tested = [
        f"split {row.split}, {row.images:,.0f} in {row.groups:,.0f} groups"
        for row in marks.drop_duplicates("split").itertuples()
    ]
    title = study.entry(marks.dataset.iloc[0]).title
    says = f"{title}: test accuracy. Dot: {of}. Bar: 95 % interval over groups of test images{over}."
    says += f" Test images: {'; '.join(tested)}."
    if marks.published.notna().any():
        says += " Open diamond: the published accuracy of a model of this name."
    return says if marks.learned.all() else f"{says} Hollow dot: learned nothing in half of its trainings or more."


def labels_caption(cell: Cell, assessed: pd.DataFrame, beside: str) -> str:
    """The caption of a chart of AUCs per label of a cell, which can be read alone.

    Args:
        assessed: rows of evidence.csv of the cell. beside: the meaning of the open diamond of `labels.areas`.
    """
    first = assessed.iloc[0]
    of, over = seeds_in_words(cell.study, assessed)
    where = f"{cell.entry.title}, split {cell.split}, {first.images:,.0f} test images in {first.groups:,.0f} groups"
    which = (
        "the network"
        if len(cell.study.models) == 1
        else "the network with the highest AUC of this label on these images"
    )
    says = f"{where}: AUC of each label; in brackets, the groups that have it. Dark dot: {which}, {of}. Bar: its"
    says += f" 95 % interval over groups{over}, where the label has enough groups."
    if len(cell.study.models) > 1:
        says += " Pale dots: other networks."
    return f"{says} Open diamond: {beside}. An AUC of 0.5 is chance."


def seeds_in_words(study: Study, assessed: pd.DataFrame) -> tuple[str, str]:
    """Say what a dot of a chart averages, and what its interval covers besides groups of images."""
    seeds = assessed[assessed.model.isin(list(study.models))].seeds
    numbers = " to ".join(dict.fromkeys([f"{seeds.min():.0f}", f"{seeds.max():.0f}"]))
    return ("one seed", "") if numbers == "1" else (f"mean of {numbers} seeds per network", " and seeds")


def first_per_cell(results: list[Result]) -> dict[Cell, Result]:
    """The first result of each cell; the test images are the same for all."""
    first = {}
    for result in results:
        first.setdefault(result.cell, result)
    return first


def per_run(results: list[Result]) -> pd.DataFrame:
    """scores.csv: dataset, split, model, seed, metric, value, images; test scores, then validation accuracies."""
    rows = []
    for result in results:
        for seed, table in zip(result.seeds, result.tables):
            values = scores.scores(table, result.labels)
            if result.trained:
                values["auc"] = auc.auc(table, result.cell.classes)
            if not result.labels:
                values |= scores.of_two(table, result.cell.classes)
            if result.trained and not result.labels:
                values |= scores.calibration(table, result.cell.classes)
            for metric, value in values.items():
                rows.append({**result.keys, "seed": seed, "metric": metric, "value": value, "images": len(table)})
    for result in results:
        for run in result.cell.with_result(result.model) if result.trained else []:
            images = validation_images(run.cell)
            row = {"metric": "validation_accuracy", "value": validation_accuracy(run), "images": images}
            rows.append({**run.keys, **row})
    return pd.DataFrame(rows)


def validation_images(cell: Cell) -> int:
    """The number of validation images, summed over folds, from the tables of page 03."""
    counted = read_csv(cell.study.report / "splits" / f"{cell.name}.csv")
    return int(counted.images[counted.part == "validation"].sum())


def confusion(results: list[Result]) -> pd.DataFrame:
    """confusion.csv: the fractions of each true class by predicted class, per run; only with one label per image."""
    columns = ["true", "predicted", "fraction", *KEYS, "seed"]
    tables = []
    for result in results:
        for seed, table in zip(result.seeds, result.tables if not result.labels else []):
            matrix = scores.confusion(table, result.cell.classes).stack().rename("fraction").reset_index()
            tables.append(matrix.assign(**result.keys, seed=seed))
    return pd.concat(tables)[columns] if tables else pd.DataFrame(columns=columns)


def table1(study: Study, results: list[Result]) -> pd.DataFrame:
    """table1.csv: dataset, split, model, metric, mean, std, low, high, seeds, published."""
    rows = []
    for result in results:
        if result.trained:
            tables, counted = result.tables, result.counted
            more = scores.clinical(tables, counted, result.cell.classes, several=bool(result.labels))
            for row in [*scores.table1(tables, counted, result.labels), *more]:
                rows.append({**result.keys, **row, "seeds": len(tables)})
    return with_published(study, pd.DataFrame(rows))


def evidence(results: list[Result]) -> pd.DataFrame:
    """evidence.csv: dataset, split, model, and the columns of `scores.assess`."""
    return pd.DataFrame([{**result.keys, **scores.assess(result.counted)} for result in results])


def pairs(study: Study) -> list[tuple[str, str]]:
    """The pairs of models to compare: each ViT with a new attention, against every model without the residual.

    A study without such a ViT compares each model with its first.
    """
    proposed = study.vits(plain=False)
    if not proposed:
        first, *others = study.models
        return [(model, first) for model in others]
    without = []
    for name, model in study.models.items():
        if name not in proposed or model.settings.get("selection") == "none":
            without.append(name)
    return [(a, b) for a in proposed for b in without if a != b]


def compared(cell: Cell) -> list[tuple[str, str]]:
    """The pairs of a cell: those of `pairs`, and the first model with each of the neighbouring study's."""
    first = next(iter(cell.study.models))
    return [*pairs(cell.study), *((first, name) for name in cell.beside)]


def differences(study: Study, results: list[Result]) -> pd.DataFrame:
    """differences.csv: the columns of `scores.pairs`, dataset, split, and p_holm: p_seeds corrected over all rows."""
    tables = []
    for cell in first_per_cell(results):
        counted = {result.model: result.counted for result in results if result.cell == cell}
        present = [(a, b) for a, b in compared(cell) if a in counted and b in counted]
        tables.append(scores.pairs(counted, present).assign(dataset=cell.dataset, split=cell.split))
    table = pd.concat(tables, ignore_index=True)
    return table.assign(p_holm=scores.holm(table.p_seeds))


def limits(study: Study, results: list[Result], table1: pd.DataFrame) -> pd.DataFrame:
    """limits.csv: dataset, split, says: what is not known, which runs were stopped, which models learned nothing."""
    rows, names, first = [], titles(study), first_per_cell(results)
    for cell, result in first.items():
        own = of_cell(table1, cell)
        untold = list(own.metric[own.low.isna()].unique())
        for sentence in scores.limits(result.groups, len(result.tables), untold):
            rows.append((cell.dataset, cell.split, sentence))
    for run in stopped_runs(study):
        sentence = f"Seed {run.seed} of {names[run.model]} was stopped: {run.stopped}."
        rows.append((run.cell.dataset, run.cell.split, sentence))
    for cell, empty in per_cell(study, learning.empty_models(study)):
        often = first[cell].tables[0].label.value_counts(normalize=True).max()
        sentence = f"Trainings that learned nothing: {learning.in_words(empty, names)}."
        sentence += f" Always giving the most common class is right for {often:.0%} of the test images."
        rows.append((cell.dataset, cell.split, sentence))
    return pd.DataFrame(rows, columns=["dataset", "split", "says"])


def stopped_runs(study: Study) -> list:
    """The runs of a study that were stopped without a result."""
    return [run for run in study.runs if run.stopped]


def metrics(study: Study, assessed: pd.DataFrame) -> dict:
    """metrics.json: data set -> split -> model -> accuracy and its interval, of evidence.csv, with four decimals."""
    tree = {}
    for row in assessed[assessed.model.isin(study.models)].itertuples():
        values = {"accuracy": round(row.accuracy, 4), "low": round(row.low, 4), "high": round(row.high, 4)}
        tree.setdefault(row.dataset, {}).setdefault(row.split, {})[row.model] = values
    return tree
