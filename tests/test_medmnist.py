"""MedMNIST's files: grey, colour and several labels come out as they are; what is broken or unsafe is refused."""

import numpy as np
import pytest

from lib import strict
from lib.data import catalogue, datasets, fetch
from lib.strict import StudyError

COUNTS = {"train": 20, "val": 16, "test": 17}


def made(path, colour: bool, labels) -> dict:
    """A file of the real layout with random images; labels: number of images -> array."""
    random = np.random.default_rng(0)
    arrays = {}
    for part, count in COUNTS.items():
        shape = (count, 28, 28, 3) if colour else (count, 28, 28)
        arrays[f"{part}_images"] = random.integers(0, 256, shape, dtype=np.uint8)
        arrays[f"{part}_labels"] = labels(count)
    np.savez(path, **arrays)
    return arrays


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty project beside the catalogue, with its folder of archives."""
    (tmp_path / "params").symlink_to(strict.ROOT / "params")
    (tmp_path / "data/archives").mkdir(parents=True)
    monkeypatch.setattr(strict, "ROOT", tmp_path)
    monkeypatch.delenv("STUDY_ARCHIVES", raising=False)
    return tmp_path


def read(name: str, folder):
    entry = catalogue.entry(name)
    archive = fetch.find_archive(name, entry, {}, folder / "archive.zip")
    return datasets.read_images(archive, entry, 28)[:2]


@pytest.mark.parametrize(
    "name, file, colour", [("pneumonia-mnist", "pneumoniamnist", False), ("blood-mnist", "bloodmnist", True)]
)
def test_images_and_labels_of_every_part_come_out_as_they_are(name, file, colour, folder):
    classes = list(catalogue.entry(name).classes)
    arrays = made(folder / f"data/archives/{file}.npz", colour, lambda n: (np.arange(n) % len(classes))[:, None])
    images, pixels = read(name, folder)
    assert images.published_part.value_counts().to_dict() == {"train": 20, "validation": 16, "test": 17}
    for part, kept in [("train", "train"), ("validation", "val"), ("test", "test")]:
        shown = {picture.tobytes() for picture in pixels[(images.published_part == part).to_numpy()]}
        expected = arrays[f"{kept}_images"]
        expected = expected if colour else np.repeat(expected[..., None], 3, axis=-1)
        assert shown == {picture.tobytes() for picture in expected}


def test_an_image_of_several_labels_keeps_them_and_one_of_none_is_kept_too(folder):
    def labels(count):
        table = np.zeros((count, 14), dtype=int)
        table[np.arange(1, count), np.arange(count - 1) % 14] = 1  # the first image has none of them
        table[2, :2] = 1
        return table

    made(folder / "data/archives/chestmnist.npz", False, labels)
    images, _ = read("chest-mnist", folder)
    names = list(catalogue.entry("chest-mnist").classes.values())
    assert len(images) == sum(COUNTS.values())
    assert set(images.label) == {"none", f"{names[0]}; {names[1]}", *names}


@pytest.mark.parametrize("content", [b"no npz at all", b"PK\x03\x04 broken"])
def test_a_broken_file_is_refused_with_the_cure(content, folder):
    (folder / "data/archives/pneumoniamnist.npz").write_bytes(content)
    with pytest.raises(StudyError, match="delete it, and this downloads it"):
        read("pneumonia-mnist", folder)


def test_a_pickled_object_in_a_file_is_never_loaded(folder):
    arrays = {f"{part}_images": np.array([{"a": 1}], dtype=object) for part in COUNTS}
    labels = {f"{part}_labels": np.zeros((1, 1), int) for part in COUNTS}
    np.savez(folder / "data/archives/pneumoniamnist.npz", **arrays, **labels)
    with pytest.raises(StudyError):
        read("pneumonia-mnist", folder)
