"""Make a page of nbconvert navigable: ids on headings, a contents list, named tables that scroll by themselves.

The page is changed in place; its text stays.
"""

import base64
import re
from pathlib import Path
from urllib.parse import quote

from bs4 import BeautifulSoup, Tag

LONG = 15  # lines; longer prints are folded
MINUS = re.compile(r"(?<![\w.\u2212-])-(?=\d)")
PERCENT = re.compile(r"(?<=\d) ?%(?!\w)")
CONTENTS = '<nav class="contents" aria-label="Contents"></nav>'  # place of a page's contents list


def add_landmarks(soup: BeautifulSoup) -> None:
    """Set ids on a page's headings, fill its contents list, and name its tables."""
    one_notation(soup)
    name_headings(soup)
    for nav in soup.select("nav.contents"):
        fill_contents(nav, soup.select("main h2, main h3"))
    fold_long_prints(soup)
    # pandas writes one per table
    for style in soup.select("main style"):
        style.decompose()
    named = {}
    for table in soup.select("main table"):
        remove_styling(table)
        join_header_rows(table)
        set_scopes(table)
        wrap_in_region(table, named)


def one_notation(soup: BeautifulSoup) -> None:
    """Unify numbers outside code: a minus sign before digits, and a space before a percent sign."""
    for text in soup.select_one("main").find_all(string=True):
        if text.find_parent(["pre", "code", "math", "style", "script"]) is None:
            same = MINUS.sub("\u2212", PERCENT.sub("\u00a0%", text))
            if same != text:
                text.replace_with(same)


def name_headings(soup: BeautifulSoup) -> None:
    """Set an id per heading, as Jupyter does: hyphens for spaces; a second heading of the same text ends in -2."""
    times = {}
    for heading in soup.select("main :is(h1, h2, h3, h4)"):
        name = "-".join(heading.get_text().split())
        times[name] = times.get(name, 0) + 1
        heading["id"] = name if times[name] == 1 else f"{name}-{times[name]}"


def fold_long_prints(soup: BeautifulSoup) -> None:
    """Fold prints of more than LONG lines, for instance the epochs of a training."""
    for printed in soup.select("main .output_stdout pre"):
        lines = printed.get_text().strip().count("\n") + 1
        if lines > LONG:
            details = printed.wrap(soup.new_tag("details"))
            summary = soup.new_tag("summary")
            summary.string = f"{lines} lines"
            details.insert(0, summary)


def figures_as_files(soup: BeautifulSoup, report: Path) -> None:
    """Show figures from SVG files of the report if it holds them, so that a page of many figures stays small.

    Args:
        report: the folder of the page.
    """
    files = {path.read_bytes(): path for path in sorted(report.rglob("*.svg"), reverse=True)}
    for picture in soup.select('img[src^="data:image/svg+xml;base64,"]'):
        path = files.get(base64.b64decode(picture["src"].partition(",")[2]))
        if path:
            picture["src"] = path.relative_to(report).as_posix()


def fill_contents(nav: Tag, headings: list[Tag]) -> None:
    """Fill in links to the sections and their subsections; with fewer than three sections, remove the list."""
    if sum(heading.name == "h2" for heading in headings) < 3:
        nav.decompose()
        return
    sections = []
    for heading in headings:
        link = f'<a href="#{quote(heading["id"])}">{heading.decode_contents()}</a>'
        if heading.name == "h2" or not sections:
            sections.append((link, []))
        else:
            sections[-1][1].append(f"<li>{link}</li>")
    items = []
    for link, subsections in sections:
        inner = f"<ol>{''.join(subsections)}</ol>" if subsections else ""
        items.append(f"<li>{link}{inner}</li>")
    nav.append(BeautifulSoup(f"<p>Contents</p><ol>{''.join(items)}</ol>", "html.parser"))


def remove_styling(table: Tag) -> None:
    """Remove pandas' styling, which the page's style replaces; an empty table says that it is empty."""
    for tag in [table, *table.find_all(True)]:
        for name in ["border", "style", "valign"]:
            tag.attrs.pop(name, None)
    if table.tbody and not table.tbody.find("tr"):
        width = len(table.select("thead tr")[-1].find_all(["th", "td"]))
        table.tbody.append(BeautifulSoup(f'<tr><td colspan="{width}">no rows</td></tr>', "html.parser"))


def join_header_rows(table: Tag) -> None:
    """Move the names of index columns, for which pandas writes a second header row, into the first."""
    rows = [row.find_all(["th", "td"], recursive=False) for row in table.select("thead tr")]
    if len(rows) < 2 or len(rows[-2]) != len(rows[-1]):
        return
    upper, lower = rows[-2:]
    names = [cell.get_text().strip() for cell in lower]
    index_columns = names.index("") if "" in names else len(names)
    if index_columns == 0 or any(names[index_columns:]):
        return
    for cell, name in zip(upper[:index_columns], names):
        text = cell.get_text().strip()
        cell.string = f"{name} / {text}" if text else name
        cell["class"] = "name"
    lower[0].parent.decompose()


def set_scopes(table: Tag) -> None:
    """Set the scope of table headers, row or column; an empty header becomes a data cell."""
    for head in table.find_all("th"):
        if not head.get_text().strip():
            head.name = "td"
        elif head.find_parent("thead"):
            head["scope"] = "colgroup" if head.get("colspan") else "col"
        else:
            head["scope"] = "rowgroup" if head.get("rowspan") else "row"


def wrap_in_region(table: Tag, named: dict[str, int]) -> None:
    """Put a table into a region that scrolls, that the keyboard reaches, and that is named after its section."""
    above = table.find_previous(["h1", "h2", "h3", "h4"])
    name = f"Table: {' '.join(above.get_text().split())}" if above else "Table"
    named[name] = named.get(name, 0) + 1
    label = name if named[name] == 1 else f"{name}, {named[name]}"
    table.wrap(Tag(name="div", attrs={"class": "scroll", "role": "region", "tabindex": "0", "aria-label": label}))
