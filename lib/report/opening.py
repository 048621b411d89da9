"""Write the five sentences of a report's first screen: asked, done, found, how sure, differences from the paper.

params/<study>/params.yaml, params/published/<document>/document.yaml, reports/<study>/*/*.csv --lines--> five sentences
"""

from typing import NamedTuple

import pandas as pd

from lib.evidence import arms, learning
from lib.evidence.claims import Claim, load_claims
from lib.evidence.review import CONTRADICTED, SUPPORTED
from lib.report import headline
from lib.report.documents import Source, between, claimed, document_of, equations, load_source, setting, tie
from lib.report.tables import within
from lib.study import Study, load_study

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


def results(study: Study) -> Results:
    """Read the committed tables of a study."""
    scores, compared, one = table(study, "table1"), table(study, "differences"), headline.contest(study)
    order = [*headline.LEAST_LEAKING, *study.splits]
    tested = {name: min(set(part.split), key=order.index) for name, part in scores.groupby("dataset", sort=False)}
    rows = {name: part.loc[first] for name, part, (first, *_) in headline.by_split(compared, one)}
    return Results(study, scores, tested, one, rows, headline.context(study, compared, one))


def table(study: Study, name: str, folder: str = "tables") -> pd.DataFrame:
    """Read a committed table of a study."""
    return pd.read_csv(study.report / folder / f"{name}.csv")


def lines(known: Results) -> dict[str, str]:
    """Label -> one or a few sentences (Markdown) for new readers; at most 130 words in all."""
    study = known.study
    source = about(study)
    said = {"Asked": asked(study), "Done": done(study), "Found": found(known), "How sure": how_sure(known)}
    if source:
        own = study.study in source.own
        where = setting(source, [load_study(name) for name in source.own])
        label = f"The {source.called}'s setting" if own else f"Not the {source.called}'s setting"
        said[label] = f"{source.setting} {study.next_step or where}".strip()
    return said


def about(study: Study) -> Source | None:
    """The document.yaml of the study's document (documents.document_of); None: there is none."""
    name = document_of(study)
    return load_source(name) if name else None


def asked(study: Study) -> str:
    """The question: that of the parameters, or else that of the headline's two models."""
    if OWN in study.extra:
        return "How well is each class recognised in images that a model has not seen, and by which model?"
    one = headline.contest(study)
    return study.question or (one.question if one else "How well do these networks recognise these images?")


def done(study: Study) -> str:
    """Say what was trained: networks, their numbers of parameters, their start, images and seeds."""
    sizes = [pd.read_csv(path) for path in sorted(study.report.glob("models/*/size.csv"))]
    millions = pd.concat(sizes).parameters / 1e6
    real = {model.starts_from == "imagenet" for model in study.models.values()}
    weights = "no" if real == {False} else "all with" if real == {True} else "some with"
    data = []
    for name in study.datasets:
        images = counted(study, name, study.splits[0]).images.sum()
        data.append(f"{images:,} {'' if data else 'images '}of {within(study.entry(name).title)}")
    seeds = pd.Series([len(cell.seeds(model)) for cell in study.cells for model in study.models])
    several = "s" if len(study.models) > 1 else ""
    return (
        f"{len(study.models)} network{several}, {between(millions, '.2f')} million parameters,"
        f" {weights} ImageNet weights, {study.training.image_size} px,"
        f" {between(seeds, '.0f')} seed{'s' if seeds.max() > 1 else ''}; {', '.join(data)}."
    )


def counted(study: Study, dataset: str, split: str) -> pd.DataFrame:
    """Read role, part, label, images and groups of a split; with folds, of the first fold."""
    found = table(study, f"{dataset}-{split}", "splits")
    return found[found.fold == found.fold.min()] if "fold" in found else found


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
        return headline.headline(table(study, "differences"), titles, known.one, known.known)
    return f"{claimed([study], shown=1)[0]} {best(known)}".strip()


def best(known: Results) -> str:
    """Say the highest test accuracy on each data set, by the split that leaks least, with its interval."""
    parts, study = [], known.study
    for dataset, split in known.tested.items():
        scored = known.scores[(known.scores.dataset == dataset) & (known.scores.split == split)]
        scored = scored[(scored.metric == "accuracy") & scored.model.isin(list(study.models))]
        row = scored.sort_values("mean").iloc[-1]
        ends = "" if pd.isna(row.low) or row.seeds == 1 else f" [{100 * row.low:.1f}, {100 * row.high:.1f}]"
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
            parts.append(f"{data}: **{row.verdict}**, {levels(study, claim)}: {with_interval(row)}")
            named = study.models[claim.of["models"][0]].title
    return f"{'; '.join(parts)} ({named} against the best of `{study.beside}`, 95 % CI)." if parts else ""


def with_interval(row) -> str:
    """The estimate of a row of claims.csv that is in points, with its interval."""
    estimate, low, high = (text.removesuffix(" points") for text in [row.estimate, *row.interval.split(" to ")])
    return f"{estimate} [{low}, {high}] points"


def areas_compared(study: Study) -> str:
    """Say the verdicts of the claims that compare the AUC of two models; empty without such a claim."""
    judged, parts = table(study, "claims", "claims").set_index("claim"), []
    for name, claim in load_claims(study).items():
        if claim.measure == "difference" and claim.of.get("metric") == "AUC":
            pair = [claim.of[side][0] for side in ["models", "minus"]]
            a, b = (study.titles[model].removesuffix(study.models[model].aside) for model in pair)
            row = judged.loc[name]
            parts.append(f"AUC of {a}, minus {b}: **{row.verdict}**, {with_interval(row)}.")
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
    named = "selection rule, injection"
    return f"Finalists ({named}) by mean validation accuracy: **{scored}**. For comparison: {'; '.join(others)}."


def chosen(study: Study, ranked: list[str]) -> list[str]:
    """The first FINALISTS of the ranked models that select a head by its outputs or probabilities."""
    looks = [name for name in ranked if study.models[name].settings.get("selection", "none") not in CONTROLS]
    return looks[:FINALISTS]


def learned(study: Study) -> str:
    """Say which trainings learned something, and which learned nothing."""
    rows = []
    for cell in study.cells:
        for model in [name for name in study.models if cell.with_result(name)]:
            rows.append((study.titles[model], *learning.nothing_in(cell, model)))
    counts = pd.DataFrame(rows, columns=["model", "nothing", "trained"]).groupby("model", sort=False).sum()
    did = counts[counts.nothing < counts.trained]
    named = [f"{model} ({row.trained - row.nothing} of {row.trained})" for model, row in did.iterrows()]
    nothing = counts.nothing.sum()
    trainings = f"{nothing} of {counts.trained.sum()} trainings"
    parts = [f"**Not learned**: {trainings} learned no more than the best constant answer."] if nothing else []
    parts += [f"**Learned**: {', '.join(named)}."] if named else []
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
        untold = f" Not: {', '.join(best.label[~best.told])}." if told and not best.told.all() else ""
        sentences.append(f"AUC above that of the view alone: {'; '.join(told) or 'for no label'}.{untold}")
    return " ".join(sentences)


def how_sure(known: Results) -> str:
    """Say how much evidence there is: test images, groups per class, and reasons for doubt."""
    parts, study, assessed = [], known.study, table(known.study, "evidence")
    alike, unit = len(set(known.tested.values())) == 1, " groups of related images"
    for dataset, split in known.tested.items():
        row = assessed[(assessed.dataset == dataset) & (assessed.split == split)].iloc[0]
        of = f" of {within(study.entry(dataset).title)}" if len(known.tested) > 1 else ""
        text = f"{row.images:,}{'' if parts else ' test images'}{of}"
        if row.groups < row.images:
            counts = table(study, f"{dataset}-{split}", "splits")
            counts = counts[counts.part == "test"] if (counts.part == "test").any() else counts
            per_class = between(counts.groupby("label")["groups"].sum(), ",.0f")
            text += f" in {row.groups:,}{unit} ({per_class}{' per class' if unit else ''})"
            unit = ""
        parts.append(text if alike else f"{text}, split `{split}`")
    where = f", split `{split}`" if alike else ""
    return " ".join([f"{'; '.join(parts)}{where}.", *doubts(known)]).strip()


def doubts(known: Results) -> list[str]:
    """Reasons to doubt a verdict: single trainings, low power, other differences of the models, open claims."""
    study, rows = known.study, known.differences.values()
    if "00_primer" in study.extra:
        within_what = pd.read_csv(study.shown("00_primer") / "checks.csv").tolerance.max()
        return [f"Equations are compared with PyTorch's results, to {within_what:.0e}."]
    if len(study.seeds) == 1:
        return ["One training each: other seeds give other scores."]
    if any(cell.multilabel for cell in study.cells):
        return [widths(known), verdicts(study)]
    if known.one is None:
        return [verdicts(study)]
    if not len(table(study, "claims", "claims")):
        return ["The order rests on validation images, without intervals."]
    said, power = [], [f"{100 * row.decidable:.1f}" for row in rows if pd.notna(row.decidable)]
    if power:
        said.append(f"Detectable with 80 % power: from {' and '.join(power)} points.")
    if arms.apart(study, known.one.a, known.one.b):
        said.append("The ViTs differ in more than the residual.")
    return said


def widths(known: Results) -> str:
    """For how many labels the networks' AUC has an interval, by the splits that leak least, and how wide these are."""
    labels = table(known.study, "labels")
    rows = labels[labels.model.isin(list(known.study.models)) & (labels.split == labels.dataset.map(known.tested))]
    told = rows[rows.low.notna()]
    number = f"95 % intervals of AUC for {told.label.nunique()} of {rows.label.nunique()} labels"
    return f"{number}, up to {(told.high - told.low).max():.2f} wide." if len(told) else f"{number}."


def verdicts(study: Study) -> str:
    """How many claims of the document are supported, contradicted and open; empty if the study tests none."""
    claims = table(study, "claims", "claims")
    claims = claims[~claims.words.str.contains("our question")]
    if claims.empty:
        return ""
    decided = claims.verdict.where(claims.verdict.isin([SUPPORTED, CONTRADICTED]), "open")
    numbers = [
        f"{(decided == said).sum()} {said}" for said in [SUPPORTED, CONTRADICTED, "open"] if (decided == said).any()
    ]
    return f"Of {len(claims)} claims: {', '.join(numbers)}."
