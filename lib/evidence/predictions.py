"""Read and check the predictions of runs, from which every number of a report comes.

predictions.csv[.gz] --read--> one table, checked --read_seeds--> one table per seed: the test part, the same images
"""

import warnings
import zlib
from pathlib import Path

import numpy as np
import pandas as pd

from lib.data.labels import SEPARATOR, joined
from lib.strict import StudyError
from lib.study import Cell, Run
from lib.study.settings import require_declared


class NothingTrained(StudyError):
    """No run of a model has a result; `model` is its name."""

    def __init__(self, cell: Cell, model: str):
        super().__init__(f"no training of {model} on {cell.dataset}, split {cell.split}, came to an end")
        self.model = model


def read(path: Path, classes: list[str], labels: str = "one") -> pd.DataFrame:
    """Read predictions: part, path, group, label, predicted and p_<class> for each class, sorted by part and path.

    labels: `one` per image, or `many`, which adds t_<class> (0 or 1) for each class.

    Raises:
        StudyError: the file or columns are missing; rows are duplicated; labels are not in `classes`; probabilities are
            no numbers or do not sum to 1; a predicted class is not the most probable. The message names the rows.
    """
    table = read_text(path)
    probabilities = [f"p_{name}" for name in classes]
    truths = [f"t_{name}" for name in classes] if labels == "many" else []
    columns = ["part", "path", "group", "label", "predicted", *truths, *probabilities]
    if lacking := [name for name in columns if name not in table]:
        raise StudyError(f"{path} lacks the columns {', '.join(lacking)}")
    refuse(path, table, table[["part", "path", "group"]].isna().any(axis=1), "lack a part, a path or a group")
    refuse(path, table, table.duplicated(["path"], keep=False), "are duplicated")
    require_rows = require_labels if labels == "many" else require_class
    require_rows(path, table, classes, as_numbers(table[probabilities]))
    return table.sort_values(["part", "path"], ignore_index=True)


def read_text(path: Path) -> pd.DataFrame:
    """Read a CSV in which names of classes stay text. StudyError: it is missing, or is no CSV."""
    if not path.exists():
        raise StudyError(f"{path} is not there: train that model first (dvc repro), or restore the file from Git")
    text = dict.fromkeys(["part", "path", "label", "predicted"], str)
    try:
        # the warning: rows longer than the header
        with warnings.catch_warnings(action="error", category=pd.errors.ParserWarning):
            return pd.read_csv(path, dtype=text, index_col=False, keep_default_na=False, na_values=[""])
    # ValueError: also ParserError, EmptyDataError and UnicodeDecodeError; the last three: of gzip
    except (ValueError, pd.errors.ParserWarning, OSError, EOFError, zlib.error) as error:
        cure = "restore it from Git, or train that model again"
        raise StudyError(f"{path} cannot be read as a table: {error}; {cure}") from None


def as_numbers(table: pd.DataFrame) -> np.ndarray:
    """Convert columns to numbers; NaN for an entry that is no number."""
    return table.apply(pd.to_numeric, errors="coerce").to_numpy()


def require_class(path: Path, table: pd.DataFrame, classes: list[str], probabilities: np.ndarray) -> None:
    """StudyError: an image lacks a known class, or its most probable class is not the predicted one; see `read`."""
    for column in ["label", "predicted"]:
        refuse(path, table, ~table[column].isin(classes), f"have a {column} that is none of {', '.join(classes)}")
    sum_to_one = np.abs(probabilities.sum(1) - 1) < 1e-3
    refuse(path, table, ~sum_to_one | (probabilities < 0).any(1), "have probabilities that do not sum to 1")
    own = probabilities[range(len(table)), table.predicted.map(classes.index)]
    less = own < probabilities.max(1) - 1e-6
    refuse(path, table, less, "have a predicted class that is not the most probable one")


def require_labels(path: Path, table: pd.DataFrame, classes: list[str], probabilities: np.ndarray) -> None:
    """StudyError: an image's labels are not those of its t_, or the predicted ones not those with p_ above one half."""
    true = as_numbers(table[[f"t_{name}" for name in classes]])
    refuse(path, table, ~np.isin(true, [0, 1]).all(1), "have a t_ that is neither 0 nor 1")
    other = table.label != joined(true == 1, classes)
    refuse(path, table, other, f"have labels that are not those of their t_, joined by {SEPARATOR!r}")
    inside = ((probabilities >= 0) & (probabilities <= 1)).all(1)
    refuse(path, table, ~inside, "have probabilities that are not between 0 and 1")
    other = table.predicted != joined(probabilities > 0.5, classes)
    # six decimals may round a number just above or below one half to it
    at_a_half = (np.abs(probabilities - 0.5) < 1e-6).any(1)
    refuse(path, table, other & ~at_a_half, "have predicted labels that are not those above a half")


def refuse(path: Path, table: pd.DataFrame, wrong, what: str) -> None:
    """StudyError: some rows are wrong; the message names them."""
    rows = table[np.asarray(wrong)]
    if len(rows):
        named = ", ".join(f"{row.path} (line {index + 2})" for index, row in rows.head(5).iterrows())
        more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
        raise StudyError(f"{path}: {len(rows)} rows {what}: {named}{more}")


def read_seeds(cell: Cell, model: str) -> list[pd.DataFrame]:
    """Read a model's test predictions: one table per run with a result, all with the same images.

    Raises:
        StudyError: a file is wrong; a seed was tested on other images, or trained with other parameters.
    """
    tables = []
    for run in cell.with_result(model):
        require_declared(run)
        table = read(run.predictions, cell.classes, cell.entry.labels)
        tables.append(table[table.part == "test"].reset_index(drop=True))
        require_same(tables[0], tables[-1], f"the first seed of {model}", f"seed {run.seed}")
    return tables


def histories(cell: Cell, model: str) -> pd.DataFrame:
    """Read history.csv of every run of a model with a result, and add `seed`. NothingTrained: no run has one."""
    runs = cell.with_result(model)
    if not runs:
        raise NothingTrained(cell, model)
    return pd.concat([history(run).assign(seed=run.seed) for run in runs], ignore_index=True)


def history(run: Run) -> pd.DataFrame:
    """Read history.csv of a run: one row per epoch; with folds, their mean."""
    table = pd.read_csv(run.history)
    if "fold" not in table:
        return table
    return table.drop(columns="fold").groupby("epoch", as_index=False).mean()


def validation_accuracy(run: Run) -> float:
    """Accuracy, 0 to 1, on the validation part after the last epoch.

    Older runs predicted that part again for predictions.csv. With heads drawn at random the two differ, and tables
    hold the second.
    """
    if run.predictions.suffix == ".csv":
        table = read(run.predictions, run.cell.classes, run.cell.entry.labels).query("part == 'validation'")
        if len(table):
            return float((table.label == table.predicted).mean())
    return float(history(run).validation_accuracy.iloc[-1])


def require_same(one: pd.DataFrame, other: pd.DataFrame, first: str, second: str) -> None:
    """StudyError: two tables differ in images, labels or groups; the message names what differs."""
    both = one.merge(other, on=["path", "label", "group"], how="outer", indicator="where")
    differ = both[both["where"] != "both"]
    if len(differ):
        named = ", ".join(differ.path.drop_duplicates().head(5))
        what = f"were tested on different images, labels or groups ({len(differ)} rows): {named}"
        raise StudyError(f"{first} and {second} {what}")
