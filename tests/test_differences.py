"""Two models on the same images: what their difference is worth, against closed forms and simulation."""

import numpy as np
import pytest
from scipy import stats
from scipy.special import expit
from test_intervals import BLOOD, MRI, test_set

from lib.evidence.differences import difference
from lib.evidence.intervals import Counts
from lib.strict import StudyError


def pair(sizes, lift=0.0, seed=0) -> tuple[Counts, Counts]:
    """Two models that find the same photographs hard, and differ by chance; A is right on `lift` more of the views."""
    rng, one = np.random.default_rng(seed), test_set(sizes, 0.75, 0.4, seed)
    images, rows, made = one.images.astype(int), range(len(one.label)), []
    base = np.log((one.predicted[0, rows, one.label] + 0.2) / (images - one.predicted[0, rows, one.label] + 0.2))
    for more in (lift, 0):
        right = rng.binomial(images, np.clip(expit(base + rng.normal(0, 0.8, len(images))) + more, 0, 1))
        predicted = np.zeros_like(one.predicted)
        predicted[0, rows, one.label] = right
        predicted[0, rows, (one.label + 1) % len(sizes)] = images - right
        made.append(one._replace(predicted=predicted))
    return tuple(made)


def test_a_model_does_not_differ_from_itself():
    a = test_set(BLOOD, 0.8, 0.3)
    found = difference(a, a)
    assert found.estimate == 0 and found.low <= 0 <= found.high and found.p_value == found.p_seeds == 1


def test_one_group_in_which_two_models_differ_says_nothing():
    a = test_set(MRI, 0.8)
    predicted = a.predicted.copy()
    predicted[0, 3] = predicted[0, 3, ::-1]
    assert difference(a, a._replace(predicted=predicted)).p_value == 1


def test_over_independent_images_it_is_mcnemars_test():
    a, b = pair([(400, 400)] * 2, lift=0.05)
    right = [one.predicted[0, range(800), one.label] for one in (a, b)]
    only_a, only_b = int(((right[0] == 1) & (right[1] == 0)).sum()), int(((right[0] == 0) & (right[1] == 1)).sum())
    found = difference(a, b)
    assert found.estimate == pytest.approx((only_a - only_b) / 800)
    assert found.p_value == pytest.approx(stats.binomtest(only_a, only_a + only_b).pvalue, abs=0.01)
    half = 1.96 * np.sqrt(only_a + only_b - (only_a - only_b) ** 2 / 800) / 800
    assert [found.low, found.high] == pytest.approx([found.estimate - half, found.estimate + half], abs=0.004)
    assert found.decidable == pytest.approx(2.8 / 1.96 * half, rel=0.06)


def test_swapping_the_models_swaps_the_answer():
    a, b = pair(MRI, lift=0.1)
    one, other = difference(a, b), difference(b, a)
    assert one.estimate == -other.estimate and one.p_value == other.p_value
    assert one.low == pytest.approx(-other.high, abs=0.02) and one.p_seeds == pytest.approx(other.p_seeds, rel=0.2)


def test_a_seed_that_is_missing_of_one_model_leaves_the_groups_paired():
    a, b = pair([(400, 400)] * 2, lift=0.02)
    three = [one._replace(predicted=np.concatenate([one.predicted] * 3)) for one in (a, b)]
    both, fewer = difference(*three), difference(three[0], three[1]._replace(predicted=three[1].predicted[:2]))
    assert fewer.estimate == pytest.approx(both.estimate) and fewer.p_value == both.p_value
    assert fewer.high - fewer.low == pytest.approx(both.high - both.low, rel=0.1)


def test_seeds_of_the_same_name_pair_up_and_others_do_not():
    base = test_set([(500, 500)] * 2, 0.8, 0)
    seeds = [test_set([(500, 500)] * 2, recall, 0, 7).predicted for recall in (0.6, 0.7, 0.8, 0.9)]
    a = base._replace(predicted=np.concatenate(seeds), names=(1, 2, 3, 4))
    b = a._replace(
        predicted=np.concatenate([test_set([(500, 500)] * 2, r, 0, 7).predicted for r in (0.58, 0.69, 0.77, 0.88)])
    )
    paired, apart = difference(a, b), difference(a, b._replace(names=(5, 6, 7, 8)))
    assert paired.estimate == pytest.approx(apart.estimate) == pytest.approx(0.017)
    assert paired.p_seeds < 0.05 < apart.p_seeds and apart.high - apart.low > 4 * (paired.high - paired.low)


def test_an_end_on_the_line_is_computed_on_several_streams_and_one_that_flips_is_not_steady():
    ends = []
    for wrong in range(20, 60):
        a = one_sided(wrong)
        found = difference(*a)
        ends.append((found.low, found.steady))
        assert (found.p_seeds < 0.05) == (found.low > 0)
    lows = np.array([low for low, _ in ends])
    assert all(steady for low, steady in ends if abs(low) > 0.002)
    assert (np.diff(lows) > -0.001).all() and lows[0] < 0 < lows[-1]
    assert difference(*one_sided(40)) == difference(*one_sided(40)), "the same numbers give the same answer"


def one_sided(better: int) -> tuple[Counts, Counts]:
    """Of 2,000 single images of two classes, 30 that only the second model has right, and so many only the first."""
    truth = np.tile([1.0, 0.0], (1, 1000, 1))
    a, b = (
        Counts(np.repeat([0, 1], 1000), np.arange(2000), np.concatenate([truth, truth[..., ::-1]], 1)) for _ in "ab"
    )
    for counted, places in [(a, range(0, 30)), (b, range(100, 100 + better))]:
        counted.predicted[0, places] = counted.predicted[0, places, ::-1]
    return a, b


def test_too_few_groups_give_no_interval_and_no_p():
    found = difference(*pair([(3, 300), (40, 400)], seed=1))
    assert np.isnan([found.low, found.high, found.p_seeds]).all() and np.isfinite([found.estimate, found.p_value]).all()


def test_models_tested_on_other_images_are_refused():
    a = test_set(MRI, 0.8)
    with pytest.raises(StudyError, match="tested on different images"):
        difference(a, test_set([(26, 26), (25, 25)], 0.8))
