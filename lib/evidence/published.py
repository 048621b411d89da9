"""What a paper printed: its table, its list of figures and the sizes of its test sets, from params/published/<paper>/.

A study names its paper, or none: then every table here is empty.
"""

from pathlib import Path

import pandas as pd

from lib import strict
from lib.study import Study

PROPOSED = "vit-proposed"  # how tables of papers name the ViT with the residual


def folder(study: Study) -> Path:
    """A folder of what the study's paper printed; it does not exist where the study has none."""
    return strict.ROOT / "params" / "published" / str(study.paper)


def read(study: Study, name: str, columns: list[str]) -> pd.DataFrame:
    """A table of the paper's folder; without rows where there is none."""
    path = folder(study) / name
    return pd.read_csv(path) if study.paper and path.exists() else pd.DataFrame(columns=columns)


def text(study: Study, name: str) -> str:
    """`about.md`, `differs.md` or `scores.md`: prose on the paper; empty where there is none."""
    path = folder(study) / name
    return path.read_text(encoding="utf-8") if study.paper and path.exists() else ""


def stands_for(study: Study, dataset: str) -> str:
    """The paper's data set that one of this study is, or that its drawings stand for."""
    return study.entry(dataset).like or dataset


def model_of_paper(study: Study, model: str) -> str:
    """The paper's model that one of this study is: of the same name; or the proposed one, by its released attention.

    The released attention counts in a study that has no model of that name.
    """
    if PROPOSED in study.models or model not in study.models:
        return model
    settings = study.models[model].settings
    released = settings.get("attention") == "released" and settings.get("selection") != "none"
    return PROPOSED if released else model


def printed(study: Study) -> pd.DataFrame:
    """The scores as printed, as fractions: dataset, model, accuracy, and maybe precision, recall, f1 and classes."""
    return read(study, "table1.csv", ["dataset", "model", "accuracy"])


def test_sizes(study: Study) -> dict[str, dict[str, dict[str, int]]]:
    """The test sets that Table 1 may be about: data set -> as stated, or as known -> class -> images."""
    sizes = {}
    for row in read(study, "tests.csv", ["dataset", "test", "label", "images"]).itertuples():
        sizes.setdefault(row.dataset, {}).setdefault(row.test, {})[row.label] = row.images
    return sizes


def test_part(sizes: dict[str, int]) -> dict[str, int]:
    """Images per class of the test part that the released code's call draws from folders listed in this order."""
    from sklearn.model_selection import train_test_split

    labels = [label for label, images in sizes.items() for _ in range(images)]
    _, test = train_test_split(labels, test_size=0.2, random_state=42)
    return {label: test.count(label) for label in sizes}


def with_published(study: Study, table1: pd.DataFrame) -> pd.DataFrame:
    """`table1` (dataset, model, metric, ...) with a column `published`: the paper's number as a fraction, or empty."""
    if study.paper is None:
        return table1.assign(published=float("nan"))
    published = printed(study).melt(["dataset", "model"], var_name="metric", value_name="published")
    published = published.rename(columns={"dataset": "stands_for"})
    table1 = table1.assign(stands_for=[stands_for(study, name) for name in table1.dataset])
    table1 = table1.merge(published, on=["stands_for", "model", "metric"], how="left", validate="m:1")
    return table1.drop(columns="stands_for")


def of_released(study: Study, scores: pd.DataFrame) -> pd.DataFrame:
    """`scores` (table1.csv) with what the paper prints for its proposed model beside the released attention.

    The study may call that model otherwise.
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
    """`drawn` (kind, dataset, model, ...) with a column `number`: the figure of the paper that it mirrors, or empty."""
    if study.paper is None:
        return drawn.assign(number=float("nan"))
    numbers = read(study, "figures.csv", ["number", "kind", "dataset", "model"])
    numbers = numbers.rename(columns={"dataset": "stands_for"})
    numbers = numbers.rename(columns={"kind": "shows", "model": "mirrors"})
    drawn = drawn.assign(
        stands_for=[stands_for(study, name) if isinstance(name, str) else name for name in drawn.dataset],
        mirrors=[model_of_paper(study, name) for name in drawn.model],
        # what published scores say of a figure has that figure's number
        shows=drawn.kind.replace("reconstructed", "confusion"),
    )
    on = ["shows", "stands_for", "mirrors"]
    return drawn.merge(numbers, on=on, how="left").drop(columns=on)
