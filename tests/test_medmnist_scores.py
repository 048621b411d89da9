"""AUC and accuracy are those of MedMNIST's own Evaluator on the same predictions (Yang et al. 2023)."""

import sys

import numpy as np
import pandas as pd
import pytest

from lib.data import catalogue
from lib.evidence import labelwise, multilabel

IMAGES = 80


@pytest.fixture
def evaluate(tmp_path, monkeypatch):
    """Scores by MedMNIST's Evaluator, of a made file; importing it makes a folder in HOME, here a temporary one."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    before = set(sys.modules)
    evaluator = pytest.importorskip("medmnist.evaluator", reason="requirements-dev.txt installs it").Evaluator

    def by_evaluator(name, labels, scores):
        np.savez(tmp_path / f"{name}.npz", test_labels=labels)
        return evaluator(name, "test", root=str(tmp_path)).evaluate(scores)

    yield by_evaluator
    for name in set(sys.modules) - before:
        if name.startswith("medmnist"):
            del sys.modules[name]


def test_the_scores_of_several_labels_have_names_of_their_own(evaluate):
    random = np.random.default_rng(0)
    labels = list(catalogue.entry("chest-mnist").classes.values())
    truth = (random.random((IMAGES, len(labels))) < 0.3).astype(int)
    scores = (0.5 * truth + random.random(truth.shape)).round(2) / 1.5
    theirs = evaluate("chestmnist", truth, scores)
    columns = {f"t_{name}": truth[:, i] for i, name in enumerate(labels)}
    columns |= {f"p_{name}": scores[:, i] for i, name in enumerate(labels)}
    table = pd.DataFrame({"group": range(IMAGES), **columns})
    ours = labelwise.mean_scores(table, labels)
    assert ours == pytest.approx({"mean_auc": theirs.AUC, "label_accuracy": theirs.ACC})
    assert multilabel.scores(table, labels)["accuracy"] < ours["label_accuracy"]
