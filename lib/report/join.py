"""Join the executions of one notebook for several models: text common to all stands once, then each model."""

import re

import nbformat

MANY = 10  # models; a page of more shows the pictures of the first alone, which keeps it below 1.5 MB
PICTURES = 100_000  # characters of a figure that holds images of the data set
OPENING, CLOSING = "# ", "## What would change the answer"


def join(notebooks: list[nbformat.NotebookNode], titles: list[str]) -> nbformat.NotebookNode:
    """Make one notebook with a section per execution.

    The question, the text of each section and what would change the answer stand once. The answers stand together at
    the top, each with the title of its model.

    Args:
        titles: of the models, one per notebook.
    """
    texts = [cell for cell in notebooks[0].cells if cell.cell_type == "markdown"]
    opening = next(cell for cell in texts if cell.source.startswith(OPENING))
    closing = [cell for cell in texts if cell.source.startswith(CLOSING)]
    answers = [answer(notebook) for notebook in notebooks]
    lines = "\n".join(f"- **{title}**: {text}" for title, text in zip(titles, answers) if text)
    cells, said = [opening, markdown(f"**Answer.**\n\n{lines}", ["answer"])], set()
    for notebook, title in zip(notebooks, titles):
        cells.append(markdown(f"## {title}"))
        for cell in notebook.cells:
            tags = cell.metadata.get("tags", [])
            frame = cell.cell_type == "markdown" and cell.source.startswith((OPENING, CLOSING))
            if frame or "answer" in tags:
                continue
            again = cell.source in said
            said.add(cell.source)
            if cell.cell_type == "markdown":
                cell = markdown(below(cell.source, again=again), tags)
            else:
                if again and len(notebooks) > MANY:
                    cell.outputs = [left_out() if is_pictures(output) else output for output in cell.outputs]
                for output in cell.outputs:
                    if "text/markdown" in output.get("data", {}):
                        output.data["text/markdown"] = below(output.data["text/markdown"], again=False)
                # its code is shown once
                cell.metadata["tags"] = [*tags, "again"] if again else tags
            cells.append(cell)
    cells += closing
    for number, cell in enumerate(cells):
        cell.id = f"cell-{number}"
    return nbformat.v4.new_notebook(cells=cells)


def is_pictures(output: nbformat.NotebookNode) -> bool:
    """Whether an output is a figure of images of the data set, by its size."""
    return len("".join(output.get("data", {}).get("text/html", ""))) > PICTURES


def left_out() -> nbformat.NotebookNode:
    """What stands in place of such a figure."""
    text = "*On a page of many models, pictures are those of the first one; the executed notebook has all.*"
    return nbformat.v4.new_output("display_data", {"text/markdown": text})


def answer(notebook: nbformat.NotebookNode) -> str:
    """The answer that a notebook shows, without its label; empty if it shows none."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            text = "".join(output.get("data", {}).get("text/markdown", ""))
            if text.startswith("**Answer.** "):
                return text.removeprefix("**Answer.** ").strip()
    return ""


def below(source: str, *, again: bool) -> str:
    """Move the headings of a text one level down; with `again`, keep only the headings."""
    source = re.sub(r"^(#+ )", r"#\1", source, flags=re.M)
    return "\n\n".join(re.findall(r"^#+ .+$", source, re.M)) if again else source


def markdown(source: str, tags: list[str] = ()) -> nbformat.NotebookNode:
    """A Markdown cell with tags."""
    return nbformat.v4.new_markdown_cell(source, metadata={"tags": list(tags)})
