"""Stages side by side: what waits for what, one failure does not stop the others, and the bytes of one at a time."""

import errno
import subprocess
import sys
import threading

import faults
import pytest
from conftest import Project

from lib import strict
from lib.data import files
from lib.strict import StudyError
from lib.study import load_study
from lib.study.paths import making_report, report_lock
from lib.training import jobs


@pytest.fixture
def study():
    return load_study("demo")


def test_every_stage_before_the_first_page_is_in_one_job_and_waits_for_what_it_reads(study):
    every = jobs.jobs_of(study)
    names = [stage for job in every for stage in job.stages]
    assert len(names) == len(set(names)) and {"weights", "pretrain", "evaluate", "claims"} <= set(names)
    done = set()
    for job in every:  # in this order each could run after those before it
        assert done.issuperset(job.after), job
        done.add(job.name)
    trained = {job.name for job in every if job.name.startswith("train@")}
    assert len(trained) == len(study.cells) * len(study.models)
    waits = {job.name: job.after for job in every}
    assert waits["evaluate"] == sorted(trained, key=names.index) and waits["figures"] == ["evaluate"]
    assert set(waits["claims"]) == trained | {f"page@{page}" for page in study.extra}


def test_no_more_jobs_run_than_asked_for_and_a_failed_one_is_named_while_the_others_finish(study, monkeypatch):
    failing = next(job.name for job in jobs.jobs_of(study) if job.name.startswith("train@"))
    ran, now, most, lock = [], set(), [0], threading.Lock()

    def run(study, job, stopped):
        with lock:
            now.add(job.name)
            ran.append(job.name)
            most[0] = max(most[0], len(now))
        threading.Event().wait(0.01)
        now.discard(job.name)
        return job.name != failing

    monkeypatch.setattr(jobs, "run", run)
    failed = jobs.side_by_side(study, 2)
    assert failed[0] == failing and most[0] == 2
    waiting = {failing}
    for job in jobs.jobs_of(study):
        if waiting.intersection(job.after):
            waiting.add(job.name)
    assert set(failed) == waiting and {"evaluate", "claims"} < waiting
    assert set(ran) == {job.name for job in jobs.jobs_of(study)} - waiting | {failing}, "what waits is not begun"


def test_a_training_that_took_longest_before_begins_first(study, monkeypatch, tmp_path):
    monkeypatch.setattr("lib.strict.ROOT", tmp_path)
    cells = [run for run in study.runs]
    for number, run in enumerate(cells):
        run.timing.parent.mkdir(parents=True, exist_ok=True)
        run.timing.write_text(f"seconds\n{number}\n")
    trained = [job for job in jobs.jobs_of(study) if job.name.startswith("train@")]
    assert [job.seconds for job in trained] == sorted((job.seconds for job in trained), reverse=True)
    assert trained[0].name == f"train@{cells[-1].cell.name}-{cells[-1].model}"


def test_a_training_of_one_thread_gets_a_core_and_one_of_all_threads_the_machine(study, monkeypatch):
    monkeypatch.setattr(jobs.shutil, "which", lambda name: None)
    monkeypatch.setattr(jobs.os, "sched_getaffinity", lambda _: set(range(8)), raising=False)
    sizes = []
    for threads in [1, 3, None]:
        training = study.training.model_copy(update={"threads": threads})
        sizes.append(jobs.at_once(study.model_copy(update={"training": training})))
    assert sizes == [8, 2, 1]


@pytest.mark.parametrize("left, stays", [("", False), ('{"a": ', False), ("{}", True), (None, False)])
def test_a_list_of_locks_that_a_kill_cut_off_is_forgotten_and_a_whole_one_kept(tmp_path, monkeypatch, left, stays):
    monkeypatch.setattr("lib.strict.ROOT", tmp_path)
    path = tmp_path / ".dvc/tmp/rwlock"
    path.parent.mkdir(parents=True)
    (tmp_path / "build/.locks").mkdir(parents=True)
    if left is not None:
        path.write_text(left)
    jobs.mend_locks("a")
    assert path.exists() == stays


def no_flock(*_):
    raise OSError(errno.ENOSYS, "Function not implemented")


def test_dvc_runs_again_and_again_on_a_disk_without_flock_whatever_a_kill_left(tmp_path, monkeypatch):
    monkeypatch.setattr(strict, "ROOT", tmp_path)
    monkeypatch.setattr(files.fcntl, "flock", no_flock)
    stage = "stages: {one: {cmd: date +%N > one, always_changed: true, outs: [one: {cache: false}]}}\n"
    (tmp_path / "dvc.yaml").write_text(stage)
    tmp = tmp_path / ".dvc" / "tmp"
    tmp.mkdir(parents=True)
    for left in ["lock", "rwlock.lock", f"{0:032x}.lock"]:
        (tmp / left).write_text(f"{tmp}/{0:032x}.lock")
    made = set()
    for _ in range(2):
        with making_report("a"):
            jobs.tell_dvc()
            jobs.mend_locks("a")
            jobs.dvc("repro", timeout=60, check=True)
        made.add((tmp_path / "one").read_text())
    assert len(made) == 2


def test_locks_of_dvc_stay_while_another_report_is_made_on_a_disk_without_flock(tmp_path, monkeypatch):
    monkeypatch.setattr(strict, "ROOT", tmp_path)
    monkeypatch.setattr(files.fcntl, "flock", no_flock)
    lock = tmp_path / ".dvc/tmp/lock"
    lock.parent.mkdir(parents=True)
    lock.touch()
    hold = "import fcntl, sys; f = open(sys.argv[1], 'w'); fcntl.lockf(f, fcntl.LOCK_EX); print(flush=True); input()"
    with making_report("b"), making_report("a"):
        pass
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", hold, report_lock("b")], **pipes) as other, making_report("a"):
        other.stdout.readline()
        jobs.mend_locks("a")
        assert lock.exists()
        other.communicate(b"\n")
        jobs.mend_locks("a")
        assert not lock.exists()


@pytest.mark.slow
@pytest.mark.parametrize("threads", [None, "1", "2"])
def test_two_at_a_time_give_the_bytes_of_one_at_a_time_whatever_omp_num_threads_says(
    finished, tmp_path, monkeypatch, threads
):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if threads:
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
    (tmp_path / "project").mkdir()
    project = Project(tmp_path / "project")
    code, output = project.run("python", "-m", "lib", "report", "tiny", "2")
    assert code == 0, output
    assert faults.files(project, "tiny") == faults.files(finished, "tiny")
    code, output = project.run("python", "-m", "lib", "report", "tiny", "2")
    assert code == 0 and "Nothing to do" in output


@pytest.mark.parametrize("has_git", [True, False])
@pytest.mark.parametrize("has_flock", [True, False])
def test_dvc_is_told_of_a_project_without_git_and_of_a_disk_without_flock(tmp_path, monkeypatch, has_git, has_flock):
    monkeypatch.setattr(strict, "ROOT", tmp_path)
    monkeypatch.setattr(jobs, "has_flock", lambda folder: has_flock)
    if has_git:
        (tmp_path / ".git").mkdir()
    jobs.tell_dvc()
    config = tmp_path / ".dvc/config.local"
    text = config.read_text() if config.exists() else ""
    assert ("no_scm = true" in text) == (not has_git) and ("hardlink_lock = true" in text) == (not has_flock)


def test_a_study_that_git_ignores_is_told_before_dvc_refuses_each_stage(study, monkeypatch, tmp_path):
    monkeypatch.setattr(strict, "ROOT", tmp_path)
    jobs.require_not_ignored(study)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    jobs.require_not_ignored(study)
    (tmp_path / ".gitignore").write_text("dvc.yaml\n")
    with pytest.raises(StudyError, match="Git ignores dvc.yaml .*take that line out"):
        jobs.require_not_ignored(study)
