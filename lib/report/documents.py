"""Say what was found about each document and how sure it is, in two lines each, from committed tables.

params/published/<document>/document.yaml, reports/*/claims/claims.csv, reports/answer --documents--> Document
"""

from collections import Counter
from typing import Literal, NamedTuple

import pandas as pd

from lib import strict
from lib.report import headline
from lib.strict import Key, Name, Strict, read_yaml, validated
from lib.study import Study

RESIDUAL = "res-vit"  # the document that reports/answer is about
SHOWN = 2  # number of claims that a line names


class Source(Strict):
    """The content of a document.yaml."""

    title: Name
    called: Literal["paper", "document"] = "document"  # what pages call it
    authors: Name
    year: int | None = None
    link: str | None = None  # its address
    own: list[Key] = []  # studies in the document's own setting
    setting: str = ""  # the document's own setting, in a sentence


class Document(NamedTuple):
    """A document, its studies and their findings."""

    name: str  # of its folder in params/published
    source: Source
    studies: list[Study]  # all studies of it, run or not
    finding: str
    sure: str


def load_source(name: str) -> Source | None:
    """Read a document.yaml; None: the folder has none, since only its numbers are used.

    StudyError: the file is wrong.
    """
    path = strict.ROOT / "params" / "published" / name / "document.yaml"
    return validated(Source, read_yaml(path), f"params/published/{name}/document.yaml") if path.exists() else None


def documents(studies: list[Study]) -> list[Document]:
    """List the documents of these studies, the one with most studies first."""
    found, of = [], {study.study: document_of(study) for study in studies}
    for name, _ in Counter(name for name in of.values() if name).most_common():
        source = load_source(name)
        own = [study for study in studies if of[study.study] == name]
        lines = residual(own) if name == RESIDUAL else claimed(own)
        sure = f"{lines[1]} {setting(source, own)}".strip()
        found.append(Document(name, source, own, lines[0], sure))
    return found


def document_of(study: Study) -> str | None:
    """The document of a study: its paper, or RESIDUAL if the study asks that question; None: neither."""
    if study.paper and load_source(study.paper):
        return study.paper
    return RESIDUAL if headline.contest(study) else None


def together(study: Study) -> str:
    """What several studies found on the residual's question, with a link; empty for a study of another question.

    That page is made from the tables of studies, and no stage of a study depends on it.
    """
    path = strict.ROOT / "reports" / "answer" / "answer.md"
    if document_of(study) != RESIDUAL or not path.exists():
        return ""
    finding = path.read_text(encoding="utf-8").split("\n\n")[0].strip()
    return f"**Several studies together** ([their page](../answer/index.html)): {finding}"


def residual(studies: list[Study]) -> tuple[str, str]:
    """Finding and how sure, for RESIDUAL: the published rule is a tie; from reports/answer, what the residual adds."""
    folder = strict.ROOT / "reports" / "answer"
    if not (folder / "answer.md").exists():
        return "No study of its question has been run yet.", ""
    finding = (folder / "answer.md").read_text(encoding="utf-8").split("\n\n")[0].strip()
    table = pd.read_csv(folder / "tables" / "answer.csv")
    run = table[table.run]
    spans = [f"{row.data} [{row.low:+.1f}, {row.high:+.1f}]" for row in run.itertuples()]
    sure = (
        f"95 % intervals of the difference, in percentage points: {', '.join(spans)}. Per data set"
        f" {between(run.seeds, ',.0f')} seeds and {between(run.images, ',.0f')} test images;"
        f" 80 % power from {between(run.detectable, '.1f')} points."
    )
    chosen = "Here the best head is the one of lowest attention entropy."
    return f"{tie(studies)} {chosen} {finding}".strip(), sure


def between(numbers: pd.Series, form: str) -> str:
    """Format the smallest and the largest number, or one number if they print alike."""
    return " to ".join(dict.fromkeys(f"{end:{form}}" for end in [numbers.min(), numbers.max()]))


def claimed(studies: list[Study], shown: int = SHOWN) -> tuple[str, str]:
    """Finding and how sure, from the verdicts on a document's claims; names `shown` claims per verdict."""
    tables = [equations(studies)]
    for study in studies:
        path = study.report / "claims" / "claims.csv"
        if path.exists():
            tables.append(pd.read_csv(path, dtype=str, keep_default_na=False))
    claims = pd.concat(tables, ignore_index=True)
    if claims.empty:
        return "No study of it has been run yet.", ""
    ours = claims.words.str.contains("our question")
    claims = claims[~ours]
    if claims.empty:
        return "", ""
    parts = []
    for verdict in ["contradicted", "supported"]:
        decided = claims[claims.verdict == verdict]
        named = [f"“{row.words}”{measured(row.estimate)}" for row in decided.head(shown).itertuples()]
        among = ", among them" if len(decided) > shown else ""
        if named:
            parts.append(f"{verdict.capitalize()} ({len(decided)}){among}: {'; '.join(named)}.")
    decided = claims.verdict.isin(["supported", "contradicted"]).sum()
    untested = (claims.verdict == "not testable here").sum()
    sure = (
        f"Of {len(claims)} claims, {decided} are decided and {len(claims) - decided - untested} undecided;"
        f" {untested} cannot be tested with these images and budgets."
    )
    if ours.any():
        sure += f" Our own questions ({ours.sum()}) are not counted."
    return " ".join(parts) or "No claim of it is decided.", sure


def tie(studies: list[Study]) -> str:
    """Say that the published rule is a tie, with what page 04 measured; empty without a page 04."""
    for study in studies:
        path = study.shown("04_attention") / "ties.csv"
        if path.exists():
            ties = pd.read_csv(path)
            asked = (ties.rule == "l1") & (ties.precision == "fp64") & (ties.condition == "as is")
            won = ties[asked].groupby("head").won.mean()
            winner = f"head {won.idxmax()} wins {'always' if won.max() == 1 else f'{won.max():.0%} of choices'}"
            rows = "attention rows sum to one, so all heads score alike"
            return f"**The published rule is a tie**: {rows}; in fp64 {winner}."
    return ""


def measured(estimate: str) -> str:
    """A number with its unit in brackets; empty for a number without a unit."""
    return f" ({estimate})" if " " in estimate and not estimate[-1].isdigit() else ""


def equations(studies: list[Study]) -> pd.DataFrame:
    """One row like those of claims.csv: how many equations page 00 confirms; no row without a page 00."""
    for study in studies:
        path = study.shown("00_primer") / "checks.csv"
        if path.exists():
            checks = pd.read_csv(path, dtype=str)
            printed = checks[checks.equation.str.isdigit() & (checks.reading == "as printed")]
            agrees = (printed.agrees == "True").groupby(printed.equation, sort=False).all()
            wrong = ", ".join(f"({number})" for number in agrees.index[~agrees])
            words = "the equations hold as they are printed"
            estimate = f"{agrees.sum()} of {len(agrees)} do" + (f"; {wrong} do not" if wrong else "")
            verdict = "contradicted" if wrong else "supported"
            return pd.DataFrame([{"words": words, "estimate": estimate, "verdict": verdict}])
    return pd.DataFrame(columns=["words", "estimate", "verdict"])


def setting(source: Source, studies: list[Study]) -> str:
    """Say whether the studies in the document's own setting were run."""
    lacking = [study.study for study in studies if study.study in source.own and not has_runs(study)]
    if not source.own:
        return ""
    if not lacking:
        return "Its own setting was run."
    several = "studies" if len(lacking) > 1 else "study"
    return f"Next: {several} `{'` and `'.join(lacking)}`, not yet run."


def has_runs(study: Study) -> bool:
    """Whether any training of a study has ended."""
    return any(run.settings.exists() for run in study.runs)
