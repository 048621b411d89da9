"""The data of the committed studies stay byte for byte: pixels.npy and split.csv have the checksums of their runs.

split.csv holds the groups, so it changes with groups.csv; images of archives that are not here are skipped.
"""

import numpy as np
import pytest

from lib import strict
from lib.data import fetch, groups, splits
from lib.data.archives import quiet
from lib.data.datasets import read_images
from lib.data.files import alone, read_csv, write_csv
from lib.study import load_study
from lib.study.settings import file_digest

NAMES = ["pixels_sha256", "split_sha256"]
QUICK = [("screen", "phantom-brain")]  # a few seconds; the others take up to some minutes


def kept(study: str, dataset: str) -> dict[str, set]:
    """Split protocol -> the checksums of the data on which its runs were trained."""
    folder = strict.ROOT / "runs" / study / dataset
    checksums = {}
    for path in folder.glob("*/*/seed-*/settings.yaml"):
        lines = dict(line.split(": ", 1) for line in path.read_text().splitlines() if line.startswith(tuple(NAMES)))
        protocol = path.relative_to(folder).parts[0]
        checksums.setdefault(protocol, set()).add(tuple(lines[name] for name in NAMES))
    return checksums


def committed() -> list[tuple[str, str]]:
    """Every (study, data set) with runs in Git."""
    folders = {path.parents[3] for path in (strict.ROOT / "runs").glob("*/*/*/*/seed-*/settings.yaml")}
    return sorted((folder.parent.name, folder.name) for folder in folders if folder.parent.name != "demo")


CASES = [pytest.param(*case, marks=[] if case in QUICK else pytest.mark.slow) for case in committed()]


@pytest.mark.parametrize("study, dataset", committed())
def test_all_models_of_a_split_saw_the_same_data(study, dataset):
    checksums = kept(study, dataset)
    assert checksums and all(len(pairs) == 1 for pairs in checksums.values())
    assert len({pixels for pairs in checksums.values() for pixels, _ in pairs}) == 1


@pytest.mark.parametrize("study, dataset", CASES)
def test_the_data_of_a_committed_study_stay_byte_for_byte(study, dataset, shared, tmp_path, monkeypatch):
    chosen, checksums = load_study(study), kept(study, dataset)
    entry, settings = chosen.entry(dataset), chosen.datasets[dataset]
    archive = fetch.kept_archive(dataset, entry)
    if not entry.draw and not archive.exists():
        pytest.skip(f"{archive.name} is not here")
    monkeypatch.setenv("STUDY_ARCHIVES", str(fetch.archives()))
    monkeypatch.setattr(strict, "ROOT", tmp_path)
    archive = fetch.find_archive(dataset, entry, settings.draw, tmp_path / "archive.zip")
    options = {"skip_broken": chosen.skip_broken, "crop": settings.centre_crop}
    images, pixels, _ = read_images(archive, entry, chosen.training.image_size, **options)
    np.save(tmp_path / "pixels.npy", pixels)
    write_csv(images, tmp_path / "images.csv")
    images = read_csv(tmp_path / "images.csv")
    # photographs are registered once, in minutes, for every study of the same images
    (shared / "registered").mkdir(exist_ok=True)
    (tmp_path / "data").mkdir(exist_ok=True)
    (tmp_path / "data" / "registered").symlink_to(shared / "registered")
    with alone(shared / "registered.lock"):
        grouped, _ = groups.group(images, pixels, archive, entry, quiet)
    write_csv(grouped, tmp_path / "groups.csv")
    grouped = read_csv(tmp_path / "groups.csv")
    draws = {"seed": chosen.split_seed, "validation_share": chosen.validation_share}
    for protocol, pairs in checksums.items():
        write_csv(splits.split(images, grouped, protocol, entry, **draws), tmp_path / "split.csv")
        assert pairs == {(file_digest(tmp_path / "pixels.npy"), file_digest(tmp_path / "split.csv"))}
