"""Numbers and tables as people read them."""

import pandas as pd
import pytest

from lib.report import tables
from lib.study import load_study


@pytest.mark.parametrize("text", ["<b>", 'a "quote" & more'])
def test_what_a_claim_says_is_escaped(text):
    row = {name: "" for name in ["place", "quantity", "estimate", "interval", "tolerance", "decidable", "link", "note"]}
    shown = tables.claims_html(pd.DataFrame([{"claim": "c", "words": text, "verdict": "undecided", **row}]))
    assert text not in shown


@pytest.mark.parametrize(
    ("published", "says"),
    [(0.9, "Published: by its authors, for a model of this name; here: mean"), (None, "Here: mean")],
)
def test_table_1_says_what_its_rows_are(published, says):
    row = {"metric": "accuracy", "model": "vit", "published": published, "mean": 0.8, "low": 0.7, "high": 0.9}
    table = tables.scores_html(pd.DataFrame([row]).astype({"published": float}))
    assert f"<caption>Test scores. {says} over seeds; 95\u00a0%: its interval.</caption>" in table
    assert table.count("<caption>") == 1


@pytest.mark.parametrize(
    ("values", "factor", "shown"),
    [
        ([0.979, 0.9815], 100, ["97.90", "98.15"]),
        ([0.975, None], 100, ["97.5", ""]),
        ([0.0815, 0.2], 1, ["0.0815", "0.2000"]),
    ],
)
def test_a_published_number_keeps_its_decimals(values, factor, shown):
    assert tables.as_printed(pd.Series(values, dtype=float), factor).tolist() == shown


def test_a_table_of_claims_has_a_caption():
    assert "<caption>" in tables.claims_html(pd.DataFrame(columns=["words", "verdict"]))


def test_a_difference_that_rounds_to_nothing_has_no_minus():
    assert [tables.points(share) for share in (-0.0004, 0.0004, -0.0006)] == ["+0.0", "+0.0", "-0.1"]


def test_published_rows_of_data_that_a_study_lacks_are_shown_as_they_are_printed():
    rows = tables.elsewhere(load_study("covid-small"))
    assert "covid-radiography" in set(rows.dataset) and "covid-chestxray" not in set(rows.dataset)
    assert rows.accuracy.str.fullmatch(r"0\.\d{4}").all()
    assert tables.elsewhere(load_study("screen")).empty
    of_others = tables.elsewhere(load_study("pneumonia"))
    assert "Google AutoML Vision" in set(of_others.model) and "resnet18" not in set(of_others.model)
