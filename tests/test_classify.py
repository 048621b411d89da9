"""A trained network on new files: which part of a picture it rests on is found whatever the picture's size."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from lib.classify import Run
from lib.labels import KINDS
from lib.study import load_study


class Corner(nn.Module):
    """Sure of the first class as long as the last pixel is bright, and of nothing else."""

    def forward(self, images):
        assert len(images) == 1  # a choice that is made per batch must not see the other covered pictures
        bright = images[:, 0, -1, -1]
        return torch.stack([5 * bright, torch.zeros_like(bright)], 1)


def test_one_file_is_classified_as_several_are_and_none_gives_no_rows(tmp_path):
    Image.new("RGB", (64, 64), "white").save(tmp_path / "white.png")
    run = Run(Corner().eval(), load_study("quick"), ["a", "b"], False, KINDS["one"])
    one = run.classify(str(tmp_path / "white.png"))
    assert one.equals(run.classify([str(tmp_path / "white.png")])) and one.predicted.tolist() == ["a"]
    assert len(run.classify([])) == 0


@pytest.mark.parametrize("size", [28, 64])
def test_what_an_answer_rests_on_is_found_at_the_edge_too(tmp_path, size):
    study = load_study("quick").model_copy(update={"image_size": size})
    Image.new("RGB", (size, size), "white").save(tmp_path / "white.png")
    falls = Run(Corner().eval(), study, ["a", "b"], False, KINDS["one"]).looked(tmp_path / "white.png")
    assert falls.shape == (8, 8) and falls[7, 7] > 0.3 and np.abs(np.delete(falls.ravel(), 63)).max() < 1e-6
