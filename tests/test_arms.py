"""An effect of the residual is one of two arms that differ in it alone, and other trainings of the pair are found."""

import pytest

from lib import strict
from lib.evidence import arms
from lib.study import load_study

STUDIES = sorted(path.parent.name for path in strict.ROOT.glob("params/*/claims.yaml"))


@pytest.mark.parametrize(
    "study, a, b, more",
    [
        ("ablation", "entropy-slice", "none", []),
        ("ablation", "column-sum-tile", "none", []),
        ("ablation", "released", "released-none", []),
        ("ablation", "carried", "carried-none", []),
        ("ablation", "carried", "none", ["attention_weights"]),
        ("ablation", "released", "vit", [arms.WHOLE]),
        ("small", "vit-proposed", "vit", [arms.WHOLE]),
        ("small", "vit-proposed", "vit-scratch", ["weights", arms.WHOLE]),
        ("small", "vit-proposed", "vit-proposed-scratch", ["weights"]),
    ],
)
def test_what_two_arms_differ_in_beside_the_residual(study, a, b, more):
    study = load_study(study)
    assert sorted(arms.apart(study, a, b)) == sorted(more)
    assert arms.of_residual(study, a, b) == (not more)


def test_two_arms_with_a_residual_or_in_the_wrong_order_are_no_comparison_of_the_residual():
    study = load_study("ablation")
    assert not arms.of_residual(study, "entropy-slice", "random") and not arms.of_residual(study, "none", "l1-slice")
    assert arms.apart(study, "entropy-slice", "random") == []


def test_a_rate_of_its_own_is_more_than_the_residual():
    study = load_study("answer-digits")
    other = study.models["entropy"].model_copy(update={"learning_rate": 0.5})
    changed = study.model_copy(update={"models": {**study.models, "entropy": other}})
    assert arms.of_residual(study, "entropy", "none") and not arms.of_residual(changed, "entropy", "none")
    assert arms.apart(changed, "entropy", "none") == ["learning_rate"]


def test_other_trainings_of_a_pair_are_found_by_split_start_and_study():
    cell = load_study("small").cell("brain-mri", "group")
    others = arms.beside(cell, "vit-proposed", "vit")
    found = {(other.study, other.split, other.start): other for other in others}
    assert len(found) == len(others) and {("small", "group", "none"), ("small", "random", "phantoms")} < set(found)
    ablation = found["ablation", "group", "phantoms"]
    assert ablation.same_images and ablation.seeds == 10 and ablation.estimate == pytest.approx(-0.0216, abs=1e-3)
    assert ("quick", "published", "none") not in found, "it was tested on other images"
    assert not found["small", "published", "phantoms"].same_images


@pytest.mark.parametrize(
    "low, high, others, expected",
    [
        (0.1, 0.2, [(0.01, 0.3)], False),
        (0.1, 0.2, [(-0.1, 0.3)], True),
        (0.1, 0.2, [(-0.3, -0.1)], True),
        (-0.1, 0.2, [(-0.2, 0.1)], False),
        (-0.1, 0.2, [(-0.2, -0.1)], True),
        (0.1, 0.2, [], False),
    ],
)
def test_differences_disagree_where_they_lie_on_other_sides_of_none(low, high, others, expected):
    assert (
        arms.disagree(low, high, [arms.Other("s", "group", "none", True, 5, 0, *ends) for ends in others]) == expected
    )
