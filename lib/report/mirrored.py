"""Show the paper's figures, re-made: each once, in pairs, with captions that can be read alone; other splits folded.

A confusion matrix that can be reconstructed from published scores stands beside ours.

figures.csv, table1.csv, evidence.csv --figures_html--> HTML
"""

import html
from collections.abc import Callable

import pandas as pd

from lib.evidence import reconstructed
from lib.evidence.published import of_released
from lib.plots import show
from lib.report.headline import LEAST_LEAKING
from lib.study import Study

PAIRED = {"confusion", "curves"}  # kinds that show the plain and the proposed model side by side
COMPUTED = "reconstructed"  # the kind of a confusion matrix reconstructed from published scores


def figures_html(study: Study, drawn: pd.DataFrame) -> str:
    """The numbered figures of the published split, or the one that leaks least; other splits are folded.

    Args:
        drawn: figures.csv: file, title, alt, kind, model, dataset, split, number.
    """
    numbered = drawn[drawn.number.notna()]
    # a published matrix comes before ours
    numbered = numbered.assign(ours=numbered.kind != COMPUTED).sort_values(["number", "ours"])
    return others_folded(study, numbered, lambda rows: pairs_html(study, rows))


def epochs_html(study: Study, drawn: pd.DataFrame) -> str:
    """All models epoch by epoch, one figure per data set, for the split of the numbered figures; others are folded.

    Args:
        drawn: rows of figures.csv.
    """
    return others_folded(study, drawn, lambda rows: show.gallery_html(study.report / "figures", rows))


def others_folded(study: Study, drawn: pd.DataFrame, as_html: Callable[[pd.DataFrame], str]) -> str:
    """Figures without a split and of the first split; those of other splits are folded."""
    splits = set(drawn.split.dropna())
    order = ["published", *LEAST_LEAKING, *study.splits]
    first = min(splits, key=order.index) if splits else None
    shown = as_html(drawn[drawn.split.isna() | (drawn.split == first)])
    folded = [
        f"<h3>Split {html.escape(split)}</h3>{as_html(drawn[drawn.split == split])}"
        for split in study.splits
        if split in splits - {first}
    ]
    if not folded:
        return shown
    return f"{shown}<details><summary>The same figures of other splits</summary>{''.join(folded)}</details>"


def pairs_html(study: Study, numbered: pd.DataFrame) -> str:
    """Figures of one kind and data set side by side."""
    made = []
    shows = numbered.kind.replace(COMPUTED, "confusion")
    of = numbered.dataset.where(shows.isin(PAIRED), "").fillna("")
    for _, pair in numbered.groupby([shows, of], sort=False):
        pictures = []
        for row in pair.itertuples():
            drawing = (study.report / "figures" / row.file).read_bytes()
            pictures.append(show.as_html(drawing, row.alt, caption(study, row)))
        made.append(f'<div class="gallery">{"".join(pictures)}</div>')
    return "".join(made)


def caption(study: Study, row) -> str:
    """The caption of a figure: what it shows, on how many images and seeds, and what the paper prints."""
    if row.kind == COMPUTED:
        says = reconstructed.in_words(study, row.dataset, row.model)
        return f"Figure {row.number:.0f}, computed (page 08), not copied: {row.title}. {says}"
    says = f"Figure {row.number:.0f}, re-made: {row.title}."
    if row.kind not in PAIRED:
        return says
    accuracies = pd.read_csv(study.report / "tables" / "table1.csv").query("metric == 'accuracy'")
    scores = of_row(of_released(study, accuracies), row)
    size = of_row(pd.read_csv(study.report / "tables" / "evidence.csv"), row)
    seeds = "one seed" if scores.seeds == 1 else f"mean over {scores.seeds:.0f} seeds"
    if row.kind == "confusion":
        says += f" Share of each true class (row) by predicted class (column), {size.images:,.0f} test images, {seeds}."
        says += f" Accuracy {100 * scores['mean']:.1f}%"
        says += "." if pd.isna(scores.low) else f" (95 % CI {100 * scores.low:.1f} to {100 * scores.high:.1f})."
        return says if pd.isna(scores.published) else f"{says} {published_matrix(study, row, scores)}"
    says += f" Accuracy after each epoch, violet in training, orange in validation: line, {seeds}"
    says += "." if scores.seeds == 1 else "; band, lowest to highest seed."
    return (
        says if pd.isna(scores.published) else f"{says} Dotted: published test accuracy, {100 * scores.published:.2f}%."
    )


def published_matrix(study: Study, row, scores: pd.Series) -> str:
    """The published accuracy for a confusion matrix of ours, and why there is no published matrix."""
    says = f"Published: {100 * scores.published:.2f}%."
    if reconstructed.only(study, row.dataset, row.model) is not None:
        return says
    return f"{says} {reconstructed.in_words(study, row.dataset, row.model)}".strip()


def of_row(table: pd.DataFrame, row) -> pd.Series:
    """The row of a table for a figure's data set, split and model."""
    return table[(table.dataset == row.dataset) & (table.split == row.split) & (table.model == row.model)].iloc[0]
