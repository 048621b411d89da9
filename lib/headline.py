"""What a study leads with: two of its models, the question that they answer, and the answer, in sentences.

study --contest--> question, A, B      differences.csv, evidence.csv --headline, answer--> sentences, by the split that leaks least
"""

from typing import NamedTuple

import pandas as pd

from lib.study import Study
from lib.words import span, within


def difference(row) -> str:
    """What a row of differences.csv says."""
    if row.seeds == 1:
        return f"{span(row)} points, from one training of each: undecided, since others may turn it round."
    if row.low > 0 or row.high < 0:
        return f"{span(row)} points: it is {'better' if row.low > 0 else 'worse'}."
    seen = f"a true difference of {100 * row.decidable:.0f} points would have been seen in four of five such tests"
    return f"{span(row)} points: undecided ({seen})."


def verdict(row) -> str:
    """Is A better, as far as a row of differences.csv can tell."""
    if row.seeds == 1:
        return "undecided, from one training of each"
    return "yes" if row.low > 0 else "no, it is worse" if row.high < 0 else "undecided"


class Contest(NamedTuple):
    """The two models that a study leads with."""

    question: str
    a: str
    b: str
    alone: bool  # do they differ in the residual alone?


def contest(study: Study) -> Contest | None:
    """The first ViT with a residual against the same without it, where the study has one, else against its plain ViT; None: it has no such ViT."""
    vits = {name: model.settings for name, model in study.models.items() if model.architecture == "vit"}
    new = {name: settings for name, settings in vits.items() if settings.get("attention", "plain") != "plain"}
    with_residual = [name for name, settings in new.items() if settings.get("selection") != "none"]
    plain = [name for name in vits if name not in new]
    if not with_residual:
        return None

    def rest(settings):
        return {key: value for key, value in settings.items() if key not in ["selection", "injection"]}

    a = with_residual[0]
    without = [name for name in new if name not in with_residual and rest(new[name]) == rest(new[a])]
    if without:
        which = f"Does the residual of the best head help ({study.titles[a]}, against {study.titles[without[0]]})?"
        return Contest(which, a, without[0], True)
    return Contest("Is the proposed ViT more accurate than the plain one?", a, plain[0], False) if plain else None


def by_split(compared: pd.DataFrame, one: Contest | None):
    """(data set, rows by split, splits from the one that leaks least) of the two models that the study leads with."""
    both = compared[(compared.a == one.a) & (compared.b == one.b)] if one else compared[:0]
    for dataset, part in both.groupby("dataset", sort=False):
        known = [name for name in ["group", "published", "random"] if name in set(part.split)]
        order = known + [name for name in dict.fromkeys(part.split) if name not in known]
        yield dataset, part.set_index("split"), order


def headline(compared: pd.DataFrame, titles: dict[str, str], one: Contest | None) -> str:
    """The study's question, and its answer in one sentence, by the split that leaks least; empty without the two models."""
    says = [
        f"on {within(titles[dataset])}: **{verdict(rows.loc[order[0]])}** ({span(rows.loc[order[0]])} points)"
        for dataset, rows, order in by_split(compared, one)
    ]
    return f"{one.question} O" + "; ".join(says)[1:] + "." if says else ""


def answer(compared: pd.DataFrame, assessed: pd.DataFrame, titles: dict[str, str], one: Contest | None) -> list[str]:
    """The same with what it rests on, and what the splits that leak would have said: a sentence or two per data set.

    Args:
        compared: differences.csv. assessed: evidence.csv. titles: of data sets. one: the models that the study leads with.
    """
    tested, says = assessed.drop_duplicates(["dataset", "split"]).set_index(["dataset", "split"]), []
    for dataset, rows, (first, *others) in by_split(compared, one):
        n = tested.loc[(dataset, first)]
        where = f"**{titles[dataset]}**, split `{first}`, {n.images:.0f} test images in {n.groups:.0f} groups"
        which = (
            "the ViT with the residual minus the one without it"
            if one.alone
            else "the proposed ViT minus the plain one"
        )
        says.append(f"{where}: {which} is {difference(rows.loc[first])}")
        if others:
            would = [f"`{split}` {span(rows.loc[split])}: {verdict(rows.loc[split])}" for split in others]
            says[-1] += f" What other splits would have said: {'; '.join(would)}."
    if says and not one.alone:
        says.append("The two models differ in more than the residual: *How it was made* says in what.")
    return says
