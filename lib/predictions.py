"""predictions.csv of a run, read with care: every number of a report comes from these files, whoever sent them.

runs/.../predictions.csv --read--> one table, checked --read_seeds--> a table a seed, of one part, the same images in all
"""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd

from lib.errors import StudyError
from lib.many import SEPARATOR, joined
from lib.runs import require_declared


def read(path: Path, classes: list[str], labels: str = "one") -> pd.DataFrame:
    """part, path, group, label, predicted, and p_<class> for each class, sorted by part and path; of `many` labels also t_<class>, 0 or 1.

    Raises:
        StudyError: no such file; columns that lack; rows that stand twice; labels that are none of `classes`; probabilities
            that are no numbers or do not sum to 1; a predicted class that is not the most probable. It names the rows.
    """
    if not path.exists():
        raise StudyError(f"{path} is not there: train that model first (dvc repro), or restore the file from Git")
    words = dict.fromkeys(["part", "path", "label", "predicted"], str)
    try:
        with warnings.catch_warnings(action="error", category=pd.errors.ParserWarning):  # rows longer than the header
            table = pd.read_csv(path, dtype=words, index_col=False, keep_default_na=False, na_values=[""])
    except (
        ValueError,
        pd.errors.ParserWarning,
    ) as error:  # ParserError, EmptyDataError and UnicodeDecodeError are the former
        raise StudyError(f"{path} is no table: {error}; restore it from Git, or train that model again") from None
    probabilities = [f"p_{name}" for name in classes]
    truths = [f"t_{name}" for name in classes if labels == "many"]
    wanted = ["part", "path", "group", "label", "predicted", *truths, *probabilities]
    if lacking := [name for name in wanted if name not in table]:
        raise StudyError(f"{path} lacks the columns {', '.join(lacking)}")
    refuse(path, table, table[["part", "path", "group"]].isna().any(axis=1), "lack a part, a path or a group")
    refuse(path, table, table.duplicated(["path"], keep=False), "stand twice")
    numbers = table[probabilities].apply(pd.to_numeric, errors="coerce").to_numpy()
    check = check_many if labels == "many" else check_one
    check(path, table, classes, numbers)
    return table.sort_values(["part", "path"], ignore_index=True)


def check_one(path: Path, table: pd.DataFrame, classes: list[str], numbers: np.ndarray) -> None:
    """Of one label an image; `numbers`: the probabilities. StudyError: see read."""
    for column in ["label", "predicted"]:
        refuse(path, table, ~table[column].isin(classes), f"have a {column} that is none of {', '.join(classes)}")
    wrong = ~(np.abs(numbers.sum(1) - 1) < 1e-3) | (numbers < 0).any(1)
    refuse(path, table, wrong, "have probabilities that do not sum to 1")
    own = numbers[range(len(table)), table.predicted.map(classes.index)]
    refuse(path, table, own < numbers.max(1) - 1e-6, "have a predicted class that is not the most probable one")


def check_many(path: Path, table: pd.DataFrame, classes: list[str], numbers: np.ndarray) -> None:
    """Of several labels an image; `numbers`: the probabilities. StudyError: see read."""
    true = table[[f"t_{name}" for name in classes]].apply(pd.to_numeric, errors="coerce").to_numpy()
    refuse(path, table, ~np.isin(true, [0, 1]).all(1), "have a t_ that is neither 0 nor 1")
    refuse(
        path,
        table,
        table.label != joined(true == 1, classes),
        f"have labels that are not those of their t_, joined by {SEPARATOR!r}",
    )
    refuse(path, table, ~((numbers >= 0) & (numbers <= 1)).all(1), "have probabilities that are not between 0 and 1")
    said = table.predicted != joined(numbers > 0.5, classes)
    refuse(
        path,
        table,
        said & ~(np.abs(numbers - 0.5) < 1e-6).any(1),
        "have predicted labels that are not those above a half",
    )


def refuse(path: Path, table: pd.DataFrame, wrong, what: str) -> None:
    """A StudyError that names the rows that are wrong, if there are any."""
    rows = table[np.asarray(wrong)]
    if len(rows):
        named = ", ".join(f"{row.path} (line {index + 2})" for index, row in rows.head(5).iterrows())
        more = f" and {len(rows) - 5} more" if len(rows) > 5 else ""
        raise StudyError(f"{path}: {len(rows)} rows {what}: {named}{more}")


def read_seeds(study, dataset: str, split: str, model: str, part: str = "test") -> list[pd.DataFrame]:
    """The predictions of a model for one part, a table a seed that was not stopped; the same images in all of them.

    Raises:
        StudyError: a file that is not right, a seed that was tested on other images, or that was trained with other parameters.
    """
    classes, tables = list(study.dataset(dataset).classes.values()), []
    for seed in study.finished(dataset, split, model):
        require_declared(study, dataset, split, model, seed)
        table = read(study.run(dataset, split, model, seed) / "predictions.csv", classes, study.dataset(dataset).labels)
        tables.append(table[table.part == part].reset_index(drop=True))
        require_same(tables[0], tables[-1], f"the first seed of {model}", f"seed {seed}")
    return tables


def histories(study, dataset: str, split: str, model: str) -> pd.DataFrame:
    """history.csv of every seed of a model that was not stopped, with a column `seed`; a StudyError where no seed is left."""
    seeds = study.finished(dataset, split, model)
    if not seeds:
        raise NothingTrained(model, dataset, split)
    tables = [pd.read_csv(study.run(dataset, split, model, seed) / "history.csv").assign(seed=seed) for seed in seeds]
    return pd.concat(tables, ignore_index=True)


class NothingTrained(StudyError):
    """A model without a single finished seed: its name, and where it was to be trained."""

    def __init__(self, model: str, dataset: str, split: str):
        super().__init__(f"no training of {model} on {dataset}, split {split}, came to an end")
        self.model = model


def require_same(one: pd.DataFrame, other: pd.DataFrame, first: str, second: str) -> None:
    """A StudyError unless both tables have the same images with the same labels and groups; it names those that only one has."""
    both = one.merge(other, on=["path", "label", "group"], how="outer", indicator="where")
    apart = both[both["where"] != "both"]
    if len(apart):
        named = ", ".join(apart.path.drop_duplicates().head(5))
        says = f"were tested on different images, labels or groups ({len(apart)} rows): {named}"
        raise StudyError(f"{first} and {second} {says}")
