"""A real browser opens the report from disk: no request leaves the machine, and formulas and pictures show."""

import json
import re
import subprocess
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT
from look import CHROMIUM, NEEDS_CHROMIUM, QUIET

from lib.report.execute import stable
from lib.report.pages import Way
from lib.report.render import to_soup
from lib.study import load_study

LOCAL = re.compile(
    r"(file|data|blob|chrome|chrome-extension|chrome-search):|https?://[\w.-]+\.(google|googleapis|gstatic)\.com/"
)
MEASURE = """<script>addEventListener("load", () => {
  const pictures = [...document.images], formulas = [...document.querySelectorAll("math")];
  const seen = [pictures.length, pictures.filter(p => p.naturalWidth > 50).length,
    formulas.length, formulas.filter(f => f.getBoundingClientRect().height > 4).length];
  document.body.dataset.seen = seen.join(" ");
})</script>"""


PAGES = re.compile(rb"/Type\s*/Page\b")
MOST = 10  # pages of A4 that a report of three splits, two data sets and seven models may have


@NEEDS_CHROMIUM
@pytest.mark.slow
def test_a_long_report_prints_on_ten_pages_of_a4(tmp_path):
    assert 3 < len(PAGES.findall(on_a4("small", tmp_path).read_bytes())) <= MOST


@NEEDS_CHROMIUM
@pytest.mark.slow
@pytest.mark.parametrize("name", ["small", "screen"])
def test_every_model_is_named_in_a_printed_report(name, tmp_path):
    from pypdf import PdfReader

    pages = PdfReader(on_a4(name, tmp_path)).pages
    text = "".join("".join(page.extract_text().split()) for page in pages)
    assert [title for title in load_study(name).titles.values() if "".join(title.split()) not in text] == []


@NEEDS_CHROMIUM
@pytest.mark.slow
def test_a_printed_report_says_what_its_scores_cannot_say_and_what_it_left_folded(tmp_path):
    from pypdf import PdfReader

    text = "".join(page.extract_text() for page in PdfReader(on_a4("small", tmp_path)).pages)
    assert "Trainings that learned nothing: ViT proposed, from scratch (3 of 3)" in " ".join(text.split())
    assert text.count("(folded: see the page)") == 5


def on_a4(name: str, folder: Path) -> Path:
    """The first page of a committed report, printed to a PDF file."""
    page = (ROOT / "reports" / name / "index.html").read_text()
    if (ROOT / "lib/report/page/style.css").read_text().strip() not in page:
        pytest.skip(f"reports/{name} is older than the style: make redo STUDY={name}")
    copy, printed = folder / "page.html", folder / "page.pdf"
    base = f'<base href="{(ROOT / "reports" / name).as_uri()}/">'
    copy.write_text(page.replace("<head>", f"<head>{base}<style>@page {{ size: A4; }}</style>", 1))
    command = [CHROMIUM, *QUIET, f"--user-data-dir={folder / 'profile'}", "--no-pdf-header-footer"]
    subprocess.run([*command, f"--print-to-pdf={printed}", copy.as_uri()], capture_output=True, timeout=240, check=True)
    return printed


def browse(page, folder) -> tuple[str, list[str]]:
    """The page's DOM after loading, and every other address that was asked for, except at the browser's own start."""
    log = folder / "net.json"
    command = [CHROMIUM, *QUIET, f"--user-data-dir={folder / 'profile'}", f"--log-net-log={log}"]
    command += ["--dump-dom", page.as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120)
    events = json.loads(log.read_text())["events"]
    asked = [e["params"]["url"] for e in events if "url" in e.get("params", {})]
    return shown.stdout, [url for url in asked if not LOCAL.match(url)]


@NEEDS_CHROMIUM
def test_the_report_opens_without_a_network_and_shows_its_pictures_and_formulas(finished, tmp_path):
    page = finished.folder / "reports/tiny/index.html"
    copy = page.with_name("measured.html")
    copy.write_text(page.read_text().replace("</body>", MEASURE + "</body>"))
    dom, asked = browse(copy, tmp_path)
    copy.unlink()
    pictures, shown, formulas, readable = map(int, re.search('data-seen="(.*?)"', dom)[1].split())
    assert pictures == shown > 10 and formulas == readable > 3
    assert not asked


@NEEDS_CHROMIUM
def test_a_page_that_did_fetch_something_would_be_noticed(tmp_path):
    page = tmp_path / "page.html"
    page.write_text('<img src="http://127.0.0.1:9/x.png">')
    assert any("127.0.0.1:9" in address for address in browse(page, tmp_path)[1])


def rendered(cell) -> str:
    """The page of a notebook of one cell."""
    return str(to_soup(stable(nbformat.v4.new_notebook(cells=[cell])), "tiny", Way(), code=True))


def test_formulas_become_mathml():
    text = "# T\n\nThe norm $\\|P\\|_1 = n$ and\n\n$$\\mathrm{softmax}\\left(\\frac{QK^T}{\\sqrt{d}}\\right)V$$"
    text += "\n\nfor $n$ tokens, at 5 \\$ each."
    page = rendered(nbformat.v4.new_markdown_cell(text))
    assert page.count("<math") == 3 and "<mfrac>" in page and "<msqrt>" in page and "$$" not in page


def test_a_heading_is_followed_by_what_is_shown_and_by_no_empty_text():
    shown = [{"text/markdown": "## T"}, {"text/markdown": ""}, {"text/html": "<figure></figure>"}]
    outputs = [nbformat.v4.new_output("display_data", data) for data in shown]
    page = rendered(nbformat.v4.new_code_cell("show()", outputs=outputs))
    assert page.count('"output_markdown') == 1 and "<figure>" in page


def test_a_page_is_the_same_in_however_many_pieces_a_print_arrived():
    def page(*pieces):
        outputs = [nbformat.v4.new_output("stream", name="stdout", text=text) for text in pieces]
        widget = nbformat.v4.new_output("display_data", {"application/vnd.jupyter.widget-view+json": {}})
        cell = nbformat.v4.new_code_cell("print()", outputs=[outputs[0], widget, *outputs[1:]])
        return rendered(cell)

    assert page("one\ntwo\n") == page("one\n", "two\n") == page("on", "e\ntw", "o\n")
