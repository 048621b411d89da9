"""Leave out the sections of a page that have nothing to show for its study, and say at its end which and why.

executed notebook, lib.plots.show.absent --cells--> without_absent --> the cells of a page
"""

import html
import re
from typing import NamedTuple

import nbformat
from bs4 import BeautifulSoup

HEADING = re.compile(r"^(?=#{2,3} )", re.M)


class Section(NamedTuple):
    """A heading with the cells below it, up to the next heading; level 0: what stands before the first one."""

    level: int
    title: str
    cells: list

    @property
    def reasons(self) -> list[str]:
        """Why its outputs are absent; empty if there are none, or if any output shows something."""
        outputs = [output for cell in self.cells for output in cell.get("outputs", [])]
        told = [reason(output) for output in outputs]
        return told if all(told) else []


def without_absent(cells: list) -> list:
    """Remove sections whose every output is `absent`, and add a sentence that names them.

    A section stays as long as one of its subsections does.

    Args:
        cells: of an executed notebook, in reading order.
    """
    kept, left_out = [], []
    for section in reversed(sections(cells)):
        has_subsection = kept and kept[-1].level > section.level
        if section.level and section.reasons and not has_subsection:
            left_out.append(f"*{section.title}* ({'; '.join(section.reasons)})")
        else:
            kept.append(section)
    shown = [cell for section in reversed(kept) for cell in section.cells]
    if not left_out:
        return shown
    sentence = html.escape(f"Not on this page: {'; '.join(reversed(left_out))}.", quote=False)
    return [*shown, nbformat.v4.new_markdown_cell(sentence, id="absent")]


def sections(cells: list) -> list[Section]:
    """Divide cells at the headings of level 2 and 3; a Markdown cell with headings inside is divided too."""
    found = [Section(0, "", [])]
    for cell in cells:
        if cell.cell_type != "markdown":
            found[-1].cells.append(cell)
            continue
        for number, text in enumerate(part for part in HEADING.split(cell.source) if part.strip()):
            if heading := re.match(r"(#{2,3}) (.+)", text):
                found.append(Section(len(heading[1]), heading[2].strip(), []))
            found[-1].cells.append(nbformat.v4.new_markdown_cell(text, id=f"{cell.get('id', 'cell')}-{number}"))
    return found


def reason(output) -> str:
    """The text of an output that `show.absent` made; empty for any other output."""
    shown = output.get("data", {}).get("text/html", "")
    text = BeautifulSoup(shown, "html.parser").find("p", class_="absent") if "absent" in shown else None
    return text.get_text() if text else ""
