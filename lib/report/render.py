"""Executed notebooks in, web pages out.

    build/<study>/<page>.ipynb --nbconvert, lib/report/page/, lib.report.html--> reports/<study>/<page>.html

Pages need no network: formulas become MathML, pictures are inside, and nothing is loaded from anywhere.
"""

import re
from pathlib import Path

import nbformat

from lib.data.files import write
from lib.report.execute import WIDGET
from lib.report.html import CONTENTS, with_landmarks
from lib.report.index import write_index
from lib.report.tables import note
from lib.strict import StudyError
from lib.study import Study

PAGE = Path(__file__).parent / "page"


def render(study: Study, pages: list[str] | None = None) -> list[Path]:
    """Write the pages of a study, or those named, from its executed notebooks; and reports/index.html, the list of all.

    StudyError: a page that is named was not executed here.
    """
    chosen = pages or [page for page in ["index", *study.pages] if (study.executed / f"{page}.ipynb").exists()]
    written = []
    for page in chosen:
        path = study.executed / f"{page}.ipynb"
        if not path.exists():
            raise StudyError(f"build/{study.study}/{path.name} is not there: execute that notebook first (dvc repro)")
        notebook = nbformat.read(path, as_version=4)
        introduce(notebook, study)
        html = to_html(notebook, study.study, home=page != "index")
        written.append(study.report / f"{page}.html")
        write(written[-1], lambda part, html=html: part.write_text(html, encoding="utf-8"))
    write_index()
    return written


def introduce(notebook: nbformat.NotebookNode, study: Study) -> None:
    """Say below the heading of a page which data set, split and model it is about, and what to know of the data."""
    cell = next((c for c in notebook.cells if "injected-parameters" in c.metadata.get("tags", [])), None)
    parameters = dict(re.findall(r'^(\w+) = "(.*)"$', cell.source if cell else "", re.M))
    if "dataset" not in parameters:
        return
    entry = study.entry(parameters["dataset"])
    names = [entry.title]
    if "split" in parameters:
        names.append(f"split `{parameters['split']}`")
    if "model" in parameters:
        names.append(study.titles[parameters["model"]])
    heading = next(cell for cell in notebook.cells if cell.source.startswith("# "))
    heading.source += f"\n\n**Here:** {'; '.join(names)}. {note(study, parameters['dataset'])}"


def to_html(notebook: nbformat.NotebookNode, study: str, *, home: bool) -> str:
    """The page of an executed notebook; `home`: with a link to index.html, and its code to unfold."""
    from nbconvert import HTMLExporter
    from nbconvert.preprocessors import CoalesceStreamsPreprocessor

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = with_mathml(cell.source)
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if WIDGET not in output.get("data", {})]
        for output in cell.get("outputs", []):
            if "text/markdown" in output.get("data", {}):
                output.data["text/markdown"] = with_mathml(output.data["text/markdown"])
    notebook.cells = in_reading_order(notebook.cells)
    template = {"template_name": "page", "extra_template_basedirs": [str(PAGE.parent)]}
    exporter = HTMLExporter(**template, exclude_anchor_links=True)
    exporter.register_preprocessor(CoalesceStreamsPreprocessor, enabled=True)  # prints arrive in pieces, by chance
    style, script = ((PAGE / name).read_text(encoding="utf-8") for name in ["style.css", "page.js"])
    resources = {"title": study, "study": study, "style": style, "script": script, "home": home}
    return with_landmarks(exporter.from_notebook_node(notebook, resources=resources)[0])


def in_reading_order(cells: list) -> list:
    """The answer right after the question that opens the notebook, then the contents; without preparing cells."""

    def tagged(cell, *tags):
        return bool(set(tags) & set(cell.metadata.get("tags", [])))

    shown = [cell for cell in cells if not tagged(cell, "hide", "parameters", "injected-parameters")]
    answers = [cell for cell in shown if tagged(cell, "answer")]
    rest = [cell for cell in shown if not tagged(cell, "answer")]
    contents = nbformat.v4.new_markdown_cell(CONTENTS, id="contents")
    return [*rest[:1], *answers, contents, *rest[1:]]


def with_mathml(markdown: str) -> str:
    """$...$ and $$...$$ as MathML, which browsers show without a script."""
    from latex2mathml.converter import convert

    markdown = re.sub(r"\$\$(.+?)\$\$", lambda m: convert(m[1].strip(), display="block"), markdown, flags=re.S)
    return re.sub(r"\$([^$\n]+)\$", lambda m: convert(m[1]), markdown)
