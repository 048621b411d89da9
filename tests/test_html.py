"""A page keeps its text, and lets people find their way: links that lead somewhere, tables that can be read out."""

import re

import nbformat
import pytest
from bs4 import BeautifulSoup
from conftest import ROOT
from look import SORTED, everything

from lib.plots import show
from lib.report.html import CONTENTS, add_landmarks, figures_as_files, one_notation
from lib.report.render import sign, source


@pytest.fixture(scope="module")
def page():
    return BeautifulSoup(everything(), "html.parser")


def navigable(inside: str) -> BeautifulSoup:
    soup = BeautifulSoup(f"<html><title>t</title><main>{inside}</main></html>", "html.parser")
    add_landmarks(soup)
    return soup


def test_a_link_to_a_section_leads_there_also_where_two_have_one_name(page):
    ids = [tag["id"] for tag in page.find_all(id=True)]
    assert len(ids) == len(set(ids))
    assert {"00-·-One-of-everything", "In-groups", "In-groups-2"} < set(ids)
    assert page.select_one('a[href="index.html#Table-1"]') and navigable("<h2>Table 1</h2>").h2["id"] == "Table-1"


def test_the_contents_follow_the_answer_and_name_every_section(page):
    nav = page.select_one("nav.contents")
    text = page.main.get_text()
    assert text.index("Question.") < text.index("Answer.") < text.index("Contents") < text.index("In words, with")
    links = {link.get_text(): link["href"] for link in nav.find_all("a")}
    assert list(links) == ["Numbers", "In groups", "Claims", "What would change the answer"]
    assert [link.get_text() for link in nav.select("ol ol a")] == ["In groups", "In groups"]


@pytest.mark.parametrize("text", ["What is 100 % of it?", "Größe & Form", "<em>P</em> in <code>l1</code>"])
def test_a_contents_link_leads_to_a_section_of_any_name(text):
    soup = navigable(f"{CONTENTS}<h2>{text}</h2><h2>b</h2><h2>c</h2>")
    assert soup.select_one("nav a").get_text() == soup.h2.get_text()
    assert re.fullmatch(r"#[\w%.~-]+", soup.select_one("nav a")["href"])


def test_a_page_of_two_sections_has_no_contents():
    assert not navigable(f"{CONTENTS}<h2>a</h2><h2>b</h2>").nav


def test_a_page_has_one_first_heading_a_title_and_a_language(page):
    assert len(page.find_all("h1")) == 1 and page.title.string == "One of everything · tiny"
    assert page.html["lang"] == "en" and page.select_one("a.skip")["href"] == f"#{page.main['id']}"


def test_every_table_is_named_and_reached_by_the_keyboard(page):
    tables = page.find_all("table")
    names = [table.parent["aria-label"] for table in tables]
    assert len(tables) == len(set(names)) == 5 and all(t.parent["tabindex"] == "0" for t in tables)
    assert names[:3] == ["Table: Numbers", "Table: In groups", "Table: In groups, 2"]


def test_no_cell_of_a_table_is_lost_and_the_names_of_an_index_stand_above_it(page):
    first, grouped, transposed, empty, _ = page.find_all("table")
    assert [th.get_text() for th in first.thead.find_all("th")] == ["model", *SORTED.columns]
    as_shown = [re.sub(" ?%", "\u00a0%", text).replace("-", "\u2212") for text in SORTED.to_numpy().ravel()]
    assert [td.get_text().strip() for td in first.tbody.find_all("td")] == as_shown
    assert [th.get_text() for th in grouped.thead.find_all("th")] == ["split", "model", *SORTED.columns]
    assert [td.get_text() for td in grouped.tbody.find_all("td")] == as_shown
    assert [th.get_text() for th in transposed.thead.find_all("th")][:3] == ["split", "group", "random"]
    assert empty.tbody.get_text().strip() == "no rows"
    assert all(th["scope"] for th in page.find_all("th")) and all(th.get_text().strip() for th in page.find_all("th"))


def test_the_same_notebook_makes_the_same_bytes():
    assert everything.__wrapped__() == everything()


def test_a_figure_that_the_report_holds_as_a_file_is_shown_from_it(tmp_path):
    (tmp_path / "figures").mkdir()
    (tmp_path / "figures" / "one.svg").write_bytes(b'<svg width="72pt"/>')
    inside = [show.as_html(svg, "alt") for svg in (b'<svg width="72pt"/>', b"<svg/>")]
    soup = navigable("".join(inside))
    figures_as_files(soup, tmp_path)
    one, other = soup.find_all("img")
    assert one["src"] == "figures/one.svg" and one["style"] == "--width: 96px"
    assert other["src"].startswith("data:image/svg+xml") and "style" not in other.attrs


def test_a_long_print_is_folded_and_a_short_one_is_not():
    prints = [f'<div class="output_stdout"><pre>{chr(10).join(["line"] * number)}</pre></div>' for number in (15, 16)]
    short, long = navigable("".join(prints)).select("pre")
    assert short.parent.name == "div" and long.parent.name == "details" and long.parent.summary.string == "16 lines"


def test_numbers_are_written_in_one_way_and_code_stays():
    text = "<main>-3.3 [-23.4, +16.8], 91.0% or 91 % of ViT-B/16, 2020-03-01, x-1<code>-1 50%</code></main>"
    soup = BeautifulSoup(text, "html.parser")
    one_notation(soup)
    shown = "−3.3 [−23.4, +16.8], 91.0\u00a0% or 91\u00a0% of ViT-B/16, 2020-03-01, x-1-1 50%"
    assert soup.get_text() == shown


def test_a_page_names_the_notebook_that_it_was_made_of_and_no_later_one():
    notebook = nbformat.read(ROOT / "notebooks/05_train.ipynb", as_version=4)
    before = source(notebook)
    # what Papermill and `make badges` add or change
    notebook.cells[0].source += "somebody/something"
    notebook.cells.insert(3, nbformat.v4.new_code_cell('model = "vit"', metadata={"tags": ["injected-parameters"]}))
    notebook.cells[5].outputs = [nbformat.v4.new_output("stream", text="a print")]
    assert source(notebook) == before
    soup = BeautifulSoup("<html><head></head></html>", "html.parser")
    sign(soup, {before})
    assert soup.select_one("meta[name=notebook]")["content"] == before
    notebook.cells[-1].source += " A sentence more."
    assert source(notebook) != before
