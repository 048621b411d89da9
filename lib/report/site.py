"""reports/ as a folder that any web server can show, with every link of its pages checked.

reports/ (of committed studies) --build--> <folder>/index.html and one folder per study
"""

import shutil
from pathlib import Path
from urllib.parse import unquote

from bs4 import BeautifulSoup

from lib import strict
from lib.report.index import write_index
from lib.report.studies import committed
from lib.strict import StudyError

SHOWN = 20  # broken links that a message lists


def build(folder: Path) -> int:
    """Copy the reports to a new or empty folder; how many pages they have.

    StudyError: the folder holds something already; or a link leads nowhere (all of them are checked).
    """
    if folder.exists() and any(folder.iterdir()):
        raise StudyError(f"{folder} is not empty: name a new folder, as in make site SITE=path/to/folder")
    reports = strict.ROOT / "reports"
    index = write_index()
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(index, folder / "index.html")
    for name in ["answer", *(study.study for study in committed())]:
        if (reports / name / "index.html").exists():
            shutil.copytree(reports / name, folder / name)
    pages = sorted(folder.rglob("*.html"))
    broken = broken_links(pages)
    if broken:
        more = f"\n  and {len(broken) - SHOWN} more" if len(broken) > SHOWN else ""
        raise StudyError("links that lead nowhere:\n  " + "\n  ".join(broken[:SHOWN]) + more)
    return len(pages)


def broken_links(pages: list[Path]) -> list[str]:
    """Each link and picture of these pages whose file or section is not there, as "page: address"."""
    links, ids = {}, {}
    for page in pages:
        soup = BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")
        ids[page.resolve()] = {tag["id"] for tag in soup.find_all(id=True)}
        links[page] = {tag.get("href") or tag.get("src") for tag in soup.select("[href], [src]")}
    broken = []
    for page, addresses in links.items():
        for address in sorted(addresses):
            if address.startswith(("http://", "https://", "mailto:", "data:")):
                continue
            path, _, section = unquote(address).partition("#")
            target = (page.parent / path).resolve() if path else page.resolve()
            if not target.is_file() or (section and section not in ids.get(target, {section})):
                broken.append(f"{page.parent.name}/{page.name}: {address}")
    return broken
