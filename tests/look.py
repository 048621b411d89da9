"""A page with one of everything that a notebook may show, and a real browser that reports what scripts see in pages."""

import html
import json
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import NamedTuple

import nbformat
import pandas as pd
import pytest
from matplotlib.figure import Figure

from lib.plots import show
from lib.report import tables
from lib.report.pages import Way
from lib.report.render import to_soup

CHROMIUM = shutil.which("chromium")
NEEDS_CHROMIUM = pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-extensions"]
DARK, LIGHT = (f"--blink-settings=preferredColorScheme={number}" for number in (0, 1))
SORTED = pd.DataFrame(
    {
        "interval": ["81.3 [61.8, 89.6]", "9.5 [1.0, 20.0]", "100.0 [99.0, 100.0]", ""],
        "change": ["+1.2 points", "-17.6 points", "+0.3 points", "-2.0 points"],
        "images": ["1,234", "99", "12,000", "200"],
        "share": ["98.2 %", "8.1%", "100 %", "nan"],
        "seen": ["no", "Yes", "model 10", "model 9"],
    },
    index=pd.Index(["cnn", "vit", "resnet", "alexnet"], name="model"),
)
GROUPED = SORTED.assign(split=["group", "group", "random", "random"]).set_index("split", append=True).swaplevel()
CLAIM = dict.fromkeys(["place", "quantity", "estimate", "interval", "tolerance", "decidable", "link", "note"], "1")
VERDICTS = ["supported", "contradicted", "undecided", "nothing learned", "not testable here"]
ALT = "A line that rises from 1 to 3 and falls to 2"


def picture(caption: str = "") -> str:
    """A drawing as notebooks show it."""
    figure = Figure(figsize=(9, 2))
    figure.subplots().plot([1, 3, 2])
    return show.as_html(show.as_svg(figure), ALT, caption)


@cache
def everything() -> str:
    """The page of a notebook with text, code, prints, formulas, pictures and tables of every kind."""

    def code(source, *outputs):
        made = [nbformat.v4.new_output("display_data", {f"text/{kind}": text}) for kind, text in outputs]
        return nbformat.v4.new_code_cell(source, outputs=made)

    text = nbformat.v4.new_markdown_cell
    printed = nbformat.v4.new_output("stream", name="stdout", text="one long line " * 40)
    judged = pd.DataFrame([{"claim": v, "words": f"It is {v}", "verdict": v, **CLAIM} for v in VERDICTS])
    several = GROUPED.T.set_axis(["a", "b", "c", "d", "e"])
    loop = "# why\nfor name in [1, 2.5]:\n    print(f'{name} ' * 40, None)  # and so on"
    gallery = f'<div class="gallery">{picture("one")}{picture()}</div>'
    cells = [
        text("# 00 · One of everything\n\n**Question.** Does all of it show?"),
        code("1", ("markdown", "**Answer.** Yes: $a^2 + b^2 = c^2$.")),
        text("## Numbers\n\nIn words, with `code` and\n\n$$\\|P\\|_1 = \\sum_{i=1}^{n} P_{ij}$$"),
        code(loop, ("html", SORTED._repr_html_())),
        text("### In groups"),
        code("2", *(("html", table._repr_html_()) for table in [GROUPED, several, SORTED[:0]])),
        text("## Claims"),
        code("3", ("html", tables.claims_html(judged))),
        text("### In groups"),
        code("4", ("html", picture("a caption")), ("html", gallery)),
        text("## What would change the answer\n\n> Other numbers.\n\nSee [Table 1](index.html#Table-1)."),
    ]
    cells[1].metadata["tags"] = ["answer"]
    cells[3].outputs.append(printed)
    way = Way([("../index.html", "All studies")], "tiny", after=("01_download.html", "01 · Next"))
    return str(to_soup(nbformat.v4.new_notebook(cells=cells), "One of everything · tiny", way, code=True))


class View(NamedTuple):
    """A page, and a script (the body of an async function) that runs once it has loaded."""

    page: str
    script: str
    width: int = 1300  # of the window, px


FRAMES = """<!doctype html><meta name="color-scheme" content="light dark"><body style="margin: 0"><script>
addEventListener("load", async () => {
  const seen = [];
  for (const [number, width] of WIDTHS.entries()) {
    const frame = document.createElement("iframe");
    frame.style = `border: 0; width: ${width}px; height: 900px`;
    frame.src = `page-${number}.html`;
    document.body.append(frame);
    await new Promise((resolve) => { frame.onload = resolve; });
    try { seen.push(await frame.contentWindow.script()); } catch (error) { seen.push(`error: ${error}`); }
    frame.remove();
  }
  document.body.dataset.seen = JSON.stringify(seen);
});
</script>"""


def look(folder: Path, views: list[View], *flags: str) -> list:
    """What the script of each view returns; one browser shows them one after the other."""
    for number, view in enumerate(views):
        added = f"<script>window.script = async () => {{ {view.script} }}</script></body>"
        (folder / f"page-{number}.html").write_text(view.page.replace("</body>", added))
    start = folder / "frames.html"
    start.write_text(FRAMES.replace("WIDTHS", json.dumps([view.width for view in views])))
    command = [CHROMIUM, *QUIET, "--virtual-time-budget=600000", "--allow-file-access-from-files", *flags]
    command += ["--window-size=1300,900", f"--user-data-dir={folder / 'profile'}", "--dump-dom", start.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=240).stdout
    return json.loads(html.unescape(re.search('data-seen="(.*?)"', dom, re.S)[1]))
