"""What a document printed: its table, its list of figures and the sizes of its test sets, from params/published/<document>/."""

import pandas as pd

from lib.evidence import METRICS
from lib.study import ROOT, Study
from lib.words import as_printed


def _read(study: Study, name: str, columns: list[str]) -> pd.DataFrame:
    """A table of the document's folder; without rows where the document has none."""
    path = ROOT / "params" / "published" / study.published / name
    return pd.read_csv(path) if path.exists() else pd.DataFrame(columns=columns)


def text(study: Study, name: str) -> str:
    """What is said of the document: `about.md`, `differs.md`, `scores.md`; empty for a study that stands beside none."""
    path = ROOT / "params" / "published" / str(study.published) / name
    return path.read_text(encoding="utf-8") if study.published and path.exists() else ""


def stands_for(study: Study, dataset: str) -> str:
    """The paper's data set that one of this study is, or that its drawings stand for."""
    return study.dataset(dataset).like or dataset


def printed(study: Study) -> pd.DataFrame:
    """The scores as printed: dataset, model, accuracy and maybe precision, recall, f1 (as fractions) and the number of classes."""
    return _read(study, "table1.csv", ["dataset", "model", "accuracy"])


def elsewhere(study: Study) -> pd.DataFrame:
    """Printed rows, as text, of data sets that no data set of this study is, or stands for."""
    table = printed(study) if study.published else pd.DataFrame(columns=["dataset"])
    own = [stands_for(study, name) for name in study.datasets]
    shown = table.assign(**{name: as_printed(table[name]) for name in METRICS if name in table})
    return shown[~shown.dataset.isin(own)]


def test_sizes(study: Study) -> dict[str, dict[str, dict[str, int]]]:
    """The test sets that Table 1 may be about: data set -> as stated, or as known -> class -> images; none of a document that says none."""
    sizes = {}
    for row in _read(study, "tests.csv", ["dataset", "test", "label", "images"]).itertuples():
        sizes.setdefault(row.dataset, {}).setdefault(row.test, {})[row.label] = row.images
    return sizes


def with_published(study: Study, per_run: pd.DataFrame) -> pd.DataFrame:
    """`per_run` (dataset, model, metric, ...) with a column `published`: what Table 1 prints, as a fraction, or empty."""
    if study.published is None:
        return per_run.assign(published=float("nan"))
    table = printed(study).melt(["dataset", "model"], var_name="metric", value_name="published")
    table = table.rename(columns={"dataset": "stands_for"})
    names = per_run.assign(stands_for=[stands_for(study, name) for name in per_run.dataset])
    return names.merge(table, on=["stands_for", "model", "metric"], how="left", validate="m:1").drop(
        columns="stands_for"
    )


def with_numbers(study: Study, drawn: pd.DataFrame) -> pd.DataFrame:
    """`drawn` (kind, dataset, model, ...) with a column `number`: which figure of the paper each one mirrors, or empty."""
    if study.published is None:
        return drawn.assign(number=float("nan"))
    names = [stands_for(study, name) if isinstance(name, str) else name for name in drawn.dataset]
    return (
        drawn.assign(stands_for=names)
        .merge(
            _read(study, "figures.csv", ["number", "kind", "dataset", "model"]).rename(
                columns={"dataset": "stands_for"}
            ),
            on=["kind", "stands_for", "model"],
            how="left",
        )
        .drop(columns="stands_for")
    )
