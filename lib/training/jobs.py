"""The stages of a study side by side, as many at a time as there are cores for; `dvc repro` makes the rest.

    download, groups, split per data set; pre-training --> train@... --> evaluate --> figures   --dvc repro--> report
                                                                     --> page@... --> claims

Each job is one `dvc repro -s` over stages that follow one another: DVC decides what has to run. A job that fails is
named at the end, while the others finish. On a cluster lib.training.cluster does the same with Ray.
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
from lib.data.files import alone, has_flock, write
from lib.strict import StudyError
from lib.study import Study, load_study
from lib.study.paths import making_report

# lines of DVC that ask the user for nothing that has to be done here
OF_DVC = ("Updating lock file", "To track", "\tgit add", "To enable auto", "\tdvc config", "Use `dvc push`")

# Ctrl-C while DVC is imported, or cleans up, ends it without a traceback
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
    """Stages that run one after another once other jobs are done; those that took longest before start first."""

    name: str
    stages: list[str]
    after: list[str] = []
    seconds: float = 0.0


def dvc(*arguments: str, **options) -> subprocess.CompletedProcess:
    """Run DVC of this environment in the project's folder; it waits while another DVC holds the lock."""
    return subprocess.run(command(*arguments), cwd=strict.ROOT, env=environment(), **options)


def tell_dvc() -> None:
    """Tell DVC where the project is no Git repository, but was downloaded as a zip file, or its disk has no flock."""
    local, lines = strict.ROOT / ".dvc" / "config.local", []
    if not (strict.ROOT / ".git").exists():
        lines.append("no_scm = true")
    if not has_flock(strict.ROOT / "build" / ".locks"):
        lines.append("hardlink_lock = true")
        # a file that flock left there counts as held by a lock of this kind
        for name in ["lock", "rwlock.lock"] if not local.exists() else []:
            (strict.ROOT / ".dvc" / "tmp" / name).unlink(missing_ok=True)
    if lines and not local.exists():
        text = "[core]\n" + "".join(f"    {line}\n" for line in lines)
        write(local, lambda part: part.write_text(text, encoding="utf-8"))


def command(*arguments: str) -> list[str]:
    """A DVC command of this environment."""
    return [sys.executable, "-c", DVC, "--wait-for-lock", *arguments]


def environment() -> dict[str, str]:
    """This environment, in which `python` is the one that runs now; threads that wait leave their core to others."""
    return {
        "OMP_WAIT_POLICY": "passive",
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }


def pipeline(study: Study) -> str:
    """The study's dvc.yaml, as a target of DVC."""
    return "dvc.yaml" if study.root == "." else f"params/{study.study}/dvc.yaml"


def jobs_of(study: Study) -> list[Job]:
    """All stages before the first page, in jobs; a training waits for its split and for what its model starts from."""
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
    """How many trainings this machine has room for: one per core, or per as many cores as a training has threads."""
    gpu = study.training.device != "cpu" and shutil.which("nvidia-smi") is not None
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    threads = study.training.threads or cores
    return 1 if gpu else max(1, cores // (threads * study.devices))


def run(study: Study, job: Job, stopped: Event) -> bool:
    """Run a job and show its output line by line with its name, until all is stopped; whether it succeeded."""
    prefix = "" if study.root == "." else f"{pipeline(study)}:"
    targets = [f"{prefix}{stage}" for stage in job.stages]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    with subprocess.Popen(command("repro", "-s", *targets), cwd=strict.ROOT, env=environment(), **options) as process:
        for line in process.stdout:
            if line.startswith("Traceback"):
                stopped.wait(1)  # perhaps of a process that Ctrl-C met at its start: is all stopped?
            if line.strip() and not line.startswith(OF_DVC) and not stopped.is_set():
                print(f"[{job.name}] {line}", end="", flush=True)
    return process.returncode == 0


@contextmanager
def pool(size: int, stopped: Event) -> Iterator[ThreadPoolExecutor]:
    """Threads that start jobs; where the user stops everything, jobs that have not begun are dropped, and it is set."""
    executor = ThreadPoolExecutor(size)
    try:
        yield executor
    except KeyboardInterrupt:
        stopped.set()
        raise
    finally:
        executor.shutdown(cancel_futures=True)


def side_by_side(study: Study, size: int) -> list[str]:
    """Run the jobs of a study, `size` at a time; returns the names of those that failed, or waited for one that did."""
    left, running, done, failed, stopped = jobs_of(study), {}, set(), [], Event()
    with pool(size, stopped) as executor:
        while left or running:
            for job in [job for job in left if done.issuperset(job.after)]:
                left.remove(job)
                future: Future = executor.submit(run, study, job, stopped)
                running[future] = job.name
            if not running:  # all that is left waits for a job that failed
                return failed + [job.name for job in left]
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                name = running.pop(future)
                if future.result():
                    done.add(name)
                else:
                    failed.append(name)
    return failed


def mend_lock() -> None:
    """Delete DVC's list of who reads and writes what, if a kill cut it off: with half a list DVC refuses to start."""
    path = strict.ROOT / ".dvc" / "tmp" / "rwlock"
    with alone(path.with_name("rwlock.lock")):  # as DVC does before it touches the list
        if path.exists():
            try:
                json.loads(path.read_text())
            except ValueError:
                path.unlink()


def report(study_name: str, size: str = "") -> None:
    """Make the report of a study, `size` jobs at a time (default: at_once). StudyError: stages that failed."""
    with making_report(study_name):
        report_alone(study_name, size)


def report_alone(study_name: str, size: str = "") -> None:
    """`report`, while nobody else makes this report."""
    study = load_study(study_name)
    tell_dvc()
    path = f"reports/{study.study}/index.html"
    mend_lock()
    if dvc("status", "-q", pipeline(study)).returncode == 0:
        print(f"Nothing to do. The report: {path}")
        return
    failed = side_by_side(study, int(size or at_once(study)))
    if failed:
        raise StudyError(f"these stages failed (their output is above; what is finished is kept): {', '.join(failed)}")
    if dvc("repro", pipeline(study)).returncode:
        raise StudyError("a stage after the trainings failed: its output is above")
    print(f"The report: {path}")
