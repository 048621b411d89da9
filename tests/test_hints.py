"""What suggests that images of one's own belong together, or that two values are one, is told if no table says so."""

import os

import pandas as pd
import pytest
from conftest import png
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_pixels import RAMP, dicom_file, folder_of
from test_spelling import folder, read  # noqa: F401

from lib.data import datasets
from lib.data.archives import Folder
from lib.data.catalogue import Dataset
from lib.data.folders import arranged, classes_of
from lib.data.hints import told_of_beginnings, told_of_patients
from lib.data.spelling import one_spelling

many = settings(
    max_examples=int(os.environ.get("EXAMPLES", 40)),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
MARKS = st.sampled_from(["_", "-", " ", ".", "__", " ("])


def told_of(names: dict[str, list[str]]) -> list[str]:
    """What is told of the names of each class's images."""
    rows = [(f"{label}/{name}", label) for label, those in names.items() for name in those]
    told = []
    told_of_beginnings(pd.DataFrame(rows, columns=["path", "label"]), told.append)
    return told


@many
@given(
    patients=st.lists(st.from_regex(r"[A-Za-z]{0,3}[0-9]{1,6}", fullmatch=True), min_size=6, max_size=9, unique=True),
    last=st.sampled_from(["{}", "slice{}", "rot{}", "v{}", "{:04d}"]),
    mark=MARKS,
    views=st.integers(2, 5),
)
def test_names_of_several_patients_are_told_and_numbers_of_a_class_are_not(patients, last, mark, views):
    end = ")" if "(" in mark else ""
    names = [f"{patient}{mark}{last.format(view)}{end}.png" for patient in patients for view in range(views)]
    told = told_of({"a": names, "b": names})
    assert len(told) == 1 and f"the names of {2 * len(names)} images begin in {2 * len(patients)} ways" in told[0]
    numbered = [f"{patients[0]}{mark}{last.format(number)}{end}.png" for number in range(30)]
    assert told_of({"a": numbered, "b": numbered}) == []
    assert told_of({"a": [f"{number}.png" for number in range(30)]}) == []
    assert told_of({"a": [f"{patient}{mark}0{end}.png" for patient in patients]}) == []


@many
@given(st.lists(st.sampled_from(["", "P1", "P2", "P3"]), min_size=2, max_size=12))
def test_patients_that_dicom_files_name_are_told_if_one_has_several(patients):
    told, named = [], [name for name in patients if name]
    told_of_patients(patients, told.append)
    assert len(told) == (1 < len(set(named)) < len(named))
    assert not told or told[0].startswith(f"{len(named)} DICOM files name {len(set(named))} patients")


def test_page_01_tells_of_patients_in_dicom_files(tmp_path):
    values = [(1000 * RAMP + number).astype("int16") for number in range(12)]
    contents = [dicom_file(one, "MONOCHROME2", PatientID=f"P{number // 4}") for number, one in enumerate(values)]
    told, entry = [], Dataset(title="t", folder="x", images="{label}/**", classes={"a": "a", "b": "b"}, one_scale=True)
    datasets.read_images(folder_of(tmp_path, contents, "dcm"), entry, 16, tell=told.append)
    assert any("12 DICOM files name 3 patients" in line for line in told)


@many
@given(number=st.integers(1, 4), extra=st.lists(st.integers(1, 29), max_size=29), separator=st.sampled_from(",;\t"))
def test_separators_at_the_ends_of_lines_move_no_cell(folder, number, extra, separator):  # noqa: F811
    top, plain = folder
    plain.to_csv(top / "plain.csv", index=False)
    lines = plain.to_csv(index=False, sep=separator).splitlines()
    longer = [line + separator * number * (row - 1 not in extra) for row, line in enumerate(lines) if row]
    (top / "t.csv").write_text("\n".join([lines[0], *longer]))
    pd.testing.assert_frame_equal(read(top, "t.csv"), read(top, "plain.csv"))


def test_names_of_rows_that_r_writes_are_no_column_and_are_told(folder):  # noqa: F811
    top, plain = folder
    plain.to_csv(top / "plain.csv", index=False)
    (top / "t.csv").write_text(plain.to_csv().removeprefix(","))
    told = []
    pd.testing.assert_frame_equal(read(top, "t.csv", told.append), read(top, "plain.csv"))
    assert any("rows have a cell more than the header" in line for line in told)


@many
@given(st.integers(10**8, 10**14), st.integers(2, 6))
def test_patients_that_a_spreadsheet_has_rounded_are_told(folder, first, decimals):  # noqa: F811
    top, plain = folder
    numbers = [f"{first + number:.{decimals}E}" for number in range(len(plain))]
    told = []
    plain.assign(patient=numbers).to_csv(top / "t.csv", index=False)
    read(top, "t.csv", told.append)
    assert any(f"30 rows have a patient that a spreadsheet has rounded, for example '{numbers[0]}'" in s for s in told)


def test_patients_of_one_image_count_as_one_and_are_told(folder):  # noqa: F811
    top, plain = folder
    pd.concat([plain, plain.head(1).assign(patient="99")]).to_csv(top / "t.csv", index=False)
    told = []
    read(top, "t.csv", told.append)
    assert any("values with an image in common count as one, for example '99' is '0'" in line for line in told)


@many
@given(st.from_regex(r"[a-z]{2,7}[a-rt-z]", fullmatch=True), st.sampled_from("éüîñàçõ"), st.integers(0, 7))
def test_names_that_differ_in_an_accent_or_a_plural_are_told(word, letter, place):
    accented = word[:place] + letter + word[place:]
    plain = word[:place] + {"é": "e", "ü": "u", "î": "i", "ñ": "n", "à": "a", "ç": "c", "õ": "o"}[letter] + word[place:]
    for other in [accented, f"{plain}s"]:
        assert "are similar, but count as different" in one_spelling([plain, other], "class")[1][0]


@many
@given(st.integers(1, 999), st.sampled_from(".,"), st.integers(1, 6))
def test_thousands_are_not_read_as_decimals(number, mark, decimals):
    written = f"{number}{mark}{'0' * decimals}"
    read_as, told = one_spelling([str(number), written], "patient")
    assert (read_as[written] == str(number)) == (decimals != 3)
    assert ("are similar" if decimals == 3 else "are read as one") in told[0]


@pytest.mark.parametrize("words", [["yes", "1"], ["TRUE", "1"], ["negative", "0"], ["positive", "yes"]])
def test_words_and_numbers_for_true_and_false_are_told(words):
    assert "are similar" in one_spelling(words, "label")[1][0]
    assert one_spelling(["yes", "no", "0.5"], "label")[1] == []


def test_a_folder_of_images_without_a_label_is_asked_about(tmp_path):
    told = []
    for label in ["a", "b", "Unlabeled"]:
        (tmp_path / label).mkdir()
        (tmp_path / label / "1.png").write_bytes(png(seed=1))
    classes_of(Folder(tmp_path), told.append)
    assert any("class 'Unlabeled': if it means that the class is not known, move that folder away" in s for s in told)


@many
@given(
    outer=st.lists(st.from_regex(r"[A-Z][0-9]{1,4}", fullmatch=True), min_size=2, max_size=6, unique=True),
    inner=st.sampled_from(
        [["cat", "dog"], ["yes", "no", "perhaps"], ["train", "test"], ["Training", "valid", "tests"]]
    ),
    lacking=st.integers(0, 5),
)
def test_classes_within_folders_of_patients_or_years_are_asked_about(tmp_path_factory, outer, inner, lacking):
    names = [f"{one}/{other}/{number}.png" for one in outer for other in inner for number in range(2)]
    if len(outer) > 2:
        left_out = f"{outer[lacking % len(outer)]}/{inner[0]}/"
        names = [name for name in names if not name.startswith(left_out)]
    told, top = [], Folder(tmp_path_factory.mktemp("x"))
    assert set(arranged(top, names, told.append)[1]) == set(outer)
    asked = "are in several class folders: if these are the classes, name"
    assert any((asked if "t" not in inner[-1] else "this project makes the parts itself") in line for line in told)
