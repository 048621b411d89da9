"""A trained network on new files: which part of a picture it rests on is found whatever the picture's size."""

import numpy as np
import pytest
import torch
from conftest import png
from PIL import Image
from torch import nn

from lib.classify import Classifier, familiar, load
from lib.strict import StudyError
from lib.study import load_study
from lib.training.images import KINDS, normalised


class Corner(nn.Module):
    """Sure of the first class as long as the last pixel is bright, and of nothing else."""

    def forward(self, images):
        assert len(images) == 1  # a choice that is made per batch must not see the other covered pictures
        bright = images[:, 0, -1, -1]
        return torch.stack([5 * bright, torch.zeros_like(bright)], 1)


def classifier(size: int = 64) -> Classifier:
    training = load_study("quick").training.model_copy(update={"image_size": size})
    return Classifier([Corner().eval()], training, ["a", "b"], False, KINDS["one"])


def test_one_file_is_classified_as_several_are_and_none_gives_no_rows(tmp_path):
    Image.new("RGB", (64, 64), "white").save(tmp_path / "white.png")
    one = classifier().classify(str(tmp_path / "white.png"))
    assert one.equals(classifier().classify([str(tmp_path / "white.png")])) and one.predicted.tolist() == ["a"]
    assert one.columns.tolist() == ["path", "predicted", "probability", "p_a", "p_b"]
    assert len(classifier().classify([])) == 0


@pytest.mark.parametrize("size", [28, 64])
def test_what_an_answer_rests_on_is_found_at_the_edge_too(tmp_path, size):
    Image.new("RGB", (size, size), "white").save(tmp_path / "white.png")
    falls = classifier(size).looked(tmp_path / "white.png")
    assert falls.shape == (8, 8) and falls[7, 7] > 0.3 and np.abs(np.delete(falls.ravel(), 63)).max() < 1e-6


def test_a_file_is_seen_as_its_pixels_were_in_training(tmp_path):
    (tmp_path / "a.png").write_bytes(png(size=(64, 64)))
    pixels = torch.from_numpy(np.array(Image.open(tmp_path / "a.png")))
    training = load_study("quick").training
    assert torch.equal(classifier().pixels(tmp_path / "a.png"), normalised(pixels[None], training)[0])


def test_a_file_that_is_no_image_is_named(tmp_path):
    (tmp_path / "a.png").write_bytes(b"text")
    with pytest.raises(StudyError, match="a.png is not an image that can be read"):
        classifier().classify(tmp_path / "a.png")


def test_a_run_without_a_result_is_refused_with_the_reason(tiny):
    with pytest.raises(StudyError, match="no training of cnn on phantom-brain, split published, has a result"):
        load(tiny, "phantom-brain", "published", "cnn")
    run = tiny.cell("phantom-brain", "published").run("cnn", 0)
    run.folder.mkdir(parents=True)
    (run.folder / "stopped.txt").write_text("the loss became nan")
    with pytest.raises(StudyError, match="seed 0 was stopped without a result: the loss became nan"):
        load(tiny, "phantom-brain", "published", "cnn", seed=0)
    with pytest.raises(StudyError, match="unknown model of the study"):
        load(tiny, "phantom-brain", "published", "cnm")


class Mean(nn.Module):
    """A network whose features are the mean colours of four quarters."""

    def __init__(self):
        super().__init__()
        self.quarters, self.last = nn.AdaptiveAvgPool2d(2), nn.Linear(12, 2)

    def forward(self, images):
        return self.last(self.quarters(images).flatten(1))


def test_an_image_that_resembles_no_training_image_is_said_to_be_unlike_them(tmp_path):
    rng = np.random.default_rng(0)
    # all own images are bright above and dark below
    pixels = np.concatenate([np.full((60, 16, 32, 3), 220), np.full((60, 16, 32, 3), 30)], axis=1)
    pixels = np.uint8(pixels + rng.integers(-20, 20, pixels.shape))
    part = np.where(np.arange(60) % 3 == 0, "test", "train")
    training = load_study("quick").training.model_copy(update={"image_size": 32})
    known = familiar(Mean().eval(), pixels, part, training)
    own = Classifier([Mean().eval()], training, ["a", "b"], False, KINDS["one"], None, lambda: known)
    Image.fromarray(pixels[0]).save(tmp_path / "own.png")
    Image.fromarray(pixels[0, ::-1]).save(tmp_path / "upside-down.png")
    said = own.classify([tmp_path / "own.png", tmp_path / "upside-down.png"])
    assert said.unlike.tolist() == [False, True]
    assert (
        familiar(Corner(), pixels, part, training) is None and familiar(Mean(), pixels[:4], part[:4], training) is None
    )
