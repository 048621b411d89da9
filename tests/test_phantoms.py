"""Phantoms: what a study would get wrong if the drawn data broke a promise."""

import io
import zipfile

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lib import phantoms


def read(path):
    """An archive as {name: bytes} and its truth as a table."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return members, pd.read_csv(io.BytesIO(members["truth.csv"]))


@pytest.fixture(scope="module")
def blood(tmp_path_factory):
    path = tmp_path_factory.mktemp("blood") / "blood.zip"
    phantoms.write_blood_archive(path, seed=3, photographs=5, views=2)
    return path


@pytest.fixture(scope="module")
def brain(tmp_path_factory):
    path = tmp_path_factory.mktemp("brain") / "brain.zip"
    phantoms.write_brain_archive(path, seed=3, patients=25)
    return path


def test_equal_arguments_write_equal_bytes(blood, brain, tmp_path):
    phantoms.DRAW["blood"](tmp_path / "blood.zip", seed=3, photographs=5, views=2)
    phantoms.DRAW["brain"](tmp_path / "brain.zip", seed=3, patients=25)
    assert (tmp_path / "blood.zip").read_bytes() == blood.read_bytes()
    assert (tmp_path / "brain.zip").read_bytes() == brain.read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"blood.zip", "brain.zip"}, "a temporary file stayed"


def test_more_views_leave_the_photographs_as_they_were(blood, tmp_path):
    phantoms.write_blood_archive(tmp_path / "more.zip", seed=3, photographs=5, views=3)
    few, more = read(blood)[0], read(tmp_path / "more.zip")[0]
    originals = [name for name in few if "JPEGImages" in name]
    assert len(originals) == 20 and all(few[name] == more[name] for name in originals)


def test_no_photograph_is_on_both_sides_of_the_published_split(blood):
    members, truth = read(blood)
    part = truth["path"].str.extract("images/(TRAIN|TEST)/")[0]
    assert set(truth["path"]) == {name for name in members if "dataset2-master" in name}
    assert truth["path"].is_unique and part.value_counts().to_dict() == {"TRAIN": 32, "TEST": 8}
    assert (part.groupby(truth["photo"]).nunique() == 1).all()
    assert {f"dataset-master/dataset-master/JPEGImages/{photo}.jpg" for photo in truth["photo"]} <= set(members)


def test_the_classes_differ_in_the_white_cell():
    """Purple is a nucleus: small in a lymphocyte, large in a monocyte. Strong red is an eosinophil's granules."""
    purple, red = {}, {}
    for k, label in enumerate(phantoms.CELLS):
        smears = np.stack([phantoms.draw_smear(label, np.random.default_rng([k, i])) for i in range(12)]).astype(int)
        assert smears.shape == (12, 240, 320, 3)
        purple[label] = (smears[..., 2] - smears[..., 1] > 60).mean()
        red[label] = (smears[..., 0] - smears[..., 2] > 70).mean()
    assert purple["MONOCYTE"] > 1.2 * purple["LYMPHOCYTE"] > 0.01
    assert max(red, key=red.get) == "EOSINOPHIL"


def test_a_view_keeps_the_size_and_most_of_the_photograph():
    smear = phantoms.draw_smear("NEUTROPHIL", np.random.default_rng(0))
    views = [phantoms.augment(smear, np.random.default_rng(i)) for i in range(20)]
    assert all(view.shape == smear.shape and view.dtype == np.uint8 for view in views)
    black = [(view.max(-1) == 0).mean() for view in views]
    assert min(black) < 0.01 < max(black) < 0.5, "some views repeat the edge, some have black corners"


def test_a_mask_lies_on_the_tumour_and_healthy_slices_have_none():
    for i in range(20):
        image, mask = phantoms.draw_slice(True, np.random.default_rng(i))
        assert image.shape == mask.shape and image.dtype == np.uint8 and mask.dtype == bool
        assert all(160 <= side <= 320 for side in image.shape)
        across = 2 * np.sqrt(mask.sum() / np.pi) / image.shape[1]
        assert 0.08 < across < 0.30
        assert np.percentile(image[mask], 90) > np.median(image[image > 30]), (
            "brighter than most of the head, or ringed so"
        )
        assert not phantoms.draw_slice(False, np.random.default_rng(i))[1].any()


def test_the_size_of_a_slice_does_not_depend_on_the_tumour():
    for i in range(10):
        assert np.equal(*(phantoms.draw_slice(t, np.random.default_rng(i))[0].shape for t in (True, False))).all()


def test_the_brain_archive_has_the_real_ones_oddities(brain):
    members, truth = read(brain)
    slices = truth.assign(bytes=[members[path] for path in truth["path"]])
    assert len(slices) == 52 and slices["patient"].nunique() == 50
    assert (slices.groupby("bytes")["patient"].nunique() == 1).all() and slices["bytes"].nunique() == 50
    assert {Image.open(io.BytesIO(one)).mode for one in slices["bytes"]} == {"L", "RGB"}
    for path in slices.loc[slices["path"].str.startswith("yes/"), "path"]:
        mask = Image.open(io.BytesIO(members[path.replace("yes/", "masks/").replace(".jpg", ".png")]))
        assert mask.size == Image.open(io.BytesIO(members[path])).size and np.asarray(mask).any()
