"""The notebooks are committed as essays without results: badge, title, question, parameters; results live in reports/."""

import os
import re
import shutil

import nbformat
import pytest
import yaml

from lib import badges, colab
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
    assert notebook.cells[2].source.startswith(f"# {path.stem[:2]} · ") and "**Question.**" in notebook.cells[2].source
    assert notebook.cells[-1].source.startswith("## What would change the answer")


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_opens_in_colab_and_fetches_itself_there(path):
    badge, cell = nbformat.read(path, as_version=4).cells[:2]
    assert f"/blob/main/notebooks/{path.name})" in badge.source and f"colab.py {path.stem}" in cell.source
    addresses = set(badges.ADDRESS.findall(badge.source + cell.source))
    assert addresses == {"colab.research.google.com/github/", "https://github.com/"}
    assert all("hide" in one.metadata.tags for one in (badge, cell)), "a page shows neither"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_colabs_own_lib_beside_its_folder_is_not_taken_for_the_project(path, tmp_path, monkeypatch):
    (tmp_path / "lib").mkdir()  # Colab starts in /content, and /lib is the system's
    (tmp_path / "content").mkdir()
    monkeypatch.chdir(tmp_path / "content")
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab")
    source = nbformat.read(path, as_version=4).cells[1].source
    fetches = re.search(r"^if (.+):$", source, re.M)[1]
    assert eval(fetches, {"os": os})
    monkeypatch.chdir(ROOT / "notebooks")
    assert not eval(fetches, {"os": os})


def test_every_notebook_that_reads_what_others_made_has_a_stage_that_makes_it():
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    assert set(colab.BEFORE) == {path.stem for path in NOTEBOOKS} - {"00_primer", "01_download"}
    assert {stage.split("@")[0] for stage in colab.BEFORE.values()} <= set(stages)


def test_only_what_lacks_is_installed_and_torch_never():
    wanted = "-c constraints.txt\ntorch==2.15.0    # a pair\nno-such-package==1.2\npandas==0.1\nruff==0.1\n"
    assert colab.lacking(wanted) == ["no-such-package==1.2"]


def test_badges_are_set_in_every_notebook_and_nowhere_else(tmp_path, monkeypatch, capsys):
    (tmp_path / "notebooks").mkdir()
    for path in NOTEBOOKS:  # and not the sockets that a killed kernel leaves beside them
        shutil.copy(path, tmp_path / "notebooks")
    monkeypatch.setattr(badges, "ROOT", tmp_path)
    badges.main("some-body/some.thing")
    for path in NOTEBOOKS:
        text = (tmp_path / "notebooks" / path.name).read_text()
        assert text.count("some-body/some.thing") == 2 and f"some.thing/blob/main/notebooks/{path.name}" in text
    capsys.readouterr()
    badges.main("some-body/some.thing")
    assert capsys.readouterr().out == "", "nothing is left to change"
    with pytest.raises(SystemExit, match="is no owner/name"):
        badges.main("nobody")
