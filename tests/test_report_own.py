"""The report on one's own images: its first page is called after the folder, and stands once among its pages."""

import shutil
import subprocess
import sys

from bs4 import BeautifulSoup
from conftest import ROOT

from lib import strict
from lib.report import own


def test_the_first_page_is_called_after_the_folder_and_not_after_a_notebook(tiny, monkeypatch):
    (strict.ROOT / "notebooks").symlink_to(ROOT / "notebooks")

    def execute(notebook, study, parameters):
        tiny.executed.mkdir(parents=True)
        return shutil.copy(ROOT / "notebooks" / f"{notebook}.ipynb", tiny.executed)

    monkeypatch.setattr(own, "execute", execute)
    study = tiny.model_copy(update={"title": "My cells: what these images can tell", "extra": ["11_own"]})
    page = BeautifulSoup(own.renew(study).read_text(encoding="utf-8"), "html.parser")
    assert page.h1.get_text() == study.title and page.title.get_text() == f"{study.title} · {study.study}"
    assert sorted(path.name for path in study.report.glob("*.html")) == ["index.html"]


def test_the_report_on_all_models_leads_again_where_a_later_look_has_replaced_its_first_page(tiny, monkeypatch):
    done = []
    monkeypatch.setattr(own, "execute", lambda notebook, *_: done.append(notebook))
    monkeypatch.setattr("lib.report.render.render", lambda study, names: done.extend(names))
    tiny.executed.mkdir(parents=True)
    for notebook, expected in [("09_report", []), ("11_own", ["09_report", "index"])]:
        shutil.copy(ROOT / "notebooks" / f"{notebook}.ipynb", tiny.executed / "index.ipynb")
        own.lead_with_all(tiny)
        assert done == expected


def test_a_finished_report_is_recognised_without_the_libraries_that_make_pages():
    asks = "import sys, lib.report.own; sys.exit('matplotlib' in sys.modules or 'scipy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", asks], cwd=ROOT).returncode == 0
