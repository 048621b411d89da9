"""The notebooks are committed as essays without results: title, question, parameters; results live in reports/."""

import nbformat
import pytest

from lib.study import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_has_no_outputs_short_cells_and_a_parameters_cell(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert max(len(cell.source.splitlines()) for cell in code) <= 24
    assert sum("parameters" in cell.metadata.get("tags", []) for cell in code) == 1
    study = "primer" if path.stem == "00_primer" else "demo"  # the primer needs no data
    assert f'study = "{study}"' in next(cell.source for cell in code if "parameters" in cell.metadata.get("tags", []))


@pytest.mark.parametrize("path", [p for p in NOTEBOOKS if p.stem != "09_report"], ids=lambda path: path.stem)
def test_a_notebook_opens_with_its_question_and_ends_with_what_would_change_the_answer(path):
    notebook = nbformat.read(path, as_version=4)
    assert notebook.cells[0].source.startswith(f"# {path.stem[:2]} · ") and "**Question.**" in notebook.cells[0].source
    assert notebook.cells[-1].source.startswith("## What would change the answer")
