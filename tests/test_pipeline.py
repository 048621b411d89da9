"""The whole way of a tiny study: `dvc repro`, its report, its notebooks under nbval."""

import copy
import re
import shutil
import socket
from pathlib import Path

import faults
import nbformat
import pandas as pd
import pytest
from conftest import PLANTED

from lib.study import ROOT

FETCHES = re.compile(
    r"""<(?:script|link|iframe|img)[^>]*(?:src|href)\s*=\s*(?!["']?data:)|url\(|@import|https?://(?!www\.w3\.org)"""
)
UNCOMMITTED = ["data", "weights", "cache", "build"]  # folders that Git does not keep


def test_the_report_shows_table_1_and_the_papers_figures(finished):
    page = (finished.folder / "reports/tiny/index.html").read_text()
    for expected in [
        "CNN (custom), from scratch",
        "ViT proposed, pre-trained on drawings",
        "93.38",
        "Blood phantoms",
        "Brain phantoms",
        "01_download-phantom-blood.html",
    ]:
        assert expected in page
    for number in range(2, 14):
        assert f"Figure {number}, re-made" in page


def test_a_page_of_one_data_set_says_which_it_is_and_what_a_reader_must_know_of_it(finished):
    reports = finished.folder / "reports/tiny"
    note = "Several views are drawn of each photograph"
    assert f"<strong>Here:</strong> Blood phantoms. {note}" in (reports / "01_download-phantom-blood.html").read_text()
    page = (reports / "05_train-phantom-brain-published-cnn.html").read_text()
    assert "<strong>Here:</strong> Brain phantoms; split <code>published</code>; CNN (custom)" in page


def test_a_page_fetches_nothing_and_tells_no_path_of_the_machine(finished):
    pages = sorted(finished.folder.glob("reports/tiny/*.html"))
    assert len(pages) == 2 + 2 + 2 + 6 + 1 + 1 + 1 + 1 + 1 + 1
    for page in pages:
        text = re.sub(r"data:image/[^\"]*", "data:", page.read_text())
        assert not FETCHES.search(text), (page.name, FETCHES.search(text))
        assert str(finished.folder) not in text and str(ROOT) not in text


def test_no_credential_and_no_name_of_the_machine_is_written_anywhere(finished):
    code, output = finished.run("python", "-m", "lib.pages", "01_download", "quick", "dataset=brain-mri")
    assert code == 1 and "Kaggle did not hand it over" in output and "planted" not in output
    told = [word for word in [*PLANTED.values(), socket.gethostname(), str(Path.home())] if len(word) > 4]
    written = [p for p in finished.folder.rglob("*") if p.is_file() and ".git/" not in str(p) and ".dvc/" not in str(p)]
    written = [p for p in written if p.parts[len(finished.folder.parts)] not in {"tests", "lib", "notebooks"}]
    assert len(written) > 100
    for path in written:
        content = path.read_bytes()
        assert not [word for word in told if word.encode() in content], path


def test_the_report_says_what_decides_which_head_is_best_and_what_that_costs(finished):
    page = (finished.folder / "reports/tiny/index.html").read_text()
    assert "The published rule is a tie: with the same heads numbered backwards" in page
    assert "between batches of 64 and of one image" in page and "falls inside the tumour" in page
    tables = finished.folder / "reports/tiny/shown/04_attention"
    ties, costs = pd.read_csv(tables / "ties.csv"), pd.read_csv(tables / "blocks.csv")
    fp64 = ties.query("scope == 'image' and precision == 'fp64' and condition == 'heads renumbered'")
    assert fp64[fp64.rule == "l1"].changed.max() > 0.5 > fp64[fp64.rule == "confidence"].changed.max()
    assert costs.groupby("attention").image_size.agg(["min", "max"]).to_numpy().tolist() == [[64, 512]] * 3


def test_seeds_that_were_stopped_are_told_and_no_table_has_a_hole(finished, tmp_path):
    folder = finished.folder / "runs/tiny/phantom-brain/published/cnn"
    shutil.copytree(folder, tmp_path / "kept")
    for seed in [0, 1]:
        for name in ["predictions.csv", "history.csv"]:
            (folder / f"seed-{seed}" / name).unlink()
        (folder / f"seed-{seed}" / "stopped.txt").write_text(
            "the loss became nan in epoch 2 at the learning rate 0.001"
        )
        for page in ["06_evaluate", "07_figures", "08_claims", "09_report"]:
            code, output = finished.run("python", "-m", "lib.pages", page, "tiny")
            assert code == 0, output
        report = (finished.folder / "reports/tiny/index.html").read_text()
        assert f"Seed {seed} of CNN (custom), from scratch was stopped: the loss became nan" in report
        tables = finished.folder / "reports/tiny/tables"
        assert pd.read_csv(tables / "table1.csv")[["mean", "low", "high"]].notna().all(axis=None)
        brain = pd.read_csv(tables / "evidence.csv").query("dataset == 'phantom-brain' and model == 'cnn'")
        assert brain.seeds.tolist() == [[1], []][seed]
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "kept", folder)
    assert finished.run("dvc", "repro", "params/tiny/dvc.yaml")[0] == 0


def test_nothing_is_done_again_when_nothing_changed(finished):
    code, output = finished.run("dvc", "repro", "params/tiny/dvc.yaml")
    assert code == 0 and "Running stage" not in output


def test_a_remote_restores_a_finished_study_in_a_clone_and_nothing_is_trained(finished, tmp_path):
    for command in [["remote", "add", "-d", "store", str(tmp_path / "store")], ["push", "params/tiny/dvc.yaml"]]:
        assert finished.run("dvc", *command)[0] == 0
    clone = copy.copy(finished)
    clone.folder = tmp_path / "clone"
    shutil.copytree(finished.folder, clone.folder, symlinks=True, ignore=shutil.ignore_patterns(*UNCOMMITTED))
    assert finished.run("dvc", "remote", "remove", "store")[0] == 0
    assert clone.run("dvc", "pull", "params/tiny/dvc.yaml")[0] == 0
    code, output = clone.run("dvc", "repro", "params/tiny/dvc.yaml")
    assert code == 0 and "Running stage" not in output
    assert faults.files(clone, "tiny") == faults.files(finished, "tiny")


@pytest.mark.parametrize(
    "arguments",
    [
        ["02_groups", "dataset=phantom-blood"],
        ["03_split", "dataset=phantom-brain", "split=published"],
        ["05_train", "dataset=phantom-brain", "split=published", "model=cnn"],
        ["06_evaluate"],
        ["08_claims"],
    ],
)
def test_two_runs_of_a_notebook_make_the_same_page(finished, arguments):
    notebook, *assignments = arguments
    name = "-".join([notebook, *(assignment.split("=")[1] for assignment in assignments)])
    page = finished.folder / f"reports/tiny/{name}.html"
    before = page.read_bytes()
    code, output = finished.run("python", "-m", "lib.pages", notebook, "tiny", *assignments)
    assert code == 0, output
    assert page.read_bytes() == before


def test_a_wrong_parameter_stops_the_pipeline_and_names_the_right_one(finished):
    path = finished.folder / "params/tiny/params.yaml"
    text = path.read_text()
    try:
        path.write_text(text.replace("image_size: 64", "image_size: 64\nbatchsize: 3"))
        code, output = finished.run("dvc", "repro", "params/tiny/dvc.yaml")
    finally:
        path.write_text(text)
    assert code != 0 and "did you mean 'batch_size'?" in output and "Traceback" not in output
    assert finished.run("dvc", "repro", "params/tiny/dvc.yaml")[0] == 0


def test_a_notebook_that_fails_says_why_in_a_few_lines_and_is_kept(finished):
    arguments = ["dataset=brain-mri", "split=published", "model=cnn"]
    code, output = finished.run("python", "-m", "lib.pages", "05_train", "tiny", *arguments)
    assert code == 1 and "unknown data set of the study 'tiny' 'brain-mri'" in output and "Traceback" not in output
    assert (finished.folder / "build/tiny-05_train-brain-mri-published-cnn.ipynb").exists()
    assert not (finished.folder / "reports/tiny/05_train-brain-mri-published-cnn.html").exists()


def test_the_executed_notebooks_pass_nbval(finished):
    pages = [page.stem for page in finished.folder.glob("reports/tiny/*.html")]
    code, output = nbval(finished, sorted(finished.folder / f"build/tiny-{page}.ipynb" for page in pages))
    assert code == 0, output
    assert int(re.search(r"(\d+) passed", output)[1]) > 100


def test_nbval_notices_a_changed_number_in_every_cell_that_states_one(finished):
    pages = ["01_download", "02_groups", "03_split", "05_train", "06_evaluate", "07_figures", "08_claims", "index"]
    notebooks, spoiled = [], 0
    for page in pages:
        path = sorted(finished.folder.glob(f"build/tiny-{page}*.ipynb"))[-1]
        notebook = nbformat.read(path, as_version=4)
        marked = [cell for cell in notebook.cells if "NBVAL_CHECK_OUTPUT" in cell.source]
        changed = sum(spoil(cell) for cell in marked)
        assert changed == len(marked) > 0, page
        spoiled += changed
        notebooks.append(path.with_name(f"changed-{page}.ipynb"))
        nbformat.write(notebook, notebooks[-1])
    code, output = nbval(finished, notebooks)
    for path in notebooks:
        path.unlink()
    assert code == 1 and int(re.search(r"(\d+) failed", output)[1]) == spoiled > 10


def spoil(cell) -> bool:
    """Change the first digit that a cell printed or showed; False: there is none."""
    for output in cell.outputs:
        kept = output if output.output_type == "stream" else output.get("data", {})
        for key in ["text", "text/markdown", "text/html", "text/plain"]:
            if re.search(r"\d", kept.get(key, "")):
                kept[key] = re.sub(r"\d", lambda digit: str((int(digit[0]) + 1) % 10), kept[key], count=1)
                return True
    return False


def nbval(project, notebooks) -> tuple[int, str]:
    return project.run("python", "-m", "pytest", "--nbval-lax", "-p", "no:cacheprovider", *map(str, notebooks))
