"""Images with several labels: what is learnt, written, read and scored is what scikit-learn and torch say of it."""

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score

from lib.data.labels import joined
from lib.evidence import baselines, intervals, mover, multilabel, predictions, scores
from lib.strict import StudyError
from lib.study import load_study
from lib.training import images
from lib.training.images import KINDS

LABELS = ["a", "b", "c"]
RNG = np.random.default_rng(0)


def made(images: int = 60, groups: int = 20) -> pd.DataFrame:
    """Predictions of several labels, right more often than not; images of a group are alike."""
    of_group = np.arange(images) % groups
    true = (RNG.random((groups, 3)) < [0.7, 0.4, 0.4])[of_group]
    probabilities = np.clip(0.35 + 0.3 * true + RNG.normal(0, 0.15, (groups, 3))[of_group], 0.01, 0.99)
    table = pd.DataFrame({"part": "test", "path": [f"{number}.png" for number in range(images)], "group": of_group})
    table = table.assign(label=joined(true, LABELS), predicted=joined(probabilities > 0.5, LABELS))
    for number, name in enumerate(LABELS):
        table[f"t_{name}"] = true[:, number].astype(int)
        table[f"p_{name}"] = probabilities[:, number]
    return table


def test_scores_are_scikit_learns():
    table = made()
    true, predicted = multilabel.truth(table, LABELS), multilabel.answers(table, LABELS)
    values = scores.scores(table, LABELS)
    assert values["accuracy"] == accuracy_score(true, predicted) == (table.label == table.predicted).mean()
    assert values["f1"] == pytest.approx(f1_score(true, predicted, average="macro", zero_division=0))
    of_counts = multilabel.macro(multilabel.sums([table], LABELS).sum((0, 1)))
    assert {name: float(value) for name, value in of_counts.items()} == pytest.approx(values)


def test_a_label_that_no_image_has_is_left_out_of_the_mean():
    table = made().assign(t_c=0)
    table["label"] = joined(multilabel.truth(table, LABELS), LABELS)
    two = f1_score(multilabel.truth(table, LABELS)[:, :2], multilabel.answers(table, LABELS)[:, :2], average="macro")
    assert scores.scores(table, LABELS)["f1"] == pytest.approx(two)


def test_intervals_hold_the_estimate_and_narrow_with_the_number_of_groups():
    widths = []
    for groups in [20, 200]:
        seeds = [made(400, groups)]
        sets, classes = multilabel.as_right(seeds)
        rows = pd.DataFrame(scores.table1(seeds, intervals.counts(sets, classes), LABELS)).set_index("metric")
        assert (rows.low <= rows["mean"]).all() and (rows["mean"] <= rows.high).all()
        widths.append(rows.high["f1"] - rows.low["f1"])
    assert widths[0] > 1.5 * widths[1]


def test_labels_of_a_few_patients_have_no_interval():
    table = made().assign(group=lambda t: t.group % 3)
    (arm,) = multilabel.arms([table], LABELS)["recall"]
    assert np.isnan(arm.low).all() and np.isfinite(arm.estimates).all()
    ends = scores.table1([table], intervals.counts(*multilabel.as_right([table])), LABELS)
    assert all(np.isnan([row["low"], row["high"]]).all() for row in ends)


def test_labels_that_are_all_found_still_leave_doubt_below():
    table = made(400, 200)
    for name in LABELS:
        table[f"p_{name}"] = 0.1 + 0.8 * table[f"t_{name}"]
    low, high = mover.ends(multilabel.arms([table], LABELS)["recall"])
    assert 0.9 < low < 0.999 and high == pytest.approx(1)


def test_what_is_written_is_read_and_what_is_wrong_is_refused(tmp_path):
    table, path = made(), tmp_path / "predictions.csv"
    table.to_csv(path, index=False)
    assert len(predictions.read(path, LABELS, "many")) == 60
    wrongs = {
        "neither 0 nor 1": ("t_a", 2),
        "between 0 and 1": ("p_b", 1.5),
        "labels that are not those": ("label", "b; a"),
        "above a half": ("predicted", "c; d"),
    }
    for message, (column, value) in wrongs.items():
        table.astype(object).assign(**{column: [value, *table[column][1:]]}).to_csv(path, index=False)
        with pytest.raises(StudyError, match=f"1 rows have .*{message}.*0.png"):
            predictions.read(path, LABELS, "many")


def test_a_baseline_answers_with_sets_of_labels(tmp_path):
    labels = ["a", "b; c", "none", "a"] * 10
    pixels = np.repeat(np.arange(4, dtype=np.uint8)[np.arange(40) % 4] * 60, 48).reshape(40, 4, 4, 3)
    images = pd.DataFrame({"width": 4, "height": range(40)})
    split = pd.DataFrame(
        {"part": ["train"] * 20 + ["test"] * 20, "path": [f"{i}.png" for i in range(40)], "label": labels}
    )
    table = baselines.predictions("nearest", images, pixels, split.assign(group=range(40)), LABELS, "many")
    table.to_csv(tmp_path / "p.csv", index=False)
    read = predictions.read(tmp_path / "p.csv", LABELS, "many")
    assert len(read) == 20 and scores.scores(read, LABELS)["accuracy"] == 1


def test_a_baseline_by_view_answers_how_often_images_of_a_view_have_each_label(tmp_path):
    labels = ["a", "a", "a; b", "none"] + ["b"] * 4 + ["a", "b", "c"]
    images = pd.DataFrame({"view": ["PA"] * 4 + ["AP"] * 4 + ["PA", "AP", "unseen"]})
    split = pd.DataFrame({"part": ["train"] * 8 + ["test"] * 3, "path": list("0123456789x"), "label": labels})
    table = baselines.predictions("view", images, None, split.assign(group=range(11)), LABELS, "many")
    table.to_csv(tmp_path / "p.csv", index=False)
    read = predictions.read(tmp_path / "p.csv", LABELS, "many").set_index("path")
    assert read.loc["8", ["p_a", "p_b", "p_c"]].tolist() == [0.75, 0.25, 0] and read.predicted["8"] == "a"
    assert read.loc["9", ["p_a", "p_b"]].tolist() == [0, 1] and read.loc["x", "p_b"] == 5 / 8
    one = baselines.predictions("view", images.iloc[4:10], None, split.iloc[4:10].assign(group=0), ["a", "b"])
    assert one.predicted.tolist() == ["b", "b"]


def test_a_label_without_a_patient_or_with_one_is_named():
    table = made(40, 10).assign(t_b=0, t_c=lambda t: (t.group == 3).astype(int))
    absent, single = scores.limits(multilabel.groups(table, LABELS), 3)
    assert "no image of b:" in absent and "images of c belong to one group" in single


def test_one_label_and_many_learn_and_answer_as_they_should():
    logits = torch.tensor([[2.0, -1.0, 0.5], [-3.0, -1.0, -0.1]])
    one, several = KINDS["one"].encode(["a", "c"], LABELS), KINDS["many"].encode(["a; c", "none"], LABELS)
    assert one.tolist() == [0, 2] and several.tolist() == [[1, 0, 1], [0, 0, 0]]
    for kind, labels, names in [("one", one, ["a", "c"]), ("many", several, ["a; c", "none"])]:
        chosen = KINDS[kind]
        probabilities = chosen.probabilities(logits.double())
        assert chosen.right(logits, labels, 0).all() and chosen.right(probabilities, labels, 0.5).all()
        assert chosen.loss(logits.double(), labels.double() if kind == "many" else labels) == pytest.approx(
            chosen.log_loss(probabilities, labels).item()
        )
        assert chosen.names(probabilities.numpy(), LABELS) == names


def test_a_shift_is_whole_pixels_and_a_turn_keeps_the_middle():
    torch.manual_seed(0)
    pixels = torch.zeros(64, 3, 9, 9)
    pixels[:, :, 4, 4] = 1
    moved = images.augment(pixels, 64, slice(None), flips="none", shift=2)
    assert moved.sum((1, 2, 3)).tolist() == pytest.approx([3] * 64, abs=1e-4)
    places = moved[:, 0].flatten(1).argmax(1)
    assert set((places // 9).tolist()) == set((places % 9).tolist()) == {2, 3, 4, 5, 6}
    turned = images.augment(pixels, 64, slice(None), flips="none", turn=90)
    assert (turned[:, 0, 4, 4] > 0.99).all()


def test_processes_that_share_a_batch_augment_it_as_one_does():
    pixels = torch.rand(10, 3, 8, 8)
    shares = []
    for own in [slice(None), slice(0, None, 2), slice(1, None, 2)]:
        torch.manual_seed(3)
        shares.append(images.augment(pixels[own], 10, own, flips="both", shift=2, turn=20))
    torch.testing.assert_close(shares[0][0::2], shares[1])
    torch.testing.assert_close(shares[0][1::2], shares[2])


def test_with_weights_of_labels_the_best_constant_answer_is_a_half_for_each():
    labels = torch.tensor([[1.0, 1, 0], [1, 0, 0], [1, 0, 0], [0, 0, 0]])
    absent, present = images.even_weights(labels)
    assert absent.tolist() == pytest.approx([2, 2 / 3, 1]) and present.tolist() == pytest.approx([2 / 3, 2, 1])
    study = load_study("covid-small")
    weighted = study.model_copy(update={"training": study.training.model_copy(update={"label_weights": True})})
    table = pd.DataFrame({"label": ["a; b", "a", "a", "none"], "part": "train"})
    made = images.Images(table, np.zeros((4, 2, 2, 3), np.uint8), LABELS, weighted, torch.device("cpu"), "many")
    constant = torch.tensor([0.0, 0.0, -40.0]).repeat(4, 1)
    assert made.loss(constant, made.labels) == pytest.approx(2 / 3 * np.log(2))
    assert made.loss(constant + torch.tensor([0.3, 0, 0]), made.labels) > made.loss(constant, made.labels)
    plain = images.Images(table, np.zeros((4, 2, 2, 3), np.uint8), LABELS, study, torch.device("cpu"), "many")
    assert plain.loss(constant, plain.labels) == images.KINDS["many"].loss(constant, plain.labels)
