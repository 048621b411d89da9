"""Your own images become a study, however they are named and stored; what cannot be split is refused at once."""

import io
import os
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import png, write_zip
from PIL import Image

from lib import strict, study
from lib.data import datasets, fetch
from lib.data.files import read_csv, write_csv
from lib.data.groups import group
from lib.strict import StudyError
from lib.study import own

SUFFIX = {"JPEG": "JPG", "PNG": "png", "TIFF": "tif", "BMP": "bmp", "PNG16": "png"}


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project without studies, but for the template."""
    root = tmp_path / "project"
    (root / "params").mkdir(parents=True)
    for name in ["own.yaml", "own-paper.yaml"]:
        shutil.copy(strict.ROOT / "params" / name, root / "params")
    shutil.copytree(strict.ROOT / "params/datasets", root / "params/datasets")
    shutil.copy(strict.ROOT / "dvc.yaml", root)
    monkeypatch.setattr(strict, "ROOT", root)
    return root


def encoded(kind: str, seed: int) -> bytes:
    """A small picture in a format and mode."""
    values = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    picture, buffer = Image.fromarray(values), io.BytesIO()
    if kind == "PNG16":
        Image.fromarray(values[..., 0].astype(np.uint16) * 16).save(buffer, "PNG")
    else:
        picture.convert("CMYK" if kind == "JPEG" and seed % 2 else "L" if kind == "TIFF" else "RGB").save(buffer, kind)
    return buffer.getvalue()


def fill(top, classes, number=6, kinds=("JPEG", "PNG", "TIFF", "BMP", "PNG16")):
    for c, label in enumerate(classes):
        for i in range(number):
            kind = kinds[i % len(kinds)]
            path = top / label / ("deep er" if i % 2 else "") / f"Bild ä {i}.{SUFFIX[kind]}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(encoded(kind, 100 * c + i))


def read(name: str):
    """The images of such a study, as notebook 01 reads them."""
    chosen = study.load_study(name)
    entry = chosen.entry(name)
    path = fetch.find_archive(name, entry, {}, None)
    return datasets.read_images(path, entry, 8, skip_broken=chosen.skip_broken), entry


def test_a_folder_of_any_names_formats_and_depths_becomes_a_study(project, tmp_path):
    top = tmp_path / "My cells, 2024 <b>"
    fill(top, ["<script>alert(1)<", "gesund & froh", "Ω"])
    (top / "notes.txt").write_text("no image")
    (top / "Ω" / ".DS_Store").write_bytes(b"hidden")
    (top / "Ω" / "broken.png").write_bytes(b"nothing")
    name = own.make_study(top)
    (images, pixels, broken), entry = read(name)
    assert name == "my-cells-2024-b" and len(images) == len(pixels) == 18
    assert len(broken) == 1 and broken[0].startswith("Ω/broken.png")
    assert list(entry.classes.values()) == ["script alert(1)", "gesund froh", "Ω"]
    assert entry.title == "My cells, 2024 b" and "<b>" not in study.load_study(name).title
    assert list(study.load_study(name).models) == ["frozen", "fine-tuned"]


def test_a_table_names_labels_and_patients_and_a_patient_is_one_group(project, tmp_path):
    top = tmp_path / "scans"
    fill(top, ["all"], number=24)
    paths = [path.relative_to(top).as_posix() for path in sorted(top.rglob("*")) if path.is_file()]
    table = pd.DataFrame({"path": paths, "label": ["ill", "well"] * 12, "patient": [i // 2 for i in range(24)]})
    table.to_csv(top / "labels.csv", index=False)
    name = own.make_study(top / "labels.csv")
    (images, pixels, _), entry = read(name)
    assert name == "labels" and images.label.value_counts().to_dict() == {"ill": 12, "well": 12}
    write_csv(images, tmp_path / "images.csv")
    groups, _ = group(read_csv(tmp_path / "images.csv"), pixels, None, entry, None)
    assert groups.group.nunique() == 12 and groups.groupby("photo").group.nunique().max() == 1


@pytest.mark.parametrize("column", ["Patient", "patient_id", "Photograph ID"])
def test_a_column_of_patients_is_recognised_by_its_name_and_named(project, tmp_path, capsys, column):
    fill(tmp_path / "scans", ["all"], number=12)
    paths = sorted((tmp_path / "scans").rglob("*.*"))
    rows = [(path, "ab"[i % 2], i) for i, path in enumerate(paths)]  # whole paths, as some tables have them
    table = pd.DataFrame(rows, columns=["path", "label", column])
    table.insert(0, "group", "all")  # what counts less than a patient or photograph, wherever it stands
    table.to_csv(tmp_path / "scans/t.csv", index=False)
    (images, _, _), entry = read(own.make_study(tmp_path / "scans/t.csv"))
    assert entry.table.source == column and f"column {column!r} says" in capsys.readouterr().err
    assert len(images) == 12 and (images.source != "").all()


def test_images_that_lie_where_a_study_keeps_its_own_stay_there(project):
    fill(project / "data/own/cats", ["a; b", "c"])
    (images, _, _), entry = read(own.make_study(project / "data/own/cats"))
    assert len(images) == 12 and set(images.label) == {"a b", "c"}


def test_sources_that_share_an_image_are_one(project, tmp_path):
    fill(tmp_path / "scans", ["all"], number=13)
    paths = sorted(path.relative_to(tmp_path / "scans").as_posix() for path in (tmp_path / "scans").rglob("*.*"))
    rows = [(path, "ab"[i % 2], f"p{i}") for i, path in enumerate(paths)]
    rows += [(paths[0], "a", "p2"), (paths[4], "a", "p2")]
    pd.DataFrame(rows, columns=["path", "label", "photograph"]).to_csv(tmp_path / "scans/t.csv", index=False)
    (images, _, _), _ = read(own.make_study(tmp_path / "scans/t.csv"))
    named = images.set_index("path").source
    assert len(images) == 13 and named[paths[0]] == named[paths[2]] == named[paths[4]] and named.nunique() == 11


def test_a_second_call_notices_changed_images_and_keeps_what_was_edited(project, tmp_path):
    top = tmp_path / "cats"
    fill(top, ["a", "b"])
    name = own.make_study(top)
    path = project / "params" / name / "params.yaml"
    path.write_text(path.read_text().replace("batch_size: 32 ", "batch_size: 4 "))
    first = study.load_study(name)
    assert own.make_study(top) == name and study.load_study(name) == first
    (top / "a" / "new.png").write_bytes(png(seed=7))
    entry = project / "params/datasets" / f"{name}.yaml"
    entry.write_text(entry.read_text().replace("pictures: false", "pictures: true"))
    own.make_study(top)
    again = study.load_study(name)
    assert again.training.batch_size == 4 and again.entry(name).pictures
    assert again.datasets[name].version != first.datasets[name].version


def test_another_folder_of_the_same_name_is_refused_and_overwrites_nothing(project, tmp_path):
    one, other = (tmp_path / place / "images" for place in "ab")
    for top in (one, other):
        fill(top, ["x", "y"])
    name = own.make_study(one)
    before = (project / f"params/{name}/params.yaml").read_text()
    with pytest.raises(StudyError, match=r"a study images is here already, of .*/a/images.*: rename"):
        own.make_study(other)
    assert (project / f"params/{name}/params.yaml").read_text() == before and own.make_study(one) == name


@pytest.mark.parametrize(
    "folder, name",
    [("demo", "own-demo"), ("2024", "own-2024"), ("yes", "own-yes"), ("猫", "own"), ("brain-mri", "own-brain-mri")],
)
def test_a_name_that_is_taken_or_no_name_gets_another(project, tmp_path, folder, name):
    (project / "params/demo").mkdir()
    fill(tmp_path / folder, ["a", "b"])
    assert own.make_study(tmp_path / folder) == name
    assert study.load_study(name).study == name


@pytest.mark.parametrize(
    "classes, number, message",
    [
        (["a", "b"], 2, r"too few images of a \(2\), b \(2\): .* need at least 5 of each class"),
        (["a"], 9, "has 1 classes with images, and two are needed"),
        ([], 0, "has 0 classes with images"),
        (["train", "Test"], 9, "is divided into Test, train: name one of them"),
        (["train", "test", "pred"], 9, "is divided into pred, test, train: name one of them"),
    ],
)
def test_what_cannot_be_split_is_refused(project, tmp_path, classes, number, message):
    (tmp_path / "few").mkdir()
    fill(tmp_path / "few", classes, number)
    with pytest.raises(StudyError, match=message):
        own.make_study(tmp_path / "few")
    assert not (project / "params/few").exists()


@pytest.mark.parametrize(
    "text, message",
    [
        ("file,label\na.png,x\n", "has no column path: it has file, label"),
        ("path,label\na.png,x\nb.png,y\n", "2 images of t.csv are not there: a.png, b.png"),
        ("path,label\n../a.png,x\nb.png,y\n", "are not there"),
        (
            "path,label\na.png,x\na.png,y\n",
            "1 of 1 images of t.csv have two labels or more, for example a.png: 'x' and 'y'",
        ),
        ("", "cannot be read as a table"),
    ],
)
def test_a_wrong_table_is_refused_with_a_reason(project, tmp_path, text, message):
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(StudyError, match=message):
        own.make_study(tmp_path / "t.csv")


def test_what_is_written_is_yaml_that_says_what_it_is(project, tmp_path):
    fill(tmp_path / "cats", ["a", "b"])
    folder = project / "params" / own.make_study(tmp_path / "cats")
    text = (project / "params/datasets/cats.yaml").read_text()
    assert str(tmp_path) not in text and yaml.safe_load(text)["classes"] == {"a": "a", "b": "b"}
    assert (folder / "claims.yaml").exists()


def test_its_pipeline_is_the_project_s_and_reads_its_own_parameters(project, tmp_path):
    fill(tmp_path / "cats", ["a", "b"])
    folder = project / "params" / own.make_study(tmp_path / "cats")
    copy = (folder / "dvc.yaml").read_text()
    assert copy == own.pipeline()
    whole = yaml.safe_load((project / "dvc.yaml").read_text())
    assert whole.pop("vars") and yaml.safe_load(copy) == whole


def test_the_paper_s_models_are_added_when_asked_for_and_nothing_edited_is_lost(project, tmp_path):
    fill(tmp_path / "cats", ["a", "b"])
    name = own.make_study(tmp_path / "cats")
    path = project / "params" / name / "params.yaml"
    path.write_text(path.read_text().replace("batch_size: 32 ", "batch_size: 4 "))
    for _ in range(2):
        own.make_study(tmp_path / "cats", "paper")
        made = study.load_study(name)
        assert (
            list(made.models)[:2] == ["frozen", "fine-tuned"]
            and len(made.models) == 7
            and made.training.batch_size == 4
        )
        assert (
            made.extra == ["04_attention", "10_use", "11_own"]
            and "vit-proposed" in (path.parent / "claims.yaml").read_text()
        )
    with pytest.raises(StudyError, match="unknown choice of MODELS 'papers'"):
        own.make_study(tmp_path / "cats", "papers")


@pytest.mark.parametrize("images, split", [(20, "folds"), (own.FOLDED, "group"), (100_000, "group")])
def test_few_images_are_all_tested_by_folds_and_many_train_a_bounded_time(images, split):
    values = yaml.safe_load(own.new_parameters("x", "X", f"{images}-abc"))
    epochs, folds = values["datasets"]["x"]["epochs"], 5 if split == "folds" else 1
    seen = epochs * folds * 0.64 * min(images, own.PASS)
    assert values["splits"] == [split] and 4 <= epochs <= 20 and seen <= 1.25 * own.SEEN


def test_what_was_edited_in_the_entry_survives_the_next_call(project, tmp_path):
    fill(tmp_path / "cats", ["a", "b"])
    path = project / "params/datasets" / f"{own.make_study(tmp_path / 'cats')}.yaml"
    for line, value in own.EDITED.items():
        assert f"{line}: {str(value).lower()}" in path.read_text()
        path.write_text(path.read_text().replace(f"{line}: {str(value).lower()}", f"{line}: {str(not value).lower()}"))
    own.make_study(tmp_path / "cats")
    edited = yaml.safe_load(path.read_text())
    assert {line: edited[line] for line in own.EDITED} == {line: not value for line, value in own.EDITED.items()}


def test_a_zip_file_is_read_as_it_is_and_a_spreadsheet_is_none(project, tmp_path):
    members = {
        f"wrapped/{label}/{number}.png": png(seed=number + 10 * ord(label)) for label in "ab" for number in range(6)
    }
    (images, _, _), entry = read(
        own.make_study(write_zip(tmp_path / "Cats 1.zip", members | {"wrapped/.DS_Store": b"x"}))
    )
    assert len(images) == 12 and list(entry.classes.values()) == ["a", "b"] and entry.images == "wrapped/{label}/**"
    write_zip(tmp_path / "t.xlsx", {"[Content_Types].xml": b"", "xl/workbook.xml": b""})
    with pytest.raises(StudyError, match="t.xlsx is a spreadsheet, not a CSV file: .* save it as CSV"):
        own.make_study(tmp_path / "t.xlsx")
    (tmp_path / "a.7z").write_bytes(b"7z")
    with pytest.raises(StudyError, match="is packed: unpack it"):
        own.make_study(tmp_path / "a.7z")


def test_links_without_content_are_counted_with_the_cure(project, tmp_path):
    fill(tmp_path / "cats", ["a", "b"])
    (tmp_path / "cats/a/gone.png").symlink_to("../.git/annex/objects/x.png")
    with pytest.raises(
        StudyError, match="1 of 13 files are links without content, for example a/gone.png -> .*annex.*: fetch it"
    ):
        own.make_study(tmp_path / "cats")


def test_names_that_no_terminal_prints_are_refused_or_escaped(project, tmp_path):
    fill(tmp_path / "cats", ["a", "b"])
    odd = os.fsencode(tmp_path / "cats/a") + b"/gr\xfc\x1b[31mn.png"
    try:
        open(odd, "wb").close()
    except OSError:
        pytest.skip("this file system takes only UTF-8")
    with pytest.raises(StudyError, match="1 files have names that are not UTF-8") as error:
        own.make_study(tmp_path / "cats")
    assert str(error.value).isprintable() or "\x1b" not in str(error.value)
    str(error.value).encode()


def test_images_beside_the_classes_and_other_files_are_counted_in_the_terminal(project, tmp_path, capsys):
    fill(tmp_path / "cats", ["a", "b"])
    for name in ["beside.png", "a/b.txt", "b/c.nii.gz", "b/d.txt"]:
        (tmp_path / "cats" / name).write_bytes(b"x")
    (tmp_path / "cats/a/IM0001").write_bytes(png(seed=5))
    (tmp_path / "cats/linked").symlink_to(tmp_path)
    name = own.make_study(tmp_path / "cats")
    said = capsys.readouterr().err
    assert "3 files have neither suffix nor first bytes of an image: left out: .txt (2), .gz (1)" in said
    assert "1 images lie beside the class folders: left out: beside.png" in said and "not followed: linked" in said
    assert said.count("beside the class folders") == 1 and len(read(name)[0][0]) == 13
