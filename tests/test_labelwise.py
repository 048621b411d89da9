"""Each label by itself: its AUC with an interval over patients that holds the truth as often as it says."""

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from lib.evidence import labelwise


def made(random, images, labels, views=1, strength=1.0):
    """Predictions of images with several labels, `views` images a patient; probabilities have ties."""
    truth = np.repeat(random.random((images // views, len(labels))) < 0.4, views, axis=0)
    patient = np.repeat(random.normal(size=(images // views, len(labels))), views, axis=0)
    score = strength * truth + patient + 0.3 * random.normal(size=truth.shape)
    columns = {f"t_{name}": truth[:, i].astype(float) for i, name in enumerate(labels)}
    columns |= {f"p_{name}": (1 / (1 + np.exp(-score[:, i]))).round(2) for i, name in enumerate(labels)}
    return pd.DataFrame({"group": np.repeat(np.arange(images // views), views), **columns})


def test_intervals_hold_the_truth_with_five_views_of_each_patient():
    random, held = np.random.default_rng(1), 0
    # what a large test set says
    large = made(random, 40_000, ["a"], views=5)
    truth = roc_auc_score(large.t_a, large.p_a)
    for _ in range(60):
        row = labelwise.table([made(random, 200, ["a"], views=5)], ["a"]).iloc[0]
        held += row.low <= truth <= row.high
    assert held >= 51


def test_a_label_of_three_patients_has_no_interval_and_one_that_no_image_has_no_row():
    table = made(np.random.default_rng(0), 40, ["a", "b"])
    table["t_a"], table["t_b"] = (table.group < 3).astype(float), 0.0
    found = labelwise.table([table], ["a", "b"])
    assert list(found.label) == ["a"] and found.groups[0] == 3 and found[["low", "high"]].isna().all(axis=None)
