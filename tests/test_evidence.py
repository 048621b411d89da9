"""Scores are scikit-learn's, tables keep what the paper printed apart from what was measured."""

import pandas as pd
import pytest

from lib import evidence
from lib.published import with_numbers, with_published
from lib.study import load_study

PREDICTIONS = pd.DataFrame({"label": list("aaabbbcccc"), "predicted": list("aabbbacccc")})


def test_scores_by_hand():
    scores = evidence.scores(PREDICTIONS)
    assert scores["accuracy"] == pytest.approx(8 / 10)
    assert scores["precision"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)
    assert scores["recall"] == pytest.approx((2 / 3 + 2 / 3 + 1) / 3)


def test_confusion_rows_are_true_classes_and_sum_to_one():
    matrix = evidence.confusion(PREDICTIONS, list("abc"))
    assert matrix.sum(axis=1).tolist() == pytest.approx([1, 1, 1])
    assert matrix.loc["a", "b"] == pytest.approx(1 / 3) and matrix.loc["c", "c"] == 1


def test_published_numbers_stand_beside_the_data_set_that_they_belong_to():
    study = load_study("demo")
    runs = pd.DataFrame(
        [
            {
                "dataset": "phantom-blood",
                "model": "vit",
                "metric": "accuracy",
                "split": "published",
                "seed": s,
                "value": 0.5 + s / 5,
            }
            for s in (0, 1)
        ]
    )
    table = evidence.over_seeds(with_published(study, runs))
    assert table[["published", "mean", "seeds"]].iloc[0].tolist() == pytest.approx([0.8838, 0.6, 2])
    shown = evidence.beside(table.replace({"model": {"vit": "ViT"}}))
    assert shown.ViT.tolist() == ["88.38", "60.00 ± 14.14"]


def test_one_seed_shows_no_deviation():
    runs = pd.DataFrame(
        [
            {
                "dataset": "d",
                "model": "m",
                "metric": "f1",
                "split": "s",
                "seed": 0,
                "value": 0.5,
                "published": float("nan"),
            }
        ]
    )
    assert evidence.beside(evidence.over_seeds(runs)).m.tolist() == ["0.500"]


def test_figures_carry_the_papers_numbers():
    drawn = pd.DataFrame(
        [
            {"kind": "confusion", "dataset": "phantom-brain", "model": "vit-proposed"},
            {"kind": "architecture", "dataset": None, "model": "vit"},
        ]
    )
    assert with_numbers(load_study("demo"), drawn).number.tolist() == [9, 2]
