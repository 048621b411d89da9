"""reports/index.html says of each document what was found and how sure it is, and lists all studies, nobody's own."""

import re
import shutil

import pandas as pd
import pytest
import yaml
from bs4 import BeautifulSoup
from conftest import ROOT

from lib import strict
from lib.report import documents, index, site, studies
from lib.strict import StudyError
from lib.study import load_study

ANSWER = {"run": True, "data": "MNIST", "estimate": -0.27, "low": -0.42, "high": -0.13, "detectable": 0.2}
CLAIMS = [
    ("the MLP weighs about 1 MB", "0.95 MB", "supported"),
    ("our question: is it so?", "+3.0 points", "supported"),
    ("LeNet is better", "-1.5 points", "contradicted"),
    ("it reaches 91 %", "", "not testable here"),
]


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project where quick, startup-small, the demo and a study of one's own images have reports."""
    shutil.copytree(ROOT / "params", tmp_path / "params", ignore=shutil.ignore_patterns("*.npz"))
    own = yaml.safe_load((ROOT / "params/quick/params.yaml").read_text())
    (tmp_path / "params/own-images").mkdir()
    settings = {"study": "own-images", "datasets": {"own-images": {"epochs": 1}}}
    (tmp_path / "params/own-images/params.yaml").write_text(yaml.safe_dump(own | settings))
    entry = {"title": "Own", "images": "{label}/*", "classes": {"a": "a", "b": "b"}, "folder": "data/own-images"}
    (tmp_path / "params/datasets/own-images.yaml").write_text(yaml.safe_dump(entry))
    for name in ["quick", "startup-small", "demo", "own-images", "answer"]:
        (tmp_path / "reports" / name).mkdir(parents=True)
        page = '<h2 id="a">A report</h2><a href="../index.html">up</a>'
        (tmp_path / "reports" / name / "index.html").write_text(page)
    shutil.copytree(ROOT / "reports/quick/splits", tmp_path / "reports/quick/splits")
    run = tmp_path / "runs/quick/brain-mri/published/cnn/seed-0"
    run.mkdir(parents=True)
    (run / "settings.yaml").write_text("{}")
    timing = tmp_path / "reports/quick/timing/brain-mri-published-cnn-seed-0.csv"
    timing.parent.mkdir()
    # the machine paused in the second of three epochs
    timing.write_text("seconds,device\n1250,CPU\n90000,CPU\n1240,CPU\n")
    claims = pd.DataFrame(CLAIMS, columns=["words", "estimate", "verdict"])
    (tmp_path / "reports/startup-small/claims").mkdir()
    claims.to_csv(tmp_path / "reports/startup-small/claims/claims.csv")
    (tmp_path / "reports/answer/tables").mkdir()
    (tmp_path / "reports/answer/answer.md").write_text("It makes a small ViT **less** accurate.\n\n- MNIST: no.\n")
    rows = pd.DataFrame([{**ANSWER, "seeds": 20, "images": 10000}, {"run": False, "data": "Blood cells"}])
    rows.to_csv(tmp_path / "reports/answer/tables/answer.csv")
    (tmp_path / "reports/bench").mkdir()
    (tmp_path / "reports/bench/coverage.html").write_text('<a href="../index.html">up</a>')
    monkeypatch.setattr(strict, "ROOT", tmp_path)
    return tmp_path


@pytest.fixture
def page(project) -> BeautifulSoup:
    return BeautifulSoup(index.write_index().read_text(encoding="utf-8"), "html.parser")


def lines(page, title) -> list[str]:
    """Finding, how sure, and the names of its reports, of a document."""
    section = next(section for section in page.select("section") if section.h2.get_text() == title)
    return [line.get_text().replace("\u00a0", " ") for line in section.select("dd")]


def test_every_document_has_a_finding_and_how_sure_it_is_from_committed_tables(page):
    assert len(page.select("dl.finding")) == 4
    finding, sure, reports = lines(page, documents.load_source("res-vit").title)
    assert finding.endswith("It makes a small ViT less accurate.") and "lowest attention entropy" in finding
    assert reports == "quick"
    assert sure.startswith("95 % intervals of the difference, in percentage points: MNIST [−0.4, −0.1]. Per data set")
    assert "20 seeds and 10,000 test images; 80 % power from 0.2 points." in sure
    assert sure.endswith("Next: study paper, not yet run.")
    finding, sure, *_ = lines(page, "Startup Project B4")
    assert (
        finding
        == "Contradicted (1): “LeNet is better” (−1.5 points). Supported (1): “the MLP weighs about 1 MB” (0.95 MB)."
    )
    assert sure.startswith("Of 3 claims, 2 are decided and 0 undecided; 1 cannot be tested")
    assert "Our own questions (1) are not counted." in sure
    assert lines(page, "Basics of Convolutional Neural Networks")[0] == "No study of it has been run yet."


def test_every_study_has_a_row_and_those_with_a_report_a_link_but_neither_the_demo_nor_ones_own_images(page):
    rows = {row.td.contents[0].get_text(): row for row in page.select("table.studies tr:has(td)")}
    names = {path.parent.name for path in (ROOT / "params").glob("*/params.yaml")}
    assert set(rows) == names - {"demo"}
    links = {name: row.td.a["href"] for name, row in rows.items() if row.td.a}
    assert links == {name: f"{name}/index.html" for name in ["quick", "startup-small"]}
    assert all((strict.ROOT / "reports" / link).exists() for link in links.values())


def test_a_study_of_the_residuals_document_quotes_what_several_studies_found():
    finding = (ROOT / "reports" / "answer" / "answer.md").read_text(encoding="utf-8").split("\n")[0]
    assert documents.together(load_study("small")).endswith(finding)
    assert documents.together(load_study("primer")) == ""


def test_a_study_that_was_not_run_says_what_it_would_cost_where_steps_were_timed():
    timed = pd.read_csv(ROOT / "reports" / "bench" / "studies.csv")
    hours = timed[timed.study == "paper"].cpu_hours.sum()
    assert f"{hours:.3g} hours on one CPU thread" in studies.expected(load_study("paper"))
    assert studies.expected(load_study("demo")) == ""


def test_a_row_says_what_a_study_is_trained_on_for_how_long_and_what_that_cost(page):
    rows = {}
    for row in page.select("tr:has(td)"):
        first, *others = row.select("td")
        rows[first.contents[0].get_text()] = [td.get_text() for td in others]
    quick = [text.replace("\u00a0", " ") for text in rows["quick"]]
    assert quick[:4] == ["Blood cells (12,444); Brain MRI (253)", "64 px", "5", "1"]
    assert quick[4].startswith("9 epochs of 4,000 images; 24 epochs") and quick[5:] == ["no", "1 of 10", "1 h 2 min"]
    assert rows["paper"][5:] == ["yes", "none of 50", ""]
    # of a part of CIFAR-10 something is known here in no table, and so of CIFAR-10 itself
    assert rows["startup-cifar"][0] == "CIFAR-10; CIFAR-100"


def test_the_index_is_a_whole_page_that_loads_nothing(page):
    assert page.html["lang"] == "en" and page.title.string and len(page.find_all("h1")) == 1
    assert page.select_one("a.skip")["href"] == f"#{page.main['id']}"
    assert not page.find_all(src=re.compile("^(?!data:)")) and not page.find_all("link")
    assert not re.search(r"url\(|@import", page.style.string)


def test_a_site_holds_the_committed_reports_and_a_link_that_leads_nowhere_stops_it(project, tmp_path_factory):
    made = tmp_path_factory.mktemp("site") / "new"
    assert site.build(made) == 5
    assert {path.name for path in made.iterdir()} == {"index.html", "answer", "bench", "quick", "startup-small"}
    with pytest.raises(StudyError, match="is not empty"):
        site.build(made)
    report = project / "reports/quick/index.html"
    added = '<a href="../answer/index.html#a">there</a><a href="gone.csv">no</a><a href="#b">no</a>'
    report.write_text(report.read_text() + added)
    with pytest.raises(StudyError) as error:
        site.build(made.parent / "again")
    assert str(error.value).splitlines()[1:] == ["  quick/index.html: #b", "  quick/index.html: gone.csv"]


def test_a_document_file_that_is_not_right_is_one_message(project):
    (project / "params/published/startup/document.yaml").write_text("title: a\nauthers: b\n")
    with pytest.raises(StudyError, match="params/published/startup/document.yaml"):
        documents.load_source("startup")
