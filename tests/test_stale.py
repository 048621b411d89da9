"""Every committed page was made of the notebook as it is now.

A page says in its head which notebook it was made of (`lib.report.render.sign`). A change in lib is not seen here.
"""

import re
import subprocess
from pathlib import Path

import nbformat
import pytest
from bs4 import BeautifulSoup
from conftest import ROOT

from lib.report.join import MANY, PICTURES, join
from lib.report.render import source

LISTED = subprocess.run(["git", "ls-files", "reports/*.html"], cwd=ROOT, capture_output=True, text=True).stdout.split()
PAGES = [name for name in LISTED if name != "reports/index.html"]  # which is made of no notebook: test_index.py


def is_stale(html: str, now: set[str]) -> bool:
    """Whether a page was made of another notebook than there is `now`, or does not say of which."""
    made_of = re.search(r'<meta content="([0-9a-f ]+)" name="notebook"/>', html)
    return made_of is None or not set(made_of[1].split()) <= now


def test_a_page_is_stale_when_one_of_its_notebooks_changed_or_when_it_names_none():
    meta = '<head><meta content="{}" name="notebook"/></head>'
    assert not is_stale(meta.format("a1 b2"), {"a1", "b2", "c3"})
    assert is_stale(meta.format("a1 d4"), {"a1", "b2", "c3"}) and is_stale("<head></head>", {"a1"})


@pytest.mark.parametrize("folder", sorted({str(Path(name).parent) for name in PAGES}))
def test_no_committed_page_is_older_than_its_notebook(folder):
    now = {source(nbformat.read(path, as_version=4)) for path in (ROOT / "notebooks").glob("*.ipynb")}
    pages = [name for name in PAGES if str(Path(name).parent) == folder]
    stale = [name for name in pages if is_stale((ROOT / name).read_text(encoding="utf-8"), now)]
    assert not stale, "execute these notebooks again and render their pages: dvc repro, or make redo STUDY=<study>"


def test_no_committed_page_is_over_one_and_a_half_megabytes():
    assert not [name for name in PAGES if (ROOT / name).stat().st_size > 1.5e6]


def test_a_page_of_many_models_shows_the_pictures_of_the_first_and_says_so():
    """Smaller figures, and all figures of fewer models, stay."""

    def made(size: int) -> nbformat.NotebookNode:
        shown = nbformat.v4.new_output("display_data", {"text/html": "x" * size})
        cells = [nbformat.v4.new_markdown_cell("# A question"), nbformat.v4.new_code_cell("show()", outputs=[shown])]
        return nbformat.v4.new_notebook(cells=cells)

    def sizes(number: int, size: int) -> list[int]:
        joined = join([made(size) for _ in range(number)], [str(number) for number in range(number)])
        outputs = [output for cell in joined.cells for output in cell.get("outputs", [])]
        return [len(output.data.get("text/html", "")) for output in outputs]

    assert sizes(MANY + 1, PICTURES + 1) == [PICTURES + 1] + MANY * [0]
    assert sizes(MANY, PICTURES + 1) == MANY * [PICTURES + 1] and sizes(MANY + 1, 10) == (MANY + 1) * [10]


def test_first_pages_quote_the_finding_over_several_studies_as_it_is_now():
    finding = (ROOT / "reports" / "answer" / "answer.md").read_text(encoding="utf-8").split("\n\n")[0].strip()
    quoting = {}
    for name in [name for name in PAGES if name.endswith("/index.html")]:
        text = " ".join(BeautifulSoup((ROOT / name).read_text(encoding="utf-8"), "html.parser").main.get_text().split())
        if "Several studies together" in text:
            quoting[name] = finding in text
    assert len(quoting) > 5 and all(quoting.values()), "execute 09_report of these studies again, and render its page"
