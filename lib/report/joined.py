"""The page that joins the studies of the answer: params/answer.yaml and their tables -> reports/answer/index.html."""

from pathlib import Path

import nbformat

from lib import strict
from lib.data.files import write
from lib.evidence.answer import load_questions
from lib.report import links
from lib.report.execute import run, stable
from lib.report.html import figures_as_files
from lib.report.index import write_index
from lib.report.pages import Way
from lib.report.render import to_soup

NAME = "answer"


def make() -> Path:
    """Execute notebook 12 and render it; needs the tables of the studies and their predictions, no image."""
    executed = strict.ROOT / "build" / NAME / "index.ipynb"
    failed = strict.ROOT / "build" / "failed" / f"{NAME}.ipynb"
    notebook = stable(run("12_answer", {}, failed))
    text = nbformat.writes(notebook)
    write(executed, lambda part: part.write_text(text, encoding="utf-8"))
    failed.unlink()
    page = strict.ROOT / "reports" / NAME / "index.html"
    links.with_data(notebook, page.parent)
    soup = to_soup(notebook, load_questions().title, Way([("../index.html", "All studies")], NAME), code=False)
    links.with_links(soup, [])
    figures_as_files(soup, page.parent)
    write(page, lambda part: part.write_text(str(soup), encoding="utf-8"))
    write_index()
    return page
