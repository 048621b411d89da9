"""What arithmetic says about published numbers: never "cannot arise" for numbers that a confusion matrix prints."""

from fractions import Fraction
from itertools import product

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import precision_recall_fscore_support

from lib import strict
from lib.evidence import arithmetic
from lib.evidence.arithmetic import WAYS, attainable, attainable_rows, matching_matrices, recall_bounds, row_chance

MRI = {"brain-mri": {"stated": {"tumour": 27, "healthy": 24}}}
CELLS = {"blood-cells": {"stated": dict.fromkeys("abcd", 600), "folder": dict(zip("abcd", (623, 620, 620, 624)))}}


def test_known_counts():
    assert attainable("92.16", 51) == [47] and attainable(92.16, 51) == [47] and attainable("92.15", 51) == []
    assert attainable("92.15", 51, truncate=True) == [47] and attainable("92.16", 51, truncate=True) == []
    assert attainable("96.15", 51) == attainable("96.15", 51, truncate=True) == []
    assert attainable("96.15", 26) == [25] and attainable("96.15", 52) == [50]
    assert attainable("50", 3) == [] and attainable("100", 3) == [3] and attainable("0.0", 3) == [0]
    assert attainable("33", 1000, decimals=0) == list(range(325, 336))  # 32.5 and 33.5 are ties


@pytest.mark.parametrize("n", [7, 51, 64, 80])
def test_every_count_is_found_under_what_python_prints(n):
    for k in range(n + 1):
        assert k in attainable(f"{100 * k / n:.2f}", n)
        assert k in attainable("{}.{:02d}".format(*divmod(10_000 * k // n, 100)), n, truncate=True)


def test_a_tie_prints_as_both_neighbours_and_cut_off_as_the_lower():
    assert attainable("0.12", 800) == attainable("0.13", 800) == [1]  # 1/800 is 0.125 %
    assert attainable("0.12", 800, truncate=True) == [1] and attainable("0.13", 800, truncate=True) == []


def test_floats_with_noise_are_read_and_other_text_is_refused():
    assert attainable(100 * 0.57, 100) == [57] and attainable(np.float64(92.16), 51) == [47]
    for wrong in (("92.155", 51), ("-1", 51), ("100.01", 51), ("many", 51), (float("nan"), 51), ("50.00", 0)):
        with pytest.raises(ValueError):
            attainable(*wrong)


def test_averages_are_those_of_scikit_learn():
    draw = np.random.default_rng(0)
    for tp, fn, fp, tn in [*draw.integers(1, 30, (20, 4)).tolist(), (0, 5, 0, 7), (0, 3, 4, 0)]:
        truth, predicted = np.repeat([1, 1, 0, 0], (tp, fn, fp, tn)), np.repeat([1, 0, 1, 0], (tp, fn, fp, tn))
        ours = arithmetic.averages(tp, fn, fp, tn)
        for name in ("macro", "weighted"):
            theirs = precision_recall_fscore_support(truth, predicted, average=name, zero_division=0)
            assert [float(v) for v in ours[name]] == pytest.approx(theirs[:3])
        each = np.array(precision_recall_fscore_support(truth, predicted, zero_division=0)[:3])
        assert [float(v) for v in ours["negative class"]] == pytest.approx(each[:, 0])
        assert [float(v) for v in ours["positive class"]] == pytest.approx(each[:, 1])


def test_what_a_real_matrix_prints_is_never_called_impossible():
    for tp, tn in product(range(6), range(5)):
        matrix = (tp, 5 - tp, 4 - tn, tn)
        for name, metrics in arithmetic.averages(*matrix).items():
            found = matching_matrices(f"{100 * (tp + tn) / 9:.2f}", *(f"{float(v):.2f}" for v in metrics), 5, 4)
            assert (name, *matrix) in set(found.itertuples(index=False, name=None))


def test_rows_with_a_known_answer():
    found = matching_matrices("92.15", "1.00", "0.83", "0.91", 27, 24, WAYS["accuracy cut off, the others rounded"])
    assert found.to_numpy().tolist() == [["negative class", 27, 0, 4, 20]]
    assert matching_matrices("96.15", None, None, None, 27, 24).empty
    assert len(matching_matrices(None, None, None, None, 2, 1)) == 3 * 2 * 4
    assert set(matching_matrices(None, "1.00", "1.00", None, 3, 2).averaging) == set(arithmetic.averages(1, 1, 1, 1))
    with pytest.raises(ValueError, match="two classes"):
        matching_matrices("50.00", None, None, None, 4, 0)


@pytest.mark.parametrize("sizes", [(2, 3, 5), (4, 4, 4), (1, 6)])
def test_recall_bounds_are_those_of_all_confusion_matrices(sizes):
    for k in range(sum(sizes) + 1):
        right = [r for r in product(*(range(size + 1) for size in sizes)) if sum(r) == k]
        macro = [sum(map(Fraction, r, sizes)) / len(sizes) for r in right]
        assert recall_bounds(f"{100 * k / sum(sizes):.2f}", sizes) == (min(macro), max(macro))
    low, high = recall_bounds("51.23", sizes)  # no count: those on either side
    assert low < Fraction(5123, 10000) < high


def test_row_chance_counts_the_distinct_rows_that_can_arise():
    rows = set()
    for tp, tn, cut in product(range(3), range(2), WAYS.values()):
        for metrics in arithmetic.averages(tp, 2 - tp, 1 - tn, tn).values():
            values = [Fraction(100 * (tp + tn), 3), *metrics]
            shift = [0 if short else Fraction(1, 2) for short in (cut[0], *3 * [cut[1]])]
            rows.add(tuple(int(100 * value + half) for value, half in zip(values, shift)))
    passing = sum(row[0] >= 6000 and min(row[1:]) >= 60 for row in rows)
    assert row_chance([(2, 1)], lowest=0.6) == pytest.approx(passing / (4001 * 41**3))
    assert row_chance([(1, 1, 1)], lowest=0.6) == pytest.approx(5 / (4001 * 41))  # 66.66 or .67 with .66 or .67; 100


def test_the_published_table():
    table = pd.read_csv(strict.ROOT / "params" / "published" / "res-vit" / "table1.csv")
    checked = attainable_rows(table, MRI | CELLS).set_index(["dataset", "model"])
    assert len(checked) == len(table) and not checked.isna().any(axis=None)
    assert "no count over 51 prints as 96.15 %" in checked.loc[("brain-mri", "vit-proposed"), "in_words"]
    assert checked.loc[("brain-mri", "resnet18"), "rounded"] == "stated: 47"
    assert "27 of 27 tumour and 20 of 24 healthy" in checked.loc[("brain-mri", "vit"), "in_words"]
    rows = checked.row_attainable
    assert rows["brain-mri"][rows["brain-mri"]].index.tolist() == ["alexnet", "resnet18", "vit"]
    assert rows["blood-cells"][rows["blood-cells"]].index.tolist() == ["vit"]
    assert checked.loc["brain-mri", "chance"].max() < 0.01 < 0.5 < checked.loc["blood-cells", "chance"].min()


def test_the_chance_of_a_count_is_the_share_of_percentages_that_are_one():
    assert arithmetic.chance(2) == 3 / 10001
    assert arithmetic.chance(3) == 5 / 10001  # 0, 33.33, 66.66 cut off, 66.67 rounded, 100
    some = [f"{units / 100:.2f}" for units in range(0, 10001, 97)]
    passed = [bool(attainable(one, 173) or attainable(one, 173, truncate=True)) for one in some]
    assert sum(passed) / len(some) == pytest.approx(arithmetic.chance(173), abs=0.05)
