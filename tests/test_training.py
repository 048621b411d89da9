"""A run is repeatable to the byte, whether or not it was cut off; what is finished is left alone."""

import io

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import Project, wait_for

from lib import checkpoints, fitting, training
from lib.errors import StudyError


def files(chosen, model="cnn") -> dict[str, bytes]:
    folder = chosen.run("phantom-brain", "published", model, 0)
    weights = chosen.weights("phantom-brain", "published", model, 0)
    return {path.name: path.read_bytes() for path in [*folder.iterdir(), weights]}


def run(chosen, model="cnn", epochs=None) -> list[dict]:
    """Train; after `epochs` epochs walk away, as a killed process does."""
    rows = training.train(chosen, "phantom-brain", "published", model, 0)
    return [next(rows) for _ in range(epochs)] if epochs else list(rows)


@pytest.mark.parametrize("model", ["cnn", "vit-proposed"])
def test_a_run_that_was_cut_off_ends_with_the_same_bytes(tiny, model, monkeypatch):
    run(tiny, model)
    whole = files(tiny, model)
    for path in [
        *tiny.run("phantom-brain", "published", model, 0).iterdir(),
        tiny.weights("phantom-brain", "published", model, 0),
    ]:
        path.unlink()
    run(tiny, model, epochs=2)
    assert not list(tiny.run("phantom-brain", "published", model, 0).glob("*"))
    torch.manual_seed(99)  # whatever the process did in between
    trained = []
    monkeypatch.setattr(
        fitting, "train_epoch", lambda *a, original=fitting.train_epoch: trained.append(a[5]) or original(*a)
    )
    rows = run(tiny, model)
    assert trained == [2] and len(rows) == 3 and files(tiny, model) == whole
    assert set(whole) == {"history.csv", "predictions.csv", "settings.yaml", "seed-0.safetensors"}


@pytest.mark.parametrize("model", ["cnn", "vit-proposed"])
def test_bfloat16_trains_nearly_as_32_bits_do(tiny, model):
    losses = []
    for precision in ["32-true", "bf16-mixed"]:
        rows = run(tiny.model_copy(update={"precision": precision}), model)
        losses.append([row["train_loss"] for row in rows])
        (tiny.run("phantom-brain", "published", model, 0) / "settings.yaml").unlink()
    assert losses[0] != losses[1], "that the precision is used"
    np.testing.assert_allclose(losses[1], losses[0], rtol=0.1)


def killed_after(steps: int, train_step):
    """Training steps, of which the one after so many ends the process."""
    left = iter(range(steps))
    return lambda *arguments: train_step(*arguments) if next(left, None) is not None else 1 / 0


@pytest.mark.parametrize("model", ["cnn", "vit-proposed"])
def test_a_run_that_was_cut_off_within_an_epoch_ends_with_the_same_bytes(tiny, model, monkeypatch):
    run(tiny, model)
    whole = files(tiny, model)
    (tiny.run("phantom-brain", "published", model, 0) / "settings.yaml").unlink()
    monkeypatch.setattr(checkpoints, "SECONDS", -1)  # a checkpoint after every step
    step = fitting.train_step
    for steps in [1, 1, 2]:
        monkeypatch.setattr(fitting, "train_step", killed_after(steps, step))
        with pytest.raises(ZeroDivisionError):
            run(tiny, model)
        torch.manual_seed(99)
    monkeypatch.setattr(fitting, "train_step", step)
    run(tiny, model)
    assert files(tiny, model) == whole


def test_a_damaged_checkpoint_is_told_and_the_run_begins_anew(tiny):
    run(tiny)
    whole = files(tiny)
    (tiny.run("phantom-brain", "published", "cnn", 0) / "settings.yaml").unlink()
    run(tiny, epochs=2)
    path = tiny.weights("phantom-brain", "published", "cnn", 0).with_suffix(".checkpoint")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.warns(UserWarning, match="seed-0.checkpoint is damaged: this training begins anew"):
        assert len(run(tiny)) == 3
    assert files(tiny) == whole


def test_a_finished_seed_is_not_trained_again_until_a_setting_changes(tiny, monkeypatch):
    run(tiny)
    monkeypatch.setattr(fitting, "train_epoch", None)  # calling it would fail
    assert len(run(tiny)) == 3
    changed = tiny.model_copy(update={"learning_rate": 0.5})
    with pytest.raises(TypeError):
        run(changed)


def test_of_several_learning_rates_the_best_on_validation_is_kept(tiny):
    def with_rates(rates):
        return tiny.model_copy(
            update={"models": {"cnn": tiny.models["cnn"].model_copy(update={"learning_rate": rates})}}
        )

    alone = {rate: run(with_rates(rate))[-1] for rate in [1e-5, 3e-2]}
    best = max(alone, key=lambda rate: (alone[rate]["validation_accuracy"], -alone[rate]["validation_loss"]))
    rows = run(with_rates([1e-5, 3e-2]))
    assert [row["epoch"] for row in rows] == [1, 2, 3] * 2
    kept = pd.read_csv(tiny.run("phantom-brain", "published", "cnn", 0) / "history.csv")
    assert set(kept.learning_rate) == {best} and kept.epoch.tolist() == [1, 2, 3]
    assert kept.validation_loss.iloc[-1] == pytest.approx(alone[best]["validation_loss"], abs=1e-5)
    whole = files(with_rates([1e-5, 3e-2]))
    (tiny.run("phantom-brain", "published", "cnn", 0) / "settings.yaml").unlink()
    run(with_rates([1e-5, 3e-2]), epochs=5)  # cut off in the second
    run(with_rates([1e-5, 3e-2]))
    assert files(with_rates([1e-5, 3e-2])) == whole
    assert not list(tiny.weights("phantom-brain", "published", "cnn", 0).parent.glob("*.checkpoint"))


def test_predictions_hold_each_image_once_and_probabilities_sum_to_one(tiny):
    run(tiny)
    table = pd.read_csv(tiny.run("phantom-brain", "published", "cnn", 0) / "predictions.csv")
    assert table.columns.tolist() == ["part", "path", "group", "label", "predicted", "p_tumour", "p_healthy"]
    assert table.part.tolist() == ["validation"] * 8 + ["test"] * 8 and table.path.is_unique
    assert np.allclose(table.p_tumour + table.p_healthy, 1, atol=2e-6)
    assert (table.predicted == np.where(table.p_tumour > table.p_healthy, "tumour", "healthy")).all()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is CUDA here")
def test_asking_for_cuda_where_there_is_none_says_what_to_set(tiny):
    with pytest.raises(StudyError, match="device: auto"):
        run(tiny.model_copy(update={"device": "cuda"}))


def test_pixels_come_from_the_cache_and_are_normalised_as_told(tiny):
    images = training.open_images(tiny, "phantom-brain", "published", torch.device("cpu"))
    pixels, labels = images.batch(torch.tensor([3, 0]))
    raw = np.load(tiny.images("phantom-brain") / "pixels.npy")[3].transpose(2, 0, 1) / 255
    assert torch.allclose(pixels[0].double(), torch.from_numpy((raw - 0.5) / 0.25), atol=1e-5)
    assert labels.tolist() == [1, 0] and isinstance(images.pixels, np.memmap)


def test_a_killed_dvc_repro_goes_on_and_ends_with_the_same_bytes(tmp_path):
    project = Project(tmp_path)
    parameters = tmp_path / "params/tiny/params.yaml"
    parameters.write_text(parameters.read_text().replace("epochs: 3", "epochs: 100"))
    stage = "params/tiny/dvc.yaml:train@phantom-brain-published-cnn"
    parts = [tmp_path / folder / "tiny/phantom-brain/published/cnn" for folder in ["runs", "weights"]]
    checkpoint = parts[1] / "seed-0.checkpoint"
    process = project.start("dvc", "repro", stage)
    wait_for(lambda: checkpoint.exists() or process.poll() is not None)
    project.kill(process)
    done = len(torch.load(io.BytesIO(checkpoint.read_bytes()[32:]), weights_only=True)["progress"]["history"])
    assert 0 < done < 100 and not (parts[0] / "seed-0/settings.yaml").exists()
    code, output = project.run("dvc", "repro", stage)
    assert code == 0, output
    resumed = {p: p.read_bytes() for part in parts for p in part.rglob("*") if p.is_file()}
    for path in resumed:
        path.unlink()
    code, output = project.run("dvc", "repro", "--force", "--single-item", stage)
    assert code == 0, output
    assert {p: p.read_bytes() for part in parts for p in part.rglob("*") if p.is_file()} == resumed and len(
        resumed
    ) == 8
