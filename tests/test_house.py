"""The rooms of lib/, and the one truth about what is finished."""

import ast
import hashlib
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT

from lib.study import load_study
from lib.study.settings import is_finished
from lib.training.pretrain import unfinished

BELOW = {  # room -> what it may import, and what that may import in turn
    "strict": [],
    "attention": ["strict"],
    "surgery": ["attention"],
    "models": ["surgery"],
    "data": ["strict"],
    "plots": ["data"],
    "study": ["data", "models"],
    "training": ["study"],
    "probes": ["training"],
    "classify": ["training"],
    "evidence": ["study"],
    "report": ["evidence", "plots"],
}
TRACKED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
LOCKS = [name for name in TRACKED if name.startswith("params/") and name.endswith("dvc.lock")]
COMMITTED = [Path(name).parent.name for name in LOCKS]
FINISHED = """
from lib.study import load_study
from lib.study.settings import is_finished
from lib.training.pretrain import unfinished
for study in map(load_study, {studies}):
    print(study.study, sum(not is_finished(run) for run in study.runs) + len(unfinished(study)))
"""


def imported(code: str) -> set[str]:
    """The modules of lib that a file's imports name: lib.data.files of `from lib.data import files`, for instance."""
    names = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "lib":
            for alias in node.names:
                module = f"{node.module}.{alias.name}"
                names.add(module if path_of(module) else node.module)
    return names


def path_of(module: str) -> str | None:
    """lib/data/files.py or lib/models/__init__.py of a module's name; None: there is none."""
    file = module.replace(".", "/")
    return next((name for name in [f"{file}.py", f"{file}/__init__.py"] if (ROOT / name).exists()), None)


def reach(room: str) -> set[str]:
    """A room and everything below it."""
    return {room}.union(*map(reach, BELOW[room]))


@pytest.mark.parametrize("path", sorted((ROOT / "lib").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_go_one_way(path):
    room = path.relative_to(ROOT / "lib").parts[0].removesuffix(".py")
    if room in BELOW:
        rooms = {module.split(".")[1] for module in imported(path.read_text()) if module != "lib"}
        assert rooms <= reach(room), f"{room} may import {sorted(reach(room))}"


@pytest.mark.parametrize("room", ["data", "evidence", "plots", "study"])
def test_a_room_of_numbers_does_not_wait_for_torch(room):
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in (ROOT / "lib" / room).rglob("*.py")]
    code = (
        f"import sys, importlib\nfor name in {modules}: importlib.import_module(name)\nsys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_the_front_of_lib_is_the_idea_and_every_file_is_one():
    assert len([path for path in (ROOT / "lib").iterdir() if path.name != "__pycache__"]) <= 14
    long = [path for path in (ROOT / "lib").rglob("*.py") if len(path.read_text().splitlines()) > 300]
    assert not long


# where everything stands and what is asked for: what of these two matters to a stage is in its parameters
EVERYWHERE = {
    "lib/strict.py",
    "lib/study/__init__.py",
    "lib/study/paths.py",
    "lib/study/schema.py",
    "lib/study/model.py",
}
BEFORE_EVALUATION = ["download", "groups", "split", "train"]  # a change of a figure's look runs none of these


def needed(code: str) -> set[str]:
    """Every file of lib that code runs on, without those of EVERYWHERE."""
    files, left = set(), imported(code)
    while left:
        path = path_of(left.pop())
        if path and path not in files | EVERYWHERE:
            files.add(path)
            if not path.startswith("lib/study/"):  # it reads of the models only how their settings are called
                left |= imported((ROOT / path).read_text())
    return files


def test_each_stage_depends_on_all_that_its_notebook_imports():
    for name, stage in yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"].items():
        notebooks = re.findall(r"execute (\S+)", stage["cmd"])
        if notebooks == ["${item.page}"]:
            notebooks = ["00_primer", "04_attention", "10_use"]
        for notebook in notebooks:
            cells = json.loads((ROOT / f"notebooks/{notebook}.ipynb").read_text())["cells"]
            code = "\n".join("".join(cell["source"]) for cell in cells[2:] if cell["cell_type"] == "code")
            known = stage["deps"] + ["lib/plots"] * (name in BEFORE_EVALUATION)
            missing = [
                path for path in needed(code) if not any(path == dep or path.startswith(dep + "/") for dep in known)
            ]
            assert not missing, (name, notebook, sorted(missing))


@pytest.mark.parametrize("name", COMMITTED)
def test_what_is_committed_is_finished_in_a_clone_that_has_no_data(name, tmp_path, monkeypatch):
    for folder in ["params", "runs"]:
        (tmp_path / folder).symlink_to(ROOT / folder)
    monkeypatch.setattr("lib.strict.ROOT", tmp_path)
    study = load_study(name)
    assert [str(run) for run in study.runs if not is_finished(run)] == []
    assert unfinished(study) == []


def test_a_comment_or_a_docstring_in_any_file_unfinishes_nothing(tmp_path):
    shutil.copytree(ROOT / "lib", tmp_path / "lib", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (tmp_path / "lib").rglob("*.py"):
        path.write_text(path.read_text().replace('"""', '"""Once more: ', 1) + "\n# a comment\n")
    for folder in ["params", "runs"]:
        (tmp_path / folder).symlink_to(ROOT / folder)
    command = [sys.executable, "-c", FINISHED.format(studies=COMMITTED)]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert said.split("\n")[:-1] == [f"{name} 0" for name in COMMITTED]


def digest(path: Path) -> str:
    """The MD5 of a file, or of the names and MD5s of a folder's files, as DVC writes it into a lock."""
    if path.is_file():
        return hashlib.md5(path.read_bytes()).hexdigest()
    files = sorted(file for file in path.rglob("*") if file.is_file())
    entries = [{"md5": digest(file), "relpath": file.relative_to(path).as_posix()} for file in files]
    entries.sort(key=lambda entry: entry["relpath"])
    return hashlib.md5(json.dumps(entries, sort_keys=True).encode()).hexdigest() + ".dir"


def parameter(values: dict, name: str):
    """The value of a.b.c in nested parameters."""
    for key in name.split("."):
        values = values[key]
    return values


@pytest.mark.parametrize("lock", LOCKS)
def test_a_committed_lock_is_true_of_what_git_tracks(lock):
    seen = {}
    for name, stage in yaml.safe_load((ROOT / lock).read_text())["stages"].items():
        for entry in stage.get("deps", []) + stage.get("outs", []):
            path = entry["path"]
            if path.startswith(("runs/", "params/", "reports/")) and (ROOT / path).exists():
                seen.setdefault(path, digest(ROOT / path))
                assert entry["md5"] == seen[path], (name, path)
        for file, values in stage.get("params", {}).items():
            now = yaml.safe_load((ROOT / file).read_text())
            assert all(parameter(now, key) == value for key, value in values.items()), name
    assert len(seen) > 10


def test_a_lock_holds_no_stage_that_the_pipeline_does_not_have():
    stages = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    for lock in LOCKS:
        names = {name.split("@")[0] for name in yaml.safe_load((ROOT / lock).read_text())["stages"]}
        assert names <= set(stages), lock


def test_every_study_has_the_one_pipeline_in_a_file_of_its_own():
    from lib.study.own import pipeline

    for path in (ROOT / "params").glob("*/dvc.yaml"):
        assert not path.is_symlink() and path.read_text() == pipeline(), path
