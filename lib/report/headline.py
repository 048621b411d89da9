"""The headline of a study: two of its models, the question that they answer, and the answer in sentences.

study --contest--> question, A, B --context--> what else is known of the pair
differences.csv, evidence.csv, context --headline, answer--> sentences, by the split that leaks least
"""

from collections.abc import Iterator
from typing import NamedTuple

import pandas as pd

from lib.evidence import arms, learning
from lib.evidence.answer import in_points
from lib.evidence.arms import Other
from lib.evidence.claims import inside, load_claims
from lib.evidence.review import NOTHING, SEEDS, SUPPORTED
from lib.evidence.scores import holm
from lib.report.tables import span, within
from lib.study import Study

# split protocols, the one that leaks least first; folds over groups test every image
LEAST_LEAKING = ["folds", "group", "published", "random"]

WORSE = "no, it is worse"
FEW = 3  # models named one by one
PAIR = {  # by whether the two models differ in the residual only
    True: "the accuracy of the ViT with the residual minus that of the one without it",
    False: "the accuracy of the proposed ViT minus that of the plain one",
}
SAID = {
    "yes": "it is better",
    WORSE: "it is worse",
    NOTHING: "nothing learned, by either of the two",
}


class Contest(NamedTuple):
    """The two models of a study's headline, and the question that they answer."""

    question: str
    a: str
    b: str
    # whether the two differ in the residual only
    alone: bool


class Context(NamedTuple):
    """Other evidence on the two models of a contest."""

    # (data set, its split that leaks least) -> the same pair under other splits, from other starts, in other studies
    others: dict[tuple, list[Other]] = {}
    # (data set, split) in which both learned nothing
    nothing: set = set()
    # settings that differ apart from the residual
    apart: list[str] = []
    # (data set, split) -> p (Holm) over all contests of the study
    p_holm: dict = {}
    # (data set, split) -> percentage points within which claims.yaml calls the two equally accurate
    margins: dict = {}


UNKNOWN = Context()


def contest(study: Study) -> Contest | None:
    """The first ViT with a residual, against the same ViT without it or else the plain ViT; None: there is no pair."""
    plain, with_residual = study.vits(plain=True), [name for name in study.vits(plain=False) if arms.adds(study, name)]
    if not with_residual:
        return None
    a = with_residual[0]
    for b in study.vits(plain=False):
        if arms.of_residual(study, a, b):
            question = f"Does the residual of the best head help ({study.titles[a]}, against {study.titles[b]})?"
            return Contest(question, a, b, alone=True)
    if not plain:
        return None
    return Contest("Is the proposed ViT more accurate than the plain one?", a, plain[0], alone=False)


def context(study: Study, compared: pd.DataFrame, one: Contest | None) -> Context:
    """Gather the other evidence on the pair from committed predictions of all studies; compared: differences.csv."""
    if one is None:
        return Context()
    others = {}
    for dataset, _, order in by_split(compared, one):
        first = (dataset, order[0])
        others[first] = arms.beside(study.cell(*first), one.a, one.b)
    nothing, apart = void(study, compared, one), arms.apart(study, one.a, one.b)
    return Context(others, nothing, apart, over_contests(study, compared, one), registered(study, one))


def registered(study: Study, one: Contest) -> dict:
    """(data set, split) -> margin in percentage points, from the study's claims that the two are equally accurate."""
    found = {}
    for claim in load_claims(study).values():
        pair = (claim.of.get("models"), claim.of.get("minus"), claim.of.get("metric"))
        if claim.rule == "within" and claim.measure == "difference" and pair == ([one.a], [one.b], "accuracy"):
            found[claim.of["dataset"], claim.of["split"]] = claim.margin
    return found


def void(study: Study, compared: pd.DataFrame, one: Contest) -> set:
    """The (data set, split) in which both models of a contest learned nothing."""
    found = set()
    for dataset, _, order in by_split(compared, one):
        for split in order:
            if all(learning.empty(study.cell(dataset, split), model) for model in (one.a, one.b)):
                found.add((dataset, split))
    return found


def learned_nothing(study: Study) -> str:
    """A sentence naming the models with at least half of their trainings without learning; empty if there are none."""
    named, number = [], len(study.models)
    for (dataset, split), rows in learning.empty_models(study).groupby(["dataset", "split"], sort=False):
        where = f"on {within(study.entry(dataset).title)}, split `{split}`"
        few = learning.in_words(rows, study.titles)
        named.append(f"{where}: {few if len(rows) <= FEW else f'{len(rows)} of {number} models'}")
    if not named:
        return ""
    why = f"a training loss above {learning.BELOW:.0%} of that of the best constant answer"
    why += ", or the same answer for nearly all test images"
    below = "*What these scores cannot say*, below, has the number of such trainings"
    return f"**Networks that learned nothing** in half of their trainings or more ({why}): {'; '.join(named)}. {below}."


def over_contests(study: Study, compared: pd.DataFrame, one: Contest) -> dict:
    """(data set, split) of the contest -> p over groups and seeds, corrected by Holm.

    The correction counts every pair that differs only in the residual, or else every pair of the same two kinds, on
    every data set and under every split.
    """
    if one.alone:
        own = set(study.models)
        chosen = [{row.a, row.b} <= own and arms.of_residual(study, row.a, row.b) for row in compared.itertuples()]
    else:
        pairs = set(arms.pairs(study, study, one.a, one.b))
        chosen = [(row.a, row.b) in pairs for row in compared.itertuples()]
    contests = compared[chosen]
    if "p_seeds" not in contests:
        return {}
    contests = contests.assign(p=holm(contests.p_seeds)).dropna(subset="p")
    ours = contests[(contests.a == one.a) & (contests.b == one.b)]
    return {(row.dataset, row.split): row.p for row in ours.itertuples()}


def headline(compared: pd.DataFrame, titles: dict[str, str], one: Contest | None, known: Context = UNKNOWN) -> str:
    """The verdict on the two models on each data set, by the split that leaks least; empty without a contest.

    Args:
        compared: differences.csv. titles: of data sets. one: see contest. known: see context.
    """
    parts, margins, alike = [], "", []
    for dataset, rows, order in by_split(compared, one):
        row = rows.loc[order[0]]
        said = verdict(row, known)
        alike += [alone(rows.loc[split], known) == alone(row, known) for split in order[1:]]
        points = "" if said == NOTHING else f", {span(row)} points{smaller(row, known)}"
        parts.append(f"{titles[dataset]}: **{SAID[said] if said == NOTHING else said}**{points}")
        if equal(row, known):
            margins = "; margins fixed beforehand"
    if not parts:
        return ""
    what = "with the residual minus without" if one.alone else "of proposed minus plain"
    others = " Other splits: the same." if alike and all(alike) else ""
    return f"{'; '.join(parts)} (accuracy {what}, 95 % CI{margins}).{others}"


def against_view(labels: pd.DataFrame, models: dict[str, str]) -> Iterator[tuple[str, pd.DataFrame]]:
    """Per data set: its split that leaks least; and each label's best network beside the view of the image alone.

    Columns: label, auc, low, high, view (its AUC), told: whether the interval lies above it and above chance (0.5).

    Args:
        labels: labels.csv, with rows of the baseline `view`. models: titles of models.
    """
    for _, part in labels[labels.low.notna()].groupby("dataset", sort=False):
        split = min(set(part.split), key=[*LEAST_LEAKING, *part.split].index)
        rows = part[part.split == split]
        views = rows[rows.model == "view"].set_index("label").auc.rename("view")
        networks = rows[rows.model.isin(list(models))].sort_values("auc").drop_duplicates("label", keep="last")
        best = networks.join(views, on="label", how="inner").sort_values("groups", ascending=False, kind="stable")
        if len(best):
            yield split, best.assign(told=best.low > best.view.clip(lower=0.5))


def beside_view(labels: pd.DataFrame, models: dict[str, str]) -> str:
    """What pictures say of each label beyond how they were taken, label by label; empty where that is unknown.

    Args:
        labels, models: as for `against_view`.
    """
    parts = []
    for split, best in against_view(labels, models):
        lines = [f"AUC of each label against that of the view alone (how a picture was taken), split `{split}`:\n"]
        for row in best.itertuples():
            says = "above it and above chance" if row.told else "not shown to be above both it and chance"
            lines.append(f"- {row.label}: {row.auc:.2f} [{row.low:.2f}, {row.high:.2f}] against {row.view:.2f}, {says}")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def answer(
    compared: pd.DataFrame,
    assessed: pd.DataFrame,
    titles: dict[str, str],
    one: Contest | None,
    known: Context = UNKNOWN,
) -> list[str]:
    """The headline with its evidence and the verdicts of the other splits: a sentence or two per data set.

    Args:
        compared: differences.csv. assessed: evidence.csv. titles: of data sets. one: see contest. known: see context.
    """
    tested = assessed.drop_duplicates(["dataset", "split"]).set_index(["dataset", "split"])
    sentences = []
    for dataset, rows, (first, *others) in by_split(compared, one):
        size = tested.loc[(dataset, first)]
        sentence = (
            f"**{titles[dataset]}**, split `{first}`, {size.images:,.0f} test images in {size.groups:,.0f} groups: "
            f"{PAIR[one.alone]} is {difference(rows.loc[first], known)}"
        )
        if others:
            verdicts = [f"`{split}` {span(rows.loc[split])}: {verdict(rows.loc[split], known)}" for split in others]
            sentence += f" Other splits: {'; '.join(verdicts)}."
        sentences.append(sentence)
    if sentences and not one.alone:
        more = f" ({', '.join(known.apart)})" if known.apart else ""
        sentences.append(f"The two models differ in more than the residual{more}: *How it was made* has every setting.")
    return sentences


def by_split(compared: pd.DataFrame, one: Contest | None) -> Iterator[tuple[str, pd.DataFrame, list[str]]]:
    """Yield per data set: its name, the differences of the two models by split, and its splits, least leaking first."""
    if one is None:
        return
    both = compared[(compared.a == one.a) & (compared.b == one.b)]
    for dataset, part in both.groupby("dataset", sort=False):
        present = list(dict.fromkeys(part.split))
        order = [name for name in LEAST_LEAKING if name in present]
        order += [name for name in present if name not in LEAST_LEAKING]
        yield dataset, part.set_index("split", drop=False), order


def unconfirmed(row, known: Context) -> bool:
    """Whether other trainings of the pair disagree with a row of differences.csv."""
    return arms.disagree(row.low, row.high, known.others.get((row.dataset, row.split), []))


def verdict(row, known: Context = UNKNOWN) -> str:
    """The verdict on whether A is better, by a row of differences.csv and other evidence."""
    if (row.dataset, row.split) in known.nothing:
        return NOTHING
    by_itself = alone(row, known)
    if not unconfirmed(row, known):
        return by_itself
    return f"{'not confirmed' if by_itself in ('yes', WORSE) else by_itself}, other trainings disagree"


def alone(row, known: Context) -> str:
    """The verdict on whether A is better, by a row of differences.csv, corrected for the contests of its study."""
    # nothing is decided if the side of 0 depends on the random stream
    decided = row.get("steady", True) and (row.low > 0 or row.high < 0)
    if row.seeds == 1:
        return "undecided, from one training of each"
    if decided and row.seeds < SEEDS:
        return f"not shown, from {row.seeds:.0f} trainings of each"
    if decided and known.p_holm.get((row.dataset, row.split), 0) > 0.05:
        return equal(row, known) or "not shown, counting all contests of this study"
    if not decided:
        return equal(row, known) or "undecided"
    return "yes" if row.low > 0 else WORSE


def equal(row, known: Context) -> str:
    """Say that A and B are equally accurate by the margin of claims.yaml; empty if that is not shown."""
    margin = known.margins.get((row.dataset, row.split))
    if margin is None or row.seeds < SEEDS or inside(row, margin / 100) != SUPPORTED:
        return ""
    return f"equal within {in_points(margin)}"


def smaller(row, known: Context) -> str:
    """Say that a shown difference is smaller than the margin of claims.yaml; empty if it is not."""
    if verdict(row, known) not in ("yes", WORSE) or not equal(row, known):
        return ""
    return f", less than the margin of {in_points(known.margins[row.dataset, row.split])}"


def difference(row, known: Context = UNKNOWN) -> str:
    """Say a row of differences.csv in words."""
    said = verdict(row, known)
    if row.seeds == 1:
        return f"{span(row)} points, from one training of each: undecided, another seed may change the sign."
    if pd.isna(row.low):
        return f"{span(row)}: undecided, too few groups for an interval."
    if said == "undecided":
        power = f"80 % power from a true difference of {100 * row.decidable:.0f} points"
        return f"{span(row)} points: undecided ({power})."
    return f"{span(row)} points: {SAID.get(said, said)}{smaller(row, known)}."
