"""A training that cannot go on says why and what to do; what is finished is kept."""

import pytest
import torch
from conftest import mounted

from lib.evidence import predictions
from lib.strict import StudyError
from lib.study import Run, Study
from lib.training import fit
from lib.training import run as training
from lib.training.run import train


def run_of(study: Study, seed: int = 0) -> Run:
    return study.cell("phantom-brain", "published").run("cnn", seed)


def nan_step(train_step):
    """`train_step` with a loss that is NaN."""

    def step(*arguments):
        loss, correct = train_step(*arguments)
        return loss * float("nan"), correct

    return step


def nan_predict(predict):
    """`predict` with probabilities that are NaN."""
    return lambda *arguments: predict(*arguments) * float("nan")


def test_a_loss_that_becomes_nan_stops_that_seed_and_says_so_and_keeps_the_others(tiny, monkeypatch):
    tiny, step = tiny.model_copy(update={"seeds": [0, 1]}), fit.train_step
    cell, run = tiny.cell("phantom-brain", "published"), run_of(tiny)
    for seed in tiny.seeds:
        list(train(run_of(tiny, seed)))
    run.settings.unlink()
    monkeypatch.setattr(fit, "train_step", nan_step(step))
    assert list(train(run)) == []
    assert run.stopped == "the loss became nan in epoch 1 at the learning rate 0.001"
    assert [kept.seed for kept in cell.with_result("cnn")] == [1]
    assert len(predictions.read_seeds(cell, "cnn")) == 1
    monkeypatch.setattr(fit, "train_step", None)
    assert list(train(run)) == [], "it is not tried again while its settings are the same"
    monkeypatch.setattr(fit, "train_step", step)
    run.settings.unlink()
    assert len(list(train(run))) == 3 and len(cell.with_result("cnn")) == 2


def test_a_network_that_answers_nan_stops_that_seed_too(tiny, monkeypatch):
    monkeypatch.setattr(fit, "predict", nan_predict(fit.predict))
    assert list(train(run_of(tiny))) == []
    assert run_of(tiny).stopped.startswith("the probabilities became nan in epoch 1")


def test_a_network_that_answers_nan_after_its_last_epoch_has_no_result(tiny, monkeypatch):
    monkeypatch.setattr(training, "predict", nan_predict(training.predict))
    assert len(list(train(run_of(tiny)))) == 3
    assert run_of(tiny).stopped == "the probabilities of the test part are nan"


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA"), MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_a_batch_that_does_not_fit_says_what_to_set(tiny, monkeypatch, error):
    def full(*_):
        raise error

    monkeypatch.setattr(fit, "train_step", full)
    message = "a step of 8 images does not fit into memory; set a smaller batch_size in params/demo"
    with pytest.raises(StudyError, match=message):
        list(train(run_of(tiny)))


def test_a_disk_that_fills_under_a_checkpoint_stops_it_and_with_room_it_ends_with_the_same_bytes(tiny, tmp_path):
    run = run_of(tiny)
    list(train(run))
    wanted = {path: path.read_bytes() for path in [run.predictions, run.history, run.weights, run.settings]}
    for path in wanted:
        path.unlink()
    run.weights.parent.rmdir()
    with mounted(run.weights.parent, "size=64k") as folder:
        (folder / "others").write_bytes(bytes(2**16))
        with pytest.raises(StudyError, match="checkpoint cannot be written .No space left.*make room on that disk"):
            list(train(run))
        assert [path.name for path in folder.iterdir()] == ["others"] and not run.settings.exists()
    list(train(run))
    assert {path: path.read_bytes() for path in wanted} == wanted
