"""reports/index.html leads to every study that has a report, says its answer, and lists nobody's own images."""

import re
import shutil

import pytest
import yaml
from bs4 import BeautifulSoup
from conftest import ROOT

from lib import strict
from lib.report import index


@pytest.fixture
def page(tmp_path, monkeypatch) -> BeautifulSoup:
    """The index of a project where quick, small, the demo and a study of one's own images have reports."""
    shutil.copytree(ROOT / "params", tmp_path / "params")
    own = yaml.safe_load((ROOT / "params/quick/params.yaml").read_text())
    (tmp_path / "params/own-images").mkdir()
    settings = {"study": "own-images", "datasets": {"own-images": {"epochs": 1}}}
    (tmp_path / "params/own-images/params.yaml").write_text(yaml.safe_dump(own | settings))
    entry = {"title": "Own", "images": "{label}/*", "classes": {"a": "a", "b": "b"}, "folder": "data/own-images"}
    (tmp_path / "params/datasets/own-images.yaml").write_text(yaml.safe_dump(entry))
    for name in ["quick", "small", "demo", "own-images"]:
        (tmp_path / "reports" / name).mkdir(parents=True)
        (tmp_path / "reports" / name / "index.html").write_text("a report")
    monkeypatch.setattr(strict, "ROOT", tmp_path)
    (tmp_path / "reports/quick/answer.md").write_text(
        "Is it better? On cells: **undecided** (+1.0 [-2.0, +4.0] points).\n"
    )
    return BeautifulSoup(index.write_index().read_text(encoding="utf-8"), "html.parser")


def test_every_study_with_a_report_is_linked_but_neither_the_demo_nor_ones_own_images(page):
    links = page.select("main h2 a")
    assert [link["href"] for link in links] == ["quick/index.html", "small/index.html"]
    assert all((strict.ROOT / "reports" / link["href"]).exists() for link in links)
    assert links[0].get_text().startswith("Quick: the five models")


def test_the_answer_of_a_study_stands_below_its_title_where_there_is_one(page):
    quick, small = page.select("main section")
    assert quick.p.get_text() == "Is it better? On cells: undecided (+1.0 [-2.0, +4.0] points)." and quick.strong
    assert small.p is None


def test_the_index_is_a_whole_page_that_loads_nothing(page):
    assert page.html["lang"] == "en" and page.title.string and len(page.find_all("h1")) == 1
    assert page.select_one("a.skip")["href"] == f"#{page.main['id']}"
    assert not page.find_all(src=True) and not page.find_all("link")
    assert not re.search(r"url\(|@import", page.style.string)
