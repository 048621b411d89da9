"""The paper's claims, each with its tolerance and its verdict: params/<study>/claims.yaml + what was measured -> claims.csv.

a claim --its measure--> estimate, interval --its rule--> supported, contradicted, undecided or not testable here

A claim names one measure and one rule; both are dictionaries with a line each. Nothing here knows of torch or of images.
`python -m lib.claims small` checks a study's claims before anything is run.
"""

import inspect
import sys
from typing import NamedTuple

import numpy as np
import pandas as pd
from pydantic import model_validator

from lib import measures
from lib.apart import METRICS
from lib.errors import StudyError
from lib.predictions import NothingTrained
from lib.schema import Strict, known, read_yaml, validated
from lib.study import ROOT, Study, load_study

SUPPORTED, CONTRADICTED, UNDECIDED, UNTESTABLE = "supported", "contradicted", "undecided", "not testable here"


def beyond(low: float, high: float, line: float) -> str:
    """Supported if the interval lies above a line, contradicted if below, else undecided."""
    return SUPPORTED if low > line else CONTRADICTED if high < line else UNDECIDED


def inside(low: float, high: float, margin: float) -> str:
    """Supported if the interval lies within +- margin, contradicted if it lies outside, else undecided."""
    if -margin <= low and high <= margin:
        return SUPPORTED
    return CONTRADICTED if high < -margin or low > margin else UNDECIDED


def holds(true: bool) -> str:
    """Of what is counted and not estimated: supported or contradicted."""
    return SUPPORTED if true else CONTRADICTED


def far(measured: float | list, stated: float | list) -> float:
    """The largest distance of a number from the one stated, as a share of that; infinite if there are more of one or of the other."""
    measured, stated = np.atleast_1d(measured), np.atleast_1d(stated)
    return float(np.abs(measured / stated - 1).max()) if len(measured) == len(stated) else np.inf


RULES = {  # name: (what a claim must give, (measured, claim) -> verdict, (show, claim) -> the tolerance in words)
    "greater": (["margin"], lambda m, c: beyond(m.low, m.high, c.margin), lambda show, c: f"interval above {show(c.margin)}"),
    "reaches": (["margin", "published"], lambda m, c: beyond(m.low, m.high, c.published - c.margin),
                lambda show, c: f"interval above {show(c.published - c.margin)} (published {show(c.published)})"),
    "within": (["margin"], lambda m, c: inside(m.low, m.high, c.margin), lambda show, c: f"interval within ± {show(c.margin)}"),
    "most": (["margin"], lambda m, c: holds(m.estimate <= c.margin), lambda show, c: f"at most {show(c.margin)}"),
    "least": (["margin"], lambda m, c: holds(m.estimate >= c.margin), lambda show, c: f"at least {show(c.margin)}"),
    "equals": (["stated"], lambda m, c: holds(far(m.estimate, c.stated) == 0), lambda show, c: f"as stated: {show(c.stated)}"),
    "near": (["stated", "margin"], lambda m, c: holds(far(m.estimate, c.stated) <= c.margin),
             lambda show, c: f"within {c.margin:.0%} of {show(c.stated)}"),
    "attainable": ([], lambda m, c: holds(m.estimate == 0), lambda show, c: "all can arise"),
    "untestable": (["why"], lambda m, c: UNTESTABLE, lambda show, c: c.why),
    "stopped": (["why"], lambda m, c: SUPPORTED, lambda show, c: c.why),
}  # fmt: skip


class Claim(Strict):
    """One entry of claims.yaml; the head of params/small/claims.yaml says what each rule asks."""

    words: str  # the paper's, in short
    place: str  # where it says so
    rule: str  # a name in RULES
    measure: str = "nothing"  # a name in lib.measures.MEASURES
    of: dict = {}  # its arguments
    margin: float | None = None
    published: float | None = None
    stated: float | list[int] | None = None
    why: str | None = None  # why nothing here can decide it
    if_stopped: str | None = None  # a model: that all of its trainings were stopped supports the claim

    @model_validator(mode="after")
    def _complete(self):
        known(self.measure, measures.MEASURES, "measure")
        named = RULES.keys() - {"stopped"}  # that one follows from `if_stopped` alone
        wants, _, _ = RULES[known(self.rule, named, "rule")]
        try:
            inspect.signature(measures.MEASURES[self.measure]).bind(None, **self.of)
        except TypeError as error:
            raise ValueError(f"of: the measure {self.measure} has {error}") from None
        if self.measure == "difference":
            known(self.of["metric"], METRICS, "metric")
        if lacking := [name for name in wants if getattr(self, name) is None]:
            raise ValueError(f"the rule {self.rule} wants {' and '.join(lacking)}")
        return self


class Judged(NamedTuple):
    """A row of claims.csv, as people read it."""

    claim: str
    words: str
    place: str
    quantity: str
    estimate: str
    interval: str
    tolerance: str
    verdict: str
    decidable: str  # of what is undecided: the smallest true value that would have been told from none
    link: str


def load_claims(study: Study) -> dict[str, Claim]:
    """The claims that this study judges, from its claims.yaml.

    Raises:
        StudyError: a claim with an unknown rule or measure, or without what its rule wants.
    """
    path = ROOT / "params" / study.study / "claims.yaml"
    return {name: validated(Claim, entry, f"{path.name}, {name},") for name, entry in read_yaml(path).items()}


def judge(study: Study, name: str, claim: Claim) -> Judged:
    """Measure what a claim is about, and say what follows."""
    try:
        measured = measures.MEASURES[claim.measure](study, **claim.of)
    except NothingTrained as error:
        rule = "stopped" if error.model == claim.if_stopped else "untestable"
        measured, claim = measures.nothing(study), claim.model_copy(update={"rule": rule, "why": str(error)})
    _, decide, words = RULES[claim.rule]
    verdict, show = decide(measured, claim), measured.show
    interval = f"{show(measured.low)} to {show(measured.high)}" if measured.low is not None else ""
    seen = show(measured.decidable).lstrip("+") if verdict == UNDECIDED and measured.decidable is not None else ""
    return Judged(
        name, claim.words, claim.place, measured.quantity, show(measured.estimate), interval, words(show, claim),
        verdict, seen, measured.link,
    )  # fmt: skip


def table(study: Study) -> pd.DataFrame:
    """claims.csv: a row a claim, in the order of claims.yaml."""
    judged = [judge(study, name, claim) for name, claim in load_claims(study).items()]
    return pd.DataFrame(judged, columns=Judged._fields)


if __name__ == "__main__":
    try:
        number = len(load_claims(load_study(sys.argv[1])))
    except StudyError as error:
        sys.exit(f"error: {error}")
    print(f"{number} claims to judge")
