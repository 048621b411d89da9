"""A parallel `make report` that is killed or stopped goes on to the same bytes; one failed stage stops no other."""

import os
import random
import signal
import threading

import faults
import psutil
import pytest
import yaml
from conftest import Project, wait_for

from lib.data.files import write

REPORT = ["python", "-m", "lib", "report", "tiny", "2"]
TRAINED = "runs/tiny/phantom-brain/published/{}/seed-{}/settings.yaml"


@pytest.fixture
def fresh(tmp_path) -> Project:
    """A project that has run nothing."""
    (tmp_path / "project").mkdir()
    return Project(tmp_path / "project")


def family(process) -> list[psutil.Process]:
    """A process and everything that it started, notebooks' kernels too."""
    parent = psutil.Process(process.pid)
    return [parent, *parent.children(recursive=True)]


def stop(project: Project, lines: int, sent: signal.Signals):
    """Start a report, send a signal to its process group after so many lines of output; the process, its family, text.

    The family is None where the report ended before that.
    """
    process, told, members = project.start(*REPORT), [], None
    reader = threading.Thread(target=lambda: told.extend(iter(process.stdout.readline, "")), daemon=True)
    reader.start()
    wait_for(lambda: len(told) >= lines or process.poll() is not None, seconds=900)
    if process.poll() is None:
        members = family(process)
        os.killpg(process.pid, sent)
    process.wait(timeout=60)
    reader.join(timeout=60)
    return process, members, "".join(told)


@pytest.mark.slow
def test_a_report_killed_again_and_again_ends_with_the_same_bytes(finished, fresh):
    dice, kills = random.Random(0), 0
    for most in [5, 14, 14, 20, 20]:
        _, members, told = stop(fresh, dice.randint(1, most), signal.SIGKILL)
        kills += members is not None
        assert members is not None or "The report:" in told, told
    assert kills >= 3, "the study was over before it was killed"
    code, output = fresh.run(*REPORT)
    assert code == 0, output
    assert faults.files(fresh, "tiny") == faults.files(finished, "tiny")


@pytest.mark.slow
def test_ctrl_c_leaves_no_process_behind_and_the_report_goes_on_to_the_same_bytes(finished, fresh):
    for lines in [3, 25]:  # while images are drawn, while models are trained
        process, members, told = stop(fresh, lines, signal.SIGINT)
        assert members is not None and len(members) > 3, told
        assert process.returncode == 130 and "stopped; run it again to go on from here" in told, told
        _, alive = psutil.wait_procs(members, timeout=10)
        assert not alive
        assert "Traceback" not in told, told
    code, output = fresh.run(*REPORT)
    assert code == 0, output
    assert faults.files(fresh, "tiny") == faults.files(finished, "tiny")


@pytest.mark.slow
def test_a_stage_that_fails_is_named_at_the_end_while_the_others_finish(finished, changeable):
    path = changeable.folder / "params/tiny/params.yaml"
    right = path.read_text()
    spoiled = yaml.safe_load(right)
    spoiled["models"]["cnn"]["channels"] = []
    write(path, lambda part: part.write_text(yaml.safe_dump(spoiled, sort_keys=False)))
    faults.forget(changeable, "tiny", "train@phantom-brain-published-vit")
    code, output = changeable.run(*REPORT)
    last = output.strip().splitlines()[-1]
    assert code != 0 and "error: these stages failed" in last, output
    for stage in ["train@phantom-brain-published-cnn", "train@phantom-blood-published-cnn", "evaluate"]:
        assert stage in last
    assert "train@phantom-brain-published-vit" not in last
    assert all((changeable.folder / TRAINED.format("vit", seed)).exists() for seed in (0, 1))
    path.write_text(right)
    code, output = changeable.run(*REPORT)
    assert code == 0, output
    assert faults.files(changeable, "tiny") == faults.files(finished, "tiny")
