"""A verdict follows from numbers and tolerance alone; a claim that cannot be judged is refused before any run."""

import pytest

from lib import strict
from lib.evidence import differences, measures, predictions
from lib.evidence.claims import Claim, judge, load_claims
from lib.evidence.measures import Measured
from lib.evidence.published import printed
from lib.strict import StudyError, validated
from lib.study import load_study

STUDIES = sorted(path.parent.name for path in strict.ROOT.glob("params/*/claims.yaml"))


def verdict(monkeypatch, rule, measured=(), **claim):
    monkeypatch.setitem(measures.MEASURES, "nothing", lambda study: Measured("it", *measured))
    return judge(None, "name", Claim(words="w", place="p", rule=rule, **claim))


@pytest.mark.parametrize(
    "rule, low, high, tolerance, expected",
    [
        ("greater", 0.1, 5, {"margin": 0}, "supported"),
        ("greater", -0.1, 5, {"margin": 0}, "undecided"),
        ("greater", -5, -0.1, {"margin": 0}, "contradicted"),
        ("reaches", 2.6, 5, {"published": 5, "margin": 2.5}, "supported"),
        ("reaches", -1, 5, {"published": 5, "margin": 2.5}, "undecided"),
        ("reaches", -1, 2.4, {"published": 5, "margin": 2.5}, "contradicted"),
        ("within", -1, 1, {"margin": 1}, "supported"),
        ("within", -1.1, 1, {"margin": 1}, "undecided"),
        ("within", 1.1, 2, {"margin": 1}, "contradicted"),
    ],
)
def test_what_an_interval_decides(monkeypatch, rule, low, high, tolerance, expected):
    found = verdict(monkeypatch, rule, ((low + high) / 2, "page.html", "points", low, high, 4.0), **tolerance)
    assert found.verdict == expected
    assert found.decidable == ("4.0 points" if expected == "undecided" else "")


@pytest.mark.parametrize(
    "rule, estimate, tolerance, expected",
    [
        ("most", 1.05, {"margin": 1.05}, "supported"),
        ("most", 1.06, {"margin": 1.05}, "contradicted"),
        ("least", 4, {"margin": 5}, "contradicted"),
        ("equals", [155, 98], {"stated": [155, 98]}, "supported"),
        ("equals", [155, 97], {"stated": [155, 98]}, "contradicted"),
        ("equals", [155], {"stated": [155, 98]}, "contradicted"),
        ("near", [2497, 3133], {"stated": [2400, 3000], "margin": 0.05}, "supported"),
        ("near", [2497, 3160], {"stated": [2400, 3000], "margin": 0.05}, "contradicted"),
        ("attainable", 0, {}, "supported"),
        ("attainable", 1, {}, "contradicted"),
        ("untestable", None, {"why": "no mask"}, "not testable here"),
    ],
)
def test_what_a_count_decides(monkeypatch, rule, estimate, tolerance, expected):
    found = verdict(monkeypatch, rule, (estimate,), **tolerance)
    assert found.verdict == expected and found.interval == "" and "nan" not in " ".join(found).lower()


OF = {"dataset": "blood", "split": "group", "models": ["vit"], "minus": ["cnn"]}


@pytest.mark.parametrize(
    "claim, says",
    [
        ({"rule": "graeter"}, "unknown rule 'graeter': .* did you mean 'greater'"),
        ({"rule": "greater"}, "the rule greater needs margin"),
        ({"rule": "near", "margin": 0.1}, "the rule near needs stated"),
        ({"rule": "stopped", "why": "it says so"}, "unknown rule 'stopped'"),
        ({"rule": "greater", "margin": 0, "measure": "diference"}, "did you mean 'difference'"),
        ({"rule": "most", "margin": 1, "measure": "size", "of": {"modle": "vit"}}, "the measure size has .*argument"),
        (
            {"rule": "greater", "margin": 0, "measure": "difference", "of": {**OF, "metric": "acuracy"}},
            "did you mean 'accuracy'",
        ),
    ],
)
def test_a_claim_that_cannot_be_judged_is_refused(claim, says):
    with pytest.raises(StudyError, match=says):
        validated(Claim, {"words": "w", "place": "p", **claim}, "claims.yaml, mine,")


@pytest.mark.parametrize("name", STUDIES)
def test_every_committed_claim_names_what_the_study_has(name):
    study = load_study(name)
    for claim in load_claims(study).values():
        of = claim.of
        assert set(of.get("models", [])) | set(of.get("minus", [])) <= set(study.models)
        known = {*study.datasets, *(printed(study).dataset if study.paper else [])}
        assert {of.get(key) for key in ("dataset", "minus_dataset")} - {None, ""} <= known
        assert {of.get("model"), of.get("than"), claim.if_stopped} - {None, ""} <= {*known, *study.models}
        assert of.get("split", study.splits[0]) in {*study.splits, ""}
        metrics = printed(study).columns if claim.measure == "printed_better" else differences.METRICS
        assert of.get("metric", "accuracy") in metrics


def test_the_small_study_judges_at_least_twelve_claims():
    assert len(load_claims(load_study("small"))) >= 12


def test_stopped_trainings_support_the_claim_that_the_model_fails_and_no_other(monkeypatch):
    cell = load_study("small").cell("blood-cells", "group")

    def stopped(study):
        raise predictions.NothingTrained(cell, "sgd")

    monkeypatch.setitem(measures.MEASURES, "nothing", stopped)
    of_it, of_another = (
        judge(None, "name", Claim(words="w", place="p", rule="greater", margin=0, if_stopped=model))
        for model in ["sgd", "adam"]
    )
    assert of_it.verdict == "supported" and "no training of sgd on blood" in of_it.tolerance
    assert of_another.verdict == "not testable here"
