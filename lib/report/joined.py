"""The page that joins the studies of the answer: params/answer.yaml and their tables -> reports/answer/index.html."""

from pathlib import Path

import nbformat

from lib import strict
from lib.data.files import write
from lib.report.execute import run, stable
from lib.report.index import write_index
from lib.report.render import to_html

NAME = "answer"


def make() -> Path:
    """Execute notebook 12 and render it; needs the tables of the studies and their predictions, no image."""
    executed = strict.ROOT / "build" / NAME / "index.ipynb"
    failed = strict.ROOT / "build" / "failed" / f"{NAME}.ipynb"
    notebook = stable(run("12_answer", {}, failed))
    text = nbformat.writes(notebook)
    write(executed, lambda part: part.write_text(text, encoding="utf-8"))
    failed.unlink()
    page, html = strict.ROOT / "reports" / NAME / "index.html", to_html(notebook, NAME, home=False)
    write(page, lambda part: part.write_text(html, encoding="utf-8"))
    write_index()
    return page
