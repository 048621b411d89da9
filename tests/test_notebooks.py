"""The notebooks are committed as essays without results: badge, title, question, parameters; results: in reports/."""

import importlib.util
import os
import re
import shutil
import subprocess

import nbformat
import pytest
import yaml
from conftest import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LEADING = {"09_report", "12_answer"}  # they begin with the five lines of a first screen
JOINED = {"12_answer": "answer.md", "13_coverage": "coverage.md"}  # of no single study: its answer; no stage of one
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def colab():
    """notebooks/colab.py, which is no part of the package."""
    spec = importlib.util.spec_from_file_location("colab", ROOT / "notebooks/colab.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@each_notebook
def test_a_notebook_has_no_outputs_short_cells_and_a_parameters_cell(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert max(len(cell.source.splitlines()) for cell in code) <= 12
    parameters = [cell.source for cell in code if "parameters" in cell.metadata.get("tags", [])]
    assert len(parameters) == 1
    study = "primer" if path.stem == "00_primer" else "demo"  # the primer needs no data
    assert path.stem in JOINED or f'study = "{study}"' in parameters[0]


@pytest.mark.parametrize("path", [p for p in NOTEBOOKS if p.stem not in LEADING], ids=lambda path: path.stem)
def test_a_notebook_opens_with_its_question_and_ends_with_what_would_change_the_answer(path):
    cells = nbformat.read(path, as_version=4).cells
    assert cells[2].source.startswith(f"# {path.stem[:2]} · ") and "**Question.**" in cells[2].source
    assert cells[-1].source.startswith("## What would change the answer")


@each_notebook
def test_a_notebook_saves_its_answer_for_the_report(path):
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    joined = path.stem in JOINED
    text = f'folder / "{JOINED[path.stem]}"' if joined else f'study.answer("{path.stem}"'
    saving = [cell for cell in cells if text in cell.source]
    assert len(saving) == 1
    # a page shows the cell with this tag right below its question
    assert path.stem in LEADING or "answer" in saving[0].metadata.tags


@each_notebook
def test_a_notebook_opens_in_colab_and_fetches_itself_there(path):
    badge, cell = nbformat.read(path, as_version=4).cells[:2]
    assert f"/blob/main/notebooks/{path.name})" in badge.source
    assert f"!{{sys.executable}} colab.py {path.stem}\n" in cell.source
    addresses = re.findall(r"https://(?:colab\.research\.google\.com/github|github\.com)/[\w.-]+/[\w.-]+", badge.source)
    addresses += re.findall(r"https://github\.com/[\w.-]+/[\w-]+", cell.source)
    # one and the same project, so that a badge opens the notebook of the project which its cell clones
    assert len(addresses) == 2 and len({tuple(address.split("/")[-2:]) for address in addresses}) == 1
    assert all("hide" in one.metadata.tags for one in (badge, cell)), "a page shows neither"


@each_notebook
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


def test_every_notebook_that_reads_what_others_made_has_a_stage_that_makes_it(colab):
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    assert set(colab.BEFORE) == {path.stem for path in NOTEBOOKS} - {"00_primer", "01_download", *JOINED}
    assert {stage.split("@")[0] for stage in colab.BEFORE.values()} <= set(stages)


def test_only_missing_packages_are_installed_and_torch_never(colab):
    requirements = "-c constraints.txt\ntorch==2.15.0    # a pair\nno-such-package==1.2\npandas==0.1\nruff==0.1\n"
    assert colab.missing(requirements) == ["no-such-package==1.2"]


def test_badges_are_set_in_every_notebook_and_nowhere_else(tmp_path):
    (tmp_path / "notebooks").mkdir()
    for name in ["Makefile", "README.md"]:
        shutil.copy(ROOT / name, tmp_path)
    for path in NOTEBOOKS:  # and not the sockets that a killed kernel leaves beside them
        shutil.copy(path, tmp_path / "notebooks")
    command = ["make", "-C", tmp_path, "badges", "REPO=some-body/some.thing"]
    subprocess.run(command, check=True, capture_output=True)
    for path in NOTEBOOKS:
        text, before = (tmp_path / "notebooks" / path.name).read_text(), path.read_text()
        assert text.count("some-body/some.thing") == 2 and f"some.thing/blob/main/notebooks/{path.name}" in text
        assert len(text.splitlines()) == len(before.splitlines())
        changed = [line for line, old in zip(text.splitlines(), before.splitlines()) if line != old]
        assert all("some-body/some.thing" in line for line in changed)
    once = {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}
    subprocess.run(command, check=True, capture_output=True)
    assert once == {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}


def test_badges_lead_from_the_readme_to_rendered_pages(tmp_path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "notebooks").mkdir()
    shutil.copy(NOTEBOOKS[0], tmp_path / "notebooks")
    text = "[all](reports/index.html), [one](reports/small/index.html), [bench](reports/bench/bench.csv)"
    (tmp_path / "README.md").write_text(text)
    for owner, name in [("first", "one"), ("some-body", "some.thing")]:
        subprocess.run(["make", "-C", tmp_path, "badges", f"REPO={owner}/{name}"], check=True, capture_output=True)
        site = f"https://{owner}.github.io/{name}"
        expected = f"[all]({site}/index.html), [one]({site}/small/index.html), [bench](reports/bench/bench.csv)"
        assert (tmp_path / "README.md").read_text() == expected
