"""A page leaves out sections that have nothing to show for its study, and names them."""

import nbformat
from bs4 import BeautifulSoup

from lib.plots import show
from lib.report.absent import without_absent
from lib.report.pages import Way
from lib.report.render import to_soup

new = nbformat.v4


def absent(why: str, monkeypatch):
    """A cell whose output is what a notebook shows by `show.absent`."""
    shown = []
    monkeypatch.setattr(show, "display", shown.append)
    show.absent(why)
    output = new.new_output("display_data", {"text/html": shown[0].data, "text/plain": "HTML"})
    return new.new_code_cell("", outputs=[output])


def printed(text: str):
    return new.new_code_cell("", outputs=[new.new_output("stream", text=text)])


def text_of(cells: list) -> str:
    return "\n".join(cell.source or str(cell.get("outputs", "")) for cell in cells)


def test_a_section_without_any_result_is_left_out_and_named_at_the_end(monkeypatch):
    why = absent("no <filters> here", monkeypatch)
    cells = [new.new_markdown_cell("# Title"), printed("kept")]
    cells += [
        new.new_markdown_cell("## Filters\n\nWhat they look for."),
        why,
        new.new_markdown_cell("Bright is positive."),
    ]
    cells += [new.new_markdown_cell("## Later"), printed("also kept")]
    says = text_of(without_absent(cells))
    assert "kept" in says and "## Later" in says and "also kept" in says
    assert "## Filters" not in says and "Bright is positive" not in says
    assert says.endswith("Not on this page: *Filters* (no &lt;filters&gt; here).")
    page = to_soup(new.new_notebook(cells=cells), "page", Way([], "page"), code=False)
    assert not page.find("h2", string="Filters") and "(no <filters> here)" in page.main.get_text()


def test_a_section_with_one_result_stays_whole(monkeypatch):
    cells = [new.new_markdown_cell("## Counts"), absent("no stated ones", monkeypatch), printed("ours: 5")]
    assert text_of(without_absent(cells)).count("no stated ones") == 1
    assert "Not on this page" not in text_of(without_absent(cells))


def test_a_section_stays_as_long_as_a_subsection_does(monkeypatch):
    outer = [new.new_markdown_cell("## Matrices"), absent("several labels", monkeypatch)]
    inner = [new.new_markdown_cell("They are shares.\n\n### As published\n\nFrom scores."), printed("one")]
    says = text_of(without_absent([*outer, *inner]))
    assert "## Matrices" in says and "### As published" in says and "Not on this page" not in says
    gone = text_of(without_absent([*outer, inner[0], absent("no scores", monkeypatch)]))
    assert gone == "Not on this page: *Matrices* (several labels); *As published* (no scores)."


def test_text_without_cells_of_code_stays():
    cells = [new.new_markdown_cell("## What would change the answer\n\nMore seeds.")]
    assert text_of(without_absent(cells)).startswith("## What would")


def test_a_gallery_without_figures_shows_nothing(tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(show, "display", shown.append)
    album = show.Album(tmp_path)
    album.gallery(kind="filters")
    album.add("one", "One", b"<svg/>", "one", kind="curves")
    album.gallery(kind="filters")
    assert not shown
    album.gallery(kind="curves")
    assert len(BeautifulSoup(shown[0].data, "html.parser").find_all("figure")) == 1
