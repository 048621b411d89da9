"""A copy of the project in which a tiny study runs, and small archives for tests to break."""

import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # tests run side by side: who waits leaves its core to others

import numpy as np
import pandas as pd
import psutil
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from lib import study  # noqa: E402
from lib.files import write_csv  # noqa: E402
from lib.study import load_study  # noqa: E402

PLANTED = {
    "KAGGLE_USERNAME": "planted-user",
    "KAGGLE_KEY": "planted-7f3a9c",
    "KAGGLE_API_TOKEN": "planted-7f3a9c",
}  # no real ones


class Project:
    """A checkout of the working tree in a folder of its own, with the study `tiny` in it."""

    def __init__(self, folder: Path, keep: tuple[str, ...] = ()):
        """`keep`: folders of runs/ and reports/ to copy too; without them a checkout that has run nothing."""
        self.folder = folder
        files = subprocess.run(
            ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True, text=True
        )
        for name in filter(None, files.stdout.split("\0")):
            if os.path.lexists(ROOT / name) and (name.startswith(keep) or not name.startswith(("runs/", "reports/"))):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
        (folder / "params/tiny").mkdir()
        shutil.copy(ROOT / "tests/tiny.yaml", folder / "params/tiny/params.yaml")
        shutil.copy(ROOT / "tests/tiny-claims.yaml", folder / "params/tiny/claims.yaml")
        shutil.copy(ROOT / "params/quick/dvc.yaml", folder / "params/tiny/dvc.yaml")
        subprocess.run(["git", "init", "-q"], cwd=folder, check=True)

    def start(self, *command: str) -> subprocess.Popen:
        """Start a command of this environment's in the project, in a process group of its own."""
        environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        environment.pop("STUDY_ARCHIVES", None)
        environment |= PLANTED
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background ignores it
        )

    def kill(self, process: subprocess.Popen) -> None:
        """SIGKILL a command and everything that it started (a notebook's kernel is in a group of its own)."""
        parent = psutil.Process(process.pid)
        family = [parent, *parent.children(recursive=True)]  # the parent first, before it can act on a child's death
        for member in family:
            member.kill()
        psutil.wait_procs(family, timeout=10)
        process.communicate()

    def run(self, *command: str) -> tuple[int, str]:
        """Exit code and output of a command."""
        process = self.start(*command)
        output, _ = process.communicate()
        return process.returncode, output


@pytest.fixture(scope="session")
def project(tmp_path_factory) -> Project:
    """A project in which nothing has run yet. Tests that need it finished take `finished`."""
    return Project(tmp_path_factory.mktemp("project"))


@pytest.fixture(scope="session")
def finished(project) -> Project:
    """The project after `dvc repro` of the tiny study."""
    code, output = project.run("dvc", "repro", "params/tiny/dvc.yaml")
    assert code == 0, output
    return project


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """The demo study on 40 random images, in a folder of its own; one epoch of batches of 8."""
    chosen = load_study("demo")
    shorter = chosen.datasets["phantom-brain"].model_copy(update={"epochs": 3})
    scratch = {
        name: model.model_copy(update={"weights": "none"} if model.starts_from != "none" else {})
        for name, model in chosen.models.items()
    }
    chosen = chosen.model_copy(update={"datasets": {"phantom-brain": shorter}, "models": scratch, "batch_size": 8})
    (tmp_path / "params").symlink_to(study.ROOT / "params")
    monkeypatch.setattr(study, "ROOT", tmp_path)
    folder = chosen.images("phantom-brain")
    folder.mkdir(parents=True)
    np.save(folder / "pixels.npy", np.random.default_rng(0).integers(0, 255, (40, 64, 64, 3)).astype("uint8"))
    table = pd.DataFrame(
        {"path": [f"{i}.png" for i in range(40)], "label": ["tumour", "healthy"] * 20, "group": range(40)}
    )
    write_csv(
        table.assign(part=["train"] * 24 + ["validation"] * 8 + ["test"] * 8),
        chosen.split("phantom-brain", "published"),
    )
    return chosen


def wait_for(condition, seconds: float = 120):
    """What a condition returns as soon as it is true; a failed test where it does not become so."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.01)
    return found


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def png(size: tuple[int, int] = (9, 7), seed: int = 0) -> bytes:
    """The bytes of a small PNG of random colours."""
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG")
    return buffer.getvalue()


def write_zip(path: Path, members: dict[str, bytes]) -> Path:
    """A zip file with these members."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path
