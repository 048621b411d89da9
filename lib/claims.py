"""The paper's claims, each with its tolerance and its verdict: params/<study>/claims.yaml + what was measured -> claims.csv.

a claim --its measure--> estimate, interval --its rule--> supported, contradicted, undecided or not testable here

A claim names one measure and one rule; both are dictionaries with a line each. Nothing here knows of torch or of images.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from pydantic import model_validator

from lib import measures
from lib.schema import Strict, known, read_yaml, validated
from lib.study import ROOT, Study

SUPPORTED, CONTRADICTED, UNDECIDED, UNTESTABLE = "supported", "contradicted", "undecided", "not testable here"


def beyond(low: float, high: float, line: float) -> str:
    """Supported if the interval lies above a line, contradicted if below, else undecided."""
    return SUPPORTED if low > line else CONTRADICTED if high < line else UNDECIDED


def far(measured: float | list, stated: float | list) -> float:
    """The largest distance of a number from the one stated, as a share of that."""
    return float(np.max(np.abs(np.asarray(measured) / np.asarray(stated) - 1)))


RULES = {  # name: (measured, claim) -> verdict; the head of claims.yaml says each in words
    "greater": lambda m, claim: beyond(m.low, m.high, claim.margin),
    "reaches": lambda m, claim: beyond(m.low, m.high, claim.published - claim.margin),
    "within": lambda m, claim: (
        SUPPORTED if -claim.margin <= m.low and m.high <= claim.margin
        else CONTRADICTED if m.high < -claim.margin or m.low > claim.margin
        else UNDECIDED
    ),
    "most": lambda m, claim: SUPPORTED if m.estimate <= claim.margin else CONTRADICTED,
    "least": lambda m, claim: SUPPORTED if m.estimate >= claim.margin else CONTRADICTED,
    "equals": lambda m, claim: SUPPORTED if m.estimate == claim.stated else CONTRADICTED,
    "near": lambda m, claim: SUPPORTED if far(m.estimate, claim.stated) <= claim.margin else CONTRADICTED,
    "attainable": lambda m, claim: SUPPORTED if m.estimate == 0 else CONTRADICTED,
    "untestable": lambda m, claim: UNTESTABLE,
}  # fmt: skip


class Claim(Strict):
    """One entry of claims.yaml."""

    words: str  # the paper's, in short
    place: str  # where it says so
    rule: str  # a name in RULES
    measure: str = "nothing"  # a name in lib.measures.MEASURES
    of: dict = {}  # its arguments
    margin: float | None = None
    published: float | None = None
    stated: float | list[int] | None = None
    why: str = ""  # what decides, or why nothing can

    @model_validator(mode="after")
    def _complete(self):
        known(self.rule, RULES, "rule")
        known(self.measure, measures.MEASURES, "measure")
        wants = {
            "reaches": ["margin", "published"],
            "equals": ["stated"],
            "near": ["stated", "margin"],
            "attainable": [],
            "untestable": ["why"],
        }
        if lacking := [
            name for name in wants.get(self.rule, ["margin"]) if not getattr(self, name) and getattr(self, name) != 0
        ]:
            raise ValueError(f"the rule {self.rule} wants {' and '.join(lacking)}")
        return self


class Judged(NamedTuple):
    """A row of claims.csv."""

    claim: str
    words: str
    place: str
    quantity: str
    estimate: str
    interval: str
    tolerance: str
    verdict: str
    decidable: str
    link: str


def load_claims(study: Study) -> dict[str, Claim]:
    """The claims that this study judges, from its claims.yaml; none where it has no such file."""
    path = ROOT / "params" / study.study / "claims.yaml"
    return (
        {name: validated(Claim, entry, f"{path.name}, {name},") for name, entry in read_yaml(path).items()}
        if path.exists()
        else {}
    )


def judge(study: Study, name: str, claim: Claim) -> Judged:
    """Measure what a claim is about, and say what follows."""
    measured = measures.MEASURES[claim.measure](study, **claim.of)
    verdict = RULES[claim.rule](measured, claim)
    interval = f"{measured.show(measured.low)} to {measured.show(measured.high)}" if measured.low is not None else ""
    undecided = verdict == UNDECIDED and measured.decidable is not None
    return Judged(
        name, claim.words, claim.place, measured.quantity, measured.show(measured.estimate), interval, tolerance(claim, measured),
        verdict, measured.show(measured.decidable) if undecided else "", measured.link,
    )  # fmt: skip


def tolerance(claim: Claim, measured) -> str:
    """What had to hold, in words."""
    return {
        "greater": lambda: f"interval above {measured.show(claim.margin)}",
        "reaches": lambda: f"interval above {measured.show(claim.published - claim.margin)}",
        "within": lambda: f"interval within ± {measured.show(claim.margin)}",
        "most": lambda: f"at most {measured.show(claim.margin)}",
        "least": lambda: f"at least {measured.show(claim.margin)}",
        "equals": lambda: f"as stated: {measured.show(claim.stated)}",
        "near": lambda: f"within {claim.margin:.0%} of {measured.show(claim.stated)}",
        "attainable": lambda: "every row can arise",
        "untestable": lambda: claim.why,
    }[claim.rule]()


def table(study: Study) -> pd.DataFrame:
    """claims.csv: a row a claim, in the order of claims.yaml."""
    return pd.DataFrame(
        [judge(study, name, claim) for name, claim in load_claims(study).items()], columns=Judged._fields
    )
