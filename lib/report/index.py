"""reports/index.html: every study that has a report, with its title and its answer.

params/<study>/params.yaml, reports/<study>/answer.md --index_html--> reports/index.html
"""

import html
from pathlib import Path

from lib import strict
from lib.data.files import write
from lib.evidence.answer import load_questions
from lib.study import Study, load_study

PAGE = Path(__file__).parent / "page"
LAYOUT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Studies</title>
<style>
{style}
</style>
<script>
{script}
</script>
</head>
<body>
<a class="skip" href="#main">Skip to the text</a>
<header><span>All studies</span></header>
<main id="main" tabindex="-1">
<h1>Studies</h1>
<p>Each study asks a question, and has a report. Here are those that were run, each with its answer.</p>
{studies}
</main>
</body>
</html>
"""


def reported() -> list[Study]:
    """The studies that have a report: not the demo, and none of images of one's own."""
    studies = []
    for path in sorted((strict.ROOT / "params").glob("*/params.yaml")):
        name = path.parent.name
        if name == "demo" or not (strict.ROOT / "reports" / name / "index.html").exists():
            continue
        study = load_study(name)
        if not any(study.entry(dataset).folder for dataset in study.datasets):
            studies.append(study)
    return studies


def index_html() -> str:
    """The page: one section per study, its title linked to its report, and its answer where it was saved."""
    from nbconvert.filters.markdown import markdown2html

    sections = []
    saved = [(study.study, study.title, study.answer("09_report")) for study in reported()]
    joined = strict.ROOT / "reports" / "answer" / "answer.md"  # lib.report.joined
    if joined.exists():
        saved.insert(0, ("answer", load_questions().title, joined))
    for name, title, path in saved:
        link = f'<a href="{name}/index.html">{html.escape(title)}</a>'
        answer = markdown2html(path.read_text(encoding="utf-8")) if path.exists() else ""
        sections.append(f"<section>\n<h2>{link}</h2>\n{answer}\n</section>")
    style, script = ((PAGE / name).read_text(encoding="utf-8") for name in ["style.css", "page.js"])
    return LAYOUT.format(style=style, script=script, studies="\n".join(sections))


def write_index() -> Path:
    """Write reports/index.html."""
    path, page = strict.ROOT / "reports" / "index.html", index_html()
    write(path, lambda part: part.write_text(page, encoding="utf-8"))
    return path
