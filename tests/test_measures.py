"""What claims are about is measured from files alone."""

import numpy as np
import pandas as pd
import pytest
import yaml

from lib import strict
from lib.data.files import write_csv
from lib.evidence import differences, measures, predictions
from lib.evidence.mover import Arm
from lib.strict import StudyError
from lib.study import load_study, settings


@pytest.fixture
def study(tmp_path, monkeypatch):
    """The quick study with made-up runs: the proposed model is right on all, the plain one on two of three groups."""
    (tmp_path / "params").symlink_to(strict.ROOT / "params")
    monkeypatch.setattr(strict, "ROOT", tmp_path)
    quick = load_study("quick")
    rows = pd.DataFrame({"part": "test", "path": [f"{n:02}" for n in range(60)], "group": [n // 2 for n in range(60)]})
    rows["label"] = ["tumour" if n < 30 else "healthy" for n in range(60)]
    other = rows.label.map({"tumour": "healthy", "healthy": "tumour"})
    for model, wrong in {"vit": rows.group % 3 == 0, "vit-proposed": rows.group < 0}.items():
        predicted = rows.label.where(~wrong, other)
        table = rows.assign(predicted=predicted, p_tumour=(predicted == "tumour") * 1.0)
        run = run_of(quick, model)
        write_csv(table.assign(p_healthy=1 - table.p_tumour), run.predictions)
        write_csv(pd.DataFrame({"epoch": [1], "train_accuracy": [0.9]}), run.history)
        run.settings.write_text(yaml.safe_dump(settings.declared(run)))
    differences.tested.cache_clear()
    yield quick
    differences.tested.cache_clear()


def run_of(study, model):
    """The one run of a model on brain MRI."""
    return study.cell("brain-mri", "published").run(model, 0)


def test_a_difference_is_in_points_and_has_an_interval(study):
    of = {"dataset": "brain-mri", "split": "published", "models": ["vit-proposed"], "minus": ["vit"]}
    found = measures.difference(study, "accuracy", **of)
    assert found.estimate == pytest.approx(100 / 3, abs=2) and 5 < found.low < found.estimate < found.high < 60
    with pytest.raises(measures.Unrecorded, match="dropout and random mirroring on"):
        measures.difference(study, differences.GAP, **of)
    both = measures.difference(study, "accuracy", **{**of, "minus": ["vit", "vit-proposed"]})
    assert both.estimate == 0 and both.quantity.endswith("the smallest")


def test_a_gap_is_absolute_and_of_the_final_training_accuracy(study):
    for model, final in {"vit": 0.9, "vit-proposed": 0.8}.items():
        history = pd.DataFrame({"epoch": [1], "train_accuracy": [0.1], "final_train_accuracy": [final]})
        write_csv(history, run_of(study, model).history)
    of = {"dataset": "brain-mri", "split": "published", "models": ["vit"], "minus": ["vit-proposed"]}
    found = measures.difference(study, differences.GAP, **of)
    assert found.estimate == pytest.approx(100 * (abs(0.9 - 2 / 3) - abs(0.8 - 1)), abs=2)


def test_the_combination_of_two_things_is_a_difference_of_differences():
    study, of = load_study("startup-small"), {"dataset": "mnist", "split": "published"}
    pairs = {"models": ["cnn-norm", "cnn-norm-dropout"], "minus": ["cnn", "cnn-dropout"]}
    found = measures.interaction(study, "accuracy", **of, **pairs)
    one, other = (measures.difference(study, "accuracy", **of, models=[a], minus=[b]) for a, b in pairs.values())
    assert found.estimate == pytest.approx(one.estimate - other.estimate) and found.low < found.estimate < found.high


def test_the_norms_own_operations_are_counted(study):
    rows = pd.DataFrame({"attention": ["plain", "paper"], "image_size": 384, "tokens": 10, "flops": [1000, 1100]})
    write_csv(rows, study.shown("04_attention") / "blocks.csv")
    assert measures.complexity(study, "paper", heads=2, image_size=384).estimate == (1100 + 2 * 2 * 100 + 2) / 1000


def test_predictions_that_were_trained_with_other_parameters_are_refused(study):
    path = run_of(study, "vit").settings
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), "learning_rate": 0.5}))
    with pytest.raises(StudyError, match=r"other parameters .*: learning_rate \(learning_rate: 0.5 then, 0.001 now\)"):
        predictions.read_seeds(study.cell("brain-mri", "published"), "vit")


def test_how_soon_a_model_is_as_good_as_another_at_its_end(study):
    for model, accuracies in {"vit": [0.5, 0.6, 0.7], "vit-proposed": [0.4, 0.7, 0.6]}.items():
        write_csv(pd.DataFrame({"validation_accuracy": accuracies}), run_of(study, model).history)
    of = {"dataset": "brain-mri", "split": "published"}
    assert measures.epochs_to(study, model="vit-proposed", than="vit", **of).estimate == 2
    assert measures.epochs_to(study, model="vit", than="vit-proposed", **of).estimate == 2
    (run_of(study, "vit").folder / "stopped.txt").write_text("nan")
    with pytest.raises(predictions.NothingTrained, match="no training of vit on brain-mri"):
        measures.epochs_to(study, model="vit", than="vit-proposed", **of)


def test_what_the_papers_own_table_says():
    small = load_study("small")
    found = measures.printed_better(small, "brain-mri", "blood-cells", "accuracy")
    assert found.estimate == 4  # all but the CNN
    assert measures.printed_better(small, model="vit", than="resnet18").estimate == 1  # blood cells
    assert measures.rows_that_cannot(small, "brain-mri", whole=True).estimate == 2


def test_counts_come_from_the_reports_of_groups_and_splits(study):
    counts = pd.DataFrame(
        {"part": ["a", "a"], "label": ["tumour", "healthy"], "images": [155, 98], "photographs": [150, 90]}
    )
    write_csv(counts, study.report / "groups/brain-mri/counts.csv")
    assert measures.images(study, "brain-mri").estimate == 253
    assert measures.images(study, "brain-mri", by=["label"]).estimate == [155, 98]
    smallest = measures.images(study, "brain-mri", by=["label"], unit="photographs", smallest=True)
    assert smallest.estimate == 90 and smallest.link == "02_groups-brain-mri.html"
    parts = pd.DataFrame(
        {
            "role": ["train", "train", "test"],
            "part": ["train", "validation", "test"],
            "label": "tumour",
            "images": [5, 6, 7],
        }
    )
    write_csv(parts, study.report / "splits/brain-mri-published.csv")
    assert measures.images(study, "brain-mri", by=["role", "label"], split="published").estimate == [11, 7]


def test_a_number_of_the_attention_page_over_another(study):
    rows = pd.DataFrame({"attention": ["plain", "paper"], "image_size": [384, 384], "flops": [100, 104]})
    write_csv(rows, study.shown("04_attention") / "blocks.csv")
    where, over = {"attention": "paper", "image_size": 384}, {"attention": "plain", "image_size": 384}
    found = measures.attention(study, "blocks", "flops", where, over, unit="times")
    assert found.estimate == 1.04 and found.show(found.estimate) == "1.040"


def test_the_smallest_of_several_differences_is_seldom_found_below_none_where_all_are_none():
    rng, wrong, repeats = np.random.default_rng(0), 0, 133
    for _ in range(repeats):
        estimates = rng.normal(0, 0.01, 4)
        drawn = [value + rng.normal(0, 0.01, (1, 2000)) for value in estimates]
        arms = [[Arm((0,), np.array([value]), one, one)] for value, one in zip(estimates, drawn)]
        _, low, high, _ = differences.smallest(arms)
        wrong += not low <= 0 <= high
    assert wrong / repeats <= 0.05 + np.sqrt(0.05 * 0.95 / repeats)


def test_a_printed_accuracy_that_is_no_count_is_counted():
    covid = load_study("covid-small")
    found = measures.accuracies_that_cannot(covid, "covid-chestxray", 100)
    assert found.estimate == 3, "77.54, 75.03 and 64.02 are no whole per cent"
    assert measures.accuracies_that_cannot(covid, "covid-chestxray", 10000).estimate == 0
