"""A report's sentences follow from its tables: the split that leaks least decides, and what cannot be told is called undecided."""

import pandas as pd
import pytest

from lib import markup, words

COLUMNS = ["dataset", "split", "a", "b", "estimate", "low", "high", "decidable"]
COMPARED = pd.DataFrame(
    [
        ("cells", "random", "vit-proposed", "vit", 0.03, 0.01, 0.05, 0.03),
        ("cells", "group", "vit-proposed", "vit", 0.02, -0.03, 0.07, 0.071),
        ("cells", "group", "vit-proposed", "cnn", 0.2, 0.1, 0.3, 0.1),
        ("brains", "random", "vit-proposed", "vit", 0.0, -0.05, 0.05, 0.07),
        ("brains", "group", "vit-proposed", "vit", -0.08, -0.12, -0.04, 0.06),
    ],
    columns=COLUMNS,
)
ASSESSED = pd.DataFrame(
    [
        ("cells", "group", 2434, 62),
        ("cells", "random", 2489, 308),
        ("brains", "group", 51, 41),
        ("brains", "random", 51, 45),
    ],
    columns=["dataset", "split", "images", "groups"],
)
TITLES = {"cells": "Blood cells", "brains": "Brain MRI"}


def test_the_headline_is_by_the_split_that_leaks_least():
    assert words.headline(COMPARED, TITLES) == (
        "Does the residual of the best head help? On blood cells: **undecided** (+2.0 [-3.0, +7.0] points); "
        "on brain MRI: **no, it is worse** (-8.0 [-12.0, -4.0] points)."
    )
    assert words.headline(COMPARED[COMPARED.b == "cnn"], TITLES) == ""


def test_the_answer_says_on_how_much_evidence_and_what_a_leaking_split_would_have_said():
    cells, brains = words.answer(COMPARED, ASSESSED, TITLES)
    assert "2434 test images in 62 groups" in cells and "a true difference of 7 points would have been seen" in cells
    assert cells.endswith("What other splits would have said: `random` +3.0 [+1.0, +5.0]: yes.")
    assert "it is worse" in brains and brains.endswith("`random` +0.0 [-5.0, +5.0]: undecided.")


@pytest.mark.parametrize("text", ["<b>", 'a "quote" & more'])
def test_what_a_claim_says_is_escaped(text):
    row = {name: "" for name in ["place", "quantity", "estimate", "interval", "tolerance", "decidable", "link"]}
    shown = markup.claims_html(pd.DataFrame([{"claim": "c", "words": text, "verdict": "undecided", **row}]))
    assert text not in shown


def test_how_many_claims_got_which_verdict():
    judged = pd.DataFrame({"verdict": ["undecided", "supported", "undecided"]})
    assert words.claims_in_a_sentence(judged) == "Of 3 claims, 2 undecided, 1 supported."


@pytest.mark.parametrize(
    ("published", "says"), [(0.9, "Published: as the paper prints it; here: mean"), (None, "Here: mean")]
)
def test_table_1_says_what_its_rows_are(published, says):
    row = {"metric": "accuracy", "model": "vit", "published": published, "mean": 0.8, "low": 0.7, "high": 0.9}
    table = markup.scores_html(pd.DataFrame([row]).astype({"published": float}))
    assert (
        f"<caption>Test scores. {says} over seeds; 95\u00a0%: its interval.</caption>" in table
        and table.count("<caption>") == 1
    )


def test_a_table_of_claims_has_a_caption():
    assert "<caption>" in markup.claims_html(pd.DataFrame(columns=["words", "verdict"]))
