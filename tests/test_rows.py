"""A verdict leads to the row that decides it, and a chart of verdicts has their numbers."""

import pandas as pd
import pytest
from bs4 import BeautifulSoup

from lib import strict
from lib.evidence import claims, evaluate, rows
from lib.evidence.differences import GAP, SMALLEST
from lib.plots.forest import forest
from lib.report import tables
from lib.study import load_study

SMALL = load_study("small")
CELL = SMALL.cell("blood-cells", "group")


@pytest.mark.parametrize(
    ("metric", "a", "b", "address"),
    [
        ("accuracy", "vit-proposed", "vit", "06_evaluate.html#difference-blood-cells-group-vit-proposed-vit"),
        ("accuracy", "vit", "vit-proposed", "06_evaluate.html#difference-blood-cells-group-vit-proposed-vit"),
        ("accuracy", "cnn", "vit", "06_evaluate.html#accuracy-blood-cells-group-cnn"),
        (SMALLEST, "vit-proposed", "vit", "07_figures.html#Which-classes-are-confused"),
        (GAP, "vit-proposed", "vit", "05_train-blood-cells-group-vit-proposed.html"),
    ],
)
def test_a_claim_leads_to_the_row_that_decides_it(metric, a, b, address):
    assert rows.of_difference(CELL, metric, a, b) == address


def test_page_06_names_its_rows_by_the_addresses_that_verdicts_have():
    read = {name: pd.read_csv(strict.ROOT / f"reports/small/tables/{name}.csv") for name in ["differences", "evidence"]}
    of_cell = {name: evaluate.of_cell(table, CELL) for name, table in read.items()}
    page = tables.differences_html(CELL, of_cell["differences"], SMALL.titles)
    page += tables.evidence_html(CELL, of_cell["evidence"], evaluate.titles(SMALL))
    shown = BeautifulSoup(page, "html.parser")
    named = {row["id"]: row.th.get_text() for row in shown.select("tbody tr")}
    pair = rows.of_difference(CELL, "accuracy", "vit-proposed", "vit").partition("#")[2]
    assert named[pair] == f"{SMALL.titles['vit-proposed']}, minus {SMALL.titles['vit']}"
    assert named[rows.of_accuracy(CELL, "cnn").partition("#")[2]] == SMALL.titles["cnn"]


def test_a_chart_of_verdicts_has_the_numbers_and_the_criteria_of_the_table():
    judged = pd.read_csv(strict.ROOT / "reports/small/claims/claims.csv").set_index("claim", drop=False)
    drawn = claims.in_points(SMALL, judged.loc[["improved-blood", "size-blood", "count-blood"]])
    assert drawn.lines.tolist() == [[0], [2.5]], "counts have no interval"
    one = drawn.iloc[0]
    points = [f"{value:+.1f} points" for value in (one.estimate, one.low, one.high)]
    assert [points[0], " to ".join(points[1:])] == judged.loc["improved-blood", ["estimate", "interval"]].tolist()
    assert f"[{one.low:+.1f}, {one.high:+.1f}], undecided" in forest(drawn)[1]
