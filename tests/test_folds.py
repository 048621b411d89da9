"""A run over folds is five trainings with one file of predictions; it resumes, and its networks answer together."""

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import png

from lib.classify import load
from lib.data import splits
from lib.data.files import read_csv, write_csv
from lib.evidence import evaluate, predictions
from lib.study import Run, Study
from lib.training import fit
from lib.training.run import load_trained, train


@pytest.fixture
def folded(tiny) -> Study:
    """The demo study on 40 random images, split into five folds."""
    study = tiny.model_copy(update={"splits": ["folds"], "seeds": [0]})
    cell = study.cell("phantom-brain", "folds")
    images = read_csv(tiny.cell("phantom-brain", "published").parts)
    share = {"seed": 0, "validation_share": 0.25}
    write_csv(splits.split(images, images[["group"]], "folds", cell.entry, **share), cell.parts)
    counts = pd.DataFrame({"part": ["validation"], "images": [40]})
    write_csv(counts, study.report / "splits" / f"{cell.name}.csv")
    return study


def run_of(study: Study) -> Run:
    return study.cell("phantom-brain", "folds").run("cnn", 0)


def files(run: Run) -> dict[str, bytes]:
    weights = [run.weights_of(fold) for fold in run.cell.folds]
    return {path.name: path.read_bytes() for path in [*run.folder.iterdir(), *weights]}


def test_a_run_over_folds_tests_every_image_once_with_the_network_that_did_not_learn_from_it(folded):
    run = run_of(folded)
    rows = list(train(run))
    assert [row["fold"] for row in rows] == np.repeat(range(1, 6), 3).tolist()
    history = pd.read_csv(run.history)
    assert history.groupby("fold").final_train_accuracy.count().tolist() == [1] * history.fold.nunique()
    history = history.drop(columns="final_train_accuracy")
    assert run.has_weights and len(files(run)) == 8 and list(train(run)) == history.to_dict("records")
    table, parts = pd.read_csv(run.predictions), read_csv(run.cell.parts)
    assert sorted(table.path) == sorted(parts.path) and (table.part == "test").all()
    assert (table.set_index("path").fold == parts.set_index("path").fold.loc[table.path]).all()
    third = load(folded, "phantom-brain", "folds", "cnn", fold=3)
    assert torch.equal(third.networks[0][0][0].weight, load_trained(run, 3)[0][0].weight)


def test_a_run_over_folds_that_was_interrupted_ends_with_the_same_bytes(folded, monkeypatch):
    run = run_of(folded)
    list(train(run))
    whole = files(run)
    for path in [*run.folder.iterdir(), *map(run.weights_of, run.cell.folds)]:
        path.unlink()
    rows = train(run)
    for _ in range(8):  # in the third fold
        next(rows)
    torch.manual_seed(99)
    numbers, train_epoch = [], fit.train_epoch
    monkeypatch.setattr(fit, "train_epoch", lambda *given: numbers.append(given[5]) or train_epoch(*given))
    list(train(run))
    assert numbers == [2, 2, 2, 0, 1, 2, 0, 1, 2] and files(run) == whole
    assert not list(run.weights.parent.glob("*.checkpoint"))


def test_five_networks_answer_with_the_mean_of_their_probabilities(folded, tmp_path):
    run = run_of(folded)
    list(train(run))
    (tmp_path / "a.png").write_bytes(png(size=(64, 64)))
    alone = [load(folded, "phantom-brain", "folds", "cnn", fold=fold) for fold in run.cell.folds]
    together = load(folded, "phantom-brain", "folds", "cnn")
    answers = [one.classify(tmp_path / "a.png").p_tumour[0] for one in alone]
    assert together.classify(tmp_path / "a.png").p_tumour[0] == pytest.approx(np.mean(answers)) and np.std(answers) > 0


def test_a_fold_that_diverges_stops_the_run_and_is_named(folded, monkeypatch):
    step, calls = fit.train_step, iter(range(100))

    def third_fold_fails(*arguments):
        loss, correct = step(*arguments)
        return (loss * float("nan") if next(calls) > 25 else loss), correct

    monkeypatch.setattr(fit, "train_step", third_fold_fails)
    list(train(run_of(folded)))
    assert run_of(folded).stopped.startswith("the loss became nan in epoch") and "fold 3" in run_of(folded).stopped


def test_tables_count_each_group_once_and_validation_is_the_mean_over_folds(folded):
    run = run_of(folded)
    list(train(run))
    study = folded.model_copy(update={"models": {"cnn": folded.models["cnn"]}})
    (result,) = evaluate.read_study(study)
    assert len(result.tables[0]) == 40 and len(set(result.counted.group)) == 40
    last = pd.read_csv(run.history).query("epoch == 3").validation_accuracy
    assert predictions.validation_accuracy(run) == pytest.approx(last.mean()) and len(last) == 5
    assert evaluate.per_run([result]).query("metric == 'validation_accuracy'").images.tolist() == [40]
