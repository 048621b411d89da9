"""The AUC is scikit-learn's and MedMNIST's, and its intervals hold the truth as often as they say, near 1 as well."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from lib.evidence import auc, intervals, mover, scores


def made(random, groups: list[int], views: int = 1, shift: float = 1.0, seeds: int = 1) -> list[pd.DataFrame]:
    """Predictions of `seeds` networks: so many groups of each class, of so many views that are predicted alike."""
    label = np.repeat(np.arange(len(groups)), np.array(groups) * views)
    group = np.repeat(np.arange(sum(groups)), views)
    shared = random.normal(size=(sum(groups), len(groups)))[group] + 0.5 * random.normal(size=(len(label), len(groups)))
    tables = []
    for _ in range(seeds):
        logits = shared + 0.3 * random.normal(size=shared.shape)
        logits[np.arange(len(label)), label] += shift
        share = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        columns = {f"p_{number}": share[:, number].round(3) for number in range(len(groups))}
        tables.append(pd.DataFrame({"label": label.astype(str), "group": group, **columns}))
    return tables


@pytest.mark.parametrize("groups", [[30, 20], [10, 20, 30]])
def test_it_is_scikit_learns_with_ties(groups):
    classes = [str(number) for number in range(len(groups))]
    (table,) = made(np.random.default_rng(0), groups)
    each = [roc_auc_score(table.label == name, table[f"p_{name}"]) for name in classes]
    assert auc.auc(table, classes) == pytest.approx(np.mean(each))
    assert auc.auc(table, [*classes, "absent"]) == pytest.approx(np.mean(each))
    assert np.isnan(auc.auc(table[table.label == "0"], ["0"]))


def test_it_is_as_wide_as_scikit_learns_auc_of_weighted_groups_spreads():
    random = np.random.default_rng(0)
    (table,) = made(random, [40, 60], views=3)
    found = auc.interval(auc.scored([table], ["0", "1"]))
    weighted, group = [], table.group.to_numpy()
    for _ in range(400):
        weight = np.concatenate([random.exponential(size=number) for number in (40, 60)])
        weighted.append(roc_auc_score(table.label == "0", table.p_0, sample_weight=weight[group]))
    assert found.high - found.low == pytest.approx(2 * 1.99 * np.std(weighted), rel=0.1)


@pytest.mark.parametrize("groups, views, shift", [([27, 24], 1, 1.0), ([27, 24], 1, 3.0), ([13, 6, 5, 40], 12, 2.0)])
def test_intervals_hold_the_truth_of_few_groups_and_near_1(groups, views, shift):
    random, classes, held = np.random.default_rng(1), [str(number) for number in range(len(groups))], 0
    (large,) = made(random, [4000] * len(groups), shift=shift)
    truth = auc.auc(large, classes)
    for _ in range(60):
        found = auc.interval(auc.scored(made(random, groups, views, shift), classes))
        held += found.low <= truth <= found.high
    assert held >= 54


def test_seeds_that_differ_widen_it():
    random = np.random.default_rng(0)
    weak, strong = made(random, [60, 60], shift=0.5)[0], made(random, [60, 60], shift=2.0)[0]
    alike, apart = (auc.interval(auc.scored([weak, other], ["0", "1"])) for other in (weak, strong))
    assert apart.high - apart.low > 2 * (alike.high - alike.low)


def test_three_groups_of_a_class_have_no_interval():
    tables = made(np.random.default_rng(0), [3, 40], views=5)
    counted = intervals.counts([table.assign(predicted=table.label) for table in tables], ["0", "1"])
    row = scores.clinical([tables[0].assign(predicted=tables[0].label)], counted, ["0", "1"], several=False)[0]
    assert row["metric"] == "auc" and np.isnan([row["low"], row["high"]]).all() and 0 < row["mean"] <= 1


def test_it_has_an_interval_where_accuracy_has_one():
    random, classes = np.random.default_rng(0), [str(number) for number in range(5)]
    one_large = made(random, [40, 40], views=3)[0]
    one_large.loc[one_large.label == "0", "group"] = one_large.group.clip(lower=25)
    for table, names in [(made(random, [20] * 4 + [3])[0], classes), (one_large, classes[:2])]:
        found = auc.interval(auc.scored([table], names))
        assert np.isfinite(found.low) == intervals.tells(intervals.counts([table.assign(predicted="0")], names))
    assert np.isnan(found.low)


def test_ten_thousand_images_take_seconds():
    tables = made(np.random.default_rng(0), [1000] * 10)
    found = auc.interval(auc.scored(tables, [str(number) for number in range(10)]))
    assert found.low < found.estimate < found.high and found.high - found.low < 0.03


def several_labels(random, seeds: int, shift: float, groups: int = 90) -> list[pd.DataFrame]:
    """Predictions of labels that 60 groups of two images, and two groups, have."""
    group = np.repeat(np.arange(groups), 2)
    common, rare = group < 60, group < 2
    drawn = random.normal(size=groups)[group]
    made = []
    for _ in range(seeds):
        score = drawn + 0.5 * random.normal(size=len(group)) + shift * common
        made.append(
            pd.DataFrame({"group": group, "t_common": common, "t_rare": rare, "p_common": score, "p_rare": 0.1})
        )
    return made


def test_an_arm_has_the_interval_of_the_labels_that_enough_groups_have():
    tables = several_labels(np.random.default_rng(0), 3, 1.0)
    found, known = auc.arms(tables, ["common", "rare"], (0, 1, 2)), auc.interval(auc.scored(tables, ["common"]))
    low, high = mover.ends(found)
    assert mover.estimate(found) == pytest.approx(known.estimate)
    assert high - low == pytest.approx(known.high - known.low, rel=0.15)
    assert np.isnan(mover.ends(auc.arms(tables, ["rare"], (0, 1, 2)))).all()


def test_a_difference_of_two_arms_is_paired_by_group_and_holds_the_truth():
    # Phi of the shift over the standard deviation of a difference of two scores
    truth, held = norm.cdf(1 / (2 * 1.25) ** 0.5) - norm.cdf(1 / (2 * 2.25) ** 0.5), 0
    for number in range(40):
        random = np.random.default_rng(number)
        one = several_labels(random, 1, 1.0)
        # the same images, scored with the same errors and more of them
        other = [table.assign(p_common=table.p_common + random.normal(size=len(table))) for table in one]
        arms = [auc.arms(tables, ["common"], (0,), draws=1000) for tables in (one, other)]
        low, high = mover.ends(mover.minus(*arms))
        held += low <= truth <= high
    assert held >= 36
    widths = [np.ptp(mover.ends(alone)) for alone in arms]
    assert high - low < 0.95 * np.hypot(*widths)
