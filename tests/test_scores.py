"""Scores are what scikit-learn says, and the paper's numbers are never printed apart from what was measured."""

import re

import numpy as np
import pandas as pd
import pytest
from conftest import drawn_study
from sklearn.calibration import calibration_curve

from lib.evidence import intervals, scores
from lib.evidence.intervals import counts
from lib.evidence.published import with_numbers, with_published
from lib.report import tables

PREDICTIONS = pd.DataFrame({"label": list("aaabbbcccc"), "predicted": list("aabbbacccc"), "group": range(10)})


def test_scores_by_hand():
    values = scores.scores(PREDICTIONS)
    assert values["accuracy"] == pytest.approx(8 / 10)
    assert values["precision"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert values["recall"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert scores.of_two(PREDICTIONS, ["a", "b", "c"]) == {}


def test_of_two_classes_the_first_is_positive_and_named():
    table = pd.DataFrame({"label": list("yyynnnn"), "predicted": list("yynnnny")})
    of_y, of_n = scores.of_two(table, ["y", "n"]), scores.of_two(table, ["n", "y"])
    assert of_y == pytest.approx(
        {"sensitivity (y)": 2 / 3, "specificity (y)": 3 / 4, "precision (y)": 2 / 3, "F1 (y)": 2 / 3}
    )
    assert (of_n["sensitivity (n)"], of_n["specificity (n)"]) == (of_y["specificity (y)"], of_y["sensitivity (y)"])


@pytest.mark.parametrize("seed", range(5))
def test_scores_of_counts_are_scikit_learns(seed):
    rng = np.random.default_rng(seed)
    table = pd.DataFrame({name: rng.choice(list("abcd"), 60) for name in ("label", "predicted")}).assign(group=0)
    table = table[table.label != "d"] if seed > 2 else table  # an absent class is left out of the averages
    counted = counts([table], list("abcd"))
    for metric, value in scores.scores(table).items():
        assert intervals.MACRO[metric](counted.confusion) == pytest.approx(value), metric


def test_confusion_rows_are_true_classes_and_sum_to_one():
    matrix = scores.confusion(PREDICTIONS, list("abcd"))
    assert matrix.sum(axis=1).tolist() == pytest.approx([1, 1, 1, 0])
    assert matrix.loc["a", "b"] == pytest.approx(1 / 3) and matrix.loc["c", "c"] == 1


def test_calibration_is_scikit_learns_and_a_sure_and_right_model_has_none():
    rng = np.random.default_rng(0)
    yes = rng.random(4000)
    table = pd.DataFrame(
        {"label": np.where(rng.random(4000) < 0.5 + 0.4 * (yes - 0.5), "yes", "no"), "p_yes": yes, "p_no": 1 - yes}
    )
    errors = scores.calibration(table, ["yes", "no"])
    right = np.where(yes >= 0.5, table.label == "yes", table.label == "no")
    accuracy, confidence = calibration_curve(right, np.maximum(yes, 1 - yes), n_bins=10)
    share = np.histogram(np.maximum(yes, 1 - yes), np.linspace(0, 1, 11))[0]
    weighted = (np.abs(accuracy - confidence) * share[share > 0]).sum() / 4000
    assert errors["calibration_error"] == pytest.approx(weighted, abs=1e-3) and errors["calibration_error"] > 0.05
    sure = table.assign(p_yes=(table.label == "yes") * 1.0, p_no=(table.label == "no") * 1.0)
    assert list(scores.calibration(sure, ["yes", "no"]).values()) == pytest.approx([0, 0, 0], abs=1e-6)


def test_the_naive_interval_is_narrower_where_images_share_a_photograph():
    rng = np.random.default_rng(0)
    groups = np.repeat(range(40), 30)
    label, hard = np.where(groups % 2, "yes", "no"), rng.random(40)[groups] < 0.3
    table = pd.DataFrame({"label": label, "group": groups, "predicted": np.where(hard, "no", label)})
    found = scores.assess(counts([table, table], ["yes", "no"]))
    assert found["images"] == 1200 and found["groups"] == 40 and found["seeds"] == 2
    assert found["effective_images"] == pytest.approx(40, rel=0.05)
    assert found["high"] - found["low"] > 4 * (found["naive_high"] - found["naive_low"])


def test_a_model_without_a_result_somewhere_is_not_ranked():
    rows = [("a", "x", 0.9), ("a", "y", 0.7), ("b", "y", 0.99)]
    per_run = pd.DataFrame(rows, columns=["model", "dataset", "value"]).assign(
        split="group", metric="validation_accuracy"
    )
    ranked = scores.ranking(per_run)
    assert ranked.model.tolist() == ["a", "b"] and ranked["mean"].isna().tolist() == [False, True]


def test_what_cannot_be_said_is_said():
    table = pd.DataFrame({"label": list("aab"), "predicted": list("aab"), "group": [0, 1, 2]})
    counted = counts([table], list("abc"))
    assert scores.limits(scores.groups(counted, list("abc")), 1) == [
        "The test part has no image of c: averages over classes leave it out.",
        "All test images of b belong to one group: its variation is unknown.",
        "One seed per model: the intervals leave out the variation between seeds.",
    ]
    rows = pd.DataFrame(scores.table1([table], counted))
    assert rows["mean"].notna().all() and rows.low.isna().all(), "too few groups for an interval"
    assert np.isfinite([value for name, value in scores.assess(counted).items() if name not in ("low", "high")]).all()
    untold = scores.limits(scores.groups(counted, list("abc")), 2, ["accuracy"])[-1]
    assert untold.startswith("No interval for accuracy: a third of the classes") and "4 groups" in untold


def test_holm_counts_all_that_has_a_p():
    corrected = scores.holm(pd.Series([0.01, np.nan, 0.04, 0.03]))
    # 3 x 0.01; 2 x 0.03; and 0.04 no smaller than that before
    assert corrected.tolist() == pytest.approx([0.03, np.nan, 0.06, 0.06], nan_ok=True)
    assert scores.holm(pd.Series([np.nan])).isna().all()


def test_published_numbers_stand_beside_the_data_set_that_they_belong_to():
    row = {"dataset": "phantom-blood", "split": "published", "model": "vit", "metric": "accuracy", "seeds": 2}
    row |= {"mean": 0.6, "std": 0.14, "low": 0.5, "high": 0.75}
    table = with_published(drawn_study(), pd.DataFrame([row]))
    assert table.published.tolist() == pytest.approx([0.8838])
    shown = tables.accuracies_html(table.replace({"model": {"vit": "ViT"}}))
    assert re.findall("<td>(.*?)</td>", shown) == ["ViT", "88.38", "60.0<br><small>50.0 to 75.0</small>"]


def test_figures_carry_the_papers_numbers():
    drawn = pd.DataFrame(
        [
            {"kind": "confusion", "dataset": "phantom-brain", "model": "vit-proposed"},
            {"kind": "architecture", "dataset": None, "model": "vit"},
        ]
    )
    assert with_numbers(drawn_study(), drawn).number.tolist() == [9, 2]
