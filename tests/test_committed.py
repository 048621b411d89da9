"""What is committed of the studies: all of it follows from the predictions, and no picture of theirs is among it."""

import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from conftest import Project

from lib import strict
from lib.data import catalogue
from lib.probes.ties import RULES
from lib.report.tables import span
from lib.study import load_study

LISTED = ["git", "ls-files", "reports/*/index.html"]
TRACKED = subprocess.run(LISTED, cwd=strict.ROOT, capture_output=True, text=True).stdout
STUDIES = sorted({Path(name).parent.name for name in TRACKED.split()} - {"answer"})  # one study each; not the demo


@pytest.mark.parametrize(
    "name", [name if name == "quick" else pytest.param(name, marks=pytest.mark.slow) for name in STUDIES]
)
def test_every_table_and_verdict_is_redone_from_the_committed_predictions_alone(name, tmp_path):
    # verdicts read the runs of other studies, and how many images of a class these learned from
    others = [f"reports/{other}/splits/" for other in STUDIES]
    project = Project(tmp_path, keep=("runs/", f"reports/{name}/", *others))
    committed = {p.relative_to(tmp_path): pd.read_csv(p) for p in (tmp_path / "reports" / name).rglob("*.csv")}
    for folder in ["tables", "evidence", "figures", "claims"]:
        shutil.rmtree(tmp_path / "reports" / name / folder)
    for page in ["06_evaluate", "07_figures", "08_claims", "09_report"]:
        code, output = project.run("python", "-m", "lib", "execute", page, name)
        assert code == 0, output
    assert not (tmp_path / "data").exists() and not (tmp_path / "weights").exists()
    for path, table in committed.items():
        pd.testing.assert_frame_equal(pd.read_csv(tmp_path / path), table, atol=1e-6, rtol=0)


def test_every_interval_that_the_readme_quotes_stands_in_a_committed_table():
    tables = [pd.read_csv(path) for path in strict.ROOT.glob("reports/*/tables/differences.csv")]
    known = {span(row) for table in tables for row in table.itertuples()}
    readme = " ".join((strict.ROOT / "README.md").read_text().split()).replace("\N{MINUS SIGN}", "-")
    quoted = re.findall(r"[+-]\d+\.\d \[[+-]\d+\.\d, [+-]\d+\.\d\]", readme)
    assert len(quoted) >= 3 and set(quoted) <= known


def test_the_other_numbers_of_the_readme_s_answer_stand_in_committed_tables():
    readme = " ".join((strict.ROOT / "README.md").read_text().split())
    reports = strict.ROOT / "reports"
    scores = pd.read_csv(reports / "ablation/tables/evidence.csv").set_index(["dataset", "model"]).accuracy
    proposed, plain = (f"{100 * scores['blood-cells', model]:.1f} %" for model in ["released", "vit"])
    assert f"learned nothing there ({proposed} accuracy; plain ViT {plain})" in readme
    judged = pd.read_csv(reports / "small/claims/claims.csv").set_index("claim").estimate
    blood, brain = judged["arithmetic-blood"], judged["arithmetic-mri"]
    assert f"{blood} of 5 rows for blood cells and {brain} of 5 for brain MRI" in readme
    answer = pd.read_csv(reports / "answer/tables/answer.csv").set_index("data")
    assert f"prints {answer.effect['Blood cells']:.2f} and {answer.effect['Brain MRI']:.2f} points" in readme
    weak = answer[["without", "with_residual"]].max(axis=1) <= answer.simple
    assert set(answer.index[weak]) == {"Brain MRI", "PneumoniaMNIST"}


@pytest.mark.parametrize("name", STUDIES)
def test_a_committed_report_shows_no_image_of_a_data_set_whose_licence_does_not_allow_it(name):
    study = load_study(name)
    shown = [study.entry(dataset) for dataset in study.datasets if study.entry(dataset).pictures]
    assert all(may_be_shown(entry) for entry in shown)
    for page in study.report.rglob("*"):
        assert page.suffix in {"", ".html", ".csv", ".svg", ".json", ".md"}
        # page 00 draws heat maps of random numbers, and no data set
        if page.is_file() and not shown and page.parent.name != "00_primer":
            assert "data:image/png" not in page.read_text() and "data:image/jp" not in page.read_text()


@pytest.mark.parametrize("name", catalogue.names())
def test_an_entry_allows_pictures_only_with_an_open_licence_and_an_attribution(name):
    entry = catalogue.entry(name)
    assert may_be_shown(entry) or not entry.pictures


@pytest.mark.parametrize("licence, allowed", [("CC BY 4.0", True), ("CC BY-NC 4.0", False), ("", False)])
def test_images_may_be_shown_by_their_licence(licence, allowed):
    entry = catalogue.entry("pneumonia-mnist").model_copy(update={"licence": licence})
    assert may_be_shown(entry) == allowed


def may_be_shown(entry) -> bool:
    """Whether a committed report may show images: drawn ones, and those of an open licence, with their attribution."""
    return entry.draw is not None or (entry.licence == "CC BY 4.0" and entry.attribution != "")


def test_images_in_the_repository_have_their_licence_and_attribution_beside_them():
    listed = subprocess.run(["git", "ls-files", "params/datasets"], cwd=strict.ROOT, capture_output=True, text=True)
    files = [Path(name) for name in listed.stdout.split() if not name.endswith((".yaml", ".md"))]
    text = (strict.ROOT / "params/datasets/LICENCES.md").read_text()
    readme = (strict.ROOT / "README.md").read_text()
    entries = {
        f"{entry.medmnist.name}.npz": entry for entry in map(catalogue.entry, catalogue.names()) if entry.medmnist
    }
    for file in files:
        assert entries[file.name].licence == "CC BY 4.0" and file.name in text and file.name in readme


def test_the_ablations_finalists_are_the_screens_best():
    screen, ablation = load_study("screen").models, load_study("ablation")
    ranked = pd.read_csv(strict.ROOT / "reports/screen/tables/validation.csv").model
    best = [name for name in ranked if screen[name].settings.get("selection") in RULES][:3]
    assert ablation.vits(plain=False)[:3] == best
