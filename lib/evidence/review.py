"""Review a verdict: did the networks learn, do two arms differ only in the residual, do other trainings agree?

a claim, its verdict by its rule --review--> the final verdict, and a note on why it changed or what to read with it
"""

from itertools import product

from lib.evidence import arms, learning
from lib.evidence.measures import Measured
from lib.study import Cell, Study

SUPPORTED, CONTRADICTED, UNDECIDED, UNTESTABLE = "supported", "contradicted", "undecided", "not testable here"
NOTHING = "nothing learned"
SEEDS = 5  # least number of trainings of each arm for a yes or no about the residual
# measures that compare test scores of networks
COMPARISONS = ["difference", "interaction"]


def review(study: Study, claim, measured: Measured, verdict: str) -> tuple[str, str]:
    """The final verdict on a `claims.Claim`, and a note; without objections, the same verdict and no note."""
    if verdict == UNTESTABLE or "split" not in claim.of:
        return verdict, ""
    if claim.measure in COMPARISONS and (why := nothing_learned(study, claim.of)):
        return NOTHING, why
    if level_or_order(claim) and (why := midst(study, claim.of)):
        return UNTESTABLE, why
    if claim.about == "residual":
        return about_residual(study, claim.of, measured, verdict)
    return verdict, ""


def level_or_order(claim) -> bool:
    """Whether a claim is about the accuracy of a network, or about which of several is better."""
    order = claim.measure in COMPARISONS and claim.rule in ("greater", "reaches")
    return claim.measure == "accuracy" or order


def sides(study: Study, of: dict) -> list[tuple[Cell, str]]:
    """List (cell, model) of every network that a claim compares, in the study that has its runs."""
    cell = study.cell(of["dataset"], of["split"])
    there = study.cell(of["minus_dataset"], of["split"]) if of.get("minus_dataset") else cell
    models = of["models"] if "models" in of else [of["model"]]
    compared = [(cell, model) for model in models] + [(there, model) for model in of.get("minus") or models]
    return [place.holder(model) for place, model in compared]


def nothing_learned(study: Study, of: dict) -> str:
    """Say why a comparison is void, if both networks of a pair learned nothing; else empty."""
    compared, half = sides(study, of), len(of["models"])
    first, second = compared[:half], compared[half:]
    # with two data sets, each model is compared with itself
    pairs = product(first, second) if of.get("minus") else zip(first, second)
    void = [one for pair in pairs if all(learning.empty(*one) for one in pair) for one in pair]
    named = []
    for cell, model in compared:
        if (cell, model) in void:
            nothing, trained = learning.nothing_in(cell, model)
            named.append(f"{model} ({nothing} of {trained})")
    return f"trainings that learned nothing: {', '.join(dict.fromkeys(named))}" if void else ""


def midst(study: Study, of: dict) -> str:
    """Say which networks of a claim were still learning, so that their accuracies are not final; else empty."""
    reasons = {}
    for cell, model in sides(study, of):
        reasons.setdefault(cell, []).append(model)
    return "; ".join(filter(None, (learning.unfinished(cell, models) for cell, models in reasons.items())))


def about_residual(study: Study, of: dict, measured: Measured, verdict: str) -> tuple[str, str]:
    """The verdict on the residual; it needs two arms that differ only in the residual, and five trainings of each.

    The note names other differences of the arms, and other trainings of the same pair if they disagree.
    """
    (a,), (b,) = of["models"], of["minus"]
    cell = study.cell(of["dataset"], of["split"])
    notes, decided = [], verdict in (SUPPORTED, CONTRADICTED)
    if more := arms.apart(study, a, b):
        notes.append(f"the two models differ in more than the residual: {', '.join(more)}")
    seeds = min(len(cell.with_result(model)) for model in (a, b))
    if decided and seeds < SEEDS:
        notes.append(f"{seeds} trainings of each are too few for a verdict on the residual")
    if decided and notes:
        notes.insert(0, f"the interval alone says: {verdict}")
        verdict = UNDECIDED
    others = arms.beside(cell, a, b)
    if arms.disagree(measured.low, measured.high, others):
        notes.append(f"other trainings of the same pair disagree: {arms.in_words(others, study)}")
    return verdict, "; ".join(notes)
