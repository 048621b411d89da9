"""What a study leads with: two of its models, the question that they answer, and the answer, in sentences.

study --contest--> question, A, B
differences.csv, evidence.csv --headline, answer--> sentences, by the split that leaks least
"""

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from lib.report.tables import span, within
from lib.study import Study

SEEDS = 5  # a yes or a no takes so many of each model: with fewer, what other seeds would give is hardly known
LEAST_LEAKING = ["group", "published", "random"]  # split protocols, from the one that leaks least


class Contest(NamedTuple):
    """The two models that a study leads with, and the question that they answer."""

    question: str
    a: str
    b: str
    # whether the two differ in the residual only
    alone: bool


def contest(study: Study) -> Contest | None:
    """The first ViT with a residual, against the same ViT without it or else the plain ViT; None: no such pair.

    The same ViT without a residual is one with `selection: none` and, but for `injection`, the same settings.
    """
    plain, with_residual, without = [], [], []
    for name in [*study.vits(plain=True), *study.vits(plain=False)]:
        settings = study.models[name].settings
        if settings.get("attention", "plain") == "plain":
            plain.append(name)
        elif settings.get("selection") == "none":
            without.append(name)
        else:
            with_residual.append(name)
    if not with_residual:
        return None
    a = with_residual[0]
    for b in without:
        if _but_for_residual(study, a) == _but_for_residual(study, b):
            question = f"Does the residual of the best head help ({study.titles[a]}, against {study.titles[b]})?"
            return Contest(question, a, b, alone=True)
    if not plain:
        return None
    return Contest("Is the proposed ViT more accurate than the plain one?", a, plain[0], alone=False)


def _but_for_residual(study: Study, model: str) -> dict:
    """The settings of a model that do not concern the residual."""
    return {key: value for key, value in study.models[model].settings.items() if key not in ["selection", "injection"]}


def headline(compared: pd.DataFrame, titles: dict[str, str], one: Contest | None) -> str:
    """The study's question and its answer in one sentence, by the split that leaks least; empty without the two.

    Args:
        compared: differences.csv. titles: of data sets. one: see contest.
    """
    parts = []
    for dataset, rows, order in by_split(compared, one):
        row = rows.loc[order[0]]
        parts.append(f"on {within(titles[dataset])}: **{verdict(row)}** ({span(row)} points)")
    if not parts:
        return ""
    sentence = "; ".join(parts)
    return f"{one.question} {sentence[0].upper()}{sentence[1:]}."


def answer(compared: pd.DataFrame, assessed: pd.DataFrame, titles: dict[str, str], one: Contest | None) -> list[str]:
    """The headline with its evidence, and with the verdicts of the other splits: a sentence or two per data set.

    Args:
        compared: differences.csv. assessed: evidence.csv. titles: of data sets. one: see contest.
    """
    tested = assessed.drop_duplicates(["dataset", "split"]).set_index(["dataset", "split"])
    sentences = []
    for dataset, rows, (first, *others) in by_split(compared, one):
        size = tested.loc[(dataset, first)]
        pair = (
            "the ViT with the residual minus the one without it"
            if one.alone
            else "the proposed ViT minus the plain one"
        )
        sentence = (
            f"**{titles[dataset]}**, split `{first}`, {size.images:.0f} test images in {size.groups:.0f} groups: "
            f"{pair} is {difference(rows.loc[first])}"
        )
        if others:
            verdicts = [f"`{split}` {span(rows.loc[split])}: {verdict(rows.loc[split])}" for split in others]
            sentence += f" What other splits would have said: {'; '.join(verdicts)}."
        sentences.append(sentence)
    if sentences and not one.alone:
        sentences.append("The two models differ in more than the residual: *How it was made* says in what.")
    return sentences


def by_split(compared: pd.DataFrame, one: Contest | None) -> Iterator[tuple[str, pd.DataFrame, list[str]]]:
    """Per data set: (its name, the differences of the two models by split, splits from the one that leaks least)."""
    if one is None:
        return
    both = compared[(compared.a == one.a) & (compared.b == one.b)]
    for dataset, part in both.groupby("dataset", sort=False):
        present = list(dict.fromkeys(part.split))
        order = [name for name in LEAST_LEAKING if name in present]
        order += [name for name in present if name not in LEAST_LEAKING]
        yield dataset, part.set_index("split"), order


def too_few(row) -> bool:
    """Whether an interval excludes 0 on fewer seeds than a yes or a no takes."""
    return row.seeds < SEEDS and (row.low > 0 or row.high < 0)


def verdict(row) -> str:
    """Whether A is better, by a row of differences.csv."""
    if row.seeds == 1:
        return "undecided, from one training of each"
    if too_few(row):
        return f"not shown, from {row.seeds:.0f} trainings of each"
    if row.low > 0:
        return "yes"
    return "no, it is worse" if row.high < 0 else "undecided"


def difference(row) -> str:
    """A row of differences.csv in words."""
    if row.seeds == 1:
        return f"{span(row)} points, from one training of each: undecided, since others may turn it round."
    if too_few(row):
        return f"{span(row)} points, from {row.seeds:.0f} trainings of each, too few for a verdict: not shown."
    if row.low > 0:
        return f"{span(row)} points: it is better."
    if row.high < 0:
        return f"{span(row)} points: it is worse."
    power = f"a true difference of {100 * row.decidable:.0f} points would have been seen in four of five such tests"
    return f"{span(row)} points: undecided ({power})."
