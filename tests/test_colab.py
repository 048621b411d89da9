"""In Colab: the first cell of a notebook in a clean environment with another torch, from an empty folder, and killed.

Empty packages of the right names and versions stand for the real ones; `dvc` among them writes down what it is asked.
"""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from conftest import ROOT

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PREINSTALLED = {"torch": "2.8.0", "torchvision": "0.23.0", "numpy": "2.0.2", "pandas": "2.2.2"}  # none is ours
PINNED = dict(re.findall(r"^([A-Za-z][\w.-]*)==([^\s#]+)", (ROOT / "requirements.txt").read_text(), re.M))
# a runtime that is taken away while it trains leaves a checkpoint
DVC = """
import os, pathlib, sys
with open("asked.txt", "a") as file:
    file.write(" ".join(sys.argv[1:]) + "\\n")
kept = pathlib.Path("weights/paper/vit.checkpoint")
if os.environ.get("TAKEN_AWAY"):
    kept.parent.mkdir(parents=True)
    kept.write_text("half of an epoch")
    os.kill(os.getpid(), 9)
"""


def wheel(folder: Path, name: str, version: str) -> None:
    """An empty package as a wheel; `dvc` writes down its arguments."""
    module = re.sub(r"[-.]", "_", name)
    with zipfile.ZipFile(folder / f"{module}-{version}-py3-none-any.whl", "w") as file:
        info = f"{module}-{version}.dist-info"
        if name == "dvc":
            file.writestr("dvc/__init__.py", "")
            file.writestr("dvc/__main__.py", DVC)
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        file.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        file.writestr(f"{info}/RECORD", "")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheels")
    for name, version in [*PINNED.items(), *PREINSTALLED.items()]:
        wheel(folder, name, version)
    return folder


@pytest.fixture(scope="module")
def origin(tmp_path_factory) -> Path:
    """What GitHub has: notebooks/ and requirements.txt as a repository."""
    folder = tmp_path_factory.mktemp("origin")
    (folder / "notebooks").mkdir()
    for path in [*NOTEBOOKS, ROOT / "notebooks/colab.py", ROOT / "requirements.txt"]:
        (folder / path.relative_to(ROOT)).write_bytes(path.read_bytes())
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-qm", "all"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


class Runtime:
    """A machine of Colab's: Python with the preinstalled packages; `folder` is where a notebook starts."""

    def __init__(self, place: Path, wheels: Path, origin: Path, folder: Path):
        self.python, self.folder = place / "bin/python", folder
        subprocess.run([sys.executable, "-m", "venv", place], check=True)
        offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels), "PIP_CONFIG_FILE": "/dev/null"}
        # GitHub's address leads to the repository here
        (address,) = set(re.findall(r"https://\S+\.git", NOTEBOOKS[0].read_text()))
        git = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": f"url.file://{origin}.insteadOf"}
        git["GIT_CONFIG_VALUE_0"] = address
        home = {"HOME": str(place), "PATH": f"{place / 'bin'}:/usr/bin:/bin", "COLAB_RELEASE_TAG": "release"}
        self.env = {**offline, **git, **home}
        named = [f"{name}=={version}" for name, version in PREINSTALLED.items()]
        subprocess.run([self.python, "-m", "pip", "install", "-q", *named], env=self.env, check=True)

    def first_cell(self, notebook: Path, **more: str) -> Path:
        """Run it as IPython does, line by line; where it ends."""
        cell = nbformat.read(notebook, as_version=4).cells[1].source
        here = self.folder
        for line in re.findall(r"^    ([!%].+)$", cell, re.M):
            if line.startswith("%cd -q "):
                here = here / line.removeprefix("%cd -q ")
                continue
            command = line[1:].replace("{sys.executable}", str(self.python))
            subprocess.run(command, shell=True, cwd=here, env={**self.env, **more}, capture_output=True)
        return here

    def versions(self) -> dict[str, str]:
        listed = subprocess.run([self.python, "-m", "pip", "freeze"], env=self.env, capture_output=True, text=True)
        return dict(re.findall(r"^([\w.-]+)(?:==| @ .*-)([\d.]+)", listed.stdout, re.M))


@pytest.mark.slow
def test_each_notebook_starts_in_a_clean_environment_and_leaves_its_torch(tmp_path, wheels, origin):
    asked = {}
    for notebook in NOTEBOOKS:
        if not asked:
            runtime = Runtime(tmp_path / "runtime", wheels, origin, tmp_path)
        runtime.folder = tmp_path / notebook.stem
        runtime.folder.mkdir()
        here = runtime.first_cell(notebook)
        assert here == runtime.folder / "study/notebooks" and (here / notebook.name).exists()
        log = here.parent / "asked.txt"
        asked[notebook.stem] = log.read_text() if log.exists() else ""
    versions = runtime.versions()
    assert PREINSTALLED.items() <= versions.items()
    assert PINNED.keys() - PREINSTALLED.keys() <= versions.keys()
    assert asked["06_evaluate"] == "repro evaluate\n" and asked["00_primer"] == ""


@pytest.mark.slow
def test_a_runtime_that_is_taken_away_goes_on_in_the_folder_that_the_user_named(tmp_path, wheels, origin):
    drive, notebook = tmp_path / "drive", ROOT / "notebooks/06_evaluate.ipynb"
    drive.mkdir()
    first = Runtime(tmp_path / "first", wheels, origin, drive)
    here = first.first_cell(notebook, TAKEN_AWAY="1")
    second = Runtime(tmp_path / "second", wheels, origin, drive)
    assert second.first_cell(notebook) == here
    kept = here.parent / "weights/paper/vit.checkpoint"
    assert kept.read_text() == "half of an epoch"
    assert (here.parent / "asked.txt").read_text() == "repro evaluate\n" * 2
