"""The notebooks read as essays: versions first, a figure early, text after every cell of code, no empty section."""

import re

import nbformat
import pytest
from conftest import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
DRAWS = re.compile(r"\b(show\.show|album\.keep|(show|album)\.gallery|leading\.first_screen)\(")


def body(path) -> list:
    """The cells of a notebook that a page shows, from its title on."""
    cells = nbformat.read(path, as_version=4).cells
    hidden = {"hide", "parameters"}
    return [cell for cell in cells if not hidden & set(cell.metadata.get("tags", []))]


def sections(path) -> list[list]:
    """The cells of each section; a section begins with a heading of the second level."""
    found = [[]]
    for cell in body(path):
        if cell.cell_type == "markdown" and cell.source.startswith("## "):
            found.append([])
        found[-1].append(cell)
    return found


@each_notebook
def test_the_versions_are_printed_before_the_first_section(path):
    # a report begins with its finding, and names versions where it says how it was made
    cells = body(path) if path.stem == "09_report" else sections(path)[0]
    code = [cell.source for cell in cells if cell.cell_type == "code"]
    assert any("show.versions(" in source or "platform.python_version()" in source for source in code)


@each_notebook
def test_a_figure_stands_before_the_second_section(path):
    first = [cell for section in sections(path)[:2] for cell in section]
    assert any(DRAWS.search(cell.source) for cell in first if cell.cell_type == "code")


@each_notebook
def test_text_stands_between_two_cells_of_code(path):
    for section in sections(path)[1:]:
        for one, other in zip(section, section[1:]):
            both = one.cell_type == other.cell_type == "code"
            assert not both or "answer" in other.metadata.get("tags", []), other.source


@each_notebook
def test_no_section_is_empty(path):
    for section in sections(path)[1:]:
        text = "\n".join(cell.source for cell in section if cell.cell_type == "markdown")
        code = [cell for cell in section if cell.cell_type == "code" and "answer" not in cell.metadata.get("tags", [])]
        assert code or len(text.splitlines()) > 1, text


@each_notebook
def test_figures_are_kept_by_one_function(path):
    cells = nbformat.read(path, as_version=4).cells
    assert not any(re.search(r"def \w*keep|savefig", cell.source) for cell in cells if cell.cell_type == "code")
