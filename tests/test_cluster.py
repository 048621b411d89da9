"""Trainings on a Ray cluster make the same tables as one after another, also where workers are killed."""

import contextlib
import shutil
import subprocess
import sys
import threading

import psutil
import pytest
import torch
from conftest import ROOT, Project, wait_for

from lib.data.files import alone
from lib.strict import StudyError
from lib.training import cluster


@pytest.fixture
def two_nodes(monkeypatch):
    """A Ray cluster of two nodes of one core, both on this machine."""
    threads = str(torch.get_num_threads())  # as the serial run has: with another number, sums round otherwise
    for name, value in {"OMP_NUM_THREADS": threads, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0" * 64}.items():
        monkeypatch.setenv(name, value)
    pytest.importorskip("ray", reason="requirements-ray.txt is not installed")
    from ray.cluster_utils import Cluster

    nodes = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    nodes.add_node(num_cpus=1)
    yield nodes
    nodes.shutdown()


def forget(project: Project, dataset: str) -> None:
    """Delete the trainings on a data set, and the tables."""
    for folder in ["runs", "weights"]:
        for model in (project.folder / folder / "tiny" / dataset / "published").iterdir():
            if model.name != "baselines":
                shutil.rmtree(model)
    shutil.rmtree(project.folder / "reports/tiny/tables")


def workers(project: Project) -> dict[int, psutil.Process]:
    """The Ray workers that started a notebook 05 of this project, by the process of their node."""
    busy = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if "05_train" in process.cmdline() and process.cwd() == str(project.folder):
                ancestors = [parent for parent in process.parents() if parent.cmdline()[0].startswith("ray::")]
                busy |= {worker.ppid(): worker for worker in ancestors}
    return busy


@pytest.mark.slow
def test_trainings_on_two_nodes_of_which_one_is_lost_make_the_tables_of_the_serial_run(finished, changeable, two_nodes):
    project = changeable
    forget(project, "phantom-brain")
    driver, lines = project.start("python", "-m", "lib", "cluster", "tiny", two_nodes.address), []
    threading.Thread(target=lambda: lines.extend(driver.stdout), daemon=True).start()
    wait_for(lambda: driver.poll() is not None or len(workers(project)) == 2)
    assert driver.poll() is None, "".join(lines)
    busy = workers(project)
    busy[two_nodes.head_node.all_processes["raylet"][0].process.pid].kill()
    two_nodes.remove_node(*two_nodes.worker_nodes, allow_graceful=False)
    driver.wait()
    output = "".join(lines)
    assert driver.returncode == 0, output
    assert output.count("the task will be retried") == 2, output
    code, output = project.run("dvc", "repro", "params/tiny/dvc.yaml:evaluate")
    assert code == 0 and "lib execute 05_train" not in output, output
    compared = [*(finished.folder / "reports/tiny/tables").iterdir()]
    compared += (finished.folder / "runs/tiny/phantom-brain").rglob("*.csv")
    assert len(compared) > 12
    for path in compared:
        assert (project.folder / path.relative_to(finished.folder)).read_bytes() == path.read_bytes(), path


def test_a_lock_is_held_until_the_processes_that_it_was_given_to_have_ended(tmp_path):
    with alone(tmp_path / "a.lock") as lock:
        left = subprocess.Popen(["sleep", "60"], pass_fds=[lock.fileno()])
    threading.Timer(1, left.kill).start()
    with alone(tmp_path / "a.lock"):
        assert left.wait(1) < 0


def test_without_ray_or_a_cluster_it_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(StudyError, match="pip install -r requirements-ray.txt"):
        cluster.main("demo", "auto")


def test_make_report_uses_ray_only_when_asked_to():
    def commands(*settings):
        return subprocess.run(["make", "-n", "report", *settings], cwd=ROOT, capture_output=True, text=True).stdout

    assert "lib cluster" not in commands()
    printed = commands("STUDY=quick", "RAY=auto")
    assert 'study="quick"' in printed and printed.index("lib cluster $study auto") < printed.index("lib report $study")
