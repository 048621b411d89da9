"""What tables say, in sentences: no number in a report's prose is typed by hand."""

import pandas as pd

from lib.averages import decimals
from lib.evidence import METRICS


def beside(table: pd.DataFrame) -> pd.DataFrame:
    """Table 1 as people read it: a column a model; for each metric what is published, what was measured here, and its interval.

    Args:
        table: metric, model, published, mean, low, high, all as fractions.
    """
    rows = {}
    for metric, title in METRICS.items():
        part = table[table.metric == metric].set_index("model")
        if part.empty:
            continue
        factor, digits = (100, 1) if metric == "accuracy" else (1, 2)
        if part.published.notna().any():
            rows[title, "published"] = as_printed(part.published, factor)
        rows[title, "here"] = (factor * part["mean"]).map(f"{{:.{digits}f}}".format)
        ends = [(factor * part[end]).map(f"{{:.{digits}f}}".format) for end in ["low", "high"]]
        rows[title, "95\u00a0%"] = ends[0] + " to " + ends[1]
    return pd.DataFrame(rows).T[table.model.unique()].rename_axis(columns=None)


def as_printed(fractions: pd.Series, factor: float = 1) -> pd.Series:
    """Published numbers with as many decimals as the longest of them has; empty where there is none."""
    printed = factor * fractions
    digits = decimals(printed.dropna())
    return printed.map(lambda value: "" if pd.isna(value) else f"{value:.{digits}f}")


def evidence_table(assessed: pd.DataFrame) -> pd.DataFrame:
    """Rows of evidence.csv as people read them: the interval beside the naive one."""

    def between(low, high):
        return [f"{100 * one:.1f} to {100 * other:.1f}" for one, other in zip(low, high)]

    return pd.DataFrame(
        {
            "accuracy (%)": [f"{100 * value:.1f}" for value in assessed.accuracy],
            "95 % interval": between(assessed.low, assessed.high),
            "naive interval": between(assessed.naive_low, assessed.naive_high),
            "design effect": [f"{value:.1f}" for value in assessed.design_effect],
            "effective images": [f"{value:.0f}" for value in assessed.effective_images],
            "seeds": list(assessed.seeds),
        },
        index=list(assessed.model),
    )


def differences_table(compared: pd.DataFrame) -> pd.DataFrame:
    """Rows of differences.csv as people read them."""
    return pd.DataFrame(
        {
            "points": [points(value) for value in compared.estimate],
            "95 % interval": [f"{points(r.low)} to {points(r.high)}" for r in compared.itertuples()],
            "P(A > B)": [f"{value:.2f}" for value in compared.better],
            "p": [f"{value:.3f}" for value in compared.p_value],
            "p (Holm)": [f"{value:.3f}" for value in compared.p_holm],
            "decidable": [f"{100 * value:.1f}" for value in compared.decidable],
        },
        index=[f"{r.a}, minus {r.b}" for r in compared.itertuples()],
    )


def within(title: str) -> str:
    """A title as it stands within a sentence: its first letter small, unless more than that is in capitals."""
    return title if title[1:2].isupper() else title[:1].lower() + title[1:]


def points(share: float) -> str:
    """A difference of shares, in percentage points with its sign."""
    return f"{100 * share:+z.1f}"  # z: no -0.0


def span(row) -> str:
    """A difference with its 95 % interval, in points."""
    return f"{points(row.estimate)} [{points(row.low)}, {points(row.high)}]"


def claims_in_a_sentence(judged: pd.DataFrame) -> str:
    """How many claims got which verdict."""
    if not len(judged):
        return "None is judged by this study."
    numbers = [f"{number} {name}" for name, number in judged.verdict.value_counts().items()]
    return f"Of {len(judged)} claim{'s' * (len(judged) > 1)}, {', '.join(numbers)}."


def inside(shares: pd.DataFrame, titles: dict[str, str]) -> list[str]:
    """How much of the attention falls inside the tumour, where that is known: a sentence a data set; the table is notebook 04's."""
    says = []
    for dataset, part in shares.groupby("dataset", sort=False):
        found = "; ".join(f"{r.looks}: {r.inside:.1%} [{r.low:.1%}, {r.high:.1%}]" for r in part.itertuples())
        where = f"Of what the class token of the last block attends to in {within(titles[dataset])}, so much falls inside the tumour (mean, 95 % interval), "
        says.append(f"{where}which covers {part.area.mean():.1%} of the image: {found}.")
    return says


def choice(ties: pd.DataFrame, neighbours: pd.DataFrame) -> str:
    """What decides which head the published rule chooses, in two sentences; the tables are those of notebook 04."""
    per_image = ties[(ties.scope == "image") & (ties.precision == "fp32")]
    changed = per_image.groupby(["rule", "condition"]).changed.first().unstack()
    renumbered, dropout = changed["heads renumbered"], changed["dropout again"]
    own = neighbours[neighbours.own]
    other = neighbours[~neighbours.own & (neighbours.rule != "l1")].changed.max()
    rule, scope = own.rule.iloc[0], own.scope.iloc[0]
    return (
        f"The published rule is a tie: with the same heads numbered backwards it chooses another one in {renumbered['l1']:.0%} of the cases"
        f" (the other rules: {renumbered.drop('l1').max():.0%} at most), and with dropout, two draws choose different heads in"
        f" {dropout['l1']:.0%}. With one choice per batch a prediction may depend on its neighbours: between batches of 64 and of one image,"
        f" {own.changed.max():.1%} of the predictions change as the model was trained (`{rule}`, one choice per {scope}), and up to {other:.1%}"
        " where rules that tell heads apart choose once per batch."
    )
