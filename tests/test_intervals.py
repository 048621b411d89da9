"""Intervals over groups: closed forms where there are some, and how often they hold the truth where there are none."""

import numpy as np
import pandas as pd
import pytest
from statsmodels.stats.proportion import proportion_confint

from lib.evidence import intervals
from lib.evidence.intervals import Counts, counts, coverage, design_effect, interval

# photographs and images of each class in a test part: blood cells (TEST), brain MRI (the paper's)
BLOOD, MRI = [(13, 623), (6, 620), (4, 620), (48, 624)], [(27, 27), (24, 24)]
# blood cells, split over groups
GROUPED = [(17, 620), (7, 620), (4, 620), (42, 624)]


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
        drawn, apart = (intervals.recalls(intervals.replicates(one, kinds=k, draws=20000)) for k in (numbers, each))
        assert drawn.mean(0) == pytest.approx(apart.mean(0), abs=0.001)
        assert drawn.std(0) == pytest.approx(apart.std(0), rel=0.03)


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


@pytest.mark.parametrize(
    "sizes, models",
    [
        (BLOOD, [(0.9, 0.5), (0.8, 0.3), (0.6, 0.6)]),
        (GROUPED, [(0.9, 0.5), (0.8, 0.3), (0.6, 0.6)]),
        (MRI, [(0.95, 0.0), (0.85, 0.0), (0.7, 0.0)]),
    ],
)
def test_it_holds_the_truth_as_often_as_it_says(sizes, models):
    repeats = 333
    held = [coverage(test_set(sizes, recall, alike), repeats=repeats) for recall, alike in models]
    error = np.sqrt(0.95 * 0.05 / repeats)  # the standard error of each; of their mean less
    assert 0.92 - error <= np.mean(held) <= 0.97 + error
    assert 0.92 - 2 * error <= min(held) and max(held) <= 0.97 + 2 * error


def test_a_class_that_is_all_right_still_leaves_doubt_and_an_absent_one_no_nan():
    one = test_set([(4, 40), (40, 400)], 1.0)
    found = interval(one, intervals.smallest_recall)
    assert found.estimate == found.high == 1 and 0.5 < found.low < 0.97
    absent = Counts(one.label, one.group, np.pad(one.predicted, [(0, 0), (0, 0), (0, 1)]))
    assert np.isfinite(interval(absent, intervals.smallest_recall)).all() and np.isfinite(design_effect(absent))


def test_one_photograph_a_class_gives_numbers_and_no_nan():
    assert np.isfinite([*interval(test_set([(1, 10), (1, 10)], 0.5)), coverage(test_set([(1, 10)] * 2, 0.5), 20)]).all()
