"""Answer the paper's question over several studies: how much does the best head's residual add on each data set?

params/answer.yaml --load_questions--> Question
tables of each study --answers--> one row per data set: difference, interval, what could have been detected, the arms
a row --verdict, words--> its verdict in one sentence; all rows --together--> the finding over all data sets
"""

import pandas as pd

from lib import strict
from lib.data.files import read_csv
from lib.evidence import arms, differences, learning, second
from lib.evidence.baselines import BASELINES
from lib.evidence.scores import holm
from lib.strict import Key, Name, Strict, StudyError, read_yaml, validated
from lib.study import Cell, load_study

COLUMNS = {  # column of `answers` -> heading on the page
    "data": "data set",
    "without": "without the residual",
    "with_residual": "with it",
    "constant": "most common class",
    "simple": "best simple classifier",
    "simple_name": "which",
}
ALPHA = 0.05  # level of the tests after Holm's correction
HELPS, HARMS, OPEN, VOID = "helps", "harms", "not shown", "nothing learned"


class Question(Strict):
    """Two models (arms) of a study on one data set that differ only in the residual."""

    study: Key
    dataset: Key
    split: Key
    model: Key = "entropy"  # with the residual
    minus: Key = "none"  # without
    margin: float  # percentage points; a smaller difference counts as none
    effect: float | None = None  # percentage points; the paper's, if it has one for these images


class Questions(Strict):
    """params/answer.yaml."""

    title: Name
    questions: list[Question]


def load_questions() -> Questions:
    """Read the questions of the page `answer`. StudyError: params/answer.yaml is wrong."""
    path = strict.ROOT / "params" / "answer.yaml"
    return validated(Questions, read_yaml(path), "params/answer.yaml")


def with_model(questions: list[Question], model: str) -> list[Question]:
    """The same questions of another model with the residual, of the studies that have it."""
    return [one.model_copy(update={"model": model}) for one in questions if model in load_study(one.study).models]


def answers(questions: list[Question]) -> pd.DataFrame:
    """Answer every question; one row each, differences in percentage points, accuracies in percent.

    Columns: study, data (its title), phrase (the title within a sentence), run (whether the study has a table with both
    arms), estimate, low, high, detectable (the smallest true difference that is found with 80 % power), seeds, p (of no
    difference, over groups and seeds), images, groups, with_residual, without, constant (the most common class), simple
    (the best simple classifier), simple_name, effect, margin, verdict.
    """
    return pd.DataFrame([answer(question) for question in questions])


def answer(question: Question) -> dict:
    """One row of `answers`. StudyError: the two models differ in more than the residual, or one is unknown."""
    study = load_study(question.study)
    cell = study.cell(question.dataset, question.split)
    for model in [question.model, question.minus]:
        strict.known(model, study.models, f"model of params/{question.study}")
    if not arms.of_residual(study, question.model, question.minus):
        raise StudyError(f"{question.model} and {question.minus} of {question.study} differ in more than the residual")
    entry = study.entry(question.dataset)
    row = {"study": question.study, "data": entry.title, "phrase": entry.phrase, "run": False}
    row |= {"effect": question.effect, "margin": question.margin}
    difference, scores = of_cell(cell, "differences"), of_cell(cell, "evidence")
    if len(difference):
        difference = difference[(difference.a == question.model) & (difference.b == question.minus)]
    if difference.empty:
        return row
    found, scores = difference.iloc[0], scores.set_index("model")
    row |= {"run": True, "estimate": 100 * found.estimate, "low": 100 * found.low, "high": 100 * found.high}
    row |= {"detectable": 100 * found.decidable, "seeds": int(found.seeds), "p": found.p_seeds}
    row |= {"images": int(scores.images[question.minus]), "groups": int(scores.groups[question.minus])}
    row |= {"with_residual": 100 * scores.accuracy[question.model], "without": 100 * scores.accuracy[question.minus]}
    row |= simple_classifiers(cell)
    pair = [question.model, question.minus]
    learned = not any(learning.empty(cell, arm) for arm in pair)
    found_by = verdict(row["low"], row["high"], learned=learned)
    if found_by in (HELPS, HARMS) and not found.get("steady", True):
        found_by = OPEN
    return row | {"verdict": found_by}


def of_cell(cell: Cell, table: str) -> pd.DataFrame:
    """The rows of a study's table for one data set and split; empty if there is no such table."""
    path = cell.study.report / "tables" / f"{table}.csv"
    if not path.exists():
        return pd.DataFrame()
    rows = pd.read_csv(path)
    return rows[(rows.dataset == cell.dataset) & (rows.split == cell.split)]


def simple_classifiers(cell: Cell) -> dict:
    """The share of the most common test label and the accuracy of the best simple classifier, in percent, and its name.

    StudyError: the classifiers' predictions, which notebook 03 makes, are not here.
    """
    scores = {}
    for name, (title, *_) in BASELINES.items():
        path = cell.baselines / f"{name}.csv"
        if path.exists():
            table = read_csv(path)
            scores[title] = 100 * (table.label == table.predicted).mean()
            constant = 100 * table.label.value_counts(normalize=True).iloc[0]
    if not scores:
        raise StudyError(
            f"the simple classifiers' predictions on {cell} are not here: make report STUDY={cell.study.study}"
        )
    best = max(scores, key=scores.get)
    return {"constant": constant, "simple": scores[best], "simple_name": best}


def verdict(low: float, high: float, *, learned: bool) -> str:
    """The verdict of a difference's interval: HELPS above 0, HARMS below, else OPEN; VOID unless both arms learned."""
    if not learned:
        return VOID
    if low > 0:
        return HELPS
    return HARMS if high < 0 else OPEN


def words(row) -> str:
    """Say a row of `answers` in sentences; its `run` must be True."""
    points = f"{row.estimate:+z.1f} [{row.low:+z.1f}, {row.high:+z.1f}] points"  # z: no -0.0
    if row.verdict == VOID:
        return f"{points}, but a network learned nothing: this decides nothing."
    says = {
        HELPS: "the residual raises accuracy",
        HARMS: "the residual lowers accuracy",
        OPEN: f"equal within {in_points(row.margin)}" if equal(row) else "no difference is shown",
    }
    than = "by less than" if -row.margin <= row.low and row.high <= row.margin else "perhaps by more than"
    size = "" if row.verdict == OPEN else f", {than} the margin of {in_points(row.margin)}"
    sentences = [f"{points}: {says[row.verdict]}{size}."]
    if row.verdict == OPEN:
        sentences.append(f"A true difference of {row.detectable:.1f} points is found with 80 % power.")
    if pd.notna(row.effect):
        where = "below" if row.high < row.effect else "above" if row.low > row.effect else "around"
        sentences.append(
            f"The interval is {where} the paper's +{row.effect:.2f} points, which are for its whole attention (proposed"
            " minus plain ViT)."
        )
    return " ".join(sentences)


def levels(a: float, b: float, simple: float | None = None) -> str:
    """The accuracies (percent) of two networks and of the best simple classifier, for the row of a figure."""
    return f"{a:.1f} against {b:.1f} %" + ("" if simple is None else f", simple {simple:.1f} %")


def in_points(margin: float) -> str:
    """A margin with its unit."""
    return f"{margin:g} point{'' if margin == 1 else 's'}"


def equal(row) -> bool:
    """Whether a row of `answers` shows no difference and its interval lies within the study's margin."""
    return row.verdict == OPEN and -row.margin <= row.low and row.high <= row.margin


def together(table: pd.DataFrame) -> str:
    """Say in two or three sentences what is found over all data sets; `table`: `answers`."""
    run = table[table.run]
    if run.empty:
        return "No study of the answer has been run yet."
    alike = run[[equal(row) for row in run.itertuples()]]
    named = {verdict: list(part.phrase) for verdict, part in run.drop(alike.index).groupby("verdict", sort=False)}
    says = {
        HELPS: "The residual of the best head makes a small ViT more accurate on {}.",
        HARMS: "The residual of the best head makes a small ViT less accurate on {}.",
        OPEN: "No difference is shown on {}.",
        VOID: "Nothing is decided on {}, where a network learned nothing.",
    }
    sentences = [says[verdict].format(listed(named[verdict])) for verdict in says if verdict in named]
    if len(alike):
        by_margin = alike.groupby("margin").phrase
        whole = set(alike.margin[alike.effect.notna() & (alike.margin >= alike.effect)])
        effect = {margin: " (the paper's whole effect)" if margin in whole else "" for margin in set(alike.margin)}
        margins = [f"within {in_points(m)}{effect[m]} on {listed(list(names))}" for m, names in by_margin]
        sentences.append(f"With and without it, accuracy is equal {', '.join(margins)}.")
    if missing := list(table[~table.run].phrase):
        sentences.append(f"No result yet: {listed(missing)}.")
    return " ".join(sentences)


def corrected(run: pd.DataFrame) -> str:
    """On which data sets the arms differ after Holm's correction for all of them; `run`: rows of `answers`."""
    p_values = holm(run.p)
    found = listed(list(run.phrase[p_values < ALPHA])) if (p_values < ALPHA).any() else "no data set"
    return f"After Holm's correction for {len(run)} data sets, accuracy differs (p below {ALPHA}) on {found}."


def margins(run: pd.DataFrame) -> str:
    """How the margins compare with the paper's effects; `run`: rows of `answers`."""
    known = run[run.effect.notna()]
    below, whole = list(known.phrase[known.margin < known.effect]), list(known.phrase[known.margin >= known.effect])
    says = [f"it is smaller than the paper's effect on {listed(below)}"] if below else []
    if whole:
        says.append(f"it is the paper's whole effect on {listed(whole)}, where being equal within it says little")
    return f"Each study fixed its own margin in its `claims.yaml` before the run: {'; '.join(says)}." if says else ""


def learned(run: pd.DataFrame) -> str:
    """Say whether both arms beat the most common class and the best simple classifier; `run`: rows of `answers`."""
    arms_of = run[["without", "with_residual"]]
    low, weak = list(run.phrase[arms_of.min(axis=1) <= run.constant]), arms_of.min(axis=1) <= run.simple
    first = f"A network is not above the most common class on {listed(low)}." if low else ""
    first = first or "Both networks are above the most common class on every data set."
    if not weak.any():
        return f"{first} Both are above the best simple classifier too."
    both = (arms_of.max(axis=1) <= run.simple)[weak].all()
    which = "Neither network is" if both else "A network is not"
    return (
        f"{first} {which} above the best simple classifier on {listed(list(run.phrase[weak]))}: how a better network"
        " would do there is open."
    )


def listed(names: list[str]) -> str:
    """Join names for a sentence: a, b and c."""
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def other_methods(questions: list[Question]) -> pd.DataFrame:
    """The difference of every question that was run, in percentage points, by the main and the second methods.

    Columns: data, method, estimate, low, high.
    """
    rows = []
    for question, row in zip(questions, answers(questions).itertuples()):
        if not row.run:
            continue
        rows.append((row.data, "as above", row.estimate, row.low, row.high))
        cell = load_study(question.study).cell(question.dataset, question.split)
        data = second.paired(cell, question.model, question.minus)
        for name, method in second.METHODS.items():
            rows.append((row.data, name, *(100 * value for value in method(data))))
    return pd.DataFrame(rows, columns=["data", "method", "estimate", "low", "high"])


def agreement(methods: pd.DataFrame) -> str:
    """Say on which data sets all methods put the interval on the same side of 0; `methods`: `other_methods`."""
    sides = [differences.side(row.low, row.high) for row in methods.itertuples()]
    number = methods.assign(side=sides).groupby("data", sort=False).side.nunique()
    alike, apart = list(number.index[number == 1]), list(number.index[number > 1])
    if not apart:
        return "All methods give the same verdict on every data set."
    return f"The methods disagree on {listed(apart)}; they agree on {listed(alike) if alike else 'no other'}."
