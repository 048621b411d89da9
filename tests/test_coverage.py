"""The simulator of test sets: its truths are the ones it states, and intervals hold them."""

from itertools import product

import numpy as np
import pandas as pd
import pytest

from lib import strict
from lib.evidence import auc, coverage, intervals, margins
from lib.evidence.regimes import BLOOD, MRI, ONE, PNEUMONIA, RARE, REGIMES, TWO, Regime
from lib.plots import charts


def simulated(regime: Regime, number: int = 300) -> tuple[np.ndarray, np.ndarray]:
    """(outcomes, networks) accuracies, mean over seeds, and the truths that are given with them."""
    made = list(coverage.outcomes(regime, number, np.random.default_rng(1)))
    estimates = [[intervals.interval(one, draws=10).estimate for one in counted] for counted, _ in made]
    return np.array(estimates), np.array([true for _, true in made])


def test_the_mean_of_the_outcomes_is_the_stated_truth():
    estimates, true = simulated(Regime(PNEUMONIA, 0.85, 3, 0.03))
    assert (true == pytest.approx(0.85)) and estimates.mean() == pytest.approx(0.85, abs=0.005)
    estimates, true = simulated(Regime(MRI, 0.8, 3, 0.03, 0.05))
    assert (true == pytest.approx(0.05)) and np.diff(estimates).mean() == pytest.approx(-0.05, abs=0.02)


def test_scores_have_the_auc_that_is_stated():
    for structure, level in [(PNEUMONIA, 0.95), (RARE, 0.9)]:
        regime = Regime(structure, level, 3, 0.02, metric="auc")
        areas = [auc.placed(one)[0].mean() for one, _ in margins.outcomes(regime, 150, np.random.default_rng(1))]
        assert np.mean(areas) == pytest.approx(level, abs=0.006)


def test_seeds_scatter_as_stated():
    found = []
    for (counted,), _ in coverage.outcomes(Regime(PNEUMONIA, 0.85, 40, 0.06), 20, np.random.default_rng(0)):
        found.append(intervals.accuracy(intervals.by_class(counted.label, counted.predicted)).var(ddof=1))
    # the images' own chance in each seed is 1 point
    assert np.sqrt(np.mean(found)) == pytest.approx(0.061, abs=0.006)
    regime = Regime(PNEUMONIA, 0.85, 40, 0.06, metric="auc")
    found = [auc.placed(one)[0][:, 0].std(ddof=1) for one, _ in margins.outcomes(regime, 20, np.random.default_rng(0))]
    assert np.mean(found) == pytest.approx(0.061, abs=0.006)


def test_one_seed_stands_for_itself():
    estimates, true = simulated(Regime(PNEUMONIA, 0.85, 1, 0.1))
    assert true.std() > 0.05 and np.abs(estimates[:, 0] - true).mean() < 0.02


def test_views_of_a_group_are_alike_and_two_networks_err_on_the_same_groups():
    (counted,), _ = next(coverage.outcomes(Regime(BLOOD, 0.8, 1, 0), 1, np.random.default_rng(0)))
    assert 0.15 < intervals.correlation(counted) < 0.7
    (a, b), _ = next(coverage.outcomes(Regime(PNEUMONIA, 0.8, 1, 0, 0), 1, np.random.default_rng(0)))
    right = [one.predicted[0, np.arange(len(one.label)), one.label] for one in (a, b)]
    assert 0.05 < np.corrcoef(right)[0, 1] < 0.6


@pytest.mark.parametrize(
    "regime", [Regime(MRI, 0.8, 3, 0.12), Regime(PNEUMONIA, 0.98, 1, 0), Regime(RARE, 0.8, 2, 0.05, 0)]
)
def test_a_few_outcomes_of_hard_regimes_are_held(regime):
    found = coverage.measure(regime, number=100, draws=200)
    assert found["coverage"] > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 100) and found["width"] > 0.8 * found["oracle"]


def test_a_wrong_interval_is_found_out():
    def half(counted, metric, **stream):
        estimate, low, high = coverage.interval(counted, metric, **stream)
        return estimate, (estimate + low) / 2, (estimate + high) / 2

    assert coverage.measure(Regime(MRI, 0.8, 1, 0), 100, 200, interval=half)["coverage"] < 0.85


def test_where_no_interval_is_printed_none_is_measured():
    for structure, metric in product((TWO, ONE), ("accuracy", "auc")):
        assert np.isnan(coverage.measure(Regime(structure, 0.8, 1, 0, metric=metric), 3, 50)["coverage"])


def test_the_committed_table_is_of_these_regimes_and_holds_what_is_promised():
    measured = coverage.read()
    described = pd.DataFrame([coverage.described(regime) for regime in REGIMES]).astype({"lift": float})
    keys = ["metric", "structure", "level", "seeds", "lift", "seed_sd"]
    both = [one[described.columns].sort_values(keys, ignore_index=True) for one in (measured, described)]
    pd.testing.assert_frame_equal(*both, check_dtype=False)
    printed = measured[measured.coverage.notna()]
    assert (measured.outcomes >= 1000).all() and (printed.coverage >= 0.92).all()
    assert set(measured.structure[measured.coverage.isna()]) == {TWO, ONE}
    assert (strict.ROOT / "reports" / "bench" / "coverage.csv").exists()


def test_the_nearest_line_is_that_of_its_own_test_set():
    measured = coverage.read()
    rng = np.random.default_rng(0)
    (((blood,), _),) = coverage.outcomes(Regime(BLOOD, 0.8, 1, 0), 1, rng)
    (((mri,), _),) = coverage.outcomes(Regime(MRI, 0.8, 1, 0), 1, rng)
    near = coverage.nearest(measured, blood, 1, 0.79)
    assert (near.structure, near.level, near.seeds) == (BLOOD, 0.8, 1) and np.isnan(near.lift)
    assert "accuracy 80.0%, one seed): the interval holds the truth in" in coverage.in_words(near)
    area = coverage.nearest(measured, mri, 1, 0.95, metric="auc")
    assert (area.structure, area.level) == (MRI, 0.95) and "(brain MRI, AUC 0.950, one seed)" in coverage.in_words(area)
    pair = coverage.nearest(measured, mri, 10, 0.8, difference=True)
    assert (pair.structure, pair.seeds) == (MRI, 10)
    wide = near.copy()
    wide["coverage"], wide["width"], wide["oracle"] = 0.99, 3.0, 2.0
    assert coverage.in_words(wide).endswith("and is 1.5 times as wide as needed")


def test_every_line_is_of_one_kind_and_the_figure_names_those_with_an_interval():
    measured = coverage.read()
    kinds = coverage.kinds(measured)
    assert sorted(index for part in kinds.values() for index in part.index) == list(measured.index)
    assert kinds["No interval"].coverage.isna().all() and set(kinds["AUC"].metric) == set(coverage.AREAS)
    shown = {name: part for name, part in kinds.items() if name != "No interval"}
    _, alt = charts.coverage(shown, coverage.TOO_OFTEN)
    assert all(f"{name}: {part.coverage.min():.1%}" in alt for name, part in shown.items())
