"""What CONTRIBUTING.md says how to do is done here, word for word, in a copy of the project."""

import re
import sys

import pytest
from conftest import ROOT, Project, png, write_zip

BLOCKS = re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```", (ROOT / "CONTRIBUTING.md").read_text(), re.M | re.S)
CHECK = """
import torch
from lib import attention
from lib.data import catalogue
from lib.data import datasets
from lib.data import fetch
from lib.study.model import ModelSettings
from lib.models import MODELS

assert ModelSettings(title="Linear", architecture="linear", bias=False).settings == {"bias": False}
assert MODELS["linear"](3, 8)(torch.zeros(2, 3, 8, 8)).shape == (2, 3)
made = attention.BestHeadAttention(8, 2, selection="peak", scope="image", injection="tile")
assert made(torch.randn(2, 5, 8)).shape == (2, 5, 8)
entry = catalogue.entry("cats")
images, _, _ = datasets.read_images(fetch.find_archive("cats", entry, {}, None), entry, 8)
assert images.label.tolist() == ["Siamese", "tabby"]
"""


def test_each_is_said_in_under_ten_lines():
    assert [language for language, _, _ in BLOCKS] == ["python", "yaml", "python", "sh"]
    assert all(len(text.splitlines()) < 10 for _, _, text in BLOCKS)


def test_a_model_a_data_set_a_selection_rule_and_a_study_are_added_as_it_says(tmp_path):
    project = Project(tmp_path)
    for language, path, text in BLOCKS:
        if language == "sh":
            code, output = project.run("bash", "-ec", text)
            assert code == 0 and "study mine: 5 models, 30 trainings" in output, output
        else:
            with open(tmp_path / path, "a") as file:
                file.write("\n\n" + text)
    (tmp_path / "data/archives").mkdir(parents=True)
    write_zip(tmp_path / "data/archives/cats.zip", {"siamese/a.png": png(), "tabby/b.png": png(seed=1)})
    code, output = project.run(sys.executable, "-c", CHECK)
    assert code == 0, output


def test_the_hooks_run(tmp_path):
    project = Project(tmp_path)
    (tmp_path / "lib/bad.py").write_text("import os\nx = {  'a':1 }\n")
    assert project.run("git", "add", "-A")[0] == 0
    code, output = project.run("pre-commit", "run", "--all-files")
    if "not found" in output:
        pytest.fail(output)
    assert code == 1 and "ruff format" in output
    assert (tmp_path / "lib/bad.py").read_text() == 'x = {"a": 1}\n'
