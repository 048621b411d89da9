"""A page with one of everything that a notebook may show, and a real browser that tells what a script saw in a page."""

import html
import io
import json
import re
import shutil
import subprocess
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from matplotlib.figure import Figure

from lib import figures, markup
from lib.pages import to_html

CHROMIUM = shutil.which("chromium")
NEEDS_CHROMIUM = pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync", "--disable-default-apps", "--disable-extensions"]
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
CLAIM = dict.fromkeys(["place", "quantity", "estimate", "interval", "tolerance", "decidable", "link"], "1")
VERDICTS = ["supported", "contradicted", "undecided", "not testable here"]


def picture(caption: str = "") -> str:
    """A drawing as notebooks show it."""
    figure, buffer = Figure(figsize=(9, 2)), io.BytesIO()
    figure.subplots().plot([1, 3, 2])
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    return figures.as_html(buffer.getvalue(), "A line that rises from 1 to 3 and falls to 2", caption)


def everything() -> str:
    """A page that `lib.pages` makes of a notebook with text, code, prints, formulas, pictures and tables of every kind."""

    def code(source, *outputs):
        made = [nbformat.v4.new_output("display_data", {f"text/{kind}": text}) for kind, text in outputs]
        return nbformat.v4.new_code_cell(source, outputs=made)

    said = nbformat.v4.new_markdown_cell
    printed = nbformat.v4.new_output("stream", name="stdout", text="one long line " * 40)
    judged = pd.DataFrame([{"claim": v, "words": f"It is {v}", "verdict": v, **CLAIM} for v in VERDICTS])
    several = GROUPED.T.set_axis(["a", "b", "c", "d", "e"])
    cells = [
        said("# 00 · One of everything\n\n**Question.** Does all of it show?"),
        code("1", ("markdown", "**Answer.** Yes: $a^2 + b^2 = c^2$.")),
        said("## Numbers\n\nIn words, with `code` and\n\n$$\\|P\\|_1 = \\sum_{i=1}^{n} P_{ij}$$"),
        code(
            "# why\nfor name in [1, 2.5]:\n    print(f'{name} ' * 40, None)  # and so on",
            ("html", SORTED._repr_html_()),
        ),
        said("### In groups"),
        code("2", *(("html", table._repr_html_()) for table in [GROUPED, several, SORTED[:0]])),
        said("## Claims"),
        code("3", ("html", markup.claims_html(judged))),
        said("### In groups"),
        code("4", ("html", picture("a caption")), ("html", f'<div class="gallery">{picture("one")}{picture()}</div>')),
        said("## What would change the answer\n\n> Other numbers.\n\nSee [Table 1](index.html#Table-1)."),
    ]
    cells[1].metadata["tags"] = ["answer"]
    cells[3].outputs.append(printed)
    return to_html(nbformat.v4.new_notebook(cells=cells), "tiny", home=True)


def look(page: str, folder: Path, script: str, *flags: str, width: int = 0):
    """What `script`, the body of an async function, returns in a page that has loaded; `width`: of the window, in pixels."""
    seen = f"(async () => {{ {script} }})().then(seen => {{ top.document.body.dataset.seen = JSON.stringify(seen) }})"
    added = f'<script>addEventListener("load", () => {{ {seen} }})</script></body>'
    shown = folder / "page.html"
    shown.write_text(page.replace("</body>", added))
    if width:  # no window of a browser's own is as narrow as a telephone
        frame = f'<!doctype html><body><iframe src="page.html" style="border: 0; width: {width}px; height: 800px">'
        shown = folder / "frame.html"
        shown.write_text(frame)
    command = [CHROMIUM, *QUIET, "--virtual-time-budget=60000", "--allow-file-access-from-files", *flags]
    command += [f"--user-data-dir={folder / 'profile'}", "--dump-dom", shown.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=120).stdout
    return json.loads(html.unescape(re.search('data-seen="(.*?)"', dom, re.S)[1]))
