"""Images that look alike: one recording is one piece of evidence, and a kind of image that all resembles is not."""

import numpy as np
import pandas as pd
import pytest

from lib.data import groups
from lib.data.catalogue import Dataset
from lib.strict import StudyError

ENTRY = Dataset(title="t", folder="x", images="{label}/**", classes={"a": "a", "b": "b"})
SIDE = 32


def smooth(rng) -> np.ndarray:
    """A random picture of low frequencies, (32, 32), 0 to 1."""
    import cv2

    return cv2.resize(rng.random((4, 4)).astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC).clip(0, 1)


def grouped(pictures, labels, told=None):
    pixels = np.uint8(255 * np.repeat(np.stack(pictures)[..., None], 3, -1))
    images = pd.DataFrame({"path": [f"{n}.png" for n in range(len(labels))], "label": labels, "source": ""})
    images["sha256"] = images.path
    table, _ = groups.group(images, pixels, None, ENTRY, None, (told if told is not None else []).append)
    return table


@pytest.mark.parametrize("seed", range(3))
def test_frames_of_one_recording_a_class_are_too_few_groups(seed):
    rng = np.random.default_rng(seed)
    pictures, labels = [], []
    for label in "ab":
        start, end = smooth(rng), smooth(rng)
        pictures += [start + (end - start) * number / 80 for number in range(20)]
        labels += [label] * 20
    with pytest.raises(StudyError, match=r"too few groups of a \(1\), b \(1\).*\n.*near_duplicates: false"):
        grouped(pictures, labels)


@pytest.mark.parametrize("seed", range(3))
def test_images_that_all_look_alike_are_not_one_group(seed):
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    disc = np.hypot(rows - 15.5, columns - 15.5) < 15
    common = 0.4 * smooth(rng) + 0.5 * np.exp(-((np.hypot(rows - 15, columns - 23) / 4) ** 2))
    pictures = [disc * (0.2 + common + 0.12 * (smooth(rng) - 0.5)).clip(0, 1) for _ in range(60)]
    told = []
    table = grouped(pictures, ["a", "b"] * 30, told)
    assert table.group.value_counts().max() <= 0.2 * 60 and len(told) == 1 and "of 60" in told[0]


def test_pairs_that_look_alike_are_one_group_and_nothing_is_said():
    rng = np.random.default_rng(0)
    firsts = [smooth(rng) for _ in range(30)]
    pictures = [view for first in firsts for view in (first, (first + 0.02 * rng.random((SIDE, SIDE))).clip(0, 1))]
    told = []
    table = grouped(pictures, [label for number in range(30) for label in "ab"[number % 2] * 2], told)
    assert table.group.nunique() == 30 and not told
