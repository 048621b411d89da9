"""Predictions that cannot be trusted are refused, and the message names the rows."""

import pandas as pd
import pytest

from lib.data.files import write_csv
from lib.evidence import predictions
from lib.strict import StudyError

TABLE = pd.DataFrame(
    {
        "part": ["test"] * 3 + ["validation"],
        "path": ["c.png", "a.png", "b.png", "d.png"],
        "group": [2, 0, 1, 3],
        "label": ["yes", "no", "no", "yes"],
        "predicted": ["yes", "no", "yes", "yes"],
        "p_yes": [0.9, 0.2, 0.6, 0.5],
        "p_no": [0.1, 0.8, 0.4, 0.5],
    }
)


def read(tmp_path, table, name="predictions.csv"):
    table.to_csv(tmp_path / name, index=False)
    return predictions.read(tmp_path / name, ["yes", "no"])


def test_rows_come_in_the_order_of_their_paths(tmp_path):
    assert read(tmp_path, TABLE).path.tolist() == ["a.png", "b.png", "c.png", "d.png"]


def test_compressed_predictions_are_the_same_and_equal_tables_are_equal_bytes(tmp_path):
    assert read(tmp_path, TABLE, "predictions.csv.gz").equals(read(tmp_path, TABLE))
    for name in ["a.csv.gz", "b.csv.gz"]:
        write_csv(TABLE, tmp_path / name)
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()
    assert predictions.read(tmp_path / "a.csv.gz", ["yes", "no"]).equals(read(tmp_path, TABLE))


@pytest.mark.parametrize(
    "spoil, says",
    [
        (lambda t: pd.concat([t, t.iloc[[1]]]), r"2 rows are duplicated: a.png \(line 3\), a.png \(line 6\)"),
        (lambda t: t.assign(label=["yes", "no", "maybe", "yes"]), r"label that is none of yes, no: b.png \(line 4\)"),
        (lambda t: t.assign(predicted=["yes", "no", None, "yes"]), r"predicted that is none of yes, no: b.png"),
        (lambda t: t.assign(p_no=[0.1, 0.9, 0.4, 0.5]), r"do not sum to 1: a.png \(line 3\)"),
        (lambda t: t.assign(p_no=[0.1, "much", 0.4, 0.5]), r"do not sum to 1: a.png \(line 3\)"),
        (lambda t: t.assign(p_yes=[1.9, 0.2, 0.6, 0.5], p_no=[-0.9, 0.8, 0.4, 0.5]), r"do not sum to 1: c.png"),
        (lambda t: t.assign(predicted=["yes", "yes", "yes", "yes"]), r"not the most probable one: a.png \(line 3\)"),
        (lambda t: t.drop(columns=["p_no", "group"]), r"lacks the columns group, p_no"),
    ],
)
def test_wrong_rows_are_named(tmp_path, spoil, says):
    with pytest.raises(StudyError, match=says):
        read(tmp_path, spoil(TABLE))


def test_a_file_that_is_not_there_says_what_to_do(tmp_path):
    with pytest.raises(StudyError, match="train that model first"):
        predictions.read(tmp_path / "predictions.csv", ["yes", "no"])


def test_two_models_with_different_test_images_are_refused():
    with pytest.raises(StudyError, match=r"vit and cnn were tested on different .*\(1 rows\): b.png"):
        predictions.require_same(TABLE, TABLE.drop(index=2), "vit", "cnn")
    with pytest.raises(StudyError, match=r"\(2 rows\): b.png"):
        predictions.require_same(TABLE, TABLE.assign(label=["yes", "no", "yes", "yes"]), "vit", "cnn")
