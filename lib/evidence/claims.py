"""Judge the claims of a paper, each with its tolerance and its verdict.

params/<study>/claims.yaml + what was measured -> claims.csv

a claim --its measure--> estimate, interval --its rule--> supported, contradicted, undecided or not testable here
                                            --review----> the verdict that stands, and a note

A claim names one measure and one rule; both are dictionaries with one line per entry.
"""

import inspect
from collections.abc import Callable
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from pydantic import model_validator

from lib.evidence import differences, measures, review
from lib.evidence.differences import NAMES, STREAMS
from lib.evidence.measures import Measured, Unrecorded
from lib.evidence.predictions import NothingTrained
from lib.evidence.review import CONTRADICTED, NOTHING, SUPPORTED, UNDECIDED, UNTESTABLE
from lib.strict import Strict, known, read_yaml, validated
from lib.study import Study

# measures with an interval that depends on random draws
ESTIMATED = [*review.COMPARISONS, "accuracy"]
TOO_FEW = "no interval: too many classes have fewer than four groups of test images, or most images in one group"
VERDICTS = [SUPPORTED, CONTRADICTED, UNDECIDED, NOTHING, UNTESTABLE]


def beyond(measured: Measured, line: float) -> str:
    """Supported if the interval lies above a line, contradicted if below, else undecided."""
    if measured.low > line:
        return SUPPORTED
    return CONTRADICTED if measured.high < line else UNDECIDED


def inside(measured: Measured, margin: float) -> str:
    """Supported if the interval lies within +- margin, contradicted if it lies outside, else undecided."""
    if -margin <= measured.low and measured.high <= margin:
        return SUPPORTED
    return CONTRADICTED if measured.high < -margin or measured.low > margin else UNDECIDED


def holds(true: bool) -> str:
    """Supported or contradicted, for a number that is counted and not estimated."""
    return SUPPORTED if true else CONTRADICTED


def distance(measured: float | list, stated: float | list) -> float:
    """The largest relative distance of a number from the stated one; infinite if there are fewer or more numbers."""
    measured, stated = np.atleast_1d(measured), np.atleast_1d(stated)
    return float(np.abs(measured / stated - 1).max()) if len(measured) == len(stated) else np.inf


# Rules: (measured, claim) -> verdict, and the tolerance in words.


def greater(measured, claim):
    """The interval lies above the margin."""
    return beyond(measured, claim.margin), f"interval above {measured.show(claim.margin)}"


def reaches(measured, claim):
    """The interval lies above the published number minus the margin."""
    line = claim.published - claim.margin
    return beyond(measured, line), f"interval above {measured.show(line)} (published {measured.show(claim.published)})"


def within(measured, claim):
    """The interval lies between minus the margin and the margin."""
    return inside(measured, claim.margin), f"interval within ± {measured.show(claim.margin)}"


def most(measured, claim):
    """A counted number is at most the margin."""
    return holds(measured.estimate <= claim.margin), f"at most {measured.show(claim.margin)}"


def least(measured, claim):
    """A counted number is at least the margin."""
    return holds(measured.estimate >= claim.margin), f"at least {measured.show(claim.margin)}"


def equals(measured, claim):
    """Every counted number is the stated one."""
    return holds(distance(measured.estimate, claim.stated) == 0), f"as stated: {measured.show(claim.stated)}"


def near(measured, claim):
    """Every number differs from the stated one by at most the margin, as a fraction of it."""
    close = distance(measured.estimate, claim.stated) <= claim.margin
    return holds(close), f"within {claim.margin:.0%} of {measured.show(claim.stated)}"


def attainable(measured, claim):
    """No published row is impossible: the measure counts those that are."""
    return holds(measured.estimate == 0), "every row is possible"


def untestable(measured, claim):
    """Nothing here can decide the claim; `why` says the reason."""
    return UNTESTABLE, claim.why


def stopped(measured, claim):
    """All trainings of the model `if_stopped` were stopped, which supports the claim."""
    return SUPPORTED, claim.why


class Rule(NamedTuple):
    """One of the functions above, and the entries that a claim needs for it."""

    judge: Callable[[Measured, "Claim"], tuple[str, str]]
    needs: list[str]


RULES = {
    "greater": Rule(greater, ["margin"]),
    "reaches": Rule(reaches, ["margin", "published"]),
    "within": Rule(within, ["margin"]),
    "most": Rule(most, ["margin"]),
    "least": Rule(least, ["margin"]),
    "equals": Rule(equals, ["stated"]),
    "near": Rule(near, ["stated", "margin"]),
    "attainable": Rule(attainable, []),
    "untestable": Rule(untestable, ["why"]),
    "stopped": Rule(stopped, ["why"]),
}


class Claim(Strict):
    """One entry of claims.yaml; the head of params/small/claims.yaml explains each rule."""

    words: str  # what the paper claims, in short
    place: str  # where it claims it
    rule: str  # a name in RULES
    measure: str = "nothing"  # a name in lib.evidence.measures.MEASURES
    of: dict = {}  # its arguments
    margin: float | None = None
    published: float | None = None
    stated: float | list[int] | None = None
    why: str | None = None  # why it cannot be decided here
    if_stopped: str | None = None  # a model; if all its trainings were stopped, the claim is supported
    about: Literal["residual"] | None = None  # lib.evidence.review then also compares the two arms
    changed: str | None = None  # what was changed in this claim after its run, and why

    @model_validator(mode="after")
    def _complete(self):
        known(self.measure, measures.MEASURES, "measure")
        # only `if_stopped` leads to the rule `stopped`
        rule = RULES[known(self.rule, RULES.keys() - {"stopped"}, "rule")]
        try:
            inspect.signature(measures.MEASURES[self.measure]).bind(None, **self.of)
        except TypeError as error:
            raise ValueError(f"of: the measure {self.measure} has {error}") from None
        if "metric" in self.of and self.measure in review.COMPARISONS:
            known(self.of["metric"], NAMES, "metric")
        if self.about and (
            self.measure != "difference" or [len(self.of.get(k, [])) for k in ("models", "minus")] != [1, 1]
        ):
            raise ValueError(f"about {self.about}: the measure must be the difference of one model and one other")
        if lacking := [name for name in rule.needs if getattr(self, name) is None]:
            raise ValueError(f"the rule {self.rule} needs {' and '.join(lacking)}")
        return self


class Judged(NamedTuple):
    """One row of claims.csv, with numbers as text in their units."""

    claim: str
    words: str
    place: str
    quantity: str
    estimate: str
    interval: str
    tolerance: str
    verdict: str
    decidable: str  # if undecided: the smallest true difference that is detected with 80 % power
    link: str
    note: str  # why the verdict differs from the rule's, what must be read with it, what was changed after the run


def load_claims(study: Study) -> dict[str, Claim]:
    """Read the claims of a study from its claims.yaml: name -> Claim.

    Raises:
        StudyError: a claim has an unknown rule or measure, or lacks an entry that its rule needs.
    """
    path = study.parameters / "claims.yaml"
    return {name: validated(Claim, entry, f"{path.name}, {name},") for name, entry in read_yaml(path).items()}


def lines(claim: Claim) -> list[float]:
    """The numbers at which a claim's verdict changes, in the unit of its measure; none for a rule without a margin."""
    if claim.margin is None:
        return []
    special = {"reaches": [(claim.published or 0) - claim.margin], "within": [-claim.margin, claim.margin]}
    return special.get(claim.rule, [claim.margin])


def on_the_line(measured: Measured, claim: Claim) -> bool:
    """Whether an end of a measured interval is within one percentage point of one of the claim's `lines`."""
    if claim.measure not in ESTIMATED or not lines(claim):
        return False
    return differences.near(measured.low / 100, measured.high / 100, *(line / 100 for line in lines(claim)))


def steady(study: Study, claim: Claim) -> tuple[str | None, Measured]:
    """The rule's verdict with more draws, None if random streams disagree; and the measurement of the first stream."""
    several = [measures.MEASURES[claim.measure](study, **claim.of, stream=stream) for stream in STREAMS]
    verdicts = {RULES[claim.rule].judge(measured, claim)[0] for measured in several}
    return (verdicts.pop() if len(verdicts) == 1 else None), several[0]


def judge(study: Study, name: str, claim: Claim) -> Judged:
    """Measure what a claim is about, and judge it by its rule."""
    rule, notes = claim.rule, []
    try:
        measured = measures.MEASURES[claim.measure](study, **claim.of)
        if measured.low is not None and np.isnan(measured.low):
            rule, claim = "untestable", claim.model_copy(update={"why": TOO_FEW})
    except NothingTrained as error:
        rule = "stopped" if error.model == claim.if_stopped else "untestable"
        measured, claim = measures.nothing(study), claim.model_copy(update={"why": str(error)})
    except Unrecorded as error:
        rule, measured, claim = "untestable", measures.nothing(study), claim.model_copy(update={"why": str(error)})
    verdict, tolerance = RULES[rule].judge(measured, claim)
    if rule == claim.rule and on_the_line(measured, claim):
        verdict, measured = steady(study, claim)
        if verdict is None:
            verdict = UNDECIDED
            notes.append("the interval ends so close to the criterion that its random numbers decide")
    if rule == claim.rule:
        verdict, note = review.review(study, claim, measured, verdict)
        notes.append(note)
    if claim.changed:
        notes.append(f"changed after the run: {claim.changed}")
    show, interval, decidable = measured.show, "", ""
    if measured.low is not None and not np.isnan(measured.low):
        interval = f"{show(measured.low)} to {show(measured.high)}"
    if verdict == UNDECIDED and measured.decidable is not None:
        decidable = show(measured.decidable).lstrip("+")
    found = (measured.quantity, show(measured.estimate), interval, tolerance, verdict, decidable, measured.link)
    return Judged(name, claim.words, claim.place, *found, "; ".join(filter(None, notes)))


def table(study: Study) -> pd.DataFrame:
    """claims.csv: one row per claim, in the order of claims.yaml."""
    judged = [judge(study, name, claim) for name, claim in load_claims(study).items()]
    return pd.DataFrame(judged, columns=Judged._fields)


def in_points(study: Study, judged: pd.DataFrame) -> pd.DataFrame:
    """Claims with an interval in percentage points, as numbers: words, verdict, estimate, low, high, lines (a list).

    Args:
        judged: `table`, or claims.csv.
    """
    claims, unit, drawn = load_claims(study), " points", []
    for row in judged[judged.interval.fillna("").str.endswith(unit)].itertuples():
        shown = [row.estimate, *row.interval.split(" to ")]
        numbers = [float(number.removesuffix(unit)) for number in shown]
        drawn.append((row.words, row.verdict, *numbers, lines(claims[row.claim])))
    return pd.DataFrame(drawn, columns=["words", "verdict", "estimate", "low", "high", "lines"])
