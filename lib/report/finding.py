"""Say what a study found, for the first screen of its report: one or a few sentences, by the purpose of the study.

opening.results --Results--> found --> the line "Found"
"""

from typing import NamedTuple

import pandas as pd

from lib.evidence import arms, learning
from lib.evidence.claims import Claim, load_claims
from lib.report import headline
from lib.report.documents import claimed, document_of, equations, tie
from lib.report.tables import within
from lib.study import Study

CONTROLS = {"none", "mean", "first", "random"}  # selections that do not depend on the heads
OWN = "11_own"  # the page on images of one's own: its answer is of the model that validation prefers
FINALISTS = 3  # number of models that a screening study chooses for others to test


class Results(NamedTuple):
    """The tables and verdicts behind the lines."""

    study: Study
    scores: pd.DataFrame  # table1.csv
    tested: dict[str, str]  # data set -> its split that leaks least
    one: headline.Contest | None  # the two models of the headline
    differences: dict[str, pd.Series]  # data set -> their row of differences.csv
    known: headline.Context


def table(study: Study, name: str, folder: str = "tables") -> pd.DataFrame:
    """Read a committed table of a study."""
    return pd.read_csv(study.report / folder / f"{name}.csv")


def found(known: Results) -> str:
    """Say the finding, by the purpose of the study: own images, equations, finalists, learning, two models, claims."""
    study = known.study
    if OWN in study.extra:
        return study.answer(OWN).read_text(encoding="utf-8").split("\n\n")[0].strip()
    if "00_primer" in study.extra:
        return f"Do the equations hold as printed? **{equations([study]).estimate[0]}.** {best(known)}"
    if len(study.seeds) == 1:
        return f"{tie([study])} {best(known)}".strip()
    if known.one and not len(table(study, "claims", "claims")):
        return finalists(study)
    if any(cell.multilabel for cell in study.cells):
        return " ".join(filter(None, [areas_compared(study), learned(study), beside_view(study)]))
    if study.neighbour:
        return over_neighbour(study)
    if known.one:
        titles = {name: study.entry(name).title for name in study.datasets}
        said = headline.headline(table(study, "differences"), titles, known.one, known.known)
        return f"{said} {benchmark(known)}".strip()
    return f"{claimed([study], shown=1)[0]} {best(known)}".strip()


def benchmark(known: Results) -> str:
    """Say the accuracy of networks that a benchmark also prints; empty if the study stands beside no benchmark."""
    study, scored = known.study, known.scores
    if document_of(study) == study.paper:
        return ""
    rows = scored[(scored.metric == "accuracy") & scored.published.notna() & scored.model.isin(list(study.models))]
    said = [
        f"{study.titles[row.model]} has {row.average:.1%} [{100 * row.low:.1f}, {100 * row.high:.1f}], published"
        f" {row.published:.1%}"
        for row in rows.rename(columns={"mean": "average"}).itertuples()
        if row.split == known.tested[row.dataset]
    ]
    return f"{'; '.join(said)}." if said else ""


def best(known: Results) -> str:
    """Say the highest test accuracy on each data set, by the split that leaks least, with its interval."""
    parts, study = [], known.study
    for dataset, split in known.tested.items():
        scored = known.scores[(known.scores.dataset == dataset) & (known.scores.split == split)]
        scored = scored[(scored.metric == "accuracy") & scored.model.isin(list(study.models))]
        row = scored.sort_values("mean").iloc[-1]
        ends = "" if pd.isna(row.low) or row.seeds == 1 else f" [{100 * row.low:.1f}, {100 * row.high:.1f}]"
        if len(known.tested) == 1 and pd.notna(row.published):
            ends += f", published {row.published:.1%}"
        where = within(study.entry(dataset).title)
        title = study.titles[row.model].removesuffix(study.models[row.model].aside)
        parts.append(f"on {where}: {title}, {row['mean']:.1%}{ends}")
    return f"Most accurate {'; '.join(parts)}."


def over_neighbour(study: Study) -> str:
    """Say the verdicts of the claims that compare one model with several of the study beside it."""
    judged, parts, named = table(study, "claims", "claims").set_index("claim"), [], ""
    for name, claim in load_claims(study).items():
        others = claim.of.get("minus", [])
        if claim.rule == "greater" and len(others) > 1 and all(one.startswith(f"{study.beside}/") for one in others):
            row, data = judged.loc[name], study.entry(claim.of["dataset"]).title
            parts.append(f"{data}: **{row.verdict}**, {levels(study, claim)}: {with_interval(row)} points")
            named = study.models[claim.of["models"][0]].title
    return f"{'; '.join(parts)} ({named} against the best of `{study.beside}`, 95 % CI)." if parts else ""


def with_interval(row, points: int = 1, form: str = "+.1f") -> str:
    """The estimate of a row of claims.csv that is in points, with its interval, divided by `points`."""
    texts = [row.estimate, *row.interval.split(" to ")]
    estimate, low, high = (f"{float(text.removesuffix(' points')) / points:{form}}" for text in texts)
    return f"{estimate} [{low}, {high}]"


def areas_compared(study: Study) -> str:
    """Say the verdicts of the claims that compare the AUC of two models; empty without such a claim.

    An AUC is the mean over the labels that have an interval, as in the claim.
    """
    judged, parts = table(study, "claims", "claims").set_index("claim"), []
    for name, claim in load_claims(study).items():
        if claim.measure == "difference" and claim.of.get("metric") == "AUC":
            pair, row = [claim.of[side][0] for side in ["models", "minus"]], judged.loc[name]
            a, b = (study.titles[model].removesuffix(study.models[model].aside) for model in pair)
            areas = table(study, "labels").dropna(subset="low").groupby(["dataset", "split", "model"]).auc.mean()
            one, other = (areas[claim.of["dataset"], claim.of["split"], model] for model in pair)
            difference = with_interval(row, 100, "+.2f")
            parts.append(f"AUC {one:.2f} ({a}) against {other:.2f} ({b}): **{row.verdict}**, {difference}.")
    return " ".join(parts)


def levels(study: Study, claim: Claim) -> str:
    """The accuracy of a claim's model, and that of the best of the others, with its name."""
    compared = table(study, "differences").set_index(["dataset", "split"]).sort_index()
    compared = compared.loc[claim.of["dataset"], claim.of["split"]]
    compared = compared[compared.a.isin(claim.of["models"]) & compared.b.isin(claim.of["minus"])]
    best = compared.loc[compared.estimate == compared.estimate.min()].iloc[0]
    scores = table(study, "evidence").set_index(["dataset", "split", "model"]).accuracy
    own = scores[claim.of["dataset"], claim.of["split"], best.a]
    other = study.neighbour.titles[best.b.removeprefix(f"{study.beside}/")]
    return f"{own:.1%} against {own - best.estimate:.1%} for {other}"


def finalists(study: Study) -> str:
    """Name the best readings of the attention on validation images, beside the ViTs without a residual."""
    ranked = table(study, "validation").set_index("model")["mean"]
    best = chosen(study, ranked.index)
    scored = "; ".join(f"{study.titles[name]} ({ranked[name]:.1%})" for name in best)
    plain = [name for name in study.vits(plain=True)[:1] if name in ranked]
    without = [name for name in ranked.index if name in study.vits(plain=False) and not arms.adds(study, name)]
    others = []
    for name in [*plain, *without]:
        above = ", above them all" if ranked[name] > ranked[best].max() else ""
        others.append(f"{study.titles[name]} ({ranked[name]:.1%}){above}")
    nothing = learning.empty_models(study).groupby("dataset", sort=False).model.nunique()
    where = [f"{number} on {within(study.entry(name).title)}" for name, number in nothing.items()]
    empty = f" Of {len(study.models)} networks, {', '.join(where)} learned nothing." if where else ""
    return f"Finalists by validation accuracy: **{scored}**. {'; '.join(others)}.{empty}"


def chosen(study: Study, ranked: list[str]) -> list[str]:
    """The first FINALISTS of the ranked models that select a head by its outputs or probabilities."""
    looks = [name for name in ranked if study.models[name].settings.get("selection", "none") not in CONTROLS]
    return looks[:FINALISTS]


def learned(study: Study) -> str:
    """Say which trainings learned something, and which learned nothing (lib.evidence.learning)."""
    rows = []
    for cell in study.cells:
        for model in [name for name in study.models if cell.with_result(name)]:
            title = study.titles[model].removesuffix(study.models[model].aside)
            rows.append((title, *learning.nothing_in(cell, model)))
    counts = pd.DataFrame(rows, columns=["model", "nothing", "trained"]).groupby("model", sort=False).sum()
    did = counts[counts.nothing < counts.trained]
    named = [f"{model} ({row.trained - row.nothing} of {row.trained})" for model, row in did.iterrows()]
    nothing = counts.nothing.sum()
    if nothing == 0 and len(counts) > 1:
        return "All **learned, by training loss**."
    trainings = f"{nothing} of {counts.trained.sum()} trainings"
    parts = [f"{trainings} **learned nothing** (by loss, or almost one answer)."] if nothing else []
    parts += [f"**Learned, by training loss**: {', '.join(named)}."] if named else []
    return " ".join(parts)


def beside_view(study: Study) -> str:
    """Say for which labels networks beat the view of the image alone; empty without such tables."""
    if not (study.report / "tables" / "labels.csv").exists():
        return ""
    sentences = []
    for _, best in headline.against_view(table(study, "labels"), study.titles):
        told = [
            f"{row.label} {row.auc:.2f} [{row.low:.2f}, {row.high:.2f}] against {row.view:.2f}"
            for row in best[best.told].itertuples()
        ]
        untold = f" Not for {(~best.told).sum()} other labels." if told and not best.told.all() else ""
        sentences.append(f"AUC above that of how they were taken (view): {'; '.join(told) or 'for no label'}.{untold}")
    return " ".join(sentences)
