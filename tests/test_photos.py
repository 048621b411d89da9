"""Every view finds its photograph, and photographs, copies and near duplicates become one group; on drawings, whose truth is known."""

import contextlib
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from lib import catalogue, datasets, groups, phantoms, photos, splits

ENTRY = catalogue.entry("phantom-blood")
quiet = datasets.quiet


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """Six photographs a class, five views of each."""
    path = tmp_path_factory.mktemp("photos") / "archive.zip"
    phantoms.write_blood_archive(path, seed=3, photographs=6, views=5)
    return path


@pytest.fixture(scope="module")
def images(archive):
    """images.csv and the pixels."""
    table, pixels, _ = datasets.read_images(archive, ENTRY, 64)
    return table, pixels


def truth(archive) -> pd.Series:
    """path -> photograph, as it was drawn."""
    with zipfile.ZipFile(archive) as whole, whole.open("truth.csv") as file:
        return pd.read_csv(file, index_col="path").photo


def without(archive, path, member: str):
    """A copy of the archive that lacks the members which end like `member`."""
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            if not name.endswith(member):
                new.writestr(name, old.read(name))
    return path


def test_every_view_finds_its_photograph(archive, images, tmp_path):
    with zipfile.ZipFile(archive) as whole:
        gallery = photos.open_gallery(whole, ENTRY.originals)
        found = photos.recover(whole, list(images[0].path), gallery, quiet, tmp_path / "begun.csv")
    assert (found.photo.to_numpy() == truth(archive)[images[0].path].to_numpy()).all()
    assert found.inliers.min() >= photos.CLEAR


def test_views_of_a_photograph_that_is_missing_are_matched_with_one_another(archive, images, tmp_path):
    lost = truth(archive).iloc[0]
    with zipfile.ZipFile(without(archive, tmp_path / "some.zip", f"{lost}.jpg")) as whole:
        gallery = photos.open_gallery(whole, ENTRY.originals)
        assert lost not in gallery.names
        found = photos.recover(whole, list(images[0].path), gallery, quiet, tmp_path / "begun.csv")
    views = (truth(archive)[images[0].path] == lost).to_numpy()
    assert set(found.photo[views]) == {"missing-1"} and "missing-1" not in set(found.photo[~views])


def test_pictures_whose_photograph_is_known_lead_to_it_and_tell_which_part_was_made_from_it(
    archive, images, tmp_path, monkeypatch
):
    monkeypatch.setattr(photos, "ROOT", tmp_path)
    entry = ENTRY.model_copy(update={"check": catalogue.Check(images=ENTRY.originals, part="TEST")})
    table = images[0].assign(photo=truth(archive)[images[0].path].to_numpy())
    found = groups.check(images[0], table, archive, entry, quiet)
    assert [Path(path).stem for path in found.path] == list(found.photo)
    assert set(found.photo[found.in_part]) == set(table.photo[table.published_part == "TEST"])


def test_a_registration_that_was_cut_off_goes_on_where_it_stopped(archive, images, tmp_path, monkeypatch):
    monkeypatch.setattr(photos, "PIECE", 5)
    paths, seen = list(images[0].path)[:12], []
    whole = photos.in_pieces(lambda path: (len(path), path), paths, quiet, tmp_path / "whole.csv", ["number", "name"])

    def look(path):
        seen.append(path)
        return 1 / 0 if len(seen) == 8 else (len(path), path)

    for raises in [True, False]:
        with pytest.raises(ZeroDivisionError) if raises else contextlib.nullcontext():
            found = photos.in_pieces(look, paths, quiet, tmp_path / "begun.csv", ["number", "name"])
    pd.testing.assert_frame_equal(found, whole)
    assert seen[:5] == paths[:5] and len(seen) < 5 + 5 + 12


def test_what_was_registered_once_is_read_back(archive, images, tmp_path, monkeypatch):
    monkeypatch.setattr(photos, "ROOT", tmp_path)
    register = partial(photos.register, archive, ENTRY.originals, list(images[0].path), quiet)
    first = register()
    monkeypatch.setattr(photos, "recover", None)  # calling it would fail
    for before, after in zip(first, register()):
        pd.testing.assert_frame_equal(before, after)


def test_photographs_that_overlap_are_one_group():
    table = pd.DataFrame({"path": list("abcd"), "photo": ["p", "q", "r", "r"]})
    links = pd.DataFrame([("same cell", "p", "q", 20)], columns=["kind", "one", "other", "strength"])
    assert groups.connected(table, links) == [0, 0, 2, 2]


def test_that_two_smears_look_alike_does_not_tie_their_photographs_together(archive, images):
    alike = np.repeat(images[1][:1], len(images[0]), axis=0)
    table, links = groups.group(images[0], alike, archive, ENTRY, quiet)
    as_drawn, _ = groups.group(*images, archive, ENTRY, quiet)
    assert table.group.tolist() == as_drawn.group.tolist() and set(links.kind) <= {"same cell"}


def test_copies_and_near_duplicates_are_found_and_other_images_are_not():
    rng = np.random.default_rng(0)
    pictures = [phantoms.draw_slice(bool(number % 2), rng)[0] for number in range(6)]
    squares = [np.dstack([np.asarray(phantoms.Image.fromarray(p).resize((64, 64)))] * 3) for p in pictures]
    noisy = np.clip(squares[1] + rng.normal(0, 3, squares[1].shape), 0, 255).astype(np.uint8)
    pixels = np.stack([*squares, squares[0], noisy])
    names = [f"{number}.png" for number in range(8)]
    table = pd.DataFrame({"path": names, "sha256": ["a", "b", "c", "d", "e", "f", "a", "g"]})
    found = groups.duplicates(table, pixels)
    assert found[["kind", "one", "other"]].to_numpy().tolist() == [
        ["identical", "0.png", "6.png"],
        ["near duplicate", "1.png", "7.png"],
    ]


@pytest.mark.parametrize("seed", range(5))
def test_no_group_is_on_both_sides_of_a_group_split(archive, images, seed):
    table, _ = groups.group(*images, archive, ENTRY, quiet)
    parts = splits.split(images[0], table, "group", ENTRY, seed=seed, validation_share=0.2)
    assert parts.groupby("group").part.nunique().max() == 1
    assert set(parts.part) == {"train", "validation", "test"}
    tested = parts[parts.part == "test"]
    assert set(tested.label) == set(parts.label) and 0.1 < len(tested) / len(parts) < 0.35
