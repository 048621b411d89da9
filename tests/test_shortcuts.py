"""What predicts the class beside what the image shows is found, and only then; and what an owner asks of a result."""

import numpy as np
import pandas as pd
import pytest

from lib.evidence import intervals, sensitivity
from lib.evidence.shortcuts import SHORTCUTS, shortcuts
from lib.plots import mistakes

ROWS = 80
FOLDS = 2  # a forest takes its time for each


def made(seed: int = 0, **changed):
    """Images that differ in nothing that predicts the class, but for what is changed in class b."""
    rng = np.random.default_rng(seed)
    images = pd.DataFrame({"label": ["a", "b"] * (ROWS // 2)})
    second = images.label == "b"
    suffix = np.where(second & (changed.get("file format") is not None), "jpg", rng.choice(["png", "tif"], ROWS))
    folder = np.where(second & (changed.get("source folder") is not None), "site2", rng.choice(["x", "y"], ROWS))
    images["path"] = [f"{row.label}/{folder[row.Index]}/{row.Index}.{suffix[row.Index]}" for row in images.itertuples()]
    images["width"] = rng.integers(90, 110, ROWS) + 50 * second * (changed.get("width and height") is not None)
    images["height"] = rng.integers(90, 110, ROWS)
    pixels = rng.integers(0, 256, (ROWS, 16, 16, 3))
    pixels[second] += 60 * (changed.get("mean colour") is not None)
    pixels[second, :2] //= 1 + (changed.get("colour of the edges") is not None)
    return images, pixels.clip(0, 255).astype(np.uint8), pd.Series(range(ROWS))


@pytest.mark.parametrize("what", list(SHORTCUTS))
def test_a_property_that_predicts_the_class_is_told(what):
    found = shortcuts(*made(**{what: True}), folds=FOLDS).set_index("what")
    assert found.above[what] and found.recall[what] > 0.8 and found.chance[what] == 0.5


def test_properties_that_predict_nothing_are_rarely_told_and_constant_ones_are_left_out():
    told = [name for seed in range(4) for name in shortcuts(*made(seed), folds=FOLDS).query("above").what]
    assert len(told) <= 2
    images, pixels, groups = made()
    images = images.assign(width=9, height=9)
    assert "width and height" not in set(shortcuts(images, pixels, groups, folds=FOLDS).what)


def predictions() -> pd.DataFrame:
    probability = np.linspace(0.02, 0.98, 40)
    table = pd.DataFrame({"path": [f"{n}.png" for n in range(40)], "group": range(40), "p_a": probability})
    label = np.where(probability > 0.4, "a", "b")
    return table.assign(p_b=1 - probability, label=label, predicted=np.where(probability > 0.5, "a", "b"))


def test_the_surest_errors_come_first():
    table = predictions()
    wrong = mistakes.surely_wrong(table, 3)
    assert len(wrong) == 3 and wrong.probability.is_monotonic_decreasing and (wrong.label != wrong.predicted).all()


def test_sensitivity_is_recall_with_an_interval_over_groups():
    class Cell:
        classes = ["a", "b", "never tested"]

    class Result:
        cell, tables = Cell(), [predictions().assign(**{"p_never tested": 0.0})]
        counted = intervals.counts(tables, Cell.classes)

    each = sensitivity.per_class(Result()).set_index("class")
    table = predictions()
    recall = (table.predicted == table.label).groupby(table.label).mean()
    assert list(each.index) == ["a", "b"] and np.allclose(each.sensitivity, recall)
    assert (each.low <= each.sensitivity).all() and (each.sensitivity <= each.high).all() and each.groups.sum() == 40


def test_an_interval_twice_as_wide_takes_four_times_the_groups():
    assert sensitivity.more_needed(0.5, 0.7, 100) == 300 and sensitivity.more_needed(0.5, 0.6, 100) == 0
