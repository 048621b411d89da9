"""Make the report on a user's own images: a first look after one training, then the final report.

    01_download, 02_groups, 03_split --> 05_train, model by model --> 11_own, which is index.html

DVC is not used: every call reads the images again, but does not repeat finished trainings.
"""

import shutil

from lib import strict
from lib.report.execute import execute
from lib.report.pages import pages
from lib.strict import StudyError
from lib.study import Study, load_study
from lib.study.paths import making_report

OWN = ["frozen", "fine-tuned"]  # models of params/own.yaml, in this order


def look(name: str) -> None:
    """Read, group and split the images, train the models of `OWN` one by one, and renew the report after each.

    StudyError: one of these notebooks stops with it, or the study has neither model.
    """
    with making_report(name):
        look_alone(name)


def look_alone(name: str) -> None:
    """`look`, under the lock of this report."""
    study = load_study(name)
    cell = study.cells[0]
    models = [model for model in OWN if model in study.models]
    if not models:
        raise StudyError(f"params/{name}/params.yaml has neither of {', '.join(OWN)}: make report STUDY={name} instead")
    execute("01_download", name, {"dataset": cell.dataset})
    execute("02_groups", name, {"dataset": cell.dataset})
    execute("03_split", name, {"dataset": cell.dataset, "split": cell.split})
    for model in models:
        execute("05_train", name, {"dataset": cell.dataset, "split": cell.split, "model": model})
        path = renew(study)
        what = "First look" if model != models[-1] else "The report"
        print(f"{what}: {path.relative_to(strict.ROOT)}", flush=True)


def renew(study: Study):
    """Execute notebook 11, make it the report's first page, and return that page; it gets no second page of its own."""
    from lib.report.render import executed, render

    made = execute("11_own", study.study, {})
    shutil.copyfile(made, study.executed / "index.ipynb")
    render(study, [page.name for page in pages(study) if executed(study, page) and page.name != "11_own"])
    return study.report / "index.html"


def lead_with_all(study: Study) -> None:
    """Make notebook 09 the first page again, where a look has replaced it and DVC found nothing to do."""
    first = study.executed / "index.ipynb"
    if first.exists() and "# 11 · " in first.read_text(encoding="utf-8"):
        from lib.report.render import render  # takes seconds to import, and is seldom needed

        execute("09_report", study.study, {})
        render(study, ["index"])
