"""Run the stages of a study side by side, as many at a time as there are cores for; `dvc repro` makes the rest.

    download, groups, split per data set; pre-training --> train@... --> evaluate --> figures   --dvc repro--> report
                                                                     --> page@... --> claims

Each job is one `dvc repro -s` over consecutive stages; DVC decides which of them run. If a job fails, the others
finish, and it is named at the end. lib.training.cluster does the same with Ray on a cluster.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import NamedTuple

import pandas as pd

from lib import strict
from lib.data.files import alone, has_flock, is_held, write
from lib.strict import StudyError
from lib.study import Study, load_study
from lib.study.paths import making_report, report_lock, reports_made

# lines of DVC that are not shown, since nothing needs to be done
OF_DVC = ("Updating lock file", "To track", "\tgit add", "To enable auto", "\tdvc config", "Use `dvc push`")

# Ctrl-C ends DVC without a traceback, even while it is imported or cleans up
DVC = """
import signal, sys
on_ctrl_c = signal.signal(signal.SIGINT, signal.SIG_DFL)
import dvc._debug, dvc.config
from dvc.cli import main
signal.signal(signal.SIGINT, on_ctrl_c)
code = main()
signal.signal(signal.SIGINT, signal.SIG_DFL)
sys.exit(code)
"""


class Job(NamedTuple):
    """Consecutive stages that run after other jobs; jobs that took longest the last time start first."""

    name: str
    stages: list[str]
    after: list[str] = []
    seconds: float = 0.0


def dvc(*arguments: str, **options) -> subprocess.CompletedProcess:
    """Run this environment's DVC in the project's folder; it waits while another DVC holds the lock."""
    return subprocess.run(command(*arguments), cwd=strict.ROOT, env=environment(), **options)


def tell_dvc() -> None:
    """Configure DVC for a project that was downloaded as a zip file, without Git, or for a disk without flock."""
    local, lines = strict.ROOT / ".dvc" / "config.local", []
    if not (strict.ROOT / ".git").exists():
        lines.append("no_scm = true")
    if not has_flock(strict.ROOT / "build" / ".locks"):
        lines.append("hardlink_lock = true")
    if lines and not local.exists():
        text = "[core]\n" + "".join(f"    {line}\n" for line in lines)
        write(local, lambda part: part.write_text(text, encoding="utf-8"))


def command(*arguments: str) -> list[str]:
    """The command line that runs this environment's DVC with these arguments."""
    return [sys.executable, "-c", DVC, "--wait-for-lock", *arguments]


def environment() -> dict[str, str]:
    """Environment variables in which `python` is this one, and waiting threads leave their core to others."""
    return {
        "OMP_WAIT_POLICY": "passive",
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }


def pipeline(study: Study) -> str:
    """The study's dvc.yaml, as a target of DVC."""
    return "dvc.yaml" if study.root == "." else f"params/{study.study}/dvc.yaml"


def jobs_of(study: Study) -> list[Job]:
    """All stages before the report, as jobs; a training waits for its split and its start weights."""
    jobs = [Job("start", ["weights", "pretrain"])]
    for dataset in study.datasets:
        splits = [f"split@{dataset}-{split}" for split in study.splits]
        jobs.append(Job(dataset, [f"download@{dataset}", f"groups@{dataset}", *splits]))
    trainings = []
    for cell in study.cells:
        for model in study.models:
            name = f"train@{cell.name}-{model}"
            seconds = sum(pd.read_csv(r.timing).seconds.sum() for r in cell.runs(model) if r.timing.exists())
            trainings.append(Job(name, [name], ["start", cell.dataset], seconds))
    trainings.sort(key=lambda job: job.seconds, reverse=True)
    names = [job.name for job in trainings]
    pages = [Job(f"page@{page}", [f"page@{page}"], names) for page in study.extra]
    evaluated = [Job("evaluate", ["evaluate"], names), Job("figures", ["figures"], ["evaluate"])]
    claims = Job("claims", ["claims"], [*names, *(page.name for page in pages)])
    return [*jobs, *trainings, *pages, *evaluated, claims]


def at_once(study: Study) -> int:
    """The number of trainings that run at once: the number of cores divided by threads and devices; 1 on a GPU."""
    gpu = study.training.device != "cpu" and shutil.which("nvidia-smi") is not None
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = study.training.threads or cores
    return 1 if gpu else max(1, cores // (threads * study.devices))


def run(study: Study, job: Job, stopped: Event) -> bool:
    """Run a job and print its output line by line with its name; returns whether it succeeded."""
    prefix = "" if study.root == "." else f"{pipeline(study)}:"
    targets = [f"{prefix}{stage}" for stage in job.stages]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command("repro", "-s", *targets), cwd=strict.ROOT, env=environment(), **options) as process:
        for line in process.stdout:
            if line.startswith("Traceback"):
                stopped.wait(1)  # perhaps Ctrl-C ended this process at its start: wait whether everything is stopped
            if line.strip() and not line.startswith(OF_DVC) and not stopped.is_set():
                print(f"[{job.name}] {line}", end="", flush=True)
    return process.returncode == 0


@contextmanager
def pool(size: int, stopped: Event) -> Iterator[ThreadPoolExecutor]:
    """Threads that start jobs; Ctrl-C sets `stopped` and drops jobs that have not begun."""
    executor = ThreadPoolExecutor(size)
    try:
        yield executor
    except KeyboardInterrupt:
        stopped.set()
        raise
    finally:
        executor.shutdown(cancel_futures=True)


def side_by_side(study: Study, size: int) -> list[str]:
    """Run the jobs of a study, `size` at a time; returns the names of jobs that failed or waited for a failed one."""
    left, running, done, failed, stopped = jobs_of(study), {}, set(), [], Event()
    with pool(size, stopped) as executor:
        while left or running:
            for job in [job for job in left if done.issuperset(job.after)]:
                left.remove(job)
                future: Future = executor.submit(run, study, job, stopped)
                running[future] = job.name
            if not running:  # all jobs that are left wait for a failed one
                return failed + [job.name for job in left]
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                name = running.pop(future)
                if future.result():
                    done.add(name)
                else:
                    failed.append(name)
    return failed


def mend_locks(study: str) -> None:
    """Delete what killed processes left, and DVC does not start with; call it under the lock of the study's report.

    It is half of DVC's list of readers and writers. Where flock is not known, it is also DVC's locks, which are files
    that hold for a year, whoever left them: they are deleted unless another report is made in this project.
    """
    path = strict.ROOT / ".dvc" / "tmp" / "rwlock"
    if has_flock(strict.ROOT / "build" / ".locks"):
        with alone(path.with_name("rwlock.lock")):  # as DVC does before it touches the list
            mend_list(path)
    elif not any(is_held(lock) for lock in reports_made() if lock != report_lock(study)):
        for left in [path.with_name("lock"), *path.parent.glob("*.lock")]:
            left.unlink(missing_ok=True)
        mend_list(path)


def mend_list(path: Path) -> None:
    """Delete DVC's list of readers and writers if a kill cut it off."""
    if path.exists():
        try:
            json.loads(path.read_text())
        except ValueError:
            path.unlink()


def require_not_ignored(study: Study) -> None:
    """StudyError: Git ignores the study's pipeline, which DVC then refuses to read."""
    git = shutil.which("git")
    file = strict.ROOT / pipeline(study)
    if git and not subprocess.run([git, "check-ignore", "-q", file], cwd=strict.ROOT, capture_output=True).returncode:
        raise StudyError(
            f"Git ignores {pipeline(study)} (.gitignore or .git/info/exclude), and DVC reads no such file: take that"
            " line out; to keep the study out of Git, do not add it"
        )


def report(study_name: str, size: str = "") -> None:
    """Make the report of a study, `size` jobs at a time (default: at_once). StudyError: stages failed."""
    with making_report(study_name):
        report_alone(study_name, size)


def report_alone(study_name: str, size: str = "") -> None:
    """`report`, under the lock of this report."""
    study = load_study(study_name)
    tell_dvc()
    require_not_ignored(study)
    path = f"reports/{study.study}/index.html"
    mend_locks(study_name)
    if dvc("status", "-q", pipeline(study)).returncode == 0:
        print(f"Nothing to do. The report: {path}")
        return
    failed = side_by_side(study, int(size or at_once(study)))
    if failed:
        raise StudyError(f"these stages failed (their output is above; what is finished is kept): {', '.join(failed)}")
    if dvc("repro", pipeline(study)).returncode:
        raise StudyError("a stage after the trainings failed: its output is above")
    print(f"The report: {path}")
