"""MedMNIST's files: grey, colour and several labels come out as they are; what is broken or unsafe is refused."""

import hashlib

import numpy as np
import pytest
from conftest import Project
from server import serve

from lib import strict
from lib.data import catalogue, datasets, fetch, groups, medmnist, splits
from lib.data.archives import quiet
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


class Planted:
    """An object whose unpickling makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_a_pickled_object_in_a_file_is_never_loaded(folder):
    file, trace = folder / "data/archives/pneumoniamnist.npz", folder / "was-run"
    arrays = made(file, False, lambda n: (np.arange(n) % 2)[:, None])
    np.savez(file, **{**arrays, "train_images": np.array([Planted(trace)], dtype=object)})
    with pytest.raises(StudyError, match="Object arrays cannot be loaded"):
        read("pneumonia-mnist", folder)
    assert not trace.exists()
    with np.load(file, allow_pickle=True) as opened:  # the file is as dangerous as the test says
        opened["train_images"]
    assert trace.exists()


def test_a_single_array_under_the_name_of_a_file_is_refused(folder):
    with open(folder / "data/archives/pneumoniamnist.npz", "wb") as file:
        np.save(file, np.zeros((3, 28, 28), np.uint8))
    with pytest.raises(StudyError, match="one array, not the arrays of an .npz file"):
        read("pneumonia-mnist", folder)


def test_ordinal_classes_are_read_in_their_order(folder):
    classes = list(catalogue.entry("retina-mnist").classes.values())
    made(folder / "data/archives/retinamnist.npz", True, lambda n: (np.arange(n) % 5)[:, None])
    images, _ = read("retina-mnist", folder)
    assert list(dict.fromkeys(images.label)) == classes


@pytest.mark.parametrize(
    "image_size, name", [(20, ""), (28, ""), (29, "_64"), (128, "_128"), (200, "_224"), (300, "_224")]
)
def test_the_smallest_file_that_is_as_large_as_the_study_s_images_is_taken(image_size, name, folder):
    entry = catalogue.entry("blood-mnist")
    made(folder / f"data/archives/bloodmnist{name}.npz", True, lambda n: (np.arange(n) % 8)[:, None])
    assert fetch.fetch_medmnist(entry, image_size).name == f"bloodmnist{name}.npz"


@pytest.fixture
def site(folder, monkeypatch):
    """A server's folder that stands for the collection's, and an entry whose official file it holds."""
    monkeypatch.setattr(fetch, "WAIT", 0)
    (folder / "site").mkdir()
    made(folder / "site/bloodmnist.npz", True, lambda n: (np.arange(n) % 8)[:, None])
    digest = hashlib.md5((folder / "site/bloodmnist.npz").read_bytes()).hexdigest()
    entry = catalogue.entry("blood-mnist")
    official = entry.medmnist.model_copy(update={"md5": {**entry.medmnist.md5, 28: digest}})
    return folder / "site", entry.model_copy(update={"medmnist": official})


def test_a_download_resumes_has_the_official_checksum_and_then_needs_no_remark(site, folder, monkeypatch):
    with serve(site[0], cut_after=100_000, cuts=1) as (address, asked):
        monkeypatch.setattr(medmnist, "ADDRESS", f"{address}/{{name}}")
        path = fetch.fetch_medmnist(site[1], 28)
    assert len(asked) == 2 and asked[1] > 0
    assert path == folder / "data/archives/bloodmnist.npz" and fetch.remark(site[1], 28) == ""


def test_a_download_without_the_official_checksum_is_deleted(site, folder, monkeypatch):
    with serve(site[0]) as (address, _):
        monkeypatch.setattr(medmnist, "ADDRESS", f"{address}/{{name}}")
        with pytest.raises(StudyError, match="does not have the official checksum and was deleted"):
            fetch.fetch_medmnist(catalogue.entry("blood-mnist"), 28)
    assert not list((folder / "data/archives").iterdir())


def test_an_own_file_that_is_not_the_official_one_gets_a_remark(folder):
    made(folder / "data/archives/bloodmnist.npz", True, lambda n: (np.arange(n) % 8)[:, None])
    assert "not MedMNIST's official one" in fetch.remark(catalogue.entry("blood-mnist"), 28)


def test_the_x_rays_of_the_repository_are_those_of_the_data_set_and_divided_as_published(folder):
    entry = catalogue.entry("pneumonia-mnist")
    archive = fetch.find_archive("pneumonia-mnist", entry, {}, folder / "archive.zip")
    images, pixels = datasets.read_images(archive, entry, 28)[:2]
    told = "8 groups of equal images stand in two or more of the parts of its archive (train, validation)."
    assert groups.in_two_parts(images) == told and groups.in_two_parts(images.drop_duplicates("sha256")) == ""
    counts = images.groupby(["published_part", "label"]).size().to_dict()
    assert counts == {
        **{("train", "normal"): 1214, ("train", "pneumonia"): 3494},
        **{("validation", "normal"): 135, ("validation", "pneumonia"): 389},
        **{("test", "normal"): 234, ("test", "pneumonia"): 390},
    }
    table, _ = groups.group(images, pixels, archive, entry, quiet)
    split = splits.split(images, table, "published", entry, seed=0, validation_share=0.125)
    assert (split.part == images.published_part).all()
    parts = split.groupby("group").part.nunique()
    assert (parts > 1).sum() == 8  # copies, all of them between training and validation
    assert not set(split.group[split.part == "test"]) & set(split.group[split.part != "test"])


@pytest.mark.slow
def test_pages_01_to_03_of_the_x_rays_need_no_archive_and_say_what_the_file_is(tmp_path):
    project = Project(tmp_path)
    for page in ["01_download", "02_groups", "03_split"]:
        split = ["split=published"] if page == "03_split" else []
        code, output = project.run(
            "python", "-m", "lib", "execute", page, "pneumonia", "dataset=pneumonia-mnist", *split
        )
        assert code == 0, output
    report = tmp_path / "reports/pneumonia"
    assert "not MedMNIST's official one" in (report / "answers/01_download-pneumonia-mnist.md").read_text()
    assert "not MedMNIST's official one" in (report / "groups/pneumonia-mnist/remark.md").read_text()
    said = (report / "answers/03_split-pneumonia-mnist-published.md").read_text()
    assert "8 of the 524 images for validation share a group with images to learn from" in said
