"""The tables of a study hold every run that has a result, and say which were stopped."""

import numpy as np
import pandas as pd
import pytest
import yaml

from lib import strict
from lib.data.files import write_csv
from lib.evidence import evaluate
from lib.strict import StudyError
from lib.study import load_study, settings

MODELS = ["cnn", "vit", "vit-proposed"]


@pytest.fixture
def study(tmp_path, monkeypatch):
    """Brain MRI of the quick study: two seeds of three models, and a baseline, right on three of four images."""
    (tmp_path / "params").symlink_to(strict.ROOT / "params")
    monkeypatch.setattr(strict, "ROOT", tmp_path)
    quick = load_study("quick")
    chosen = {"datasets": {"brain-mri": quick.datasets["brain-mri"]}, "seeds": [0, 1]}
    study = quick.model_copy(update={**chosen, "models": {name: quick.models[name] for name in MODELS}})
    for number, run in enumerate(study.runs):
        write_csv(predictions(number).query("part == 'test'"), run.predictions)
        history = {"epoch": [1, 2], "train_loss": [0.7, 0.3], "validation_accuracy": [0.1, 0.7]}
        write_csv(pd.DataFrame(history), run.history)
        run.settings.write_text(yaml.safe_dump(settings.declared(run)))
    rows = [("train", "tumour", 30), ("train", "healthy", 30), ("validation", "tumour", 10)]
    write_csv(pd.DataFrame(rows, columns=["part", "label", "images"]), counted(study))
    baseline = predictions(9).query("part == 'test'")
    write_csv(baseline, study.cells[0].baselines / "nearest.csv")
    return study


def counted(study):
    """How many images each part has, as page 03 writes it."""
    return study.report / "splits" / f"{study.cells[0].name}.csv"


def predictions(seed: int) -> pd.DataFrame:
    """Ten validation and forty test images, two per group; every fourth, from a number on, is wrong."""
    table = pd.DataFrame({"part": ["validation"] * 10 + ["test"] * 40, "path": [f"{n:02}.png" for n in range(50)]})
    table["group"] = np.arange(50) // 2
    tumour = np.arange(50) % 5 < 2
    predicted = np.where(np.arange(50) % 4 == seed % 4, ~tumour, tumour)
    table["label"], table["predicted"] = np.where([tumour, predicted], "tumour", "healthy")
    return table.assign(p_tumour=predicted * 1.0, p_healthy=1.0 - predicted)


def test_every_seed_and_baseline_has_its_scores(study):
    results = evaluate.read_study(study)
    assert [result.model for result in results] == [*MODELS, "nearest"]
    table = evaluate.per_run(results)
    accuracies = table[table.metric == "accuracy"]
    assert accuracies.seed.tolist() == [0, 1] * 3 + ["none"] and (accuracies.value == 0.75).all()
    validated = table[table.metric == "validation_accuracy"]
    assert (validated.images == 10).all() and (validated.value == 0.7).all(), "of the last epoch"
    assert "brier" not in set(table.metric[table.model == "nearest"]), "a baseline has no probabilities"
    assert evaluate.confusion(results).groupby(["model", "seed", "true"]).fraction.sum().tolist() == [1] * 14


def test_tables_stand_per_cell_with_the_published_value_and_the_titles_of_the_study(study):
    results = evaluate.read_study(study)
    table1 = evaluate.table1(study, results)
    of_the_paper = table1[table1.metric.isin(["accuracy", "precision", "recall", "f1"])]
    assert set(of_the_paper.model) == set(MODELS) and of_the_paper.published.notna().all()
    more = table1.drop(of_the_paper.index)
    assert set(more.metric) == {"auc", "sensitivity (tumour)", "specificity (tumour)"} and more.published.isna().all()
    ((cell, rows),) = evaluate.per_cell(study, table1)
    assert cell == study.cells[0] and len(rows) == len(table1)
    assessed = evaluate.evidence(results)
    assert assessed.model.tolist() == [*MODELS, "nearest"] and (assessed.low < assessed.high).all()
    assert list(evaluate.metrics(study, assessed)["brain-mri"]["published"]) == MODELS
    compared = evaluate.differences(study, results)
    assert list(zip(compared.a, compared.b)) == [("vit-proposed", "cnn"), ("vit-proposed", "vit")]
    assert {"cnn", "nearest"} <= evaluate.titles(study).keys()


def test_without_a_new_attention_every_model_is_compared_with_the_first(study):
    two = study.model_copy(update={"models": {name: study.models[name] for name in ["cnn", "vit"]}})
    assert evaluate.pairs(two) == [("vit", "cnn")]


def test_a_stopped_run_is_named_and_counted_nowhere(study):
    (study.cells[0].run("vit", 1).folder / "stopped.txt").write_text("the loss is nan\n")
    results = evaluate.read_study(study)
    table1 = evaluate.table1(study, results)
    assert table1.groupby("model").seeds.first().to_dict() == {"cnn": 2, "vit": 1, "vit-proposed": 2}
    sentences = evaluate.limits(study, results, table1).says.tolist()
    assert f"Seed 1 of {study.titles['vit']} was stopped: the loss is nan." in sentences
    assert evaluate.differences(study, results).seeds.tolist() == [2, 1]


def test_a_study_of_which_every_run_was_stopped_says_where_to_look(study):
    for run in study.runs:
        (run.folder / "stopped.txt").write_text("the loss is nan")
    with pytest.raises(StudyError, match="stopped.txt in runs/quick says why"):
        evaluate.read_study(study)


def test_models_that_were_tested_on_different_images_stop_the_page(study):
    for run in study.cells[0].runs("vit"):
        write_csv(predictions(0).iloc[:-1], run.predictions)
    with pytest.raises(StudyError, match=r"cnn and vit were tested on different .*\(1 rows\): 49.png"):
        evaluate.read_study(study)
