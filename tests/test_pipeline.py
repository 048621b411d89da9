"""The whole way of a tiny study: `dvc repro`, its report, its notebooks under nbval."""

import re
import shutil
import socket
from pathlib import Path

import faults
import nbformat
import pandas as pd
from bs4 import BeautifulSoup
from conftest import PLANTED, ROOT

from lib.report import site

FETCHES = re.compile(
    r"""<(?:script|link|iframe|img)[^>]*(?:src|href)\s*=\s*(?!["']?(?:data:|[\w/-]+\.svg["']))|url\(|@import|https?://(?!www\.w3\.org)"""
)
UNCOMMITTED = ["data", "weights", ".dvc/cache", "build"]  # folders that Git does not keep


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
    page = (reports / "05_train-phantom-brain-published.html").read_text()
    assert "<strong>Here:</strong> Brain phantoms; split <code>published</code>." in page
    sections = re.findall(r"<h2[^>]*>(.*?)</h2>", page)
    models = ["CNN (custom), from scratch", "ViT, pre-trained on drawings", "ViT proposed, pre-trained on drawings"]
    assert sections == [*models, "What would change the answer"]


def test_every_page_leads_to_all_studies_and_to_the_next_and_no_link_of_a_report_leads_nowhere(finished):
    pages = sorted((finished.folder / "reports/tiny").glob("*.html"))
    soups = {page.stem: BeautifulSoup(page.read_text(), "html.parser") for page in pages}
    assert not site.broken_links([*pages, finished.folder / "reports/index.html"])
    assert all(soup.select_one('header a[href="../index.html"]') for soup in soups.values())
    assert len({soup.title.string for soup in soups.values()}) == len(pages)
    page, seen = "index", []
    while page not in seen:
        seen.append(page)
        after = soups[page].select_one("footer a[rel=next]")
        page = after["href"].removesuffix(".html") if after else page
    assert set(seen) == set(soups)


def test_a_page_fetches_nothing_and_tells_no_path_of_the_machine(finished):
    pages = sorted(finished.folder.glob("reports/tiny/*.html"))
    assert len(pages) == 2 + 2 + 2 + 2 + 1 + 1 + 1 + 1 + 1 + 1, [page.name for page in pages]
    for page in pages:
        text = re.sub(r"data:image/[^\"]*", "data:", page.read_text())
        text = re.sub(r'<a [^>]*href="https?://[^"]*"', "<a", text)  # a link that somebody has to follow
        assert not FETCHES.search(text), (page.name, FETCHES.search(text))
        assert str(finished.folder) not in text and str(ROOT) not in text


def test_no_credential_and_no_name_of_the_machine_is_written_anywhere(finished):
    code, output = finished.run("python", "-m", "lib", "execute", "01_download", "quick", "dataset=brain-mri")
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
    assert "The published rule is a tie" in page and "with the same heads numbered backwards" in page
    assert "between batches of 64 and of one image" in page and "falls inside it" in page
    tables = finished.folder / "reports/tiny/shown/04_attention"
    ties, costs = pd.read_csv(tables / "ties.csv"), pd.read_csv(tables / "costs.csv")
    fp64 = ties.query("scope == 'image' and precision == 'fp64' and condition == 'heads renumbered'")
    assert fp64[fp64.rule == "l1"].changed.max() > 0.5 > fp64[fp64.rule == "confidence"].changed.max()
    assert costs.attention.nunique() == 3 and (costs[["flops", "peak_bytes"]] > 0).all(axis=None)


def test_a_seed_that_was_stopped_is_named_and_no_table_has_a_hole(changeable):
    folder = changeable.folder / "runs/tiny/phantom-brain/published/cnn/seed-0"
    for name in ["predictions.csv.gz", "history.csv"]:
        (folder / name).unlink()
    (folder / "stopped.txt").write_text("the loss became nan in epoch 2 at the learning rate 0.001")
    for notebook in ["06_evaluate", "07_figures", "08_claims", "09_report"]:
        code, output = changeable.run("python", "-m", "lib", "execute", notebook, "tiny")
        assert code == 0, output
    assert changeable.run("python", "-m", "lib", "render", "tiny", "index")[0] == 0
    report = (changeable.folder / "reports/tiny/index.html").read_text()
    assert "Seed 0 of CNN (custom), from scratch was stopped: the loss became nan" in report
    tables = changeable.folder / "reports/tiny/tables"
    scores = pd.read_csv(tables / "table1.csv")
    # two groups of a class are too few for an interval: then both ends are left out
    assert scores["mean"].notna().all() and (scores.low.notna() == scores.high.notna()).all()
    brain = pd.read_csv(tables / "evidence.csv").query("dataset == 'phantom-brain' and model == 'cnn'")
    assert brain.seeds.tolist() == [1]


def test_nothing_is_done_again_when_nothing_changed(finished):
    code, output = finished.run("dvc", "repro", "params/tiny/dvc.yaml")
    assert code == 0 and "Running stage" not in output


def test_a_change_of_style_makes_every_page_again_and_executes_nothing(changeable):
    pages = sorted(changeable.folder.glob("reports/tiny/*.html"))
    with open(changeable.folder / "lib/report/page/style.css", "a") as style:
        style.write("\n/* another look */\n")
    code, output = changeable.run("dvc", "repro", "params/tiny/dvc.yaml")
    assert code == 0 and re.findall(r"Running stage '\S+:(\S+)'", output) == ["pages"], output
    assert len(pages) > 10 and all("/* another look */" in page.read_text() for page in pages)


def test_pages_of_trained_models_are_made_again_without_their_weights(changeable):
    tables = {path: path.read_bytes() for path in changeable.folder.glob("reports/tiny/shown/*/*.csv")}
    shutil.rmtree(changeable.folder / "weights")
    for notebook in ["04_attention", "10_use"]:
        code, output = changeable.run("python", "-m", "lib", "execute", notebook, "tiny")
        assert code == 0, output
    assert len(tables) > 5 and {path: path.read_bytes() for path in tables if "costs" not in path.name} == {
        path: content for path, content in tables.items() if "costs" not in path.name
    }


def test_the_list_of_studies_leaves_out_what_is_not_committed(finished):
    page = (finished.folder / "reports/index.html").read_text()
    assert "demo/index.html" not in page and "<html" in page


def test_a_remote_restores_a_finished_study_in_a_clone_and_nothing_is_trained(changeable, tmp_path):
    for command in [["remote", "add", "-d", "store", str(tmp_path / "store")], ["push", "params/tiny/dvc.yaml"]]:
        assert changeable.run("dvc", *command)[0] == 0
    clone = changeable.copy(tmp_path / "clone")
    for folder in UNCOMMITTED:
        shutil.rmtree(clone.folder / folder)
    assert clone.run("dvc", "pull", "params/tiny/dvc.yaml")[0] == 0
    code, output = clone.run("dvc", "repro", "params/tiny/dvc.yaml")
    assert code == 0 and "Running stage" not in output
    assert faults.files(clone, "tiny") == faults.files(changeable, "tiny")


def test_two_runs_of_a_notebook_make_the_same_bytes(changeable):
    path = changeable.folder / "build/tiny/06_evaluate.ipynb"
    before = path.read_bytes()
    path.unlink()
    code, output = changeable.run("python", "-m", "lib", "execute", "06_evaluate", "tiny")
    assert code == 0, output
    assert path.read_bytes() == before


def test_a_wrong_parameter_stops_the_pipeline_and_names_the_right_one(changeable):
    path = changeable.folder / "params/tiny/params.yaml"
    path.write_text(path.read_text().replace("  batch_size: 32", "  batch_size: 32\n  batchsize: 3"))
    code, output = changeable.run("dvc", "repro", "params/tiny/dvc.yaml")
    assert code != 0 and "did you mean 'batch_size'?" in output and "Traceback" not in output


def test_a_notebook_that_fails_says_why_in_a_few_lines_and_is_kept(changeable):
    arguments = ["dataset=brain-mri", "split=published", "model=cnn"]
    code, output = changeable.run("python", "-m", "lib", "execute", "05_train", "tiny", *arguments)
    assert code == 1 and "unknown data set of the study 'tiny' 'brain-mri'" in output and "Traceback" not in output
    assert (changeable.folder / "build/failed/tiny-05_train-brain-mri-published-cnn.ipynb").exists()
    assert not list(changeable.folder.glob("build/tiny/05_train-brain-mri*"))


KINDS = [
    "01_download",
    "02_groups",
    "03_split",
    "04_attention",
    "05_train",
    "06_evaluate",
    "07_figures",
    "08_claims",
    "index",
    "10_use",
]


def test_one_executed_notebook_of_each_kind_passes_nbval(changeable):
    code, output = nbval(changeable, [sorted(changeable.folder.glob(f"build/tiny/{kind}*"))[-1] for kind in KINDS])
    assert code == 0, output
    assert int(re.search(r"(\d+) passed", output)[1]) > 80


def test_nbval_notices_a_changed_number_in_every_cell_that_states_one(changeable):
    path = changeable.folder / "build/tiny/06_evaluate.ipynb"
    notebook = nbformat.read(path, as_version=4)
    marked = [cell for cell in notebook.cells if "NBVAL_CHECK_OUTPUT" in cell.source and cell.outputs]
    # this study has no image with several labels, and the cell about them says so without a number
    marked = [cell for cell in marked if "labels.csv" not in cell.source]
    spoiled = sum(spoil(cell) for cell in marked)
    assert spoiled == len(marked) > 3
    nbformat.write(notebook, path)
    code, output = nbval(changeable, [path])
    assert code == 1 and int(re.search(r"(\d+) failed", output)[1]) == spoiled


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
    command = ["python", "-m", "pytest", "--nbval-lax", "-p", "no:cacheprovider", *map(str, notebooks)]
    return project.run("env", f"PYTHONPATH={project.folder}", *command)
