"""Make the pages that join studies, each from an executed notebook.

params/answer.yaml, tables of its studies --notebook 12--> reports/answer/index.html
reports/bench/coverage.csv                --notebook 13--> reports/bench/coverage.html
"""

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
from lib.report.render import call_by_title, sign, source, to_soup


def answer() -> Path:
    """Make the page of the answer, from tables and predictions of its studies, without images; returns its path."""
    return make("12_answer", strict.ROOT / "reports" / "answer" / "index.html", load_questions().title, "answer")


def coverage() -> Path:
    """Make the page on the coverage of intervals, from coverage.csv; returns its path."""
    path = strict.ROOT / "reports" / "bench" / "coverage.html"
    return make("13_coverage", path, "Coverage of the intervals", "coverage")


def make(name: str, page: Path, title: str, here: str) -> Path:
    """Execute a notebook, render it as `page`, and list it in reports/index.html; here: its name in the breadcrumb."""
    failed = strict.ROOT / "build" / "failed" / f"{name}.ipynb"
    notebook = stable(run(name, {}, failed))
    text = nbformat.writes(notebook)
    executed = strict.ROOT / "build" / here / f"{page.stem}.ipynb"
    write(executed, lambda part: part.write_text(text, encoding="utf-8"))
    failed.unlink()
    made_of = source(notebook)
    links.with_data(notebook, page.parent)
    call_by_title(notebook, title)
    soup = to_soup(notebook, title, Way([("../index.html", "All studies")], here), code=False)
    links.with_links(soup, [])
    figures_as_files(soup, page.parent)
    sign(soup, {made_of})
    write(page, lambda part: part.write_text(str(soup), encoding="utf-8"))
    write_index()
    return page
