"""Make reports/index.html: the findings on each document, how sure they are, and all studies, run or not.

params/*/params.yaml, params/published/*/document.yaml, reports/*/ --index_html--> reports/index.html
"""

import html
from pathlib import Path

from bs4 import BeautifulSoup
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from nbconvert.filters.markdown import markdown2html

from lib import strict
from lib.data.files import write
from lib.plots.show import as_html
from lib.report import links
from lib.report.documents import RESIDUAL, documents
from lib.report.html import add_landmarks
from lib.report.studies import committed, overview
from lib.study import Study

PAGE = Path(__file__).parent / "page"


def index_html() -> str:
    """Make the page reports/index.html."""
    studies = committed()
    found = documents(studies)
    own = {name for document in found for name in document.source.own}
    sections = []
    for document in found:
        reports = [study.study for study in document.studies if (study.report / "index.html").exists()]
        sections.append((document, line(document.finding), line(document.sure), reports))
    about = [study for document in found for study in document.studies]
    groups = [(document.source.title, rows(document.studies, own)) for document in found]
    if others := [study for study in studies if study not in about]:
        groups.append(("Other", rows(others, own)))
    style, script = ((PAGE / name).read_text(encoding="utf-8") for name in ["style.css", "page.js"])
    page = template().render(
        style=style,
        script=script,
        sections=sections,
        joined=joined(),
        coverage=(strict.ROOT / "reports" / "bench" / "coverage.html").exists(),
        residual=RESIDUAL,
        groups=groups,
        columns=list(groups[0][1][0][2]),
    )
    soup = BeautifulSoup(page, "html.parser")
    add_landmarks(soup)
    links.with_links(soup, [])
    return str(soup)


def template():
    """The Jinja template of this page."""
    # autoescape: text from files is no HTML
    environment = Environment(loader=FileSystemLoader(PAGE), autoescape=True, undefined=StrictUndefined)
    return environment.get_template("studies.html.j2")


def line(text: str) -> Markup:
    """Convert a line of Markdown to HTML without a paragraph around it."""
    made = BeautifulSoup(markdown2html(html.escape(text, quote=False)), "html.parser")
    return Markup(made.p.decode_contents() if made.p else "")


def rows(studies: list[Study], own: set[str]) -> list[tuple[str, str, dict[str, str]]]:
    """Per study: the address of its report (empty if there is none), its title, and its row of the table."""
    listed = []
    for study in studies:
        report = f"{study.study}/index.html" if (study.report / "index.html").exists() else ""
        listed.append((report, study, overview(study, own_setting=study.study in own)))
    return listed


def joined() -> Markup | None:
    """The figure of reports/answer as HTML; None: that page was not made."""
    import pandas as pd

    folder = strict.ROOT / "reports" / "answer"
    path = folder / "figures" / "figures.csv"
    if not path.exists() or not (folder / "index.html").exists():
        return None
    row = next(pd.read_csv(path).itertuples())
    return Markup(as_html((path.parent / row.file).read_bytes(), row.alt, row.title))


def write_index() -> Path:
    """Write reports/index.html."""
    path, page = strict.ROOT / "reports" / "index.html", index_html()
    write(path, lambda part: part.write_text(page, encoding="utf-8"))
    return path
