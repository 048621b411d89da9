"""A run is repeatable to the byte, whether or not it was interrupted; what is finished is not trained again."""

import io

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import wait_for

from lib.data.files import write_csv
from lib.evidence.baselines import reached
from lib.strict import StudyError
from lib.study import Run, Study
from lib.training import fit
from lib.training.images import open_images
from lib.training.pilot import SEED, pilot
from lib.training.run import load_trained, train


def run_of(study: Study, model: str = "cnn") -> Run:
    return study.cell("phantom-brain", "published").run(model, 0)


def with_training(study: Study, **changes) -> Study:
    return study.model_copy(update={"training": study.training.model_copy(update=changes)})


def files(run: Run) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in [*run.folder.iterdir(), run.weights]}


def interrupted(run: Run, epochs: int) -> None:
    """Train for some epochs, then walk away, as a killed process does; the next one has other random states."""
    rows = train(run)
    for _ in range(epochs):
        next(rows)
    torch.manual_seed(99)


def trained_epochs(monkeypatch) -> list[int]:
    """The numbers of the epochs that are trained from now on."""
    numbers, train_epoch = [], fit.train_epoch

    def noted(*arguments):
        numbers.append(arguments[5])
        return train_epoch(*arguments)

    monkeypatch.setattr(fit, "train_epoch", noted)
    return numbers


@pytest.mark.parametrize("model", ["cnn", "vit-proposed"])
def test_a_run_that_was_interrupted_ends_with_the_same_bytes(tiny, model, monkeypatch):
    run = run_of(tiny, model)
    list(train(run))
    whole = files(run)
    for path in [*run.folder.iterdir(), run.weights]:
        path.unlink()
    interrupted(run, epochs=2)
    assert not list(run.folder.iterdir())
    epochs = trained_epochs(monkeypatch)
    assert len(list(train(run))) == 3
    assert epochs == [2] and files(run) == whole
    assert set(whole) == {"history.csv", "predictions.csv.gz", "settings.yaml", "seed-0.safetensors"}


def test_fast_dropout_is_used_and_a_run_with_it_that_was_interrupted_ends_with_the_same_bytes(tiny):
    usual = run_of(tiny, "vit")
    list(train(usual))
    history = usual.history.read_bytes()
    run = run_of(with_training(tiny, fast_dropout=True), "vit")
    list(train(run))
    whole = files(run)
    assert whole["history.csv"] != history
    for path in [*run.folder.iterdir(), run.weights]:
        path.unlink()
    interrupted(run, epochs=1)
    list(train(run))
    assert files(run) == whole


def losses_by_precision(tiny: Study, model: str) -> list[list[float]]:
    """Training losses per epoch with 32-bit floats, and with bfloat16."""
    losses = []
    for precision in ["32-true", "bf16-mixed"]:
        run = run_of(with_training(tiny, precision=precision), model)
        losses.append([row["train_loss"] for row in train(run)])
        run.settings.unlink()
    assert losses[0] != losses[1], "the precision is used"
    return losses


@pytest.mark.parametrize("model", ["cnn", "vit"])
def test_bfloat16_trains_nearly_as_32_bits_do(tiny, model):
    single, half = losses_by_precision(tiny, model)
    np.testing.assert_allclose(half, single, rtol=0.1)


def test_bfloat16_trains_the_proposed_vit_too(tiny):
    # another head may win by rounding alone, so losses need not be near each other; they are those of a training
    _, half = losses_by_precision(tiny, "vit-proposed")
    assert len(half) == 3 and max(half) < 2


def killed_after(steps: int, train_step):
    """`train_step`, which raises after so many calls."""
    left = iter(range(steps))

    def step(*arguments):
        if next(left, None) is None:
            raise ZeroDivisionError
        return train_step(*arguments)

    return step


@pytest.mark.parametrize("model", ["cnn", "vit-proposed"])
def test_a_run_that_was_interrupted_within_an_epoch_ends_with_the_same_bytes(tiny, model, monkeypatch):
    run = run_of(tiny, model)
    list(train(run))
    whole = files(run)
    run.settings.unlink()
    monkeypatch.setattr(fit, "SECONDS", -1)  # a checkpoint after every step
    for steps in [1, 1, 2]:
        with monkeypatch.context() as patched, pytest.raises(ZeroDivisionError):
            patched.setattr(fit, "train_step", killed_after(steps, fit.train_step))
            list(train(run))
        torch.manual_seed(99)
    list(train(run))
    assert files(run) == whole


def test_a_damaged_checkpoint_is_reported_and_the_training_starts_again(tiny):
    run = run_of(tiny)
    list(train(run))
    whole = files(run)
    run.settings.unlink()
    interrupted(run, epochs=2)
    path = run.weights.with_suffix(".checkpoint")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="seed-0.checkpoint is damaged: this training starts again"):
        assert len(list(train(run))) == 3
    assert files(run) == whole


def test_a_finished_seed_is_not_trained_again_until_a_setting_changes(tiny, monkeypatch):
    run = run_of(tiny)
    rows = list(train(run))
    epochs = trained_epochs(monkeypatch)
    again = list(train(run))
    assert epochs == []
    assert [row.keys() for row in again] == [row.keys() for row in rows]
    list(train(run_of(with_training(tiny, learning_rate=0.5))))
    assert epochs == [0, 1, 2]


def with_rates(tiny: Study, rates) -> Run:
    """The CNN at one learning rate, or at each of several."""
    model = tiny.models["cnn"].model_copy(update={"learning_rate": rates})
    return run_of(tiny.model_copy(update={"models": {"cnn": model}}))


def test_of_several_learning_rates_the_best_on_validation_is_kept(tiny):
    alone = {rate: list(train(with_rates(tiny, rate)))[-1] for rate in [1e-5, 3e-2]}
    best = max(alone, key=lambda rate: (alone[rate]["validation_accuracy"], -alone[rate]["validation_loss"]))
    run = with_rates(tiny, [1e-5, 3e-2])
    assert [row["epoch"] for row in train(run)] == [1, 2, 3] * 2
    kept = pd.read_csv(run.history)
    assert set(kept.learning_rate) == {best} and kept.epoch.tolist() == [1, 2, 3]
    assert kept.validation_loss.iloc[-1] == pytest.approx(alone[best]["validation_loss"], abs=1e-5)
    assert len(pd.read_csv(run.timing)) == 6, "the seconds of both"
    whole = files(run)
    run.settings.unlink()
    interrupted(run, epochs=5)  # in the second
    list(train(run))
    assert files(run) == whole
    assert not list(run.weights.parent.glob("*.checkpoint"))


def test_predictions_hold_each_image_once_and_probabilities_sum_to_one(tiny):
    run = run_of(tiny)
    list(train(run))
    table = pd.read_csv(run.predictions)
    assert table.columns.tolist() == ["part", "path", "group", "label", "predicted", "p_tumour", "p_healthy"]
    assert table.part.tolist() == ["test"] * 8 and table.path.is_unique
    assert np.allclose(table.p_tumour + table.p_healthy, 1, atol=2e-6)
    assert (table.predicted == np.where(table.p_tumour > table.p_healthy, "tumour", "healthy")).all()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is CUDA here")
def test_asking_for_cuda_where_there_is_none_says_what_to_set(tiny):
    with pytest.raises(StudyError, match="device: auto"):
        list(train(run_of(with_training(tiny, device="cuda"))))


def test_the_trained_weights_are_loaded_or_it_says_why_not(tiny):
    run = run_of(tiny)
    with pytest.raises(StudyError, match="cnn on phantom-brain, split published, seed 0 was not trained"):
        load_trained(run)
    list(train(run))
    assert not load_trained(run).training
    run.weights.unlink()
    with pytest.raises(StudyError, match="the weights of .* are not here"):
        load_trained(run)


def test_pixels_are_memory_mapped_and_normalised_as_the_study_says(tiny):
    cell = tiny.cell("phantom-brain", "published")
    images = open_images(cell, torch.device("cpu"))
    pixels, labels = images.batch(torch.tensor([3, 0]))
    raw = np.load(cell.images / "pixels.npy")[3].transpose(2, 0, 1) / 255
    assert torch.allclose(pixels[0].double(), torch.from_numpy((raw - 0.5) / 0.25), atol=1e-5)
    assert labels.tolist() == [1, 0] and isinstance(images.pixels, np.memmap)


def test_a_killed_dvc_repro_resumes_and_ends_with_the_same_bytes(changeable):
    folder, epochs = changeable.folder, 30
    for name, before, after in [
        ("params/tiny/params.yaml", "epochs: 3", f"epochs: {epochs}"),
        ("lib/training/fit.py", "SECONDS = 30", "SECONDS = 0"),
    ]:
        text = (folder / name).read_text()
        assert before in text
        (folder / name).write_text(text.replace(before, after))
    stage = "params/tiny/dvc.yaml:train@phantom-brain-published-cnn"
    parts = [folder / name / "tiny/phantom-brain/published/cnn" for name in ["runs", "weights"]]
    checkpoint = parts[1] / "seed-0.checkpoint"
    process = changeable.start("dvc", "repro", "--single-item", stage)
    wait_for(lambda: checkpoint.exists() or process.poll() is not None)
    changeable.kill(process)
    state = torch.load(io.BytesIO(checkpoint.read_bytes()[32:]), weights_only=True)
    assert len(state["progress"]["history"]) < epochs
    code, output = changeable.run("dvc", "repro", "--single-item", stage)
    assert code == 0, output
    resumed = {path: path.read_bytes() for part in parts for path in part.rglob("*") if path.is_file()}
    assert len(resumed) == 8
    for path in resumed:
        path.unlink()
    code, output = changeable.run("dvc", "repro", "--force", "--single-item", stage)
    assert code == 0, output
    assert {path: path.read_bytes() for part in parts for path in part.rglob("*") if path.is_file()} == resumed


def test_a_pilot_gives_validation_accuracy_and_keeps_nothing(tiny, monkeypatch):
    run = run_of(tiny)
    before = trained_epochs(monkeypatch)
    (accuracy,) = pilot(run.cell, "cnn")
    assert len(before) == 3 and 0 <= accuracy <= 1
    left = [path for path in [*run.folder.parent.rglob("*"), *run.weights.parent.rglob("*")] if path.is_file()]
    assert not left
    list(train(run.cell.run("cnn", SEED)))
    assert accuracy == pd.read_csv(run.cell.run("cnn", SEED).history).validation_accuracy.iloc[-1]


def test_simple_classifiers_give_validation_accuracy_beside_a_pilot(tiny):
    cell = run_of(tiny).cell
    write_csv(pd.DataFrame({"width": range(40), "height": [40] * 40}), cell.images / "images.csv")
    found = reached(cell)
    assert {"Nearest neighbour", "Ridge on grey pixels", "Width and height"} <= set(found)
    # eight validation images, so each accuracy is a count of eighths
    assert all(0 <= accuracy <= 1 and (8 * accuracy).is_integer() for accuracy in found.values())
