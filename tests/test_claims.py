"""A verdict follows from numbers and tolerance alone; a claim that cannot be judged is refused before any run."""

import pytest

from lib import strict
from lib.evidence import arms, differences, learning, measures, predictions, review
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
        beside = {name for cell in study.cells for name in cell.beside}
        assert set(of.get("models", [])) | set(of.get("minus", [])) <= {*study.models, *beside}
        known = {*study.datasets, *(printed(study).dataset if study.paper else [])}
        assert {of.get(key) for key in ("dataset", "minus_dataset")} - {None, ""} <= known
        there = load_study(of["runs_of"]) if "runs_of" in of else study
        named = [of.get("model"), of.get("than"), of.get("over"), claim.if_stopped]
        assert {name for name in named if isinstance(name, str) and name} <= {*known, *there.models}
        assert of.get("split", there.splits[0]) in {*there.splits, ""}
        metrics = printed(study).columns if claim.measure == "printed_better" else differences.NAMES
        assert of.get("metric", "accuracy") in metrics


RUN = [name for name in STUDIES if name != "demo" and (strict.ROOT / f"reports/{name}/index.html").exists()]


@pytest.mark.parametrize("name", RUN)
def test_no_level_and_no_order_is_judged_of_networks_in_the_midst_of_learning(name):
    """Over every claims.yaml: what the rule of lib.evidence.learning says of a network, the verdict says too."""
    study, measured = load_study(name), Measured("it", 1.0, low=0.5, high=2.0)
    for key, claim in load_claims(study).items():
        if claim.measure not in ["accuracy", *review.COMPARISONS] or claim.rule == "untestable":
            continue
        order = claim.measure == "accuracy" or claim.rule in ("greater", "reaches")
        stopped = [learning.in_midst(cell, model) for cell, model in review.sides(study, claim.of)]
        verdict, note = review.review(study, claim, measured, "supported")
        if order and any(stopped):
            assert verdict in ("not testable here", "nothing learned"), key
            assert next(filter(None, stopped)) in note or verdict == "nothing learned"
        else:
            assert verdict != "not testable here", key


@pytest.mark.parametrize("name", STUDIES)
def test_a_claim_on_the_residual_compares_two_arms_that_differ_in_it_alone_or_says_in_what_else(name):
    study = load_study(name)
    for key, claim in load_claims(study).items():
        if "the residual" in claim.words and claim.measure == "difference" and claim.rule != "untestable":
            (a,), (b,) = claim.of["models"], claim.of["minus"]
            if not {a, b} <= set(study.models) or arms.adds(study, a) == arms.adds(study, b):
                continue
            assert arms.apart(study, a, b) == [] or claim.about == "residual", key


@pytest.mark.parametrize(
    "study, a, b, verdict, notes",
    [
        (
            "small",
            "vit-proposed",
            "vit",
            "undecided",
            ["differ in more than the residual", "3 trainings of each", "ablat"],
        ),
        ("ablation", "entropy-slice", "none", "supported", []),
    ],
)
def test_a_verdict_on_the_residual_knows_the_arms_the_seeds_and_the_other_evidence(study, a, b, verdict, notes):
    of = {"metric": "accuracy", "dataset": "brain-mri", "split": "group", "models": [a], "minus": [b]}
    claim = Claim(words="w", place="p", rule="greater", margin=0, measure="difference", of=of, about="residual")
    found, note = review.review(load_study(study), claim, Measured("it", 12, low=1, high=30), "supported")
    assert found == verdict and bool(note) == bool(notes) and all(text in note for text in notes)


def test_two_networks_that_learned_nothing_decide_nothing():
    claims = load_claims(load_study("covid-small"))
    void = judge(load_study("covid-small"), "vgg", claims["vgg-covid-chestxray"])
    assert void.verdict == "nothing learned" and "vgg11 (3 of 3), alexnet (3 of 3)" in void.note


def test_what_was_changed_after_the_run_stands_beside_the_verdict(monkeypatch):
    found = verdict(monkeypatch, "most", (1,), margin=2, changed="it is a ratio now, since sizes are compared")
    assert found.note == "changed after the run: it is a ratio now, since sizes are compared"


def test_a_gap_that_no_history_recorded_is_not_testable():
    small = load_study("small")
    found = judge(small, "gap-mri", load_claims(small)["gap-mri"])
    assert found.verdict == "not testable here" and "final_train_accuracy" in found.tolerance


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
