"""AUC and accuracy are those of MedMNIST's own Evaluator on the same predictions (Yang et al. 2023)."""

import sys

import numpy as np
import pandas as pd
import pytest

from lib.data import catalogue
from lib.evidence import auc, labelwise, multilabel, scores

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


@pytest.mark.parametrize("name", ["pneumonia-mnist", "breast-mnist", "blood-mnist", "retina-mnist"])
def test_two_classes_more_classes_and_ordinal_ones(name, evaluate):
    entry = catalogue.entry(name)
    classes, order = list(entry.classes.values()), [int(number) for number in entry.classes]
    random = np.random.default_rng(0)
    place = random.integers(0, len(classes), IMAGES)
    place[: len(classes)] = range(len(classes))
    logits = random.normal(size=(IMAGES, len(classes)))
    logits[np.arange(IMAGES), place] += 1
    shares = (np.exp(logits) / np.exp(logits).sum(1, keepdims=True)).round(6)
    # the file's class numbers, which the catalogue may list in another order
    numbered = np.empty_like(shares)
    numbered[:, order] = shares
    theirs = evaluate(entry.medmnist.name, np.array(order)[place][:, None], numbered)
    table = pd.DataFrame({f"p_{one}": shares[:, number] for number, one in enumerate(classes)})
    names = np.array(classes, dtype=object)
    table = table.assign(group=range(IMAGES), label=names[place], predicted=names[shares.argmax(1)])
    assert auc.auc(table, classes) == pytest.approx(theirs.AUC)
    assert scores.scores(table)["accuracy"] == pytest.approx(theirs.ACC)


def test_the_scores_of_several_labels_have_names_of_their_own(evaluate):
    random = np.random.default_rng(0)
    labels = list(catalogue.entry("chest-mnist").classes.values())
    truth = (random.random((IMAGES, len(labels))) < 0.3).astype(int)
    shares = (0.5 * truth + random.random(truth.shape)).round(2) / 1.5
    theirs = evaluate("chestmnist", truth, shares)
    columns = {f"t_{name}": truth[:, i] for i, name in enumerate(labels)}
    columns |= {f"p_{name}": shares[:, i] for i, name in enumerate(labels)}
    table = pd.DataFrame({"group": range(IMAGES), **columns})
    assert auc.auc(table, labels) == pytest.approx(theirs.AUC)
    assert labelwise.per_seed([table], labels)[0] == pytest.approx(theirs.ACC)
    assert multilabel.scores(table, labels)["accuracy"] < theirs.ACC
    found = labelwise.accuracy([table], labels)
    assert found.low < found.estimate < found.high
