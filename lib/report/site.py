"""Copy reports/ into a folder for any web server, and check every link of its pages.

reports/ (of committed studies) --build--> <folder>/index.html, bench/, and one folder per study
"""

import html
import re
import shutil
from pathlib import Path
from urllib.parse import unquote

from lib import strict
from lib.report.index import write_index
from lib.report.studies import committed
from lib.strict import StudyError

SHOWN = 20  # at most so many broken links are listed in a message


def build(folder: Path) -> int:
    """Copy the reports to a new or empty folder; returns the number of pages.

    StudyError: the folder is not empty, or a link leads nowhere (all links are checked).
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
    if (reports / "bench").exists():
        shutil.copytree(reports / "bench", folder / "bench")
    pages = sorted(folder.rglob("*.html"))
    broken = broken_links(pages)
    if broken:
        more = f"\n  and {len(broken) - SHOWN} more" if len(broken) > SHOWN else ""
        raise StudyError("links that lead nowhere:\n  " + "\n  ".join(broken[:SHOWN]) + more)
    return len(pages)


def broken_links(pages: list[Path]) -> list[str]:
    """List links and pictures of these pages that lead to no file or section, as "page: address"."""
    links, ids = {}, {}
    for page in pages:
        # by patterns, since an HTML parser takes a minute for all pages
        text = re.sub(r"<script>.*?</script>", "", page.read_text(encoding="utf-8"), flags=re.S)
        ids[page.resolve()] = {html.unescape(name) for name in re.findall(r'<[^<>]*\sid="([^"]*)"', text)}
        addresses = re.findall(r'<[^<>]*\s(?:href|src)="(?!data:)([^"]*)"', text)
        links[page] = {html.unescape(address) for address in addresses}
    broken = []
    for page, addresses in links.items():
        for address in sorted(addresses):
            if address.startswith(("http://", "https://", "mailto:")):
                continue
            path, _, section = unquote(address).partition("#")
            target = (page.parent / path).resolve() if path else page.resolve()
            if not target.is_file() or (section and section not in ids.get(target, {section})):
                broken.append(f"{page.parent.name}/{page.name}: {address}")
    return broken
