"""What lets people find their way in a page: headings to link to, a contents list, and tables that scroll by themselves.

nbconvert's HTML in, the same words out: nothing is added to what a page says but the names of its parts.
"""

from urllib.parse import quote

from bs4 import BeautifulSoup, Tag

CONTENTS = '<nav class="contents" aria-label="Contents"></nav>'  # where a page wants its list, after the answer


def with_landmarks(page: str) -> str:
    """The page with ids on its headings, its contents list filled, its tables named, and its first heading as title."""
    soup = BeautifulSoup(page, "html.parser")
    name_headings(soup)
    if soup.h1:
        soup.title.string = soup.h1.get_text().strip()
    for nav in soup.select("nav.contents"):
        fill(nav, soup.select("main h2, main h3"))
    for style in soup.select("main style"):  # pandas brings one a table
        style.decompose()
    regions = {}
    for table in soup.select("main table"):
        plain(table)
        join_header(table)
        scopes(table)
        region(table, regions)
    return str(soup)


def name_headings(soup: BeautifulSoup) -> None:
    """An id a heading: its text with hyphens for spaces, as Jupyter does it; a second one of the same text ends in -2."""
    seen = {}
    for heading in soup.select("main :is(h1, h2, h3, h4)"):
        name = "-".join(heading.get_text().split())
        seen[name] = seen.get(name, 0) + 1
        heading["id"] = name if seen[name] == 1 else f"{name}-{seen[name]}"


def fill(nav: Tag, headings: list[Tag]) -> None:
    """A list of links to the sections, and in each to its parts; a page of one or two sections needs none."""
    if sum(heading.name == "h2" for heading in headings) < 3:
        return nav.decompose()
    items = []
    for heading in headings:
        link = f'<a href="#{quote(heading["id"])}">{heading.decode_contents()}</a>'
        if heading.name == "h2" or not items:
            items.append([link])
        else:
            items[-1].append(f"<li>{link}</li>")
    inner = [f"<li>{link}{'<ol>' + ''.join(parts) + '</ol>' if parts else ''}</li>" for link, *parts in items]
    nav.append(BeautifulSoup(f"<p>Contents</p><ol>{''.join(inner)}</ol>", "html.parser"))


def plain(table: Tag) -> None:
    """Without pandas' own looks, which the page's style replaces; a table without rows says so."""
    for tag in [table, *table.find_all(True)]:
        for name in ["border", "style", "valign"]:
            tag.attrs.pop(name, None)
    if table.tbody and not table.tbody.find("tr"):
        width = len(table.select("thead tr")[-1].find_all(["th", "td"]))
        table.tbody.append(BeautifulSoup(f'<tr><td colspan="{width}">no rows</td></tr>', "html.parser"))


def join_header(table: Tag) -> None:
    """pandas writes the names of index columns in a header row of their own: they go into the row above, where it is empty."""
    rows = [row.find_all(["th", "td"], recursive=False) for row in table.select("thead tr")]
    if len(rows) < 2 or len(rows[-2]) != len(rows[-1]):
        return
    words = [[cell.get_text().strip() for cell in row] for row in rows[-2:]]
    named = next((n for n, word in enumerate(words[1]) if not word), len(words[1]))
    if not named or any(words[1][named:]):
        return
    for above, (over, name) in zip(rows[-2], list(zip(*words))[:named]):
        above.string, above["class"] = f"{name} / {over}" if over else name, "name"
    rows[-1][0].parent.decompose()


def scopes(table: Tag) -> None:
    """Which cells a header is for; an empty one is none."""
    for head in table.find_all("th"):
        if not head.get_text().strip():
            head.name = "td"
        elif head.find_parent("thead"):
            head["scope"] = "colgroup" if head.get("colspan") else "col"
        else:
            head["scope"] = "rowgroup" if head.get("rowspan") else "row"


def region(table: Tag, seen: dict[str, int]) -> None:
    """A table that is wider than the screen scrolls inside a region that the keyboard reaches, named after its section."""
    above = table.find_previous(["h1", "h2", "h3", "h4"])
    name = f"Table: {' '.join(above.get_text().split())}" if above else "Table"
    seen[name] = seen.get(name, 0) + 1
    name = name if seen[name] == 1 else f"{name}, {seen[name]}"
    table.wrap(Tag(name="div", attrs={"class": "scroll", "role": "region", "tabindex": "0", "aria-label": name}))
