"""docs/machines.md says what the parameters and commands are, and its numbers are those of reports/bench/bench.csv."""

import re

import pandas as pd

from lib import strict
from lib.study import Study
from lib.study.schema import Training
from tests.bench import scaling, studies

PAGE = scaling.PAGE.read_text(encoding="utf-8")


def test_the_table_of_the_page_is_what_was_measured():
    shown = PAGE.split(scaling.BEGIN)[1].split(scaling.END)[0]
    assert shown == scaling.table(pd.read_csv(strict.ROOT / "reports/bench/bench.csv"))


def test_no_number_of_speed_stands_outside_of_that_table():
    rest = PAGE.split(scaling.BEGIN)[0] + PAGE.split(scaling.END)[1]
    # what studies cost is a table of its own
    rest = rest.replace(studies.page(pd.read_csv(strict.ROOT / "reports/bench/studies.csv")), "")
    assert not re.search(r"\d\s*(%|×|x\b|times|seconds|s\b)", rest)


def test_the_table_says_what_is_extrapolated_and_what_was_not_measured():
    rows = [
        dict(what="two", against="one", device="cpu", measured=1.0, base=2.0, ratio=0.5),
        dict(what="four, extrapolated", against="one", device="cpu", measured=None, base=None, ratio=0.25),
        dict(what="on Ray", against="one", device="no Ray here", measured=None, base=None, ratio=None),
    ]
    shown = scaling.table(pd.DataFrame(rows).assign(part="scaling"))
    assert "| two | one | cpu | 0.50 | 2.0 |" in shown and "| four, extrapolated | one | cpu | 0.25 | 4.0 |" in shown
    assert "| on Ray | one | no Ray here | not measured | |" in shown


def test_the_parameters_of_the_page_exist_and_the_studies_explain_them():
    for name in ["devices", "nodes", "strategy", "precision"]:
        assert name in Study.model_fields | Training.model_fields and f" {name}: " in PAGE
        for path in strict.ROOT.glob("params/*/params.yaml"):
            assert re.search(rf"^ *{name}: \S+ +#", path.read_text(), re.M), (path, name)


def test_tasks_are_dealt_to_whoever_is_free_first():
    assert scaling.dealt([3, 1, 1, 2], 1) == 7 and scaling.dealt([3, 1, 1, 2], 2) == 4 and scaling.dealt([3, 1], 8) == 3
