"""Numbers and tables as people read them."""

import re

import nbformat
import pandas as pd
import pytest
from look import NEEDS_CHROMIUM, View, look

from lib import strict
from lib.evidence.published import of_released, stated_counts
from lib.report import tables
from lib.report.pages import Way
from lib.report.render import to_soup
from lib.study import load_study


@pytest.mark.parametrize("text", ["<b>", 'a "quote" & more'])
def test_what_a_claim_says_is_escaped(text):
    row = {name: "" for name in ["place", "quantity", "estimate", "interval", "tolerance", "decidable", "link", "note"]}
    shown = tables.claims_html(pd.DataFrame([{"claim": "c", "words": text, "verdict": "undecided", **row}]))
    assert text not in shown


A4 = 718  # px: its width without the margins of Chromium
TOO_WIDE = """
return [...document.querySelectorAll(".scroll")].map((one) => one.querySelector("table").scrollWidth - one.clientWidth)
  .filter((by) => by > 0);
"""
ROW = {"split": "group", "metric": "accuracy", "model": "<vit>", "mean": 0.8, "low": 0.7, "high": 0.9}


@pytest.mark.parametrize(
    ("published", "heads"), [(0.9, ["model", "published", "split group"]), (None, ["model", "split group"])]
)
def test_table_1_has_a_row_per_model_and_a_column_per_split_beside_what_is_published(published, heads):
    table = pd.DataFrame([{**ROW, "published": published}]).astype({"published": float})
    table = tables.accuracies_html(table)
    assert re.findall("<th>(.*?)</th>", table) == heads
    cells = re.findall("<td>(.*?)</td>", table)
    assert cells[0] == "&lt;vit&gt;" and cells[-1] == "80.0<br><small>70.0 to 90.0</small>"
    assert cells[1:-1] == (["90"] if published else [])
    assert table.count("<caption>") == 1 and ("published: by its authors" in table) == bool(published)


def test_all_scores_of_a_split_stand_in_one_row_per_model():
    rows = [{**ROW, "published": 0.93}, {**ROW, "metric": "auc", "low": None, "published": None}]
    rows += [{**ROW, "metric": "f1", "published": 0.94}]
    table = tables.scores_html(pd.DataFrame(rows).astype({"published": float, "low": float}))
    assert re.findall("<th>(.*?)</th>", table) == ["model", "Accuracy (%)", "F1 score", "AUC"]
    assert "0.80<br><small>0.70 to 0.90</small><br><small>published 0.94</small>" in table
    assert f"0.800<br><small>{tables.TOO_FEW}</small></td>" in table


def test_the_released_attention_stands_beside_what_the_paper_prints_of_its_proposed_model():
    study = load_study("ablation")
    scores = pd.read_csv(study.report / "tables" / "table1.csv")
    beside = of_released(study, scores)
    accuracies = beside[beside.metric == "accuracy"].set_index(["dataset", "model"]).published
    assert accuracies["blood-cells", "released"] == 0.9338 and accuracies["brain-mri", "released"] == 0.9615
    assert pd.isna(accuracies["blood-cells", "released-none"])
    quick = pd.read_csv(load_study("quick").report / "tables" / "table1.csv")
    assert of_released(load_study("quick"), quick) is quick


@NEEDS_CHROMIUM
@pytest.mark.slow
def test_no_table_of_scores_is_wider_than_its_page(tmp_path):
    views = {}
    for path in sorted(strict.ROOT.glob("reports/*/tables/table1.csv")):
        study = load_study(path.parts[-3])
        scores = of_released(study, pd.read_csv(path)).replace({"model": study.titles})
        made = [tables.accuracies_html(part) for _, part in scores.groupby("dataset", sort=False)]
        made += [tables.scores_html(part) for _, part in scores.groupby(["dataset", "split"], sort=False)]
        outputs = [nbformat.v4.new_output("display_data", {"text/html": table}) for table in made]
        cells = [
            nbformat.v4.new_markdown_cell("# T\n\n## a\n\n## b\n\n## c"),
            nbformat.v4.new_code_cell("", outputs=outputs),
        ]
        page = str(to_soup(nbformat.v4.new_notebook(cells=cells), "T", Way(), code=False))
        views[study.study, "screen"] = View(page, TOO_WIDE, 1200)
        views[study.study, "A4"] = View(page.replace("@media print", "@media all"), TOO_WIDE, A4)
    seen = dict(zip(views, look(tmp_path, list(views.values()))))
    assert len(seen) >= 20 and not {where: by for where, by in seen.items() if by}


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


def test_stated_numbers_of_images_stand_beside_those_of_the_same_part():
    stated = stated_counts(load_study("covid-small")).set_index(["dataset", "of"])
    third = stated.loc["covid-chestxray"]
    assert third.stated["all images"] == third.stated["train"] + third.stated["test"]
    assert third.ours["all images"] == third.ours["train"] + third.ours["test"] < third.stated["all images"]
    assert (stated.ours.drop("covid-chestxray") == "").all(), "this study has no images of the other collections"
    assert stated_counts(load_study("quick")).empty
