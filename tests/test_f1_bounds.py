"""The bounds of a mean F1 hold for any confusion matrix, and are reached."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lib.evidence import arithmetic, f1_bounds, intervals

matrices = st.integers(2, 6).flatmap(
    lambda k: st.lists(st.lists(st.integers(0, 30), min_size=k, max_size=k), min_size=k, max_size=k)
)


@settings(max_examples=300)
@given(matrices)
def test_the_macro_f1_of_any_confusion_matrix_lies_within(matrix):
    confusion = np.array(matrix, dtype=float)
    confusion[np.diag_indices_from(confusion)] += confusion.sum(1) == 0  # every class is met
    precision, recall, f1 = (intervals.MACRO[name](confusion[None])[0] for name in ["precision", "recall", "f1"])
    low, high = f1_bounds.bounds(precision, recall, len(confusion))
    assert low - 1e-9 <= f1 <= high + 1e-9


@settings(max_examples=200)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=8))
def test_no_choice_of_classes_goes_beyond(pairs):
    precision, recall = np.array(pairs).T
    low, high = f1_bounds.bounds(precision.mean(), recall.mean(), len(pairs))
    assert low - 1e-6 <= f1_bounds.harmonic(precision, recall).mean() <= high + 1e-6


def test_both_ends_are_reached():
    low, high = f1_bounds.bounds(0.75, 0.75, 2)
    assert high == pytest.approx(0.75) and low == pytest.approx((2 / 3 + 2 / 3) / 2)
    assert f1_bounds.harmonic([1, 0.5], [0.5, 1]).mean() == pytest.approx(low)


def test_a_printed_row_is_told_from_one_that_cannot_be():
    rows = [("m", 0.90, 0.90, 0.90), ("n", 0.90, 0.90, 0.93), ("o", 0.95, 0.95, 0.80)]
    table = pd.DataFrame(rows, columns=["model", "precision", "recall", "f1"]).assign(dataset="a", classes=4)
    found = f1_bounds.attainable_f1(table)
    assert found.attainable.tolist() == [True, False, False] and (found.lowest < found.highest).all()
    assert arithmetic.decimals(table.f1) == 2


def test_a_row_that_fits_only_by_rounding_is_attainable():
    table = pd.DataFrame(
        [("a", "m", 3, 0.33, 0.33, 0.34)], columns=["dataset", "model", "classes", "precision", "recall", "f1"]
    )
    assert f1_bounds.attainable_f1(table).attainable.all()
