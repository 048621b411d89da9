"""Phantoms: what a study would get wrong if the drawn data broke a promise."""

import io
import os
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from lib.data import phantoms
from lib.data.phantoms import slices, smears

RECORD = Path(__file__).with_name("phantoms.npz")


def read(path):
    """An archive as {name: bytes} and its truth as a table."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return members, pd.read_csv(io.BytesIO(members["truth.csv"]))


@pytest.fixture(scope="module")
def blood(tmp_path_factory):
    path = tmp_path_factory.mktemp("blood") / "blood.zip"
    phantoms.DRAW["blood"](path, seed=3, photographs=5, views=2)
    return path


@pytest.fixture(scope="module")
def brain(tmp_path_factory):
    path = tmp_path_factory.mktemp("brain") / "brain.zip"
    phantoms.DRAW["brain"](path, seed=3, patients=25)
    return path


def test_equal_arguments_write_equal_bytes(blood, brain, tmp_path):
    phantoms.DRAW["blood"](tmp_path / "blood.zip", seed=3, photographs=5, views=2)
    phantoms.DRAW["brain"](tmp_path / "brain.zip", seed=3, patients=25)
    assert (tmp_path / "blood.zip").read_bytes() == blood.read_bytes()
    assert (tmp_path / "brain.zip").read_bytes() == brain.read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"blood.zip", "brain.zip"}, "a temporary file stayed"


def test_more_views_leave_the_photographs_as_they_were(blood, tmp_path):
    phantoms.DRAW["blood"](tmp_path / "more.zip", seed=3, photographs=5, views=3)
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
    for k, label in enumerate(smears.CELLS):
        drawn = [smears.draw_smear(label, np.random.default_rng([k, i])) for i in range(12)]
        drawn = np.stack(drawn).astype(int)
        assert drawn.shape == (12, 240, 320, 3)
        purple[label] = (drawn[..., 2] - drawn[..., 1] > 60).mean()
        red[label] = (drawn[..., 0] - drawn[..., 2] > 70).mean()
    assert purple["MONOCYTE"] > 1.2 * purple["LYMPHOCYTE"] > 0.01
    assert max(red, key=red.get) == "EOSINOPHIL"


def test_a_view_keeps_the_size_and_most_of_the_photograph():
    smear = smears.draw_smear("NEUTROPHIL", np.random.default_rng(0))
    views = [smears.augment(smear, np.random.default_rng(i)) for i in range(20)]
    assert all(view.shape == smear.shape and view.dtype == np.uint8 for view in views)
    black = [(view.max(-1) == 0).mean() for view in views]
    assert min(black) < 0.01 < max(black) < 0.5, "some views repeat the edge, some have black corners"


def test_a_mask_lies_on_the_tumour_and_healthy_slices_have_none():
    for i in range(20):
        image, mask = slices.draw_slice(True, np.random.default_rng(i))
        assert image.shape == mask.shape and image.dtype == np.uint8 and mask.dtype == bool
        assert all(160 <= side <= 320 for side in image.shape)
        across = 2 * np.sqrt(mask.sum() / np.pi) / image.shape[1]
        assert 0.08 < across < 0.30
        # brighter than most of the head, or with such a ring
        assert np.percentile(image[mask], 90) > np.median(image[image > 30])
        assert not slices.draw_slice(False, np.random.default_rng(i))[1].any()


def test_the_size_of_a_slice_does_not_depend_on_the_tumour():
    for i in range(10):
        with_tumour, _ = slices.draw_slice(True, np.random.default_rng(i))
        without, _ = slices.draw_slice(False, np.random.default_rng(i))
        assert with_tumour.shape == without.shape


def test_the_brain_archive_has_the_real_ones_oddities(brain):
    members, truth = read(brain)
    slices = truth.assign(bytes=[members[path] for path in truth["path"]])
    assert len(slices) == 52 and slices["patient"].nunique() == 50
    assert (slices.groupby("bytes")["patient"].nunique() == 1).all() and slices["bytes"].nunique() == 50
    assert {Image.open(io.BytesIO(one)).mode for one in slices["bytes"]} == {"L", "RGB"}
    for path in slices.loc[slices["path"].str.startswith("yes/"), "path"]:
        mask = Image.open(io.BytesIO(members[path.replace("yes/", "masks/").replace(".jpg", ".png")]))
        assert mask.size == Image.open(io.BytesIO(members[path])).size and np.asarray(mask).any()


def samples(blood, brain) -> dict[str, np.ndarray]:
    """Every eighth row and column of one drawing of each kind, and truth.csv of two archives as bytes."""
    drawn = {cell: smears.draw_smear(cell, np.random.default_rng([9, k])) for k, cell in enumerate(smears.CELLS)}
    drawn["view"] = smears.augment(drawn["MONOCYTE"], np.random.default_rng(9))
    drawn["healthy"], _ = slices.draw_slice(False, np.random.default_rng(9))
    drawn["tumour"], mask = slices.draw_slice(True, np.random.default_rng(9))
    drawn["mask"] = np.uint8(255 * mask)
    sparse = {name: picture[::8, ::8] for name, picture in drawn.items()}
    for name, path in [("truth of blood", blood), ("truth of brain", brain)]:
        sparse[name] = np.frombuffer(read(path)[0]["truth.csv"], np.uint8)
    return sparse


def moved(before: dict, now: dict) -> list[str]:
    """Names of the samples that differ; processors that round differently may move a pixel by one grey level."""
    names = []
    for name, values in now.items():
        kept = before[name]
        tolerance = 0 if name.startswith("truth") else 1
        if kept.shape != values.shape or np.abs(kept.astype(int) - values).max() > tolerance:
            names.append(name)
    return names


def test_drawings_do_not_move_without_a_new_version(blood, brain):
    now = samples(blood, brain)
    with np.load(RECORD) as kept:
        version, differing = int(kept["version"]), moved(kept, now)
    if os.environ.get("RECORD_PHANTOMS") and version < phantoms.VERSION:
        np.savez_compressed(RECORD, version=phantoms.VERSION, **now)
        pytest.skip("recorded")
    advice = "raise lib.data.phantoms.VERSION, then record: RECORD_PHANTOMS=1 pytest tests/test_phantoms.py"
    assert not differing, f"{', '.join(differing)} are drawn otherwise than before. If that is meant, {advice}"
    assert version == phantoms.VERSION, (
        f"the samples are of version {version}: RECORD_PHANTOMS=1 pytest tests/test_phantoms.py"
    )
