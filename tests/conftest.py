"""A copy of the project in which a tiny study runs, and small archives for tests to break."""

import contextlib
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

import hypothesis
import numpy as np
import pandas as pd
import psutil
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from lib import strict  # noqa: E402
from lib.data.files import alone, write_csv  # noqa: E402
from lib.strict import read_yaml, validated  # noqa: E402
from lib.study import Study  # noqa: E402

hypothesis.settings.register_profile("untimed", deadline=None)  # no test fails because a machine is slow
hypothesis.settings.load_profile("untimed")

PLANTED = {
    "KAGGLE_USERNAME": "planted-user",
    "KAGGLE_KEY": "planted-7f3a9c",
    "KAGGLE_API_TOKEN": "planted-7f3a9c",
}  # no real ones


class Project:
    """A checkout of the working tree in a folder of its own, with the study `tiny` in it."""

    def __init__(self, folder: Path, keep: tuple[str, ...] = ()):
        """`keep`: prefixes of names in runs/ and reports/ to copy too; without them the checkout has run nothing."""
        self.folder = folder
        keep = ("reports/bench/coverage", *keep)  # simulated once for all studies: page 06 reads it
        listed = ["git", "ls-files", "-coz", "--exclude-standard"]
        names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True, text=True).stdout.split("\0")
        for name in filter(None, names):
            if os.path.lexists(ROOT / name) and (name.startswith(keep) or not name.startswith(("runs/", "reports/"))):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
        (folder / "params/tiny").mkdir()
        shutil.copy(ROOT / "tests/tiny.yaml", folder / "params/tiny/params.yaml")
        shutil.copy(ROOT / "tests/tiny-claims.yaml", folder / "params/tiny/claims.yaml")
        shutil.copy(ROOT / "params/quick/dvc.yaml", folder / "params/tiny/dvc.yaml")
        subprocess.run(["git", "init", "-q"], cwd=folder, check=True)

    @classmethod
    def at(cls, folder: Path) -> "Project":
        """The project that is in a folder already."""
        project = cls.__new__(cls)
        project.folder = folder
        return project

    def copy(self, folder: Path) -> "Project":
        """The same in another folder, for a test that breaks something."""
        subprocess.run(["cp", "-a", "--reflink=auto", f"{self.folder}/.", folder], check=True)
        return Project.at(folder)

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with a test that needs the finished study: its worker makes it while others run what can do without."""
    needs = [item for item in items if "finished" in item.fixturenames]
    items[:] = [*needs[:1], *(item for item in items if item not in needs), *needs[1:]]


@pytest.fixture(scope="session")
def shared(tmp_path_factory) -> Path:
    """A folder of this run of the tests that all workers share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def finished(shared) -> Project:
    """The tiny study after `dvc repro`; all workers share one, so nobody changes it: who must, takes `changeable`."""
    with alone(shared / "finished.lock"):
        if not (shared / "finished").exists():
            (shared / "making").mkdir()
            project = Project(shared / "making")
            code, output = project.run("dvc", "repro", "params/tiny/dvc.yaml")
            assert code == 0, output
            (shared / "making").rename(shared / "finished")
    return Project.at(shared / "finished")


@pytest.fixture
def changeable(finished, tmp_path) -> Project:
    """A copy of the finished study, for one test alone."""
    return finished.copy(tmp_path / "project")


def drawn_study() -> Study:
    """The study of tests/drawn.yaml: drawn images, 64 px, five models."""
    return validated(Study, read_yaml(ROOT / "tests/drawn.yaml"), "tests/drawn.yaml")


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """The study of tests/drawn.yaml on 40 random images, in a folder of its own; one epoch of batches of 8."""
    chosen = drawn_study()
    shorter = chosen.datasets["phantom-brain"].model_copy(update={"epochs": 3})
    scratch = {
        name: model.model_copy(update={"weights": "none"} if model.starts_from != "none" else {})
        for name, model in chosen.models.items()
    }
    training = chosen.training.model_copy(update={"batch_size": 8})
    changes = {"datasets": {"phantom-brain": shorter}, "models": scratch, "training": training}
    chosen = chosen.model_copy(update=changes)
    (tmp_path / "params").symlink_to(ROOT / "params")
    monkeypatch.setattr(strict, "ROOT", tmp_path)
    folder = chosen.images("phantom-brain")
    folder.mkdir(parents=True)
    np.save(folder / "pixels.npy", np.random.default_rng(0).integers(0, 255, (40, 64, 64, 3)).astype("uint8"))
    table = pd.DataFrame(
        {"path": [f"{i}.png" for i in range(40)], "label": ["tumour", "healthy"] * 20, "group": range(40)}
    )
    write_csv(
        table.assign(part=["train"] * 24 + ["validation"] * 8 + ["test"] * 8),
        chosen.cell("phantom-brain", "published").parts,
    )
    return chosen


@contextlib.contextmanager
def mounted(folder, options: str):
    """A small file system of its own; the test is skipped where nothing may be mounted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if sys.platform != "linux" or os.geteuid() or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("needs leave to mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


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
