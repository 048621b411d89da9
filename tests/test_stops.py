"""A training that cannot go on says why and what to do; what is finished is kept."""

import pytest
import torch

from lib import fitting, predictions, training
from lib.errors import StudyError


def run(chosen) -> list[dict]:
    return list(training.train(chosen, "phantom-brain", "published", "cnn", 0))


def test_a_loss_that_is_no_number_stops_that_seed_and_says_so_and_keeps_the_others(tiny, monkeypatch):
    step, tiny = fitting.train_step, tiny.model_copy(update={"seeds": [0, 1]})
    for seed in tiny.seeds:
        list(training.train(tiny, "phantom-brain", "published", "cnn", seed))
    nan = lambda *a: (float("nan") * step(*a)[0], step(*a)[1])  # noqa: E731
    monkeypatch.setattr(fitting, "train_step", nan)
    (tiny.run("phantom-brain", "published", "cnn", 0) / "settings.yaml").unlink()
    assert run(tiny) == []
    assert (
        tiny.stopped("phantom-brain", "published", "cnn", 0)
        == "the loss became nan in epoch 1 at the learning rate 0.001"
    )
    assert tiny.finished("phantom-brain", "published", "cnn") == [1]
    assert len(predictions.read_seeds(tiny, "phantom-brain", "published", "cnn")) == 1
    monkeypatch.setattr(fitting, "train_step", None)
    assert run(tiny) == [], "it is not tried again while its settings are the same"
    monkeypatch.setattr(fitting, "train_step", step)
    (tiny.run("phantom-brain", "published", "cnn", 0) / "settings.yaml").unlink()
    assert len(run(tiny)) == 3 and tiny.finished("phantom-brain", "published", "cnn") == [0, 1]


def test_a_network_that_answers_no_number_stops_that_seed_too(tiny, monkeypatch):
    answers = fitting.predict
    monkeypatch.setattr(fitting, "predict", lambda *a: answers(*a) * float("nan"))
    assert run(tiny) == []
    assert tiny.stopped("phantom-brain", "published", "cnn", 0).startswith("the probabilities became nan in epoch 1")


def test_a_network_that_answers_no_number_to_the_test_part_alone_has_no_result(tiny, monkeypatch):
    answers = training.predict
    monkeypatch.setattr(training, "predict", lambda *a: answers(*a) * float("nan"))
    assert len(run(tiny)) == 3
    assert tiny.stopped("phantom-brain", "published", "cnn", 0) == "the probabilities of the validation part are nan"


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA"), MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")]
)
def test_a_batch_that_does_not_fit_is_told_with_what_to_set(tiny, monkeypatch, error):
    def full(*_):
        raise error

    monkeypatch.setattr(fitting, "train_step", full)
    with pytest.raises(
        StudyError, match="a step of 8 images does not fit into memory; set a smaller batch_size in params/demo"
    ):
        run(tiny)
