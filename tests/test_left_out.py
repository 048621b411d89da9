"""What is not read, or not seen, of a folder or a table of one's own is told by name; nothing of it becomes a class."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, png
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import EpsImagePlugin, Image

from lib.data import datasets, resemblance
from lib.data.archives import open_archive
from lib.data.catalogue import Dataset
from lib.data.labels import printed
from lib.data.masks import masks_of
from lib.strict import StudyError
from lib.study import own

many = settings(
    max_examples=int(os.environ.get("EXAMPLES", 40)),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def put(top: Path, name: str, content: bytes) -> None:
    (top / name).parent.mkdir(parents=True, exist_ok=True)
    (top / name).write_bytes(content)


def fill(top: Path, *folders: str) -> Path:
    """Six images in each folder."""
    for number, folder in enumerate(folders):
        for image in range(6):
            put(top, f"{folder}/{image}.png", png(seed=10 * number + image))
    return top


def read(top: Path, table: str | None = None) -> tuple[pd.DataFrame, list[str], list[str]]:
    """images.csv of a folder, what page 01 tells, and the files that do not decode."""
    told = []
    with open_archive(top) as archive:
        entry = Dataset(**own.describe(archive, table))
    images, _, broken = datasets.read_images(top, entry, 8, skip_broken=True, tell=told.append)
    return images, told, broken


def pages(kind: str, number: int) -> bytes:
    pictures = [Image.open(io.BytesIO(png(seed=seed))) for seed in range(number)]
    buffer = io.BytesIO()
    pictures[0].save(buffer, kind, save_all=True, append_images=pictures[1:])
    return buffer.getvalue()


@many
@given(
    stem=st.from_regex(r"[a-z][a-z0-9]{0,5}( \([0-9]{1,3}\))?", fullmatch=True),
    between=st.sampled_from("_- ."),
    word=st.sampled_from(["mask", "Mask", "MASKS", "seg", "segmentation", "GT", "groundtruth", "label", "overlay"]),
    number=st.sampled_from(["", "1", "_1", "-02"]),
)
def test_a_mask_beside_its_image_is_no_image_and_one_without_stays(stem, between, word, number):
    mask = f"a/{stem}{between}{word}{number}.tif"
    assert masks_of([f"a/{stem}.png", mask]) == [mask]
    assert masks_of([f"b/{stem}.png", mask, f"a/{word}{number}.png"]) == []


def test_masks_are_counted_and_left_out(tmp_path):
    fill(tmp_path, "a", "b")
    put(tmp_path, "a/0_mask.png", png(seed=99))
    images, told, _ = read(tmp_path)
    assert len(images) == 12 and any(
        "1 images are masks of others by their names: left out: a/0_mask" in line for line in told
    )


@pytest.mark.parametrize("folder", ["masks", "Mask", "labels", "ground truth", "Annotations", "seg"])
@pytest.mark.parametrize("images", ["", "images/"])
@pytest.mark.parametrize("around", ["", "all/"])
def test_a_folder_of_masks_beside_the_images_of_a_class_is_left_out(tmp_path, folder, images, around):
    fill(tmp_path, *(f"{around}{label}/{inner}" for label in "ab" for inner in [images, folder]))
    found, told, _ = read(tmp_path)
    assert len(found) == 12 and not found.path.str.contains(folder).any()
    assert any("12 images are masks of others by their names" in line for line in told)


def test_a_class_called_as_masks_are_is_one(tmp_path):
    for around in ["", "all/"]:
        found = read(fill(tmp_path / f"x{around}", f"{around}mask", f"{around}no mask"))[0]
        assert set(found.label) == {"mask", "no mask"}


@pytest.mark.parametrize("other", ["unlabelled", "extra", "holdout"])
def test_a_part_that_holds_the_classes_is_no_class_whatever_lies_beside_it(tmp_path, other):
    with pytest.raises(StudyError, match="is divided into .*train.*: name one of them"):
        read(fill(tmp_path, "train/a", "train/b", other))
    assert set(read(fill(tmp_path / "toys", "train", "car"))[0].label) == {"train", "car"}


@pytest.mark.parametrize("name", ["unknown", "NA", "n.d."])
def test_a_class_folder_that_may_mean_unknown_is_told(tmp_path, name):
    told = read(fill(tmp_path, "a", "b", name))[1]
    assert any(f"class {name!r}: if it means that the class is not known" in line for line in told)


@pytest.mark.parametrize("name", ["c/1.npy", "c/scan.nii.gz", "c/deep/notes.txt", None])
@pytest.mark.parametrize("around", ["", "all/"])
def test_a_folder_without_an_image_is_named(tmp_path, name, around):
    fill(tmp_path, f"{around}a", f"{around}b")
    (tmp_path / around / "c").mkdir()
    if name:
        put(tmp_path / around, name, b"\x93NUMPY")
    images, told, _ = read(tmp_path)
    assert set(images.label) == {"a", "b"}
    assert any(
        f"1 folders hold no image that can be read, and are no classes here: c ({bool(name):d}" in line for line in told
    )


@pytest.mark.parametrize("brand", [b"heic", b"heix", b"mif1"])
@pytest.mark.parametrize("suffix", ["heic", "HEIF", "jpg", ""])
def test_a_class_of_a_phone_s_photographs_is_not_lost(tmp_path, brand, suffix):
    fill(tmp_path, "a", "b")
    for number in range(6):
        put(tmp_path, f"c/{number}.{suffix}", b"\0\0\0\x18ftyp" + brand + bytes(99))
    with pytest.raises(StudyError, match="no image of c that can be read(.|\n)*HEIC.*save it as JPEG"):
        read(tmp_path)


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "WEBP"])
def test_files_of_several_pages_are_counted(tmp_path, kind):
    fill(tmp_path, "a", "b")
    put(tmp_path, f"a/x.{kind.lower()}", pages(kind, 3))
    put(tmp_path, f"a/y.{kind.lower()}", pages(kind, 1))
    _, told, broken = read(tmp_path)
    assert not broken and any("1 files have several pages or frames" in line for line in told)


def test_images_that_show_nothing_are_counted(tmp_path):
    fill(tmp_path, "a", "b")
    buffer = io.BytesIO()
    Image.new("L", (9, 9), 7).save(buffer, "PNG")
    put(tmp_path, "b/nothing.png", buffer.getvalue())
    assert any("1 images are of one grey alone, as b/nothing.png" in line for line in read(tmp_path)[1])


def test_a_pipe_is_never_waited_for(tmp_path):
    fill(tmp_path, "a", "b")
    for name in ["a/pipe.png", "b/pipe"]:
        os.mkfifo(tmp_path / name)
    assert len(read(tmp_path)[0]) == 12


def test_no_program_that_draws_a_picture_is_run(tmp_path, monkeypatch):
    def run(*_, **__):
        raise AssertionError("Ghostscript is asked")

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", run)
    fill(tmp_path, "a", "b")
    put(tmp_path, "a/x.png", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 20 20\n%%EndComments\nshowpage\n")
    assert [line.split(": ")[0] for line in read(tmp_path)[2]] == ["a/x.png"]


def test_folders_within_a_class_may_be_patients_and_are_told(tmp_path):
    assert not any("within the class folders" in line for line in read(fill(tmp_path / "flat", "a", "b"))[1])
    told = read(fill(tmp_path / "deep", "a/P1", "a/P2", "b/P3"))[1]
    assert any("18 images lie in 3 folders within the class folders, as a/P1: each" in line for line in told)
    for label, patient, day in [("a", 1, 1), ("a", 1, 2), ("b", 2, 1), ("b", 2, 2)]:
        for number in range(6):
            put(
                tmp_path,
                f"days/{label}/P{patient}{number}/day {day}/x.png",
                png(seed=100 * patient + 10 * number + day),
            )
    told = read(tmp_path / "days")[1]
    assert any("24 images lie in 12 folders within the class folders, as a/P10: each" in line for line in told)


def test_page_01_tells_how_class_folders_were_read(tmp_path):
    told = read(fill(tmp_path, "a", "Tumour", "tumour "))[1]
    assert any("'Tumour' (6), 'tumour ' (6) are read as one" in line for line in told)


@pytest.mark.parametrize("mark", ["&", "<", ">", "`", "$", ";", "\\"])
def test_two_classes_that_differ_by_a_mark_are_told_apart_in_reports(mark):
    shown = printed(["A B", f"A{mark}B"])
    assert shown["A B"] == "A B" and len(set(shown.values())) == 2 and "(2)" not in shown[f"A{mark}B"]


def table_of(top: Path, labels: list[str], **columns) -> str:
    paths = [f"img/{number}.png" for number in range(len(labels))]
    for number, path in enumerate(paths):
        put(top, path, png(seed=number))
    pd.DataFrame({"path": paths, "label": labels, **columns}).to_csv(top / "t.csv", index=False)
    return "t.csv"


@many
@given(
    form=st.sampled_from(
        ["{}|{}", "{}; {}", "{};{}", "{}, {}", "{} & {}", "{}/{}", "{}+{}", "['{}', '{}']", '["{}", "{}"]']
    ),
    one=st.sampled_from(["cat", "Größe 2", "7"]),
    other=st.sampled_from(["dog", "no finding"]),
)
def test_two_labels_in_a_cell_are_no_class_however_they_are_joined(tmp_path_factory, form, one, other):
    wrapped = "['{}']" if form.startswith("[") else "{}"
    labels = [wrapped.format(one)] * 6 + [wrapped.format(other)] * 6 + [form.format(one, other)] * 4
    top = tmp_path_factory.mktemp("labels")
    with pytest.raises(StudyError, match="4 of 16 images of t.csv have two labels or more"):
        read(top, table_of(top, labels))


@pytest.mark.parametrize("label", ["grade 1, left", "a/b", "salt & pepper", "T2+"])
def test_a_label_with_such_a_mark_is_one_where_its_parts_are_no_labels(tmp_path, label):
    assert len(read(tmp_path, table_of(tmp_path, [label] * 6 + ["other"] * 6))[0]) == 12


def test_columns_that_are_not_used_are_named(tmp_path):
    told = read(tmp_path, table_of(tmp_path, ["a", "b"] * 6, split=["train", "test"] * 6, age=7))[1]
    assert "columns of t.csv that are not used: split, age" in told


def test_images_outside_of_the_table_s_folder_are_not_called_absent_alone(tmp_path):
    top = tmp_path / "tables"
    put(tmp_path, "other/x.png", png(seed=77))
    name = table_of(top, ["a", "b"] * 6)
    (top / name).write_text((top / name).read_text().replace("img/3.png", "../other/x.png"))
    told = read(top, name)[1]
    assert any(
        "1 images of t.csv lie outside of its folder, as ../other/x.png: move the table" in line for line in told
    )


def test_images_that_look_like_another_class_are_listed_where_sources_are_not_known():
    groups = pd.DataFrame({"path": list("abcdef"), "label": list("xyxxxy"), "group": [0, 0, 2, 2, 4, 4]})
    images = groups.assign(source=["", "", "", "", "P1", "P1"])
    assert resemblance.across_classes(images, groups).path.tolist() == ["a", "b"]


@pytest.mark.parametrize("name", ["a b", "it's", 'a"b', "a`touch spoilt`b", "a;touch spoilt", "a&b", "#a", "(a)"])
def test_make_hands_on_a_path_of_any_letters(tmp_path, name):
    python = tmp_path / ".venv/bin/python"
    put(tmp_path, ".venv/bin/python", f"#!{sys.executable}\nimport sys\nprint(sys.argv[1:], file=sys.stderr)".encode())
    python.chmod(0o755)
    for file in ["requirements-dev.txt", "requirements.txt", "constraints.txt", ".venv/ready"]:
        put(tmp_path, file, b"")
    put(tmp_path, "Makefile", (ROOT / "Makefile").read_bytes())
    environment = {"PATH": os.environ["PATH"]}
    run = subprocess.run(
        ["make", "report", f"IMAGES={name}"], cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert repr(["-m", "lib", "own", name])[1:-1] in run.stderr and not (tmp_path / "spoilt").exists()


def test_pixels_of_a_file_of_several_pages_are_the_first(tmp_path):
    fill(tmp_path, "a", "b")
    put(tmp_path, "a/x.tif", pages("TIFF", 2))
    with open_archive(tmp_path) as archive:
        entry = Dataset(**own.describe(archive, None))
    images, pixels, _ = datasets.read_images(tmp_path, entry, 8)
    first, same = (int(np.flatnonzero(images.path == name)[0]) for name in ["a/x.tif", "a/0.png"])
    assert (pixels[first] == pixels[same]).all()
