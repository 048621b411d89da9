"""List the pages of a study in reading order: titles, executed notebooks, and links between pages."""

import re
from functools import cache
from typing import NamedTuple

import nbformat

from lib import strict
from lib.study import Cell, Study
from lib.study.paths import page_name

Link = tuple[str, str]  # an address and its text


class Way(NamedTuple):
    """The navigation of a page: the pages above it, the one before and the one after."""

    above: list[Link] = []
    here: str = ""
    before: Link | None = None
    after: Link | None = None


class Page(NamedTuple):
    """A page of a study."""

    name: str  # of its file, without .html
    title: str  # unique within the study
    executed: list[str]  # names of its executed notebooks: one, or one per model


@cache
def heading(notebook: str) -> str:
    """The title of a notebook: its first heading."""
    cells = nbformat.read(strict.ROOT / "notebooks" / f"{notebook}.ipynb", as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return re.search(r"^# (.+)$", text, re.M)[1]


def pages(study: Study) -> list[Page]:
    """Every page that a study can have, index.html first."""
    return [Page("index", study.title, ["index"]), *(page(study, name) for name in study.pages)]


def page(study: Study, name: str) -> Page:
    """One page of a study other than index.html, by its name."""
    notebook, _, of = name.partition("-")
    cell = next((cell for cell in study.cells if cell.name == of), None)
    if cell is None:
        data = f": {study.entry(of).title}" if of else ""
        return Page(name, f"{heading(notebook)}{data}", [name])
    models = study.models if notebook == "05_train" else []
    executed = [page_name(notebook, cell.name, model) for model in models] or [name]
    return Page(name, f"{heading(notebook)}: {of_cell(cell)}", executed)


def of_cell(cell: Cell) -> str:
    """The name of a data set and split in titles."""
    return f"{cell.entry.title}, split {cell.split}"


def way(study: Study, shown: list[Page], name: str) -> Way:
    """The navigation of a page; `shown`: the existing pages of the study, in order."""
    place = [page.name for page in shown].index(name)
    links = [(f"{page.name}.html", page.title if page.name != "index" else "Report") for page in shown]
    all_studies = ("../index.html", "All studies")
    above = [all_studies] if name == "index" else [all_studies, ("index.html", study.study)]
    here = study.study if name == "index" else shown[place].title
    return Way(above, here, links[place - 1] if place else None, links[place + 1] if place + 1 < len(links) else None)
