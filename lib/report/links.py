"""Link what a page names: other pages, papers, code, data sets, and the CSV file behind a table."""

import html
import re
from pathlib import Path
from urllib.parse import quote

import nbformat
from bs4 import BeautifulSoup

from lib.study import Study, load_study

PAGE = re.compile(r"\b([Pp]age|[Nn]otebook) (\d\d)\b")
OUTSIDE = {  # pattern in a text -> address; {} is the first group
    r"arXiv:(\d{4}\.\d{4,5})": "https://arxiv.org/abs/{}",
    r"\bgithub\.com/([\w-]+/[\w.-]*\w)": "https://github.com/{}",
    r"\b(?:doi:|DOI )(10\.\d{4,9}/[^\s,;)]*\w)": "https://doi.org/{}",
    # N. J. L. Brown and J. A. J. Heathers, The GRIM test, 2017
    r"\b(GRIM)\b": "https://doi.org/10.1177/1948550616673876",
}
UNTOUCHED = ["a", "code", "pre", "script", "style", "title", "h1", "h2", "h3", "h4", "math", "svg", "button", "nav"]


def with_links(soup: BeautifulSoup, names: list[str], own: str = "") -> None:
    """Link what the text of a page names, in place.

    Args:
        names: of the study's pages; "page 06" leads to the one that begins with 06.
        own: the page's name; of several pages with one number, the one on the same data set and split is linked.
    """
    for text in soup.select_one("main").find_all(string=True):
        if text.find_parent(UNTOUCHED):
            continue
        linked = html.escape(str(text), quote=False)
        for pattern, address in OUTSIDE.items():
            linked = re.sub(pattern, lambda m, address=address: anchor(address.format(m[1]), m[0]), linked)
        linked = PAGE.sub(lambda m: to_page(m, names, own), linked)
        if "<a " in linked:
            text.replace_with(BeautifulSoup(linked, "html.parser"))
    for code in soup.select("main code"):
        before = str(code.previous_sibling or "")
        if re.fullmatch(r"[\w-]+/[\w-]+", code.get_text()) and before.rstrip().endswith("Kaggle's"):
            code.wrap(soup.new_tag("a", href=f"https://www.kaggle.com/datasets/{code.get_text()}"))


def anchor(address: str, text: str) -> str:
    """An HTML link."""
    return f'<a href="{address}">{text}</a>'


def to_page(match: re.Match, names: list[str], own: str) -> str:
    """The words "page 06" as a link; unchanged if the study has no such page, or this page is it."""
    number = match[2]
    found = ["index"] if number == "09" else [name for name in names if name.startswith(number)]
    if not found or own.startswith(number):
        return match[0]
    of = own.partition("-")[2]
    # the page on the same data set and split, else on the same data set, else the first
    found.sort(key=lambda name: -len(common(name.partition("-")[2], of)))
    return anchor(f"{found[0]}.html", match[0])


def common(one: str, other: str) -> str:
    """The shorter of two texts if the longer begins with it; else empty."""
    shorter, longer = sorted([one, other], key=len)
    return shorter if longer.startswith(shorter) else ""


def moved(soup: BeautifulSoup, study: Study, names: list[str]) -> None:
    """Redirect links to the page of one model to its section of the page of all models (05), if that exists.

    A link to a missing page becomes its text; `names`: of the study's pages.
    """
    for link in soup.select('main a[href*="05_train-"]'):
        folder, _, name = link["href"].rpartition("/")
        of = name.partition("#")[0].removeprefix("05_train-").removesuffix(".html")
        other = load_study(Path(folder).name) if folder else study
        for cell in other.cells:
            for model, title in other.titles.items():
                page = f"05_train-{cell.name}"
                there = page in names if other is study else (other.report / f"{page}.html").exists()
                if of == f"{cell.name}-{model}" and there:
                    section = quote("-".join(title.split()))
                    link["href"] = f"{folder}/{page}.html#{section}" if folder else f"{page}.html#{section}"
    for link in soup.select('main a[href*=".html"]'):
        path, _, _ = link["href"].partition("#")
        if ":" not in path and path.removesuffix(".html") not in names and not (study.report / path).exists():
            link.unwrap()


def with_data(notebook: nbformat.NotebookNode, report: Path, own: str = "") -> None:
    """Add, below each table, a link to the CSV file that its cell, or an earlier one of its section, names."""
    names = []
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            names = [] if re.search(r"^#+ ", cell.source, re.M) else names
            continue
        names = re.findall(r"[\"'/]([\w{}.-]+\.csv)\b", cell.source) or names
        tables = [output for output in cell.outputs if "<table" in str(output.get("data", {}).get("text/html", ""))]
        paths = [path for path in (the_file(report, name, own) for name in names) if path]
        if tables and paths:
            address = paths[-1].relative_to(report).as_posix()
            link = f'<p class="data">Data: {anchor(address, paths[-1].name)}</p>'
            cell.outputs.append(nbformat.v4.new_output("display_data", {"text/html": link}))


def the_file(report: Path, name: str, own: str) -> Path | None:
    """The file of a report that a cell names, where {} stands for anything; None: no single file fits.

    If several fit, the one with the page's data set and split in its path is taken.
    """
    found = sorted(report.rglob(re.sub(r"\{[^}]*\}", "*", name)))
    of = own.partition("-")[2]
    if len(found) > 1 and of:
        found = [path for path in found if of in path.relative_to(report).parts or path.stem == of]
    return found[0] if len(found) == 1 else None
