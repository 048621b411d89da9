"""Read what a paper printed from params/published/<paper>/: its table, figures and sizes of test sets.

For a study that names no paper, every table here is empty.
"""

from pathlib import Path

import pandas as pd

from lib import strict
from lib.study import Study

PROPOSED = "vit-proposed"  # name of the ViT with the residual in tables of papers


def folder(study: Study) -> Path:
    """The folder of what the study's paper printed; it does not exist for a study without a paper."""
    return strict.ROOT / "params" / "published" / str(study.paper)


def read(study: Study, name: str, columns: list[str]) -> pd.DataFrame:
    """Read a table of the paper's folder; without rows if there is none."""
    path = folder(study) / name
    return pd.read_csv(path) if study.paper and path.exists() else pd.DataFrame(columns=columns)


def text(study: Study, name: str) -> str:
    """Read prose on the paper, `about.md`, `differs.md` or `scores.md`; empty if there is none."""
    path = folder(study) / name
    return path.read_text(encoding="utf-8") if study.paper and path.exists() else ""


def stands_for(study: Study, dataset: str) -> str:
    """The paper's data set that a data set of this study is or, as drawings, stands in for."""
    return study.entry(dataset).like or dataset


def model_of_paper(study: Study, model: str) -> str:
    """The paper's model that a model of this study stands for, by its name.

    In a study without a model named PROPOSED, the model with the released attention stands for it.
    """
    if PROPOSED in study.models or model not in study.models:
        return model
    settings = study.models[model].settings
    released = settings.get("attention") == "released" and settings.get("selection") != "none"
    return PROPOSED if released else model


def printed(study: Study) -> pd.DataFrame:
    """Read the printed scores, as fractions: dataset, model, accuracy, and possibly precision, recall, f1, classes."""
    return read(study, "table1.csv", ["dataset", "model", "accuracy"])


def stated_counts(study: Study) -> pd.DataFrame:
    """Read the images that the paper states: dataset, of (a class, train, test, all images), stated, section, ours.

    `ours`: the same count of this study's images, before any split; "" where it has no such data or class.
    """
    stated = read(study, "classes.csv", ["dataset", "of", "stated", "section"])
    ours = []
    for dataset in study.datasets:
        counts = pd.read_csv(study.report / "groups" / dataset / "counts.csv", dtype={"label": str, "part": str})
        sums = [counts.groupby(column).images.sum() for column in ["label", "part"]]
        found = pd.concat([*sums, pd.Series({"all images": counts.images.sum()})])
        ours.append(pd.DataFrame({"dataset": stands_for(study, dataset), "of": found.index, "ours": found.to_numpy()}))
    table = stated.merge(pd.concat(ours), on=["dataset", "of"], how="left").astype({"ours": "Int64"})
    return table.assign(ours=table.ours.astype(object).fillna(""))


def test_sizes(study: Study) -> dict[str, dict[str, dict[str, int]]]:
    """The test sets that Table 1 may report on: data set -> name of a stated or known test set -> class -> images."""
    sizes = {}
    for row in read(study, "tests.csv", ["dataset", "test", "label", "images"]).itertuples():
        sizes.setdefault(row.dataset, {}).setdefault(row.test, {})[row.label] = row.images
    return sizes


def test_part(sizes: dict[str, int]) -> dict[str, int]:
    """The images per class of the test part that the released code draws from class folders in this order."""
    from sklearn.model_selection import train_test_split

    labels = [label for label, images in sizes.items() for _ in range(images)]
    _, test = train_test_split(labels, test_size=0.2, random_state=42)
    return {label: test.count(label) for label in sizes}


def with_published(study: Study, table1: pd.DataFrame) -> pd.DataFrame:
    """Add `published` to `table1` (dataset, model, metric, ...): the paper's number as a fraction, or NaN."""
    if study.paper is None:
        return table1.assign(published=float("nan"))
    published = printed(study).melt(["dataset", "model"], var_name="metric", value_name="published")
    published = published.rename(columns={"dataset": "stands_for"})
    table1 = table1.assign(stands_for=[stands_for(study, name) for name in table1.dataset])
    table1 = table1.merge(published, on=["stands_for", "model", "metric"], how="left", validate="m:1")
    return table1.drop(columns="stands_for")


def of_released(study: Study, scores: pd.DataFrame) -> pd.DataFrame:
    """Put the paper's numbers of its proposed model beside the released attention in `scores` (table1.csv).

    The study may give that model another name.
    """
    renamed = {name: model_of_paper(study, name) for name in study.models if model_of_paper(study, name) != name}
    beside = scores[scores.model.isin(list(renamed))]
    if beside.empty:
        return scores
    as_published = with_published(study, beside.drop(columns="published").replace({"model": renamed}))
    scores = scores.copy()
    scores.loc[beside.index, "published"] = as_published.published.to_numpy()
    return scores


def with_numbers(study: Study, drawn: pd.DataFrame) -> pd.DataFrame:
    """Add `number` to `drawn` (kind, dataset, model, ...): the figure of the paper that it mirrors, or NaN."""
    if study.paper is None:
        return drawn.assign(number=float("nan"))
    numbers = read(study, "figures.csv", ["number", "kind", "dataset", "model"])
    numbers = numbers.rename(columns={"dataset": "stands_for"})
    numbers = numbers.rename(columns={"kind": "shows", "model": "mirrors"})
    drawn = drawn.assign(
        stands_for=[stands_for(study, name) if isinstance(name, str) else name for name in drawn.dataset],
        mirrors=[model_of_paper(study, name) for name in drawn.model],
        # a figure reconstructed from published scores has the number of the paper's figure
        shows=drawn.kind.replace("reconstructed", "confusion"),
    )
    on = ["shows", "stands_for", "mirrors"]
    return drawn.merge(numbers, on=on, how="left").drop(columns=on)
