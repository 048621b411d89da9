"""Scores of finished runs, from their predictions alone: any laptop redoes them in seconds, without torch.

runs/.../predictions.csv --read_predictions--> one table a run --scores, confusion--> tables/*.csv
"""

from pathlib import Path

import pandas as pd
from sklearn.metrics import accuracy_score, confusion_matrix, precision_recall_fscore_support

METRICS = {"accuracy": "Accuracy (%)", "precision": "Precision", "recall": "Recall", "f1": "F1 score"}


def read_predictions(path: Path) -> pd.DataFrame:
    """predictions.csv of a run: part, path, group, label, predicted, and p_<class> for each class."""
    return pd.read_csv(path, dtype={"label": str, "predicted": str})


def scores(predictions: pd.DataFrame) -> dict[str, float]:
    """Accuracy, and precision, recall and F1 averaged over classes (macro), as fractions.

    The paper does not say how it averages; the released code takes scikit-learn's macro average. A class that is
    never predicted has precision 0.
    """
    truth, predicted = predictions.label, predictions.predicted
    precision, recall, f1, _ = precision_recall_fscore_support(truth, predicted, average="macro", zero_division=0)
    return {"accuracy": accuracy_score(truth, predicted), "precision": precision, "recall": recall, "f1": f1}


def confusion(predictions: pd.DataFrame, classes: list[str]) -> pd.DataFrame:
    """Fractions of each true class (rows) by predicted class (columns), as in figures 6 to 9; rows sum to 1."""
    matrix = confusion_matrix(predictions.label, predictions.predicted, labels=classes, normalize="true")
    return pd.DataFrame(matrix, index=pd.Index(classes, name="true"), columns=pd.Index(classes, name="predicted"))


def over_seeds(per_run: pd.DataFrame) -> pd.DataFrame:
    """One row a (dataset, split, model, metric): published, mean and standard deviation over seeds, number of seeds.

    Args:
        per_run: dataset, split, model, seed, metric, value, published. With one seed there is no deviation: empty.
    """
    keys = ["dataset", "split", "model", "metric"]
    return (
        per_run.groupby(keys, sort=False)
        .agg(published=("published", "first"), mean=("value", "mean"), std=("value", "std"), seeds=("seed", "nunique"))
        .reset_index()
    )


def beside(table: pd.DataFrame) -> pd.DataFrame:
    """Table 1 as people read it: a column a model; for each metric a row as published and a row as measured here."""

    def text(row) -> str:
        factor, digits = (100, 2) if row.metric == "accuracy" else (1, 2 if row.source == "published" else 3)
        deviation = "" if pd.isna(row["std"]) else f" ± {factor * row['std']:.{digits}f}"
        return f"{factor * row['mean']:.{digits}f}{deviation}"

    published = table.assign(mean=table.published, std=float("nan"), source="published")
    both = pd.concat([published[published["mean"].notna()], table.assign(source="here")])
    both = both.assign(text=both.apply(text, axis=1))
    wide = both.pivot(index=["metric", "source"], columns="model", values="text").reindex(columns=table.model.unique())
    order = [
        (metric, source) for metric in METRICS for source in ["published", "here"] if (metric, source) in wide.index
    ]
    wide = wide.loc[order].fillna("")
    wide.index = pd.MultiIndex.from_tuples([(METRICS[metric], source) for metric, source in order])
    wide.columns.name = None
    return wide


def in_words(plain: pd.Series, proposed: pd.Series, images: int, published_for: str) -> str:
    """What the plain and the proposed ViT score, in two sentences; each a row of `over_seeds` for accuracy."""
    text = f"Of {images} test images, the proposed ViT is right on {proposed['mean']:.1%} and the plain ViT on {plain['mean']:.1%}"
    if pd.notna(plain.published) and pd.notna(proposed.published):
        text += (
            f" (published{published_for and ' ' + published_for}: {proposed.published:.2%} and {plain.published:.2%})"
        )
    return text + f". Seeds: {plain.seeds:.0f}. Without an interval, no difference here is yet evidence of anything."


def choice_in_words(ties: pd.DataFrame, neighbours: pd.DataFrame) -> str:
    """What decides which head the published rule chooses, in two sentences; the tables are those of notebook 04."""
    changed = (
        ties[(ties.scope == "image") & (ties.precision == "fp32")]
        .groupby(["rule", "condition"])
        .changed.first()
        .unstack()
    )
    renumbered, dropout = changed["heads renumbered"], changed["dropout again"]
    own, other = (neighbours[neighbours.own == mine].changed.max() for mine in (True, False))
    rule = neighbours[neighbours.own].rule.iloc[0]
    return (
        f"The published rule is a tie: with the same heads numbered backwards it chooses another one in {renumbered['l1']:.0%} of the cases"
        f" (the other rules: {renumbered.drop('l1').max():.0%} at most), and with dropout, two draws choose different heads in"
        f" {dropout['l1']:.0%}. With one choice a batch, a prediction may depend on its neighbours: between batches of 64 and of one image,"
        f" {own:.1%} of the predictions change by the model's own rule (`{rule}`), and up to {other:.1%} by rules that tell heads apart."
    )
