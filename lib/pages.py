"""A notebook and its parameters in, a web page out.

    notebooks/05_train.ipynb --papermill--> build/demo-05_train-....ipynb --nbconvert--> reports/demo/05_train-....html

`python -m lib.pages 05_train demo dataset=phantom-blood split=published model=cnn` makes one page. Pages need no
network: formulas become MathML, pictures are inside, and nothing is loaded from anywhere.
"""

import os
import re
import sys
from tempfile import TemporaryDirectory

sys.modules["rfc3987_syntax"] = None  # jsonschema does without it, and its import takes a second of every notebook

import nbformat  # noqa: E402

from lib.errors import StudyError  # noqa: E402
from lib.landmarks import CONTENTS, with_landmarks  # noqa: E402
from lib.study import ROOT, Study, load_study  # noqa: E402


def execute(notebook: str, study: str, parameters: dict[str, str]) -> nbformat.NotebookNode:
    """Run a notebook by Papermill; what it prints is shown as it goes. A failed one keeps its output in build/.

    Raises:
        StudyError: a cell raised one (its message is passed on), or anything else (its traceback is shown).
    """
    import papermill
    from traitlets.config import Config

    kept = ROOT / "build" / f"{study}-{page_name(notebook, parameters)}.ipynb"
    kept.parent.mkdir(parents=True, exist_ok=True)
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"  # a debugger's warning in every log
    try:
        with TemporaryDirectory(prefix="kernel-") as sockets:  # no open port while a notebook runs
            private = Config({"KernelManager": {"transport": "ipc", "ip": f"{sockets}/kernel"}})
            return papermill.execute_notebook(
                ROOT / "notebooks" / f"{notebook}.ipynb", kept, {"study": study, **parameters}, cwd=ROOT / "notebooks",
                kernel_name="python3", progress_bar=False, stdout_file=sys.stdout, stderr_file=sys.stderr, config=private,
            )  # fmt: skip
    except papermill.PapermillExecutionError as error:
        what = error.evalue if error.ename == "StudyError" else "\n".join(error.traceback)
        raise StudyError(
            f"{what}\n  (stopped in notebooks/{notebook}.ipynb; what it did is in {kept.relative_to(ROOT)})"
        ) from None


def about(study: Study, dataset: str, split: str = "", model: str = "") -> str:
    """What a page of one data set is of, in the study's words: the data set, the split and the model, and what a reader must know of the data."""
    entry = study.dataset(dataset)
    names = [entry.title, split and f"split `{split}`", model and study.titles[model]]
    return f"**Here:** {'; '.join(filter(None, names))}. {entry.note}"


def page_name(notebook: str, parameters: dict[str, str]) -> str:
    """05_train and its parameters -> 05_train-<dataset>-<split>-<model>; the report is index."""
    return "index" if notebook == "09_report" else "-".join([notebook, *parameters.values()])


def to_html(notebook: nbformat.NotebookNode, study: str, *, home: bool) -> str:
    """A page of its own from an executed notebook; `home`: with a link to index.html, and code to unfold."""
    from nbconvert import HTMLExporter
    from nbconvert.preprocessors import CoalesceStreamsPreprocessor

    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number}"  # Papermill's own are random
        if cell.cell_type == "markdown":
            cell.source = with_mathml(cell.source)
        else:
            cell.outputs = [
                o
                for o in cell.outputs
                if o.get("name") != "stderr" and "application/vnd.jupyter.widget-view+json" not in o.get("data", {})
            ]
            for output in cell.outputs:
                if "text/markdown" in output.get("data", {}):
                    output.data["text/markdown"] = with_mathml(output.data["text/markdown"])
    notebook.cells = in_reading_order(notebook.cells)
    exporter = HTMLExporter(
        template_name="page", extra_template_basedirs=[str(ROOT / "lib")], exclude_anchor_links=True
    )
    exporter.register_preprocessor(CoalesceStreamsPreprocessor, enabled=True)  # prints arrive in pieces, by chance
    style, script = ((ROOT / "lib" / "page" / name).read_text(encoding="utf-8") for name in ["style.css", "page.js"])
    resources = {"title": study, "study": study, "style": style, "script": script, "home": home}
    return with_landmarks(exporter.from_notebook_node(notebook, resources=resources)[0])


def in_reading_order(cells: list) -> list:
    """The answer right after the question that opens the notebook, then the contents; without the cells that only set the stage."""

    def tagged(cell, *tags):
        return bool(set(tags) & set(cell.metadata.get("tags", [])))

    shown = [cell for cell in cells if not tagged(cell, "hide", "parameters", "injected-parameters")]
    answers = [cell for cell in shown if tagged(cell, "answer")]
    rest = [cell for cell in shown if not tagged(cell, "answer")]
    contents = nbformat.v4.new_markdown_cell(CONTENTS, id="contents")
    return [*rest[:1], *answers, contents, *rest[1:]]


def with_mathml(markdown: str) -> str:
    """$...$ and $$...$$ as MathML, which browsers show without a script."""
    from latex2mathml.converter import convert

    markdown = re.sub(r"\$\$(.+?)\$\$", lambda m: convert(m[1].strip(), display="block"), markdown, flags=re.S)
    return re.sub(r"\$([^$\n]+)\$", lambda m: convert(m[1]), markdown)


def main(notebook: str, study: str, *assignments: str) -> None:
    """Check the study, run the notebook, write the page; waits for another process that is at the same page."""
    from lib.files import alone, write

    loaded = load_study(study)
    parameters = dict(assignment.split("=", 1) for assignment in assignments)
    with alone(ROOT / "build" / f"{study}-{page_name(notebook, parameters)}.lock"):
        executed = execute(notebook, study, parameters)
        if "dataset" in parameters:
            heading = next(cell for cell in executed.cells if cell.source.startswith("# "))
            heading.source += "\n\n" + about(loaded, **parameters)
        page = to_html(executed, study, home=notebook != "09_report")
    path = ROOT / "reports" / study / f"{page_name(notebook, parameters)}.html"
    write(path, lambda part: part.write_text(page, encoding="utf-8"))
    print(path.relative_to(ROOT))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except StudyError as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        print("stopped; run it again to go on from here", file=sys.stderr)
        sys.exit(130)
