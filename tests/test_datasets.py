"""Archives and images as they come: odd ones are read, wrong ones are named, and nothing half-made is left."""

import io
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from conftest import png, write_zip
from PIL import Image

from lib import strict
from lib.data import archives, catalogue, datasets, decoding, fetch, labels
from lib.data.catalogue import Dataset
from lib.strict import StudyError

ENTRY = Dataset(title="t", images="{label}/*", classes={"yes": "tumour", "no": "healthy"}, published_split="call")
GOOD = {
    "yes/Y1.png": png(seed=1),
    "no/1 no.png": png(seed=2),
    "brain/yes/Y1.png": png(seed=1),
    "readme.txt": b"no image",
}


def test_images_are_found_by_the_pattern_and_sorted_by_class_then_name(tmp_path):
    members = {"no/b.png": png(), "no/a.png": png(), "yes/c.png": png(), **GOOD}
    images, pixels, _ = datasets.read_images(write_zip(tmp_path / "a.zip", members), ENTRY, 8)
    assert images.path.tolist() == ["yes/Y1.png", "yes/c.png", "no/1 no.png", "no/a.png", "no/b.png"]
    assert pixels.shape == (5, 8, 8, 3) and pixels.dtype == np.uint8
    assert (images.width == 9).all() and (images.height == 7).all()


def test_parts_of_the_archive_become_published_parts(tmp_path):
    entry = catalogue.entry("blood-cells")
    folder = "dataset2-master/dataset2-master/images"
    members = {}
    for part in [*entry.parts, "TEST_SIMPLE"]:
        members |= {f"{folder}/{part}/{label}/_0_1.jpeg": png() for label in entry.classes}
    images, _, _ = datasets.read_images(write_zip(tmp_path / "a.zip", members), entry, 8)
    assert sorted(images.published_part.unique()) == ["TEST", "TRAIN"] and len(images) == 8


def test_a_table_names_the_parts_and_other_images_are_left_out(tmp_path):
    entry = catalogue.entry("covid-chestxray")
    table = "filename,finding,view,patientid\n"
    members = {}
    for label in entry.classes:
        # the view L is of no part, and of the test part (AP Supine) all classes but one are absent
        for number, view in enumerate(["PA", "AP", "AP Supine", "L"]):
            if view != "AP Supine" or label == "SARS":
                table += f"{label}{number}.png,{label},{view},7\n"
                members[f"images/{label}{number}.png"] = png()
    members["metadata.csv"] = table.encode()
    images, _, _ = datasets.read_images(write_zip(tmp_path / "a.zip", members), entry, 8)
    assert len(images) == 2 * len(entry.classes) + 1
    assert images.path[images.published_part == "test"].tolist() == ["images/SARS2.png"]
    assert set(images["view"][images.published_part == "train"]) == {"PA", "AP"}


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "L", "LA", "1"])
def test_every_mode_becomes_the_colours_that_it_means(tmp_path, mode):
    grey = Image.fromarray(np.tile(np.array([0, 255], dtype=np.uint8), (6, 3))).convert(mode)  # black and white columns
    buffer = io.BytesIO()
    grey.save(buffer, "PNG")
    assert Image.open(io.BytesIO(buffer.getvalue())).mode == mode
    members = {**GOOD, "yes/Y1.png": buffer.getvalue()}
    _, pixels, _ = datasets.read_images(write_zip(tmp_path / "a.zip", members), ENTRY, 6)
    assert pixels[0, 0].tolist() == [[v] * 3 for v in [0, 255] * 3]


@pytest.mark.parametrize(
    "values, kept",
    [([0, 257 * 128, 65535], [0, 128, 255]), ([0, 100, 255], [0, 6, 15]), ([0, 2048, 4095], [0, 127, 255])],
)
def test_twelve_and_sixteen_bit_grey_keep_their_high_bits(values, kept):
    grey = decoding.to_rgb(Image.fromarray(np.array([values], dtype=np.uint16)))
    assert np.asarray(grey)[0, :, 0].tolist() == kept


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "not a complete zip file (0 bytes"),
        (b"not a zip", "not a complete zip file"),
        (None, "not a complete zip file"),
    ],
)
def test_a_broken_archive_is_named_with_what_to_do(tmp_path, content, message):
    path = tmp_path / "a.zip"
    if content is None:  # truncated
        write_zip(path, GOOD)
        content = path.read_bytes()[:-30]
    path.write_bytes(content)
    with pytest.raises(StudyError) as error:
        datasets.read_images(path, ENTRY, 8)
    assert message in str(error.value) and "fetch it again" in str(error.value)


@pytest.mark.parametrize("name", ["../yes/Y2.png", "/etc/yes.png", "yes/../../x.png", "C:\\x.png"])
def test_an_archive_that_points_outside_is_refused(tmp_path, name):
    path = write_zip(tmp_path / "a.zip", {**GOOD, name: png()})
    with pytest.raises(StudyError, match="points outside"):
        datasets.read_images(path, ENTRY, 8)


@pytest.mark.parametrize("limit", ["MOST_FILES", "MOST_BYTES"])
def test_an_archive_that_would_fill_the_disk_is_refused_with_its_numbers(tmp_path, monkeypatch, limit):
    path = write_zip(tmp_path / "a.zip", {**GOOD, "zeros": bytes(10_000_000)})
    size = sum(len(content) for content in GOOD.values()) + 10_000_000
    monkeypatch.setattr(archives, limit, 4)
    with pytest.raises(StudyError, match=f"holds {len(GOOD) + 1} files and {size} bytes unpacked, more than"):
        datasets.read_images(path, ENTRY, 8)


def test_a_class_folder_of_any_name_is_read_and_its_printed_name_is_plain(tmp_path):
    folder = "<script>alert(1)<"
    values = {"title": "t", "images": "{label}/*", "published_split": "call"}
    entry = Dataset(**values, classes={folder: "odd", "no": "healthy"})
    path = write_zip(tmp_path / "a.zip", {f"{folder}/a.png": png(), "no/b.png": png()})
    images, _, _ = datasets.read_images(path, entry, 8)
    assert set(images.label) == {"odd", "healthy"}
    for wrong in [{"title": "<b>t</b>"}, {"classes": {"a": folder}}, {"classes": {"a": "$x$"}}]:
        with pytest.raises(ValueError, match="is printed in reports"):
            Dataset(**{**values, "classes": {"a": "b"}, **wrong})


@pytest.mark.parametrize("members", [{"yes/Y1.png": png()}, {"other/x.png": png()}, {"yes/Y1.png": png(), "no/": b""}])
def test_a_missing_or_empty_class_is_named(tmp_path, members):
    with pytest.raises(StudyError, match="no image of .*no"):
        datasets.read_images(write_zip(tmp_path / "a.zip", members), ENTRY, 8)


def test_images_that_do_not_decode_are_named_and_skipped_on_demand(tmp_path):
    path = write_zip(tmp_path / "a.zip", {**GOOD, "yes/bad.png": b"nothing", "no/cut.png": png(size=(90, 70))[:400]})
    with pytest.raises(StudyError) as error:
        datasets.read_images(path, ENTRY, 8)
    assert "yes/bad.png" in str(error.value) and "no/cut.png" in str(error.value)
    images, pixels, broken = datasets.read_images(path, ENTRY, 8, skip_broken=True)
    assert len(images) == len(pixels) == 2
    assert [line.split(":")[0] for line in broken] == ["yes/bad.png", "no/cut.png"]


def test_a_class_of_which_no_image_decodes_is_named_even_when_skipping(tmp_path):
    path = write_zip(tmp_path / "a.zip", {"yes/Y1.png": png(), "no/bad.png": b"nothing"})
    with pytest.raises(StudyError, match="no image of no"):
        datasets.read_images(path, ENTRY, 8, skip_broken=True)


def test_a_member_with_a_wrong_checksum_counts_as_broken(tmp_path):
    path = write_zip(tmp_path / "a.zip", GOOD)
    with zipfile.ZipFile(path) as archive:
        start = archive.getinfo("yes/Y1.png").header_offset + 60
    content = bytearray(path.read_bytes())
    content[start] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(StudyError, match="yes/Y1.png"):
        datasets.read_images(path, ENTRY, 8)


def test_without_kaggle_credentials_three_lines_say_what_to_do(tmp_path, monkeypatch):
    for name in ["KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_TOKEN"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("STUDY_ARCHIVES", str(tmp_path / "archives"))
    with pytest.raises(StudyError) as error:
        fetch.find_archive("brain-mri", catalogue.entry("brain-mri"), {}, tmp_path / "drawn.zip")
    message = str(error.value)
    assert len(message.splitlines()) == 3 and "kaggle.json" in message and "STUDY_ARCHIVES" in message
    assert not (tmp_path / "archives").exists()


def test_an_archive_that_is_already_there_is_used(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDY_ARCHIVES", str(tmp_path))
    path = write_zip(tmp_path / "brain-mri.zip", GOOD)
    assert fetch.find_archive("brain-mri", catalogue.entry("brain-mri"), {}, tmp_path / "drawn.zip") == path


@pytest.mark.parametrize(
    "values, origin",
    [
        ({"draw": "blood", "torchvision": "MNIST"}, "drawn by `lib/data/phantoms` with the seed of the study"),
        ({"torchvision": "MNIST", "kaggle": "a/b"}, "torchvision's `MNIST`"),
        ({"kaggle": "a/b", "url": "https://x"}, "in the layout of Kaggle's `a/b`"),
        ({"url": "https://x"}, "https://x"),
        ({"folder": "data/own/cats"}, "a folder of your own"),
        ({}, "the archive `a.zip`"),
    ],
)
def test_page_01_says_where_the_images_come_from(values, origin):
    assert ENTRY.model_copy(update=values).origin("a.zip") == origin


@pytest.mark.parametrize("chosen, text", [([0, 0], "none"), ([1, 0], "a"), ([1, 1], "a; b")])
def test_labels_of_an_image_become_one_text_and_come_back(chosen, text):
    names = [name for name, is_present in zip("ab", chosen) if is_present]
    assert labels.joined(np.array([chosen]), ["a", "b"]) == [text] and labels.separate(text) == names


def test_the_data_room_needs_no_torch_and_no_study():
    code = (
        "import sys, lib.data.catalogue, lib.data.datasets, lib.data.fetch, lib.data.groups, lib.data.splits;"
        "print([name for name in sys.modules if name.split('.')[0] == 'torch' or name.startswith(('lib.study',"
        " 'lib.models', 'lib.evidence'))])"
    )
    output = subprocess.run([sys.executable, "-c", code], cwd=strict.ROOT, capture_output=True, text=True)
    assert output.stdout.strip() == "[]", output.stderr


def flagged(path, local: int, central: int, value: int, bits: int = 16) -> None:
    """Change a field in all headers of a zip file."""
    content = bytearray(path.read_bytes())
    for mark, offset in [(b"PK\3\4", local), (b"PK\1\2", central)]:
        at = content.find(mark)
        while at >= 0:
            content[at + offset] = value if bits == 16 else content[at + offset] | value
            at = content.find(mark, at + 4)
    path.write_bytes(content)


@pytest.mark.parametrize("method", [6, 9, 93, 95, 98])
def test_an_archive_packed_in_a_way_unknown_to_python_says_so_once(tmp_path, method):
    path = write_zip(tmp_path / "a.zip", GOOD)
    flagged(path, 8, 10, method)
    with pytest.raises(StudyError, match=rf"{len(GOOD)} of {len(GOOD)} files .* packed by .*7-Zip") as error:
        datasets.read_images(path, ENTRY, 8)
    assert "\n" not in str(error.value)


def test_an_encrypted_archive_and_one_of_another_kind_say_so(tmp_path):
    path = write_zip(tmp_path / "a.zip", GOOD)
    flagged(path, 6, 8, 1, bits=1)
    with pytest.raises(StudyError, match="are encrypted"):
        datasets.read_images(path, ENTRY, 8)
    for start, kind in archives.OTHERS.items():
        path.write_bytes(start + bytes(100))
        with pytest.raises(StudyError, match=f"is not a zip file but {kind}"):
            archives.open_archive(path)


@pytest.mark.parametrize(
    "junk", ["yes/.DS_Store", "no/Thumbs.db", "__MACOSX/yes/._Y1.png", "yes/desktop.ini", "no/._a.png"]
)
@pytest.mark.parametrize("around", ["", "one more/"])
def test_what_systems_leave_in_archives_is_no_image_and_one_folder_more_is_no_matter(tmp_path, junk, around):
    members = {f"{around}{name}": content for name, content in [*GOOD.items(), (junk, b"x")] if "brain" not in name}
    told = []
    images, _, broken = datasets.read_images(write_zip(tmp_path / "a.zip", members), ENTRY, 8, tell=told.append)
    assert len(images) == 2 and not broken and bool(told) == bool(around)


@pytest.mark.parametrize("style", [str.upper, str.title])
def test_letter_case_of_an_archive_s_folders_is_no_matter(tmp_path, style):
    told = []
    renamed = {
        style(name.rpartition("/")[0]) + "/" + name.rpartition("/")[2]: GOOD[name] for name in GOOD if "/" in name
    }
    images, _, _ = datasets.read_images(write_zip(tmp_path / "a.zip", renamed), ENTRY, 8, tell=told.append)
    plain, _, _ = datasets.read_images(write_zip(tmp_path / "b.zip", GOOD), ENTRY, 8)
    assert list(images.label) == list(plain.label) and "have other names" in told[0]


def test_an_archive_that_is_a_link_to_nothing_is_named_as_such(tmp_path, monkeypatch):
    monkeypatch.setenv("STUDY_ARCHIVES", str(tmp_path))
    (tmp_path / "brain-mri.zip").symlink_to(tmp_path / "elsewhere.zip")
    with pytest.raises(StudyError, match="brain-mri.zip is a link to .*elsewhere.zip, which is not on this machine"):
        fetch.find_archive("brain-mri", catalogue.entry("brain-mri"), {}, None)


def test_backslashes_in_an_archive_are_slashes(tmp_path):
    path = write_zip(tmp_path / "a.zip", {name.replace("/", "#"): content for name, content in GOOD.items()})
    path.write_bytes(path.read_bytes().replace(b"yes#", b"yes\\").replace(b"no#", b"no\\"))
    images, _, _ = datasets.read_images(path, ENTRY, 8)
    assert images.path.tolist() == ["yes/Y1.png", "no/1 no.png"]


def test_a_member_that_stands_twice_is_one_image(tmp_path):
    path = write_zip(tmp_path / "a.zip", GOOD)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning):
        archive.writestr("yes/Y1.png", png(seed=3))
    told = []
    images, _, _ = datasets.read_images(path, ENTRY, 8, tell=told.append)
    assert len(images) == 2 and "1 members are in the archive twice" in told[0]


@pytest.mark.parametrize(
    "status, says", [(401, "expired"), (403, "rules .*datasets/a/b"), (404, "renamed"), (500, "500")]
)
def test_kaggle_s_refusal_is_told_in_its_words(tmp_path, monkeypatch, status, says):
    import requests
    from kaggle.api.kaggle_api_extended import KaggleApi

    def refuse(*arguments, **words):
        answer = requests.Response()
        answer.status_code = status
        answer.raise_for_status()

    monkeypatch.setattr(KaggleApi, "authenticate", lambda self: None)
    monkeypatch.setattr(KaggleApi, "dataset_download_files", refuse)
    with pytest.raises(StudyError, match=says) as error:
        fetch.from_kaggle("a/b", tmp_path / "x.zip")
    assert str(error.value).index("access_token") < str(error.value).index("kaggle.json")


def test_a_token_that_is_not_accepted_is_not_called_absent(tmp_path, monkeypatch):
    from kaggle.api.kaggle_api_extended import KaggleApi

    monkeypatch.setattr(KaggleApi, "authenticate", lambda self: sys.exit(1))
    monkeypatch.setenv("KAGGLE_API_TOKEN", "old")
    with pytest.raises(StudyError, match="does not accept the token"):
        fetch.from_kaggle("a/b", tmp_path / "x.zip")
