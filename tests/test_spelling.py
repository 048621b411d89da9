"""However labels, patients, paths and folders are spelt, one value is one: the same images as the plain spelling."""

import os
import unicodedata

import pandas as pd
import pytest
from conftest import png
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lib import strict
from lib.data import datasets
from lib.data.archives import Folder
from lib.data.catalogue import Dataset
from lib.data.folders import classes_of
from lib.data.parts import PART
from lib.data.spelling import MISSING, clean, is_missing, one_spelling
from lib.strict import StudyError
from lib.study import own

many = settings(
    max_examples=int(os.environ.get("EXAMPLES", 40)),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
LABELS = ["Zölle Größe", "7", "normal tissue"]
BLANKS = st.sampled_from(["", " ", "  ", "\t", "\u00a0", "\u3000", "\u200b", "\ufeff"])
ROWS = 30


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Thirty images whose names have letters of two Unicode forms, cases and blanks; the plain table of them."""
    top = tmp_path_factory.mktemp("scans")
    rows = []
    for number in range(ROWS):
        path = f"Bilder/größe {number}.png"
        (top / path).parent.mkdir(exist_ok=True)
        (top / path).write_bytes(png(seed=number))
        rows.append((path, LABELS[number % 3], f"{number // 2}"))
    return top, pd.DataFrame(rows, columns=["path", "label", "patient"])


def read(top, name, tell=lambda sentence: None):
    archive = Folder(top)
    entry = own.layout_of_table(archive, name, tell)
    entry = Dataset(title="t", folder="x", **entry)
    table = datasets.members(archive, entry, tell)
    return table.assign(source=pd.factorize(table.source)[0])


def respelt(draw, value: str, *, is_path: bool = False) -> str:
    """Another spelling of a value that means surely the same."""
    value = unicodedata.normalize(draw(st.sampled_from(["NFC", "NFD"])), value)
    if is_path:
        change = draw(st.sampled_from(["as is", "back", "dot", "case", "stem", "absolute"]))
        return {
            "as is": value,
            "back": value.replace("/", "\\"),
            "dot": f"./{value}",
            "case": value.replace(".png", ".PNG"),
            "stem": value.removesuffix(".png"),
            "absolute": f"D:\\somebody\\{value}",
        }[change]
    if value.isdigit():
        value += draw(st.sampled_from(["", ".0", ".00"]))
    return draw(BLANKS) + value + draw(BLANKS)


@many
@given(data=st.data())
def test_a_table_in_any_spelling_gives_the_same_images_as_the_plain_one(folder, data):
    top, plain = folder
    plain.to_csv(top / "plain.csv", index=False)
    expected = read(top, "plain.csv")
    # a few more in another case: most rows decide how a class is printed
    label = [respelt(data.draw, cell.upper() if row % 10 == 9 else cell) for row, cell in enumerate(plain.label)]
    table = plain.assign(
        path=[respelt(data.draw, cell, is_path=True) for cell in plain.path],
        label=label,
        patient=[respelt(data.draw, cell) for cell in plain.patient],
    )
    header = [data.draw(BLANKS) + data.draw(st.sampled_from([name, name.title(), name.upper()])) for name in table]
    mark, encoding = data.draw(st.sampled_from(",;\t|")), data.draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]))
    ending = data.draw(st.sampled_from(["\n", "\r\n"]))
    text = table.to_csv(index=False, header=header, sep=mark, lineterminator=ending)
    (top / "t.csv").write_bytes(text.encode(encoding))
    pd.testing.assert_frame_equal(read(top, "t.csv"), expected)


@many
@given(data=st.data())
def test_what_is_not_known_stays_unknown_and_is_counted(folder, data):
    top, plain = folder
    words = st.sampled_from(sorted(MISSING)).map(lambda word: data.draw(st.sampled_from([word, word.upper()])))
    rows = data.draw(st.sets(st.integers(0, ROWS - 1), min_size=1, max_size=8))
    patients = data.draw(st.sets(st.integers(0, ROWS - 1), min_size=1, max_size=12))
    table = plain.copy()
    table.loc[sorted(rows), "label"] = [data.draw(words) + data.draw(BLANKS) for _ in rows]
    table.loc[sorted(patients), "patient"] = [data.draw(words | st.just("unknown")) for _ in patients]
    table.to_csv(top / "t.csv", index=False)
    told = []
    found = read(top, "t.csv", told.append)
    assert len(found) == ROWS - len(rows) and set(found.label) == set(LABELS)
    assert any(f"{len(rows)} of {ROWS} rows of t.csv have no label" in sentence for sentence in told)
    archive = Folder(top)
    source = datasets.members(archive, Dataset(title="t", folder="x", **own.layout_of_table(archive, "t.csv"))).source
    assert (source == "").sum() == len(patients - rows)


@many
@given(data=st.data())
def test_class_folders_in_any_spelling_are_one_class(tmp_path_factory, data):
    top = tmp_path_factory.mktemp("classes")
    for number, label in enumerate(["Größe eins", "zwei"]):
        names = {label, *(respelt(data.draw, form) for form in [label, label, label.upper()])}
        for place, name in enumerate(sorted(names)):
            for image in range(5 if name == label else 1):
                path = top / name / f"{place}-{image}.png"
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(b"")
        assert number < 2
    _, classes = classes_of(Folder(top))
    assert sorted(set(classes.values())) == ["Größe eins", "zwei"]


@given(st.text(max_size=20))
def test_a_cleaned_value_is_clean_and_its_spelling_is_its_own(text):
    assert clean(clean(text)) == clean(text)
    spelling, told = one_spelling([text, text], "label")
    assert spelling == {text: clean(text)} and not told
    assert is_missing(f" {text}\u200b") == is_missing(text)


def test_letters_that_differ_in_case_alone_are_two_classes_and_zeros_are_told():
    assert one_spelling(["a", "A", "a"], "label")[0] == {"a": "a", "A": "A"}
    spelling, told = one_spelling(["007", "7", "covid-19", "Covid 19"], "patient")
    assert len(set(spelling.values())) == 4 and len(told) == 2 and all("are similar" in line for line in told)


@pytest.mark.parametrize("one, other", [("training_set", "test_set"), ("My Train", "val-split"), ("TrainA", "testB")])
@pytest.mark.parametrize("third", ["extra", None])
def test_folders_that_are_parts_are_no_classes(tmp_path, one, other, third):
    for name in filter(None, [one, other, third]):
        (tmp_path / name / "cats").mkdir(parents=True)
        (tmp_path / name / "cats" / "a.png").write_bytes(b"")
    with pytest.raises(StudyError, match="is divided into"):
        classes_of(Folder(tmp_path))


JOINS = st.sampled_from(["_", "-", " ", ".", "", "__"])
PAIRS = st.sampled_from([("train", "test"), ("training", "validation"), ("trainval", "test"), ("split1", "split2")])


@many
@given(data=st.data(), pair=PAIRS, around=st.sampled_from(["x", "chest xray", "Röntgen", "public", "my_data", ""]))
def test_folders_with_a_part_in_their_names_are_no_classes(tmp_path_factory, data, pair, around):
    top, join = tmp_path_factory.mktemp("parts"), data.draw(JOINS)
    styled = data.draw(st.sampled_from([str.lower, str.upper, str.title]))
    join = (join or ("" if styled is str.title else "_")) if around else ""
    whole = data.draw(st.booleans())  # whether both have the words around, and then no class folders are needed
    names = [styled(pair[0]), styled(pair[1])]
    names = [f"{around}{join}{name}" if whole or place else name for place, name in enumerate(names)]
    is_plain = whole and pair != ("split1", "split2")
    inside = data.draw(st.sampled_from(["", "cats/", "dogs/"])) if is_plain else "cats/"
    for name in names:
        for folder in {inside, inside and "dogs/"}:
            (top / name / folder).mkdir(parents=True, exist_ok=True)
            (top / name / folder / "a.png").write_bytes(b"")
    with pytest.raises(StudyError, match="is divided into"):
        classes_of(Folder(top))


@pytest.mark.parametrize("names", [["cats_train", "cats_test", "dogs_train", "dogs_test"], ["images", "Masks"]])
def test_parts_of_classes_and_kinds_of_files_are_no_classes(tmp_path, names):
    for name in names:
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(b"")
    with pytest.raises(StudyError, match="is divided into|are kinds of files"):
        classes_of(Folder(tmp_path))


@pytest.mark.parametrize("names", [["positive test", "negative test"], ["benign", "body part"], ["mask", "no mask"]])
@pytest.mark.parametrize("around", ["", "one/", "one/more/"])
def test_classes_stay_classes_however_deep_they_lie(tmp_path, names, around):
    for name in names:
        (tmp_path / around / name).mkdir(parents=True)
        (tmp_path / around / name / "a.png").write_bytes(b"")
    assert classes_of(Folder(tmp_path)) == (around, {name: name for name in sorted(names)})


@many
@given(data=st.data())
def test_a_column_that_stands_twice_is_asked_about(folder, data):
    top, plain = folder
    twice = data.draw(st.sampled_from(list(plain)))
    other = data.draw(BLANKS) + data.draw(st.sampled_from([twice, twice.title(), twice.upper()])) + data.draw(BLANKS)
    table = pd.concat([plain, plain[twice].sample(frac=1, random_state=1).rename(other).reset_index(drop=True)], axis=1)
    table.to_csv(top / "t.csv", index=False)
    with pytest.raises(StudyError, match="columns called|has the columns"):
        read(top, "t.csv")


@pytest.mark.parametrize("name", ["PatientID", "patient no.", "Subject", "subject_id", "Participant-ID"])
def test_a_column_of_sources_is_known_by_its_name_and_names_without_folders_are_found(folder, name):
    top, plain = folder
    bare = plain.path.str.removeprefix("Bilder/")
    plain.assign(path=bare).rename(columns={"patient": name}).to_csv(top / "t.csv", index=False)
    plain.to_csv(top / "plain.csv", index=False)
    pd.testing.assert_frame_equal(read(top, "t.csv"), read(top, "plain.csv"))


@given(st.sampled_from(["0", "-1", "9999", "no id", "keine Angabe"]), st.integers(8, 20))
@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_patient_of_many_images_is_told(folder, word, number):
    top, plain = folder
    plain.assign(patient=[word] * number + list(map(str, range(100, 130 - number)))).to_csv(top / "t.csv", index=False)
    told = []
    read(top, "t.csv", told.append)
    assert any(f"patient {word!r} has {number} of 30 images" in sentence for sentence in told)


@given(st.floats(0.01, 1e6), st.sampled_from(["{:.6f}", "{:e}", "{:.8f}", "{:g}0"]))
def test_numbers_of_one_value_that_are_written_otherwise_are_told(value, form):
    value = float(f"{value:.4g}")
    written = form.format(value) if form != "{:g}0" or "." in f"{value:g}" else f"{value:.3f}"
    told = one_spelling([f"{value:.12g}", written], "label")[1]
    assert clean(written) == f"{value:.12g}" or "are similar" in told[0] or "read as one" in told[0]


def test_names_of_classes_are_no_parts():
    words = [
        "tested",
        "contest",
        "strain",
        "trainer",
        "invalid",
        "devil",
        "benign",
        "evaluate me",
        "validity",
        "latest",
    ]
    assert not [word for word in words if PART(word.replace(" ", ""))]


def test_an_archive_unpacked_twice_is_no_third_class(tmp_path):
    for place in ["", "brain_tumor_dataset/", "deep/er/"]:
        for label in ["Yes", "no"]:
            path = tmp_path / place / label / "a.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
    with pytest.raises(StudyError, match=r"brain_tumor_dataset holds folders called 'Yes' \(1\), 'no' \(1\)"):
        classes_of(Folder(tmp_path))


@pytest.mark.parametrize("share, refused", [(0.02, False), (0.2, True)])
def test_files_that_stand_in_two_classes_are_told_or_stop(tmp_path, share, refused):
    both = int(share * 100 / 2)
    for number in range(50):
        for label in "ab":
            path = tmp_path / label / f"{number}.png"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(png(seed=number if number < both else number + 1000 * ord(label)))
    entry = Dataset(title="t", folder="x", images="{label}/**", classes={"a": "a", "b": "b"})
    told = []
    if refused:
        with pytest.raises(StudyError, match=r"20 of 100 images stand in two classes: a and b \(10 files\)"):
            datasets.read_images(tmp_path, entry, 8)
        entry = entry.model_copy(update={"two_labels": True})
    datasets.read_images(tmp_path, entry, 8, tell=told.append)
    assert f"{2 * both} of 100 images stand in two classes" in told[-1]


ODD = ["1e5", "0x1f", "12:30", "~", "null", "NO", "data", "runs", "own", ".own", "params", "images", "a" * 200, "é"]


@pytest.mark.parametrize("name", ODD)
@pytest.mark.parametrize("inside", ["", "data", "data/own", "runs", "reports"])
def test_nothing_is_written_into_the_folder_whatever_it_is_called(tmp_path, monkeypatch, name, inside):
    root = tmp_path / "project"
    (root / "params/datasets").mkdir(parents=True)
    for file in ["params/own.yaml", "dvc.yaml"]:
        (root / file).write_text((strict.ROOT / file).read_text())
    monkeypatch.setattr(strict, "ROOT", root)
    top = (root / inside if inside else tmp_path) / name
    for label in "ab":
        for number in range(5):
            path = top / label / f"{number}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(png(seed=number))
    before = sorted(top.rglob("*"))
    try:
        made = own.make_study(top)
    except StudyError as error:
        assert "into which the study writes" in str(error) or "params/" in str(error)
    else:
        from lib.study import load_study

        study = load_study(made)
        for folder in [study.data, study.report, study.executed, study.parameters, root / "weights" / made]:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "written").write_text("")
    assert sorted(top.rglob("*")) == before
