"""Format numbers and tables for pages; every table has a caption, also for screen readers."""

import html
import re
from collections.abc import Callable

import pandas as pd
from IPython.display import HTML

from lib.evidence.arithmetic import decimals
from lib.evidence.published import printed, stands_for
from lib.evidence.rows import accuracy_name, difference_name
from lib.evidence.scores import METRICS
from lib.study import Cell, Study

TOO_FEW = "too few groups"  # printed instead of an interval
LONG_NOTE = 200  # letters; longer notes are folded
ABREAST = 5  # models that are columns of one table
POINTS = " points"


def within(title: str) -> str:
    """A title within a sentence: its first letter is lower case, unless its first word holds other capitals."""
    first = title.split(" ")[0]
    return title[:1].lower() + title[1:] if first[1:] == first[1:].lower() else title


def points(share: float) -> str:
    """Format a difference of fractions in percentage points, with its sign."""
    return f"{100 * share:+z.1f}"  # z: no -0.0


def ends(low: float, high: float, number: Callable) -> str:
    """Format the ends of an interval by `number`, or say why there is none."""
    return TOO_FEW if pd.isna(low) else f"{number(low)} to {number(high)}"


def p_shown(value: float) -> str:
    """Format a p value; empty for NaN."""
    if pd.isna(value):
        return ""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def span(row) -> str:
    """Format a difference (estimate, low, high) with its 95 % interval, in percentage points."""
    if pd.isna(row.low):
        return f"{points(row.estimate)} [{TOO_FEW}]"
    return f"{points(row.estimate)} [{points(row.low)}, {points(row.high)}]"


def as_printed(fractions: pd.Series, factor: float = 1) -> pd.Series:
    """Format published numbers with as many decimals as the longest has; empty for NaN."""
    numbers = factor * fractions
    digits = decimals(numbers.dropna())
    return numbers.map(lambda value: "" if pd.isna(value) else f"{value:.{digits}f}")


def elsewhere(study: Study) -> pd.DataFrame:
    """Published rows, as text, of data sets or models that this study does not have."""
    table = printed(study)
    for name in METRICS:
        if name in table:
            table[name] = as_printed(table[name])
    own = [stands_for(study, name) for name in study.datasets]
    other_models = table.dataset.isin(list(study.datasets)) & ~table.model.isin(list(study.models))
    return table[~table.dataset.isin(own) | other_models]


def cell_html(mean: float, low: float, high: float, metric: str) -> str:
    """The HTML of a score with its interval below it."""
    number = "{:.1f}" if metric == "accuracy" else "{:.3f}" if metric == "auc" else "{:.2f}"
    factor = 100 if metric == "accuracy" else 1
    interval = ends(factor * low, factor * high, number.format)
    return f"{number.format(factor * mean)}<br><small>{interval}</small>"


def accuracies_html(table: pd.DataFrame) -> str:
    """Table 1 of one data set: models as rows; the published accuracy, then one column per split.

    Args:
        table: split, model, metric, mean, low, high, published, as fractions; low and high NaN: no interval.
    """
    part = table[table.metric == "accuracy"]
    columns = {}
    if part.published.notna().any():
        published = part.drop_duplicates("model").set_index("model").published
        columns["published"] = as_printed(published, 100)
    for split, rows in part.groupby("split", sort=False):
        cells = [cell_html(row.mean, row.low, row.high, "accuracy") for row in rows.itertuples()]
        columns[f"split {split}"] = pd.Series(cells, rows.model)
    shown = pd.DataFrame(columns, index=part.model.unique()).fillna("")
    meaning = "Test accuracy in %: mean over seeds, with its 95\u00a0% interval over groups of images and seeds"
    if "published" in columns:
        meaning += "; published: by its authors, for a model of this name or attention"
    return scores_table(shown, f"{meaning}.", "accuracies")


def scores_html(table: pd.DataFrame) -> str:
    """All scores of one data set and split: models as rows, metrics as columns, the paper's four first.

    Args:
        table: metric, model, published, mean, low, high, as in `accuracies_html`.
    """
    columns = {}
    of_the_paper = [metric for metric in METRICS if metric in set(table.metric)]
    for metric in dict.fromkeys([*of_the_paper, *table.metric]):
        part = table[table.metric == metric].set_index("model")
        cells = pd.Series([cell_html(row.mean, row.low, row.high, metric) for row in part.itertuples()], part.index)
        if part.published.notna().any():
            published = as_printed(part.published, 100 if metric == "accuracy" else 1)
            cells += published.map(lambda text: f"<br><small>published {text}</small>" if text else "")
        columns[METRICS.get(metric, metric[:1].upper() + metric[1:])] = cells
    shown = pd.DataFrame(columns, index=table.model.unique()).fillna("")
    meaning = "Test scores: mean over seeds, and below it the 95\u00a0% interval"
    if table.published.notna().any():
        meaning += "; published: by its authors, for a model of this name or attention"
    return scores_table(shown, f"{meaning}.")


def scores_table(shown: pd.DataFrame, caption: str, kind: str = "") -> str:
    """A table of cells that are HTML, with a caption; `kind`: another class of it, for the style."""
    shown = shown.rename(index=html.escape, columns=html.escape).rename_axis(index="model", columns=None)
    made = shown.reset_index().to_html(border=0, escape=False, index=False, classes=f"scores {kind}".split())
    return captioned(made, caption)


def evidence_table(assessed: pd.DataFrame) -> pd.DataFrame:
    """Rows of evidence.csv as text: the interval beside the naive one."""
    rows = {}
    for row in assessed.itertuples():
        rows[row.model] = {
            "accuracy (%)": f"{100 * row.accuracy:.1f}",
            "95 % interval": ends(100 * row.low, 100 * row.high, "{:.1f}".format),
            "naive interval": f"{100 * row.naive_low:.1f} to {100 * row.naive_high:.1f}",
            "design effect": f"{row.design_effect:.1f}",
            "effective images": f"{row.effective_images:.0f}",
            "seeds": row.seeds,
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def differences_table(compared: pd.DataFrame) -> pd.DataFrame:
    """Rows of differences.csv as text: the difference, its interval, p values, and the difference with 80 % power."""
    rows = {}
    for row in compared.itertuples():
        rows[f"{row.a}, minus {row.b}"] = {
            "points": points(row.estimate),
            "95 % interval": ends(row.low, row.high, points) + ("" if row.steady else " (random)"),
            "p": p_shown(row.p_seeds),
            "p (Holm)": p_shown(row.p_holm),
            "p, these networks": p_shown(row.p_value),
            "80 % power from": "" if pd.isna(row.decidable) else f"{100 * row.decidable:.1f}",
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def evidence_html(cell: Cell, assessed: pd.DataFrame, titles: dict[str, str]) -> str:
    """Rows of evidence.csv of a cell; each has an id, to which verdicts link."""
    names = [accuracy_name(cell, model) for model in assessed.model]
    shown = evidence_table(assessed.replace({"model": titles}))
    return captioned(with_names(shown, names), "Test accuracy: mean over seeds, with its 95 % interval")


def differences_html(cell: Cell, compared: pd.DataFrame, titles: dict[str, str]) -> str:
    """Rows of differences.csv of a cell; each has an id, to which verdicts link."""
    names = [difference_name(cell, row.a, row.b) for row in compared.itertuples()]
    shown = differences_table(compared.replace({"a": titles, "b": titles}))
    return captioned(with_names(shown, names), "Test accuracy of one model minus that of another, in percentage points")


def with_names(table: pd.DataFrame, names: list[str]) -> str:
    """A table as HTML, each row with an id."""
    head, body = table.to_html(border=0).split("<tbody>")
    for name in names:
        body = body.replace("<tr>", f'<tr id="{html.escape(name)}">', 1)
    return f"{head}<tbody>{body}"


def labels_table(part: pd.DataFrame) -> HTML:
    """Rows of labels.csv: one row per label, one column per model, the AUC with its interval where there is one.

    Several tables, one below the other, so that none is wider than a page.
    """
    part = part.assign(shown=[span_of_auc(row) for row in part.itertuples()])
    wide = part.pivot_table(
        index=["label", "images", "groups"], columns="model", values="shown", aggfunc="first", sort=False
    )
    wide = wide.rename_axis(columns=None).reset_index().set_index("label")
    counts, models = ["images", "groups"], [name for name in wide if name not in ("images", "groups")]
    pieces = [wide[counts + models[start : start + ABREAST]] for start in range(0, len(models), ABREAST)]
    return HTML("".join(piece.to_html(border=0) for piece in pieces))


def span_of_auc(row) -> str:
    """Format an AUC (auc, low, high) with its interval, if there is one."""
    return f"{row.auc:.2f}" if pd.isna(row.low) else f"{row.auc:.2f} [{row.low:.2f}, {row.high:.2f}]"


def notes(study: Study) -> str:
    """The notes on each data set of a study, as a Markdown list."""
    of_each = {study.entry(name).title: study.note(name) for name in study.datasets}
    return "\n".join(f"- {title}: {text}" for title, text in of_each.items() if text)


def captioned(table: str, caption: str) -> str:
    """Add a caption to an HTML table."""
    return table.replace("<thead>", f"<caption>{html.escape(caption)}</caption><thead>", 1)


def limits_html(limits: pd.DataFrame) -> str:
    """Rows of limits.csv (split, says), folded; empty if there are none."""
    said = [f"<p>Split <code>{row.split}</code>: {html.escape(row.says)}</p>" for row in limits.itertuples()]
    if not said:
        return ""
    return f'<details class="limits"><summary>What these scores cannot say</summary>{"".join(said)}</details>'


def published_html(rows: pd.DataFrame) -> str:
    """The HTML table of published rows."""
    return captioned(rows.to_html(index=False, border=0), "As published, as fractions")


def sizes_html(sizes: pd.DataFrame) -> str:
    """The HTML table of model sizes; `sizes`: dataset, model, parameters, megabytes."""
    table = sizes.assign(size=[f"{row.parameters:,} ({row.megabytes:.2f} MB)" for row in sizes.itertuples()])
    wide = table.pivot_table(index="model", columns="dataset", values="size", aggfunc="first", sort=False)
    wide = wide.rename_axis(index=None, columns=None)
    return captioned(wide.to_html(border=0), "Parameters, and their size in float32")


def claims_html(judged: pd.DataFrame) -> str:
    """The HTML table of claims.csv: verdict, claim, measurement with a link to the row that decides, and criterion."""
    rows = []
    for row in judged.fillna("").itertuples():
        cell = {name: html.escape(str(value)) for name, value in row._asdict().items()}
        measured, verdict, criterion = cell["estimate"], cell["verdict"], cell["tolerance"]
        if cell["interval"].endswith(POINTS):  # print the unit once
            low_to_high = cell["interval"].replace(POINTS, "")
            measured = f"{measured.removesuffix(POINTS)} [{low_to_high}]{POINTS}"
        elif cell["interval"]:
            measured += f" [{cell['interval']}]"
        if cell["link"]:
            measured = f'<a href="{cell["link"]}">{measured}</a>'
        if cell["decidable"]:
            criterion += f"; 80 % power from {cell['decidable']}"
        if cell["note"]:
            criterion += note(f"{cell['note'][0].upper()}{cell['note'][1:]}.")
        first_word = cell["verdict"].split()[0]
        words = re.sub("`(.+?)`", r"<code>\1</code>", cell["words"])
        rows.append(
            f'<tr><td class="{first_word}">{verdict}</td>'
            f"<td>{words}<br><small>{cell['place']}</small></td>"
            f"<td>{measured}<br><small>{cell['quantity']}</small></td>"
            f"<td>{criterion}</td></tr>"
        )
    head = "<tr><th>Verdict</th><th>Claim or question</th><th>Measured</th><th>Criterion</th></tr>"
    table = f'<table class="claims"><thead>{head}</thead><tbody>{"".join(rows)}</tbody></table>'
    return captioned(table, "Claims and questions: verdict, measured value with its 95 % interval, and criterion")


def note(text: str) -> str:
    """The note on a verdict as HTML, folded if it is long."""
    if len(text) < LONG_NOTE:
        return f"<br><small>{text}</small>"
    return f"<details><summary>Note</summary><small>{text}</small></details>"


def arithmetic_html(checked: pd.DataFrame) -> str:
    """The HTML table of arithmetic.csv: which published rows are possible."""
    rows = {}
    for row in checked.itertuples():
        rows[row.model] = {
            "published": row.published,
            "accuracy possible": "yes" if row.attainable else "no",
            "chance": f"{row.chance:.1%}",
            "row possible": "yes" if row.row_attainable else "no",
            "chance of a row": f"{row.row_chance:.2%}",
            "in words": row.in_words,
        }
    table = pd.DataFrame.from_dict(rows, orient="index")
    caption = "Is each published row possible for a test set of this size? (GRIM test)"
    return captioned(table.to_html(classes="prose", border=0), caption)
