"""Groups and seeds in one interval: closed forms, and what must not count twice."""

import numpy as np
import pytest
from scipy import stats

from lib.evidence import mover
from lib.evidence.mover import Arm


def arm(estimates, groups=0.0, own=0.0, draws=40_000, seeds=None) -> Arm:
    """Replicates with a normal spread that all seeds share, and one that each has of its own."""
    rng, estimates = np.random.default_rng(0), np.asarray(estimates, float)
    drawn = estimates[:, None] + groups * rng.normal(size=draws) + own * rng.normal(size=(len(estimates), draws))
    return Arm(seeds or tuple(range(len(estimates))), estimates, drawn, drawn)


@pytest.mark.parametrize("estimates", [[0.7, 0.8], [0.6, 0.7, 0.72]])
def test_seeds_alone_give_students_interval(estimates):
    tail = 0.0125 if len(estimates) == 2 else 0.025
    mean, half = np.mean(estimates), stats.t.isf(tail, len(estimates) - 1) * stats.sem(estimates)
    found = mover.ends([arm(estimates, draws=10)])
    assert found == pytest.approx((mean - half, mean + half))
    # by hand: 25.452 * 0.05, and 4.303 * 0.0371
    assert half == pytest.approx({2: 1.2726, 3: 0.1597}[len(estimates)], abs=1e-4)


def test_groups_alone_give_the_quantiles_of_their_draws_and_both_add_as_squares():
    one = arm([0.8], groups=0.02)
    assert mover.ends([one]) == pytest.approx((0.8 - 1.96 * 0.02, 0.8 + 1.96 * 0.02), abs=0.001)
    both = arm([0.75, 0.8, 0.85], groups=0.02)
    seeds = stats.t.ppf(0.975, 2) * stats.sem(both.estimates)
    assert mover.ends([both])[1] - 0.8 == pytest.approx(np.hypot(1.96 * 0.02, seeds), rel=0.01)


def test_sides_keep_their_own_reach():
    one = arm([0.98], groups=0.01)
    low, high = mover.ends([one._replace(low=one.low - 0.05)])
    assert 0.98 - low == pytest.approx(0.0696, abs=0.001) and high - 0.98 == pytest.approx(0.0196, abs=0.001)


def test_what_seeds_have_of_their_own_in_each_group_counts_once():
    rng, seeds = np.random.default_rng(1), 5
    estimates = 0.8 + 0.02 * rng.normal(size=seeds)
    alone = stats.t.ppf(0.975, seeds - 1) * stats.sem(estimates)
    found = mover.ends([arm(estimates, own=0.02)])
    assert found[1] - estimates.mean() == pytest.approx(alone, rel=0.05)


def test_the_same_seeds_pair_up_and_others_are_welchs():
    a, b = arm([0.8, 0.9, 0.7]), arm([0.7, 0.81, 0.59])
    together, apart = (mover.ends(mover.minus([a], [b], paired)) for paired in (True, False))
    paired = stats.ttest_rel(a.estimates, b.estimates).confidence_interval()
    welch = stats.ttest_ind(a.estimates, b.estimates, equal_var=False).confidence_interval()
    assert together == pytest.approx(tuple(paired)) and apart == pytest.approx(tuple(welch))
    others = arm([0.7, 0.81], seeds=(7, 8))
    assert len(mover.minus([a], [others])) == 2 and len(mover.minus([a], [b])) == 1


def test_p_is_that_of_the_t_test_or_of_the_normal_one_and_agrees_with_the_interval():
    estimates = np.array([0.01, 0.03, 0.02, 0.05, 0.02])
    assert mover.p_value([arm(estimates)]) == pytest.approx(stats.ttest_1samp(estimates, 0).pvalue, rel=1e-6)
    assert mover.p_value([arm([0.03], groups=0.01)]) == pytest.approx(2 * stats.norm.sf(3), rel=0.1)
    assert mover.p_value([arm([0.0], groups=0.01)]) == 1
    assert mover.p_value([arm([0.5], groups=1e-6)]) < 1e-9
    for size in np.linspace(0.001, 0.06, 15):
        one = [arm([size - 0.01, size, size + 0.02], groups=0.01)]
        low, high = mover.ends(one)
        assert (mover.p_value(one) < 0.05) == (low > 0 or high < 0)


def test_a_difference_of_the_decidable_size_is_found_in_four_of_five_cases():
    one = [arm([0.0], groups=0.01)]
    assert mover.decidable(one) == pytest.approx(2.8 * 0.01, rel=0.02)
