"""The first screen of every report: five lines of at most 130 words, then one figure, within 1200 x 900 px."""

import re
import subprocess
from functools import cache

import nbformat
import pandas as pd
import pytest
from bs4 import BeautifulSoup
from look import NEEDS_CHROMIUM, View, look

from lib import strict
from lib.report import leading, opening
from lib.report.pages import Way
from lib.report.render import to_soup
from lib.study import load_study

LISTED = ["git", "ls-files", "reports/*/tables/table1.csv"]
TRACKED = subprocess.run(LISTED, cwd=strict.ROOT, capture_output=True, text=True).stdout
STUDIES = sorted({name.split("/")[1] for name in TRACKED.split()} - {"demo"})
SLOW = {"small", "answer-digits"}  # other trainings of their pairs are many
EACH = [pytest.param(name, marks=pytest.mark.slow) if name in SLOW else name for name in STUDIES]
MOST = 130  # words
SCREEN = 900  # px
BELOW = """
await Promise.all([...document.images].map((picture) => picture.decode()));
const shown = document.querySelectorAll(".opening :is(figcaption, img)");
return Math.max(...[...shown].map((one) => one.getBoundingClientRect().bottom));
"""


@cache
def screen(name: str) -> tuple[dict[str, str], str]:
    """The lines of a study, from its committed tables, and the page that begins with them."""
    study = load_study(name)
    known = opening.results(study)
    lines = opening.lines(known)
    made = leading.first_screen(lines, leading.figure(known))
    shown = [{"text/markdown": f"# {study.title}"}, {"text/html": made}]
    outputs = [nbformat.v4.new_output("display_data", data) for data in shown]
    headings = nbformat.v4.new_markdown_cell("## The claims\n\n## The scores\n\n## The figures")
    cells = [nbformat.v4.new_code_cell("", outputs=outputs), headings]
    way = Way([("../index.html", "All studies")], name)
    return lines, str(to_soup(nbformat.v4.new_notebook(cells=cells), name, way, code=False))


def test_own_images_lead_with_the_model_that_validation_prefers_also_beside_the_papers(tmp_path, monkeypatch):
    (tmp_path / "11_own.md").write_text("**46%** are recognised, by Ridge, the best of 10.\n\nMore.\n")
    study = load_study("quick")
    known = opening.results(study)._replace(study=study.model_copy(update={"extra": ["11_own"], "question": "Other?"}))
    monkeypatch.setattr(type(study), "answer", lambda _, notebook: tmp_path / f"{notebook}.md")
    lines = opening.lines(known)
    assert lines["Found"] == "**46%** are recognised, by Ridge, the best of 10." and "each class" in lines["Asked"]


@pytest.mark.parametrize("name", EACH)
def test_a_report_begins_with_five_lines_of_at_most_130_words_and_then_a_figure(name):
    lines, page = screen(name)
    assert list(lines)[:4] == ["Asked", "Done", "Found", "How sure"] and len(lines) == 5
    assert list(lines)[4].endswith(("he paper's setting", "he document's setting")) and all(lines.values())
    main = BeautifulSoup(page, "html.parser").main
    shown = main.select_one(".opening .finding")
    words = re.findall(r"\S*\w\S*", shown.get_text(" "))
    assert len(words) <= MOST, f"{len(words)} words: {' '.join(words)}"
    figure = shown.find_next_sibling()
    assert figure.name == "figure" and figure.img["alt"] and len(figure.figcaption.get_text()) > 60
    assert shown.find_previous(["p", "h2", "table"]) is None, "something stands before the lines"


@NEEDS_CHROMIUM
@pytest.mark.slow
def test_the_lines_and_the_figure_are_within_the_first_screen(tmp_path):
    below = look(tmp_path, [View(screen(name)[1], BELOW, 1200) for name in STUDIES])
    assert not {name: end for name, end in zip(STUDIES, below) if not end <= SCREEN}


@pytest.mark.parametrize("name", EACH)
def test_every_number_of_the_findings_stands_in_a_table(name):
    lines, _ = screen(name)
    study = load_study(name)
    scores = {f"{100 * value:.1f}" for value in pd.read_csv(study.report / "tables" / "table1.csv")["mean"]}
    accuracies = re.findall(r"Most accurate on .*?(\d+\.\d)%", lines["Found"])
    assert set(accuracies) <= scores
    differences = pd.read_csv(study.report / "tables" / "differences.csv").estimate
    points = re.findall(r"([+-]\d+\.\d) \[[^\]]*\] points", lines["Found"])
    assert set(points) <= {f"{100 * value:+z.1f}" for value in differences}


def test_each_kind_of_study_leads_with_what_it_is_for():
    assert re.search(r"\d+ of 20 do; \(10\),.* do not", screen("primer")[0]["Found"])
    assert "The published rule is a tie" in screen("quick")[0]["Found"]
    finalists = [load_study("screen").titles[name] for name in load_study("ablation").vits(plain=False)[:3]]
    assert all(f"{title} (" in screen("screen")[0]["Found"] for title in finalists)
    assert "46 of 48 trainings **learned nothing**" in screen("covid-small")[0]["Found"]
    assert "**Learned, by training loss**: ResNet50 (2 of 6)" in screen("covid-small")[0]["Found"]
    assert "**equal within 3 points**, +0.0" in screen("pneumonia")[0]["Found"]
    assert re.search(
        r"ResNet18, from scratch has [\d.]+% \[[\d., ]+\], published 85\.4%\.$", screen("pneumonia")[0]["Found"]
    )
