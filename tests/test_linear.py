"""The interval of a mean over images: closed forms of groups and seeds, and what must not count twice."""

import numpy as np
import pytest
from scipy import stats

from lib.evidence import linear
from lib.evidence.linear import Spread

ONE = np.zeros(30, int)


def test_groups_of_one_image_give_the_variance_of_a_mean():
    values = np.random.default_rng(0).random(30)
    found = linear.of_groups((values - values.mean())[None] / 30, ONE, np.arange(30))
    assert found == pytest.approx((values.var(ddof=1) / 30, 29))


def test_views_of_a_photograph_are_one_piece_of_evidence():
    values = np.random.default_rng(0).random(10)
    once = linear.of_groups((values - values.mean())[None] / 10, ONE[:10], np.arange(10))
    seen = np.repeat(values, 3)
    assert linear.of_groups((seen - values.mean())[None] / 30, ONE, np.repeat(np.arange(10), 3)) == pytest.approx(once)


def test_two_classes_have_the_degrees_of_freedom_of_welchs_test():
    random = np.random.default_rng(0)
    a, b = random.normal(size=8), 3 * random.normal(size=12)
    added = np.concatenate([(a - a.mean()) / 8, -(b - b.mean()) / 12])[None]
    stratum = np.repeat([0, 1], [8, 12])
    assert linear.of_groups(added, stratum, np.arange(20)).freedom == pytest.approx(
        stats.ttest_ind(a, b, equal_var=False).df
    )


def test_what_seeds_have_of_their_own_in_each_group_counts_once():
    random = np.random.default_rng(0)
    own, shared = random.normal(size=(200, 30)), random.normal(size=30)
    alone = linear.of_groups(own / 30, ONE, np.arange(30)).variance
    assert alone < 0.1 * linear.of_groups(own[:1] / 30, ONE, np.arange(30)).variance / 200
    both = linear.of_groups((own[:5] + shared) / 30, ONE, np.arange(30)).variance
    assert both == pytest.approx(shared.var(ddof=1) / 30, rel=0.3)


def test_ends_stay_within_0_and_1_and_a_perfect_score_keeps_its_doubt():
    wide = linear.interval(np.array([0.97, 0.9, 0.99]), Spread(0.002, 20))
    assert 0 < wide.low < wide.estimate < wide.high < 1 and wide.estimate - wide.low > wide.high - wide.estimate
    assert linear.interval(np.ones(2), Spread(0.0, 1.0), lucky=0.02) == (1, 0.98, 1)
