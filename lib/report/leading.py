"""Make a report's first screen: five lines, then one figure.

opening.results --figure--> a figure, its alternative text, a caption that can be read alone
opening.lines, figure --first_screen--> HTML
"""

import html
from pathlib import Path

import pandas as pd
from bs4 import BeautifulSoup
from matplotlib.figure import Figure
from nbconvert.filters.markdown import markdown2html

from lib.evidence import answer, arms, learning, losses
from lib.evidence.published import printed, stands_for
from lib.plots import openings, show
from lib.report.documents import between
from lib.report.finding import Results, chosen, table
from lib.study import Study

OF = "(images of one photograph or patient)"  # a group
BEST = 8  # number of models in a figure of finalists, besides those that add nothing
ROWS = 12  # number of differences in a figure


def first_screen(lines: dict[str, str], figure: tuple[Figure | Path, str, str]) -> str:
    """The screen as HTML. lines: label -> Markdown. figure: the figure, its alternative text, its caption."""
    items = []
    for label, text in lines.items():
        made = BeautifulSoup(markdown2html(html.escape(text, quote=False)), "html.parser")
        items.append(f"<dt>{html.escape(label)}</dt><dd>{made.p.decode_contents()}</dd>")
    drawn, alt, caption = figure
    return f'<div class="opening"><dl class="finding">{"".join(items)}</dl>{as_html(drawn, alt, caption)}</div>'


def as_html(drawn: Figure | Path, alt: str, caption: str) -> str:
    """A figure as HTML, with its alternative text and its caption."""
    return show.as_html(show.as_svg(drawn), alt, caption)


def figure(known: Results) -> tuple[Figure | Path, str, str]:
    """Choose the figure that shows the finding best: the figure, its alternative text, its caption."""
    study = known.study
    if "00_primer" in study.extra:
        return first_kernel(study)
    if len(study.seeds) > 1:
        if known.one and not len(table(study, "claims", "claims")):
            return finalists(study)
        if any(cell.multilabel for cell in study.cells):
            return areas(known) if learning.empty_models(study).empty else training_losses(study)
        if known.one:
            return differences(known)
    return accuracies(known)


def first_kernel(study: Study) -> tuple[Path, str, str]:
    """The figure of equations as printed, beside their right results."""
    folder = study.shown("00_primer")
    row = pd.read_csv(folder / "figures.csv").set_index("file").loc["first-kernel.svg"]
    caption = f"{row.title[0].upper()}{row.title[1:]}: as equation (12) is printed, as it is completed, and by PyTorch."
    return folder / "first-kernel.svg", row.alt, caption


def accuracies(known: Results) -> tuple[Path, str, str]:
    """The figure of every model's test accuracy on the first data set, split by split."""
    study, (dataset, split) = known.study, next(iter(known.tested.items()))
    folder = study.report / "evidence"
    row = table(study, "figures", "evidence").set_index("file").loc[f"protocols-{dataset}.svg"]
    sizes = table(study, "evidence")
    size = sizes[(sizes.dataset == dataset) & (sizes.split == split)].iloc[0]
    images = f"{size.images:,} test images"
    caption = (
        f"{study.entry(dataset).title}: test accuracy of each model (dot, {seeds(study)}) and its 95 %"
        f" interval (bar) over {images if size.groups == size.images else f'{images} in {size.groups:,} groups {OF}'}"
    )
    if known.scores[known.scores.dataset == dataset].published.notna().any():
        caption += "; diamonds: published values"
    return folder / f"protocols-{dataset}.svg", row.alt, f"{caption}."


def seeds(study: Study) -> str:
    """Say the number of seeds."""
    return "one seed" if len(study.seeds) == 1 else f"mean over up to {len(study.seeds)} seeds"


def areas(known: Results) -> tuple[Path, str, str]:
    """Show the AUC of each label beside that of the view of the image alone, by the split that leaks least."""
    folder, (dataset, split) = known.study.report / "evidence", next(iter(known.tested.items()))
    row = table(known.study, "figures", "evidence").set_index("file").loc[f"labels-{dataset}-{split}.svg"]
    return folder / f"labels-{dataset}-{split}.svg", row.alt, row.title


def finalists(study: Study) -> tuple[Figure, str, str]:
    """The figure of the mean validation accuracy of the best models, and of those that add nothing."""
    ranked = table(study, "validation")
    named = chosen(study, list(ranked.model))
    nothing = [name for name in ranked.model if not arms.adds(study, name)]
    kept = [name for name in ranked.model if name in nothing or name in list(ranked.model)[:BEST]]
    values = 100 * ranked.set_index("model")["mean"]
    rows = [(study.titles[name], values[name], name in named) for name in kept]
    drawn = openings.ranked(pd.DataFrame(rows, columns=["model", "value", "chosen"]), "validation accuracy (%)")
    caption = (
        f"Validation accuracy, mean over {' and '.join(study.entry(name).title.lower() for name in study.datasets)} and"
        f" {len(study.seeds)} seeds: the best {BEST} of {len(ranked)} models and those that add nothing; orange: the"
        f" finalists."
    )
    plain = study.vits(plain=True)
    others = [study.models[name] for name in study.vits(plain=False)]
    if plain and all(one.settings.get("attention_weights") != "pretrained" for one in others):
        caption += f" {study.titles[plain[0]]} keeps its pre-trained attention; all others start theirs from scratch."
    return *drawn, caption


def training_losses(study: Study) -> tuple[Figure, str, str]:
    """The figure of the last training loss of every training."""
    rows = []
    for dataset in study.datasets:
        for model in study.models:
            rows += [(study.titles[model], ratio) for ratio in losses.ratios(study, dataset, model)]
    drawn = openings.losses(pd.DataFrame(rows, columns=["model", "ratio"]))
    caption = (
        f"Last training loss of each of {len(rows)} trainings (dots; all splits and seeds), divided by that of the best"
        f" answer that is the same for every image (line). A training learned nothing if it is above"
        f" {learning.BELOW:.2f}, or if its network answers the same for {learning.ONE_ANSWER:.0%} of the test images."
    )
    return *drawn, caption


def differences(known: Results) -> tuple[Figure, str, str]:
    """The figure of the headline's difference, split by split, and of other pairs that differ only in the residual."""
    study, rows = known.study, table(known.study, "differences")
    lead = (rows.a == known.one.a) & (rows.b == known.one.b)
    own = rows.a.isin(list(study.models)) & rows.b.isin(list(study.models))
    alike = own & pd.Series([bool(o) and arms.of_residual(study, a, b) for a, b, o in zip(rows.a, rows.b, own)])
    shown = rows[lead | alike] if known.one.alone and (lead | alike).sum() <= ROWS else rows[lead]
    several = shown[["a", "b"]].drop_duplicates().shape[0] > 1
    accuracy = 100 * table(study, "evidence").set_index(["dataset", "split", "model"]).accuracy
    drawn = pd.DataFrame([difference(study, row, accuracy, several=several) for row in shown.itertuples()])
    what = openings.RESIDUAL if known.one.alone else "accuracy of the proposed ViT minus the plain one"
    above = "with against without the residual" if known.one.alone else "of the proposed against the plain ViT"
    if not several:
        above += ", and of the best simple classifier"
    sizes = table(study, "evidence")
    unit = f"groups of test images {OF}" if (sizes.groups < sizes.images).any() else "test images"
    caption = (
        f"{what[0].upper()}{what[1:]}: dot, mean of {between(shown.seeds, '.0f')} seeds per model; bar, 95 % interval"
        f" over seeds and {unit}; grey, differences too small to be found with 80 % power. Above each bar: accuracy"
        f" {above}."
    )
    arms_of = [study.models[model] for model in (known.one.a, known.one.b)]
    fresh = [one.settings.get("attention_weights") != "pretrained" for one in arms_of]
    if known.one.alone and all(fresh) and arms_of[0].starts_from == "phantoms":
        caption += " Both start their attention from scratch."
    if drawn.effect.notna().any():
        caption += " Diamond: the paper's difference between its proposed and its plain ViT."
    return *openings.differences(drawn, what), caption


def difference(study: Study, row, accuracy: pd.Series, *, several: bool) -> dict:
    """A row of `openings.differences`, from a row of differences.csv.

    Args:
        accuracy: in percent, by data set, split and model. several: whether the figure compares several pairs of
            models; then a row names its model, and has no room for the simple classifier.
    """
    cell = study.cell(row.dataset, row.split)
    name = [study.entry(row.dataset).title, f"split {row.split}" if len(study.splits) > 1 else ""]
    name.append(study.titles[row.a] if several else "")
    levels = [accuracy[row.dataset, row.split, model] for model in (row.a, row.b)]
    simple = None if several else answer.simple_classifiers(cell)["simple"]
    return {
        "data": ", ".join(filter(None, name)),
        "levels": answer.levels(*levels, simple),
        **{key: 100 * getattr(row, key) for key in ["estimate", "low", "high"]},
        "detectable": 100 * row.decidable if pd.notna(row.decidable) else 0,
        "learned": not (learning.empty(cell, row.a) and learning.empty(cell, row.b)),
        "effect": published_effect(study, row.dataset),
    }


def published_effect(study: Study, dataset: str) -> float:
    """The published accuracy of the proposed ViT minus the plain one's, in percentage points.

    NaN: unpublished, or the images are drawings, of which the paper says nothing.
    """
    if study.datasets[dataset].draw:
        return float("nan")
    rows = printed(study)
    of = rows[rows.dataset == stands_for(study, dataset)].set_index("model").accuracy
    return 100 * (of["vit-proposed"] - of["vit"]) if {"vit", "vit-proposed"} <= set(of.index) else float("nan")
