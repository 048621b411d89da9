"""The constant answer's loss is that of the best constant, and a ratio of losses has an interval that covers it."""

import numpy as np
import pandas as pd
import pytest

from lib.data.files import read_csv
from lib.evidence import losses
from lib.study import load_study


def test_no_constant_answer_has_a_lower_loss_than_the_one_that_it_is_called():
    cell = load_study("covid-small").cell("covid-chestxray", "group")
    table = read_csv(cell.study.report / "splits" / f"{cell.name}.csv").query("part == 'train'")
    rows = table.loc[table.index.repeat(table.images), "label"]
    truth = np.stack([[name in text.split("; ") for text in rows] for name in cell.classes], axis=1)

    def loss(answer):
        answer = np.clip(answer, 1e-9, 1 - 1e-9)
        return -np.where(truth, np.log(answer), np.log(1 - answer)).mean()

    best = losses.constant_loss(cell)
    assert best == pytest.approx(loss(truth.mean(0)), abs=1e-6)
    for step in [0.01, -0.01]:
        assert loss(truth.mean(0) + step) > best


def test_the_interval_of_ratios_holds_the_truth_as_often_as_it_says():
    random = np.random.default_rng(0)
    outcomes = np.exp(random.normal(0.1, 0.5, size=(2000, 6)))
    ends = np.array([losses.interval(outcome)[1:] for outcome in outcomes])
    held = ((ends[:, 0] < np.exp(0.1)) & (np.exp(0.1) < ends[:, 1])).mean()
    assert 0.93 < held < 0.97


def test_one_training_decides_nothing():
    estimate, low, high = losses.interval(np.array([3.0]))
    assert (estimate, low, high) == (pytest.approx(3), 0, np.inf)


def test_losses_are_paired_by_split_and_seed():
    study = load_study("covid-small")
    found = losses.ratios(study, "covid-chestxray", "alexnet-batch-8", "alexnet")
    expected = []
    for split in study.splits:
        for seed in study.seeds:
            folder = study.cell("covid-chestxray", split).runs_folder
            last = [
                pd.read_csv(folder / model / f"seed-{seed}" / "history.csv").train_loss.iloc[-1]
                for model in ["alexnet-batch-8", "alexnet"]
            ]
            expected.append(last[0] / last[1])
    assert found == pytest.approx(expected)
