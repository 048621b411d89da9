"""Intervals over groups: closed forms where there are some, and how often they hold the truth where there are none."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from lib.evidence import intervals
from lib.evidence.intervals import Counts, counts, design_effect, interval

# photographs and images of each class in a test part: blood cells (TEST), brain MRI (the paper's)
BLOOD, MRI = [(13, 623), (6, 620), (4, 620), (48, 624)], [(27, 27), (24, 24)]


def test_set(sizes, recall, alike=0.0, seed=0) -> Counts:
    """One outcome on photographs and images of each class, with views of a photograph so much alike."""
    rng, label, images = np.random.default_rng(seed), [], []
    for number, (photographs, total) in enumerate(sizes):
        label += [number] * photographs
        images += [total // photographs + (i < total % photographs) for i in range(photographs)]
    label, images = np.array(label), np.array(images)
    share = rng.beta(*(np.array([recall, 1 - recall]) * (1 / alike - 1)), len(label)) if alike else recall
    predicted = np.zeros((1, len(label), len(sizes)))
    predicted[0, range(len(label)), label] = rng.binomial(images, share)
    predicted[0, range(len(label)), (label + 1) % len(sizes)] = images - predicted[0, range(len(label)), label]
    return Counts(label, np.arange(len(label)), predicted)


test_set.__test__ = False


def test_predictions_are_counted_by_class_and_group():
    table = pd.DataFrame({"label": list("aabba"), "group": [7, 7, 8, 8, 9], "predicted": list("abbba")})
    counted = counts([table, table.assign(predicted=list("aabba"))], ["a", "b"])
    assert counted.images.tolist() == [2, 1, 2]
    assert counted.confusion.tolist() == [[2.5, 0.5], [0, 2]]
    assert interval(counted).estimate == pytest.approx(0.9)


@pytest.mark.parametrize("recall", [0.5, 0.8, 0.95])
def test_over_independent_images_it_is_wilsons_interval(recall):
    one = test_set([(600, 600)] * 2, recall)
    right = int(intervals.accuracy(one.confusion) * 1200)
    low, high = proportion_confint(right, 1200, method="wilson")
    found = interval(one)
    assert [found.low, found.high] == pytest.approx([low, high], abs=0.006)
    assert design_effect(one) == 1


def test_groups_that_are_alike_share_a_weight_and_nothing_else_changes():
    one, other = test_set([(300, 900), (40, 40)], 0.9, 0.3), test_set([(300, 900), (40, 40)], 0.8, 0.3, seed=1)
    kinds, each = intervals.alike(one, other), np.arange(len(one.label))
    assert len(set(kinds)) < 40 and len(set(intervals.alike(one))) < len(set(kinds))
    for numbers in (kinds, intervals.alike(one)):
        drawn, apart = (
            intervals.arms(one, {"": intervals.accuracy}, kinds=k, draws=20000)[""][0].low for k in (numbers, each)
        )
        assert drawn.mean() == pytest.approx(apart.mean(), abs=0.001)
        assert drawn.std() == pytest.approx(apart.std(), rel=0.03)


def test_the_same_draws_of_groups_serve_all_seeds_and_both_models():
    one = test_set([(50, 200)] * 2, 0.8, 0.3)
    both = one._replace(predicted=np.concatenate([one.predicted] * 2))
    low = intervals.arms(both, intervals.MACRO)["f1"][0].low
    assert (low[0] == low[1]).all() and low.shape == (2, intervals.DRAWS)


def test_views_that_are_all_alike_count_once_and_independent_ones_each():
    alike, apart = test_set([(60, 600)] * 2, 0.7, alike=0.999), test_set([(60, 600)] * 2, 0.7)
    assert design_effect(alike) == pytest.approx(10, rel=0.05)
    assert design_effect(apart) == pytest.approx(1, abs=0.25)
    wide, narrow = interval(alike), interval(apart)
    assert 2.5 < (wide.high - wide.low) / (narrow.high - narrow.low) < 3.6  # the square root of 10 is 3.16


def test_seeds_that_differ_widen_it():
    one, other = test_set([(200, 200)] * 2, 0.9), test_set([(200, 200)] * 2, 0.7)
    both = one._replace(predicted=np.concatenate([one.predicted, other.predicted, one.predicted]))
    alone = interval(one)
    assert interval(both).high - interval(both).low > 1.5 * (alone.high - alone.low)


def test_seeds_add_students_t_as_squares():
    one = test_set([(200, 200)] * 2, 0.9)
    seeds = np.concatenate([one.predicted, test_set([(200, 200)] * 2, 0.7, seed=3).predicted])
    found, alone = interval(one._replace(predicted=seeds)), interval(one)
    by_hand = 25.452 * np.std([interval(one._replace(predicted=s[None])).estimate for s in seeds], ddof=1) / np.sqrt(2)
    assert found.estimate - found.low == pytest.approx(min(by_hand, found.estimate), rel=0.02)
    assert alone.high - alone.low < 0.1 and found.high == 1


def test_scores_near_100_percent_are_not_pulled_down():
    one = test_set([(200, 200)] * 10, 0.998, seed=2)
    right = int(intervals.accuracy(one.confusion) * 2000 + 0.5)
    found, jeffreys = interval(one, draws=20_000), proportion_confint(right, 2000, method="jeffreys")
    assert [found.low, found.high] == pytest.approx(jeffreys, abs=0.001) and 1990 <= right < 2000
    perfect = interval(test_set([(200, 200)] * 10, 1.0))
    assert perfect.estimate == perfect.high == 1 and 0.998 < perfect.low < 0.9995


def test_a_class_that_is_all_right_still_leaves_doubt_and_an_absent_one_no_nan():
    one = test_set([(4, 40), (40, 400)], 1.0)
    found = interval(one, intervals.smallest_recall, each=True)
    assert found.estimate == found.high == 1 and 0.4 < found.low < 0.97
    absent = Counts(one.label, one.group, np.pad(one.predicted, [(0, 0), (0, 0), (0, 1)]))
    assert np.isfinite(interval(absent, intervals.smallest_recall)).all() and np.isfinite(design_effect(absent))


def test_classes_of_too_few_groups_have_no_interval_where_they_weigh_much():
    for sizes in [[(3, 30), (40, 400)], [(2, 100)] * 2, [(1, 10)] * 2]:
        found = interval(test_set(sizes, 0.5))
        assert np.isnan([found.low, found.high]).all() and np.isfinite(found.estimate)
    one_large = Counts(*(np.concatenate(parts) for parts in dominated()), np.concatenate(list(large_predicted()))[None])
    assert intervals.weak(one_large) == [0, 1] and np.isnan(interval(one_large).low)
    four = test_set([(13, 620), (6, 620), (3, 620), (48, 620)], 0.8, 0.3)
    assert np.isfinite(interval(four)).all(), "a quarter of the images and classes: measured in coverage.csv"
    assert np.isnan(interval(four, intervals.smallest_recall, each=True).low), "each class matters"


def dominated():
    """label and group of two classes, each of one group of many images and twenty of one."""
    return [np.repeat([0], 21), np.repeat([1], 21)], [np.arange(21), 21 + np.arange(21)]


def large_predicted():
    """(entries, classes) of each of them."""
    for label in (0, 1):
        images = np.array([500] + [1] * 20)
        yield np.outer(images, np.arange(2) == label).astype(float)
