"""Write the five sentences of a report's first screen: asked, done, found, how sure, differences from the paper.

params/<study>/params.yaml, params/published/<document>/document.yaml, reports/<study>/*/*.csv --lines--> five sentences
"""

import pandas as pd

from lib.evidence import arms
from lib.evidence.review import CONTRADICTED, SUPPORTED
from lib.report import headline
from lib.report.documents import Source, between, document_of, load_source, setting
from lib.report.finding import OWN, Results, found, table
from lib.report.tables import within
from lib.study import Study, load_study


def results(study: Study) -> Results:
    """Read the committed tables of a study."""
    scores, compared, one = table(study, "table1"), table(study, "differences"), headline.contest(study)
    order = [*headline.LEAST_LEAKING, *study.splits]
    tested = {name: min(set(part.split), key=order.index) for name, part in scores.groupby("dataset", sort=False)}
    rows = {name: part.loc[first] for name, part, (first, *_) in headline.by_split(compared, one)}
    return Results(study, scores, tested, one, rows, headline.context(study, compared, one))


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
    drawn = [model.starts_from == "phantoms" for model in study.models.values()]
    pretrained = "pre-trained on drawings, " if all(drawn) else "some pre-trained on drawings, " if any(drawn) else ""
    start = f"{pretrained}{weights} ImageNet weights"
    data = []
    for name in study.datasets:
        images = counted(study, name, study.splits[0]).images.sum()
        data.append(f"{images:,} {'' if data else 'images '}of {within(study.entry(name).title)}")
    seeds = pd.Series([len(cell.seeds(model)) for cell in study.cells for model in study.models])
    several = "s" if len(study.models) > 1 else ""
    return (
        f"{len(study.models)} network{several}, {between(millions, '.2f')} million parameters,"
        f" {start}, {study.training.image_size} px,"
        f" {between(seeds, '.0f')} seed{'s' if seeds.max() > 1 else ''}; {', '.join(data)}."
    )


def counted(study: Study, dataset: str, split: str) -> pd.DataFrame:
    """Read role, part, label, images and groups of a split; with folds, of the first fold."""
    found = table(study, f"{dataset}-{split}", "splits")
    return found[found.fold == found.fold.min()] if "fold" in found else found


def how_sure(known: Results) -> str:
    """Say how much evidence there is: test images, groups per class, and reasons for doubt."""
    parts, study, assessed = [], known.study, table(known.study, "evidence")
    alike, unit = len(set(known.tested.values())) == 1, " groups"
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
    return f"The document's claims: {', '.join(numbers)}."
