"""A run is repeatable to the byte, whether or not it was cut off; what is finished is left alone."""

import ast
import time

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import Project

from lib import runs, study, training
from lib.errors import StudyError
from lib.files import write_csv
from lib.study import load_study


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """The demo study on 40 random images, in a folder of its own; one epoch of batches of 8."""
    chosen = load_study("demo")
    shorter = chosen.datasets["phantom-brain"].model_copy(update={"epochs": 3})
    scratch = {
        name: model.model_copy(update={"weights": "none"} if model.starts_from != "none" else {})
        for name, model in chosen.models.items()
    }
    chosen = chosen.model_copy(update={"datasets": {"phantom-brain": shorter}, "models": scratch, "batch_size": 8})
    (tmp_path / "params").symlink_to(study.ROOT / "params")
    monkeypatch.setattr(study, "ROOT", tmp_path)
    folder = chosen.images("phantom-brain")
    folder.mkdir(parents=True)
    np.save(folder / "pixels.npy", np.random.default_rng(0).integers(0, 255, (40, 64, 64, 3)).astype("uint8"))
    table = pd.DataFrame(
        {"path": [f"{i}.png" for i in range(40)], "label": ["tumour", "healthy"] * 20, "group": range(40)}
    )
    write_csv(
        table.assign(part=["train"] * 24 + ["validation"] * 8 + ["test"] * 8),
        chosen.split("phantom-brain", "published"),
    )
    return chosen


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
        training, "train_epoch", lambda *a, original=training.train_epoch: trained.append(a[-1]) or original(*a)
    )
    rows = run(tiny, model)
    assert trained == [2] and len(rows) == 3 and files(tiny, model) == whole
    assert set(whole) == {"history.csv", "predictions.csv", "settings.yaml", "seed-0.safetensors"}


def test_a_finished_seed_is_not_trained_again_until_a_setting_changes(tiny, monkeypatch):
    run(tiny)
    monkeypatch.setattr(training, "train_epoch", None)  # calling it would fail
    assert len(run(tiny)) == 3
    changed = tiny.model_copy(update={"learning_rate": 0.5})
    with pytest.raises(TypeError):
        run(changed)


def test_predictions_hold_each_image_once_and_probabilities_sum_to_one(tiny):
    run(tiny)
    table = pd.read_csv(tiny.run("phantom-brain", "published", "cnn", 0) / "predictions.csv")
    assert table.columns.tolist() == ["part", "path", "group", "label", "predicted", "p_tumour", "p_healthy"]
    assert table.part.tolist() == ["validation"] * 8 + ["test"] * 8 and table.path.is_unique
    assert np.allclose(table.p_tumour + table.p_healthy, 1, atol=2e-6)
    assert (table.predicted == np.where(table.p_tumour > table.p_healthy, "tumour", "healthy")).all()


def test_a_comment_changes_no_digest_but_code_does(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "ROOT", tmp_path)
    (tmp_path / "lib").mkdir()

    def digest(code):
        for name in ["attention", "images", "models", "surgery", "training"]:
            (tmp_path / "lib" / f"{name}.py").write_text(code)
        return runs.code_digest()

    assert runs.syntax(ast.parse("f'{a!r:>{w}}'")) == (
        "Module(body=[Expr(value=JoinedStr(values=[FormattedValue(value=Name(id='a', ctx=Load()), conversion=114, "
        "format_spec=JoinedStr(values=[Constant(value='>'), FormattedValue(value=Name(id='w', ctx=Load()), conversion=-1)]))]))])"
    )
    plain = digest('"""What."""\ndef f():\n    """Why."""\n    return 1\n')
    assert plain == digest("def f():\n    return 1  # one\n") != digest("def f():\n    return 2\n")


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
    done = len(torch.load(checkpoint, weights_only=True)["history"])
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


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)
