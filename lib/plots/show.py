"""Show figures and answers in a notebook, and save them for the report.

album = Album(folder);  album.keep("curves", "accuracy per epoch", figure, alt)
  -> folder/curves.svg and a row of folder/figures.csv;  gallery(folder, read_csv(folder / "figures.csv")) shows them
album.add("curves", ...) for each of several;  album.gallery(kind="curves") shows them side by side
answer(study.answer("08_claims"), "Of 3 claims, ...") -> reports/<study>/answers/08_claims.md
"""

import base64
import html
import io
import platform
import re
import warnings
from importlib.metadata import version
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import HTML, Markdown, display
from matplotlib.figure import Figure

from lib import strict
from lib.data.files import write, write_csv
from lib.strict import known

WIDER = 0.7  # inches around a figure, if labels may be wider than matplotlib computes
# The paper's diagrams, redrawn: name of lib/plots/<name>.svg -> alternative text.
DRAWINGS = {
    "architecture": (
        "From image to logits: image, patches, linear embedding, class token, positions, encoder blocks, norm of the"
        " class token, classifier, logits. An encoder block: norm and multi-head self-attention, then norm and MLP,"
        " each with a residual connection around it"
    ),
    "attention": (
        "One head: the softmax of the scaled products of queries and keys gives probabilities P, from which come the"
        " head's output, P times V, and the head's score, as published the L1 norm of P. All heads: their outputs are"
        " concatenated and projected, and the output of the head with the largest score by-passes both and is added."
    ),
}


def drawing(name: str) -> Path:
    """The SVG file of one of DRAWINGS. StudyError: the name is unknown."""
    return strict.ROOT / "lib" / "plots" / f"{known(name, DRAWINGS, 'drawing')}.svg"


def as_svg(figure: Figure | Path | bytes) -> bytes:
    """Return a figure as SVG, with the same bytes each time, and close it; or read an SVG file; or pass SVG through."""
    if isinstance(figure, bytes):
        return figure
    if isinstance(figure, Path):
        return figure.read_bytes()
    with warnings.catch_warnings(record=True) as caught:
        svg = saved(figure)
        # matplotlib's font lacks some letters, for instance Chinese; in browsers they are wider than it computes
        if any("missing from font" in str(warning.message) for warning in caught):
            svg = saved(figure, pad_inches=WIDER)
    plt.close(figure)
    return svg


def saved(figure: Figure, **how) -> bytes:
    """Save a figure as SVG; how: arguments of savefig."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None}, **how)
    return buffer.getvalue()


def as_html(svg: bytes, alt: str, caption: str = "") -> str:
    """An HTML figure with its picture inside."""
    source = f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"
    picture = f'<img src="{source}" alt="{html.escape(alt)}"{natural_width(svg)}>'
    below = f"<figcaption>{html.escape(caption)}</figcaption>" if caption else ""
    return f"<figure>{picture}{below}</figure>"


def natural_width(svg: bytes) -> str:
    """A style attribute with the drawing's width, so that its text stays readable on a narrow screen; or empty."""
    found = re.search(rb'<svg[^>]*\swidth="([\d.]+)(pt|px)?"', svg)
    if not found:
        return ""
    pixels = float(found[1]) * (4 / 3 if found[2] == b"pt" else 1)
    return f' style="--width: {pixels:.0f}px"'


def save(figure: Figure | Path | bytes, path: Path) -> None:
    """Write a figure as SVG, and close it."""
    svg = as_svg(figure)
    write(path, lambda part: part.write_bytes(svg))


def show(figure: Figure | Path | bytes, alt: str, caption: str = "") -> None:
    """Show a figure, or a saved one, with its alternative text."""
    display(HTML(as_html(as_svg(figure), alt, caption)))


def gallery(folder: Path, table: pd.DataFrame) -> None:
    """Show saved figures side by side; `table`: file, title, alt, number (of the paper's figure, or NaN)."""
    display(HTML(gallery_html(folder, table)))


def gallery_html(folder: Path, table: pd.DataFrame) -> str:
    """The HTML of `gallery`."""
    shown = []
    for row in table.itertuples():
        caption = f"Figure {row.number:.0f}, re-made: {row.title}" if pd.notna(row.number) else row.title
        shown.append(as_html((folder / row.file).read_bytes(), row.alt, caption))
    return f'<div class="gallery">{"".join(shown)}</div>'


def versions(*packages: str) -> None:
    """Print the versions of Python and of packages, without importing them."""
    named = [f"{package} {version(package)}" for package in packages]
    print(", ".join([f"Python {platform.python_version()}", *named]))


def absent(why: str) -> None:
    """Say why a section has nothing to show for this study; its page leaves out a section of such cells alone."""
    display(HTML(f'<p class="absent">{html.escape(why)}</p>'))


def answer(path: Path, text: str) -> None:
    """Show a page's answer (Markdown), and save it for page 09."""
    write(path, lambda part: part.write_text(text + "\n", encoding="utf-8"))
    display(Markdown(f"**Answer.** {text}"))


class Album:
    """The figures of one page: SVG files in a folder, and figures.csv, which describes them."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._rows = []

    @property
    def table(self) -> pd.DataFrame:
        """One row per figure: file, title, alt, number (of the paper's figure, or NaN), and the keys of `add`."""
        return pd.DataFrame(self._rows, columns=None if self._rows else ["file", "title", "alt", "number"])

    def add(self, name: str, title: str, figure: Figure | Path | bytes, alt: str, number: int | None = None, **keys):
        """Save a figure as <name>.svg, add it to figures.csv with its `keys`, and return the file."""
        path = self.folder / f"{name}.svg"
        save(figure, path)
        self._rows.append({"file": path.name, "title": title, "alt": alt, "number": number, **keys})
        write_csv(self.table, self.folder / "figures.csv")
        return path

    def keep(self, name: str, title: str, figure: Figure | Path | bytes, alt: str, number: int | None = None, **keys):
        """Add a figure as `add` does, and show it."""
        show(self.add(name, title, figure, alt, number, **keys), alt, title)

    def gallery(self, **keys):
        """Show all figures that were added with these keys, side by side; nothing if there are none."""
        chosen = self.table
        for key, value in keys.items():
            chosen = chosen[chosen[key] == value] if key in chosen else chosen.iloc[:0]
        if len(chosen):
            gallery(self.folder, chosen)
