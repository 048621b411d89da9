"""Whatever stands in a file: a valid result, or a message that says what to do; never a traceback of ours.

500 inputs each; `make test-faults` sets EXAMPLES=10000.
"""

import copy
import gzip
import os
import re
import zipfile

import pytest
import yaml
from conftest import png, write_zip
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_datasets import ENTRY, GOOD
from test_predictions import TABLE

from lib import strict
from lib.data import datasets
from lib.evidence import predictions
from lib.strict import StudyError, read_yaml, validated
from lib.study import Study

STUDY = yaml.safe_load((strict.ROOT / "tests" / "tiny.yaml").read_text())
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
VALUES = st.recursive(SCALARS, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=8), v, max_size=3))
CODE = re.compile(r'File "|Traceback|(lib|site-packages|python3[.0-9]*)/[\w/]+\.py')
many = settings(
    max_examples=int(os.environ.get("EXAMPLES", 500)),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)


def survives(read, *arguments, **words) -> None:
    """`read` gives a result, or a message of at least a few words that names no file of this project's code."""
    try:
        read(*arguments, **words)
    except StudyError as error:
        # a spoiled name may well end in .py
        assert len(str(error).split()) >= 4 and not CODE.search(str(error)), error


def places(value, path=()):
    """Every path into nested dictionaries and lists."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else []
    for key, inner in items:
        yield from places(inner, (*path, key))


@many
@given(st.data())
def test_parameters_with_anything_in_them(data):
    values = copy.deepcopy(STUDY)
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(st.sampled_from([path for path in places(values) if path]))
        inside = values
        for key in way:
            inside = inside[key]
        if data.draw(st.booleans()):
            inside[last] = data.draw(VALUES)
        elif isinstance(inside, dict):
            inside[data.draw(st.text(max_size=8))] = inside.pop(last)
    survives(validated, Study, values, "params/tiny/params.yaml")


@many
@given(content=st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
def test_a_parameters_file_of_any_bytes(tmp_path, content):
    (tmp_path / "params.yaml").write_bytes(content)
    survives(lambda path: validated(Study, read_yaml(path), path.name), tmp_path / "params.yaml")


def spoiled(data, content: bytes) -> bytes:
    """Bytes of which some are changed, cut out or put in."""
    content = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(0, len(content) - 1)))
        kind = data.draw(st.sampled_from(["flip", "cut", "insert", "truncate"]))
        if kind == "flip" and content:
            content[at] ^= data.draw(st.integers(1, 255))
        elif kind == "cut":
            del content[at : at + data.draw(st.integers(1, 40))]
        elif kind == "insert":
            content[at:at] = data.draw(st.binary(max_size=20))
        else:
            del content[at:]
    return bytes(content)


@many
@given(data=st.data(), skip=st.booleans())
def test_an_archive_with_spoiled_bytes(tmp_path, data, skip):
    whole = write_zip(tmp_path / "whole.zip", GOOD).read_bytes()
    (tmp_path / "a.zip").write_bytes(spoiled(data, whole))
    survives(datasets.read_images, tmp_path / "a.zip", ENTRY, 8, skip_broken=skip)


@many
@given(names=st.lists(st.text(min_size=1, max_size=20), max_size=4), data=st.data())
def test_an_archive_with_any_names_and_contents(tmp_path, names, data):
    contents = st.sampled_from([png(seed=1), png(seed=2), b""]) | st.binary(max_size=50)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in {*names, *data.draw(st.sets(st.sampled_from(list(GOOD))))}:
            try:
                archive.writestr(name, data.draw(contents))
            except (ValueError, UnicodeError, IndexError):
                continue  # zipfile itself cannot write such a name
    survives(datasets.read_images, tmp_path / "a.zip", ENTRY, 8, skip_broken=data.draw(st.booleans()))


@many
@given(data=st.data())
def test_predictions_with_spoiled_bytes(tmp_path, data):
    whole = TABLE.to_csv(index=False).encode()
    (tmp_path / "predictions.csv").write_bytes(spoiled(data, whole))
    survives(predictions.read, tmp_path / "predictions.csv", ["yes", "no"])


@many
@given(data=st.data())
def test_compressed_predictions_with_spoiled_bytes(tmp_path, data):
    whole = gzip.compress(TABLE.to_csv(index=False).encode(), mtime=0)
    (tmp_path / "predictions.csv.gz").write_bytes(spoiled(data, whole))
    survives(predictions.read, tmp_path / "predictions.csv.gz", ["yes", "no"])


@many
@given(data=st.data())
def test_predictions_with_anything_in_their_cells(tmp_path, data):
    table = TABLE.astype(object)
    for _ in range(data.draw(st.integers(1, 3))):
        row, column = data.draw(st.integers(0, len(table) - 1)), data.draw(st.integers(0, table.shape[1] - 1))
        table.iat[row, column] = data.draw(st.none() | st.floats() | st.integers() | st.text(max_size=12))
    try:
        table.to_csv(tmp_path / "predictions.csv", index=False)
    except UnicodeEncodeError:
        return
    survives(predictions.read, tmp_path / "predictions.csv", ["yes", "no"])


@pytest.mark.parametrize("content", [b"", b"\n", b"part\n", b'"', b"\xff\xfe\x00", b"part,path\n1,2,3\n"])
def test_predictions_that_are_no_table(tmp_path, content):
    (tmp_path / "predictions.csv").write_bytes(content)
    with pytest.raises(StudyError):
        predictions.read(tmp_path / "predictions.csv", ["yes", "no"])
