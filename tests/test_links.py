"""What a page names is a link: other pages, papers, code, data sets, and the CSV file behind a table."""

import nbformat
import pytest
from bs4 import BeautifulSoup

from lib.report import links, pages
from lib.report.join import join
from lib.study import load_study

NAMES = ["index", "02_groups-a", "02_groups-b", "03_split-a-group", "03_split-b-group", "06_evaluate"]
TEXTS = {
    "See page 06.": "06_evaluate.html",
    "Page 06 has it": "06_evaluate.html",
    "notebook 02 says": "02_groups-b.html",
    "page 09 leads": "index.html",
    "arXiv:2306.01594": "https://arxiv.org/abs/2306.01594",
    "at github.com/some-body/some.code.": "https://github.com/some-body/some.code",
    "doi:10.1000/x.5, and": "https://doi.org/10.1000/x.5",
    "the GRIM test": "https://doi.org/10.1177/1948550616673876",
    "Kaggle's <code>some/data</code>": "https://www.kaggle.com/datasets/some/data",
}


def linked(text: str, own: str = "") -> BeautifulSoup:
    soup = BeautifulSoup(f"<main><p>{text}</p></main>", "html.parser")
    links.with_links(soup, NAMES, own)
    return soup


@pytest.mark.parametrize(("text", "address"), TEXTS.items())
def test_what_a_text_names_is_a_link_and_the_text_stays(text, address):
    soup = linked(text, "03_split-b-group")
    assert [link["href"] for link in soup.find_all("a")] == [address]
    assert soup.get_text() == BeautifulSoup(text, "html.parser").get_text()


@pytest.mark.parametrize(
    "text", ["<code>page 06</code>", '<a href="x">page 06</a>', "page 07", "page 6", "a &lt;b&gt;"]
)
def test_code_links_and_pages_that_are_not_there_are_left_alone(text):
    assert str(linked(text)) == f"<main><p>{text}</p></main>"


def test_text_that_looks_like_markup_stays_text():
    assert str(linked("&lt;b&gt; page 06")).count("&lt;b&gt;") == 1


def test_a_page_does_not_link_to_itself():
    assert not linked("page 06", "06_evaluate").a


def test_a_table_has_its_csv_as_a_link(tmp_path):
    for name in ["tables/scores.csv", "groups/a/counts.csv", "groups/b/counts.csv"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x\n")
    table = nbformat.v4.new_output("execute_result", {"text/html": "<table></table>"})
    code, text = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell
    cells = [
        code('write_csv(scores, tables / "scores.csv")'),
        code("scores", outputs=[table]),
        text("## Another section"),
        code("other", outputs=[table]),
        code('counts = read_csv(folder / "counts.csv")\ncounts', outputs=[table]),
    ]
    links.with_data(nbformat.v4.new_notebook(cells=cells), tmp_path, "02_groups-b")
    found = [BeautifulSoup(str(cell.get("outputs", "")), "html.parser").a for cell in cells]
    assert [link and link["href"] for link in found] == [None, "tables/scores.csv", None, None, "groups/b/counts.csv"]


def test_the_pages_of_all_models_are_one_and_what_led_to_one_model_leads_to_its_section():
    study = load_study("small")
    text = '<main><a href="05_train-brain-mri-group-vit-proposed.html">x</a> <a href="07_gone.html">y</a></main>'
    soup = BeautifulSoup(text, "html.parser")
    links.moved(soup, study, ["05_train-brain-mri-group"])
    page = next(page for page in pages.pages(study) if page.name == "05_train-brain-mri-group")
    section = "-".join(study.titles["vit-proposed"].split()).replace(",", "%2C")
    assert [link["href"] for link in soup.find_all("a")] == [f"{page.name}.html#{section}"] and "y" in soup.main.text
    assert page.executed == [f"05_train-brain-mri-group-{model}" for model in study.models]


def test_titles_of_pages_are_unique_and_the_way_leads_through_all_of_them():
    study = load_study("small")
    every = pages.pages(study)
    assert len({page.title for page in every}) == len(every)
    ways = [pages.way(study, every, page.name) for page in every]
    assert [way.after[0] for way in ways[:-1]] == [f"{page.name}.html" for page in every[1:]]
    assert [way.before[0] for way in ways[1:]] == [f"{page.name}.html" for page in every[:-1]]
    assert all(way.above[0] == ("../index.html", "All studies") for way in ways)


def test_joined_executions_say_once_what_holds_for_all_and_each_answer_at_the_top():
    text, code = nbformat.v4.new_markdown_cell, nbformat.v4.new_code_cell

    def executed(model):
        shown = nbformat.v4.new_output("display_data", {"text/markdown": f"**Answer.** {model} learns."})
        answer = code("answer()", outputs=[shown], metadata={"tags": ["answer"]})
        printed = nbformat.v4.new_output("stream", text=model)
        cells = [
            text("# 05 · Title"),
            text("## Training\n\nIn words."),
            code("# why\ntrain()", outputs=[printed]),
            answer,
        ]
        return nbformat.v4.new_notebook(cells=[*cells, text("## What would change the answer\n\nMore.")])

    joined = join([executed("one"), executed("two")], ["One", "Two"])
    sources = [cell.source for cell in joined.cells]
    assert sources[1] == "**Answer.**\n\n- **One**: one learns.\n- **Two**: two learns."
    assert sources[2:5] == ["## One", "### Training\n\nIn words.", "# why\ntrain()"]
    assert sources[5:] == ["## Two", "### Training", "# why\ntrain()", "## What would change the answer\n\nMore."]
    assert joined.cells[7].outputs[0].text == "two" and "again" in joined.cells[7].metadata.tags
