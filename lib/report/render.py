"""Turn executed notebooks into web pages.

    build/<study>/<page>.ipynb --join, nbconvert, page/, html, links--> reports/<study>/<page>.html

Pages need no network: formulas become MathML, and pictures are inside the page or files of the report.
"""

import hashlib
import json
import re
from pathlib import Path

import nbformat
from bs4 import BeautifulSoup

from lib.data.files import write
from lib.report import links
from lib.report.absent import without_absent
from lib.report.execute import WIDGET
from lib.report.html import CONTENTS, add_landmarks, figures_as_files
from lib.report.index import write_index
from lib.report.join import join
from lib.report.pages import Page, Way, pages, way
from lib.strict import StudyError
from lib.study import Study

PAGE = Path(__file__).parent / "page"


def render(study: Study, names: list[str] | None = None) -> list[Path]:
    """Write the pages of a study, or those named, from its executed notebooks, and reports/index.html; returns them.

    StudyError: the notebook of a named page was not executed here.
    """
    every = pages(study)
    chosen = [page for page in every if (page.name in names if names else executed(study, page))]
    for name in names or []:
        page = next((page for page in every if page.name == name), None)
        if page is None or not executed(study, page):
            raise StudyError(f"build/{study.study}/{name}.ipynb is not there: execute that notebook first (dvc repro)")
    remove_joined(study, chosen)
    shown = [page for page in every if page in chosen or (study.report / f"{page.name}.html").exists()]
    written = []
    for page in chosen:
        html = page_html(study, page, shown)
        written.append(study.report / f"{page.name}.html")
        write(written[-1], lambda part, html=html: part.write_text(html, encoding="utf-8"))
    write_index()
    return written


def executed(study: Study, page: Page) -> list[Path]:
    """The executed notebooks of a page that exist."""
    paths = [study.executed / f"{name}.ipynb" for name in page.executed]
    return [path for path in paths if path.exists()]


def remove_joined(study: Study, chosen: list[Page]) -> None:
    """Remove pages of single models that one page of all models replaces."""
    for page in chosen:
        for name in page.executed:
            if name != page.name:
                (study.report / f"{name}.html").unlink(missing_ok=True)


def page_html(study: Study, page: Page, shown: list[Page]) -> str:
    """Make one page of a study; `shown`: its existing pages."""
    notebooks, made_of = [], set()
    for path in executed(study, page):
        notebooks.append(nbformat.read(path, as_version=4))
        made_of.add(source(notebooks[-1]))
        links.with_data(notebooks[-1], study.report, path.stem)
    notebook = notebooks[0]
    introduce(notebook, study)
    if page.name == "index":
        call_by_title(notebook, study.title)
    if len(page.executed) > 1:
        titles = [study.titles[parameters(one)["model"]] for one in notebooks]
        notebook = join(notebooks, titles)
    soup = to_soup(notebook, f"{page.title} · {study.study}", way(study, shown, page.name), code=page.name != "index")
    figures_as_files(soup, study.report)
    links.moved(soup, study, [page.name for page in shown])
    links.with_links(soup, [page.name for page in shown], page.name)
    sign(soup, made_of)
    return str(soup)


def source(notebook: nbformat.NotebookNode) -> str:
    """A digest of a notebook's source, executed or not: without outputs, Papermill's parameters and Colab cells."""
    cells = [cell for cell in notebook.cells[2:] if "injected-parameters" not in cell.metadata.get("tags", [])]
    return hashlib.sha256(json.dumps([[cell.cell_type, cell.source] for cell in cells]).encode()).hexdigest()[:16]


def sign(soup: BeautifulSoup, made_of: set[str]) -> None:
    """Write the digests of its notebooks into the head of a page, so that a stale page can be recognised."""
    soup.head.append(soup.new_tag("meta", attrs={"name": "notebook", "content": " ".join(sorted(made_of))}))


def parameters(notebook: nbformat.NotebookNode) -> dict[str, str]:
    """The parameters that Papermill set in an executed notebook."""
    cell = next((c for c in notebook.cells if "injected-parameters" in c.metadata.get("tags", [])), None)
    return dict(re.findall(r'^(\w+) = "(.*)"$', cell.source if cell else "", re.M))


def introduce(notebook: nbformat.NotebookNode, study: Study) -> None:
    """Write data set, split and notes on the data below the heading of a page."""
    given = parameters(notebook)
    if "dataset" not in given:
        return
    entry = study.entry(given["dataset"])
    names = [entry.title]
    if "split" in given:
        names.append(f"split `{given['split']}`")
    heading = next(cell for cell in notebook.cells if cell.source.startswith("# "))
    heading.source += f"\n\n**Here:** {'; '.join(names)}. {study.note(given['dataset'])}"


def call_by_title(notebook: nbformat.NotebookNode, title: str) -> None:
    """Replace the general heading of a report's first page by the study's title."""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"^# .+", lambda _: f"# {title}", cell.source)


def to_soup(notebook: nbformat.NotebookNode, title: str, way: Way, *, code: bool) -> BeautifulSoup:
    """Convert an executed notebook to a page; `code`: with its code, folded."""
    from nbconvert import HTMLExporter
    from nbconvert.preprocessors import CoalesceStreamsPreprocessor

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = with_mathml(cell.source)
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if shows(output.get("data"))]
        for output in cell.get("outputs", []):
            if "text/markdown" in output.get("data", {}):
                output.data["text/markdown"] = with_mathml(output.data["text/markdown"])
    notebook.cells = without_absent(in_reading_order(notebook.cells))
    template = {"template_name": "page", "extra_template_basedirs": [str(PAGE.parent)]}
    exporter = HTMLExporter(**template, exclude_anchor_links=True)
    exporter.register_preprocessor(CoalesceStreamsPreprocessor, enabled=True)  # prints arrive in random pieces
    style, script = ((PAGE / name).read_text(encoding="utf-8") for name in ["style.css", "page.js"])
    resources = {"title": title, "way": way, "style": style, "script": script, "code": code}
    soup = BeautifulSoup(exporter.from_notebook_node(notebook, resources=resources)[0], "html.parser")
    add_landmarks(soup)
    return soup


def shows(data: dict[str, str] | None) -> bool:
    """Whether an output shows anything: not a widget, not an empty text; None: a print."""
    return data is None or (WIDGET not in data and data.get("text/markdown") != "")


def in_reading_order(cells: list) -> list:
    """Reorder cells: the question, the answer, the contents list, the rest; without cells of preparation."""

    def tagged(cell, *tags):
        return bool(set(tags) & set(cell.metadata.get("tags", [])))

    shown = [cell for cell in cells if not tagged(cell, "hide", "parameters", "injected-parameters")]
    answers = [cell for cell in shown if tagged(cell, "answer")]
    rest = [cell for cell in shown if not tagged(cell, "answer")]
    contents = nbformat.v4.new_markdown_cell(CONTENTS, id="contents")
    return [*rest[:1], *answers, contents, *rest[1:]]


def with_mathml(markdown: str) -> str:
    """Convert $...$ and $$...$$ to MathML, which browsers show without a script."""
    from latex2mathml.converter import convert

    markdown = re.sub(r"\$\$(.+?)\$\$", lambda m: convert(m[1].strip(), display="block"), markdown, flags=re.S)
    return re.sub(r"\$([^$\n]+)\$", lambda m: convert(m[1]), markdown)
