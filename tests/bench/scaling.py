"""Measure the gain of a second process and a second worker on this machine, and extrapolate to more of them.

Measured: an epoch on 1, 2, ... processes, and the trainings of a small study one after another and on Ray.
Extrapolated, and marked so: more processes by Amdahl's law from 1 and 2; more workers by scheduling the trainings with
the times that each took alone.
"""

import os
import shutil
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml

from lib import strict
from lib.data.files import write, write_csv
from tests.bench import DEVICES, row
from tests.conftest import Project

ROUNDS, EPOCHS, IMAGES, MORE = 3, 4, 512, (4, 8)
EXTRAPOLATED = (
    "Processes that share a batch compute less per step, but exchange as much. The tests' trainings are short:\n"
    "most of their time goes to starting DVC, a notebook's kernel and torch, which a worker repeats for each\n"
    "training. Ray itself starts once. It pays for trainings of minutes and hours.\n"
    "\n"
    "Rows that say *extrapolated* were not run. For processes they follow Amdahl's law from one and two, without\n"
    "delays of a network or of links between GPUs. For workers they schedule the trainings with the times that\n"
    "each took alone and the measured overhead. They assume workers as fast as the ones here, and a file system\n"
    "that keeps up.\n"
)
PAGE = strict.ROOT / "docs" / "machines.md"
BEGIN, END = "<!-- made by: python -m tests.bench scaling -->\n", "<!-- end -->"  # in PAGE
SIZES = {  # the demo's ViT, and ViT-B/16
    "cpu": dict(batch_size=32, vit=dict(patch=8, dim=96, mlp_dim=384, depth=4, heads=3)),
    "cuda": dict(batch_size=256, vit=dict(patch=8, dim=768, mlp_dim=3072, depth=12, heads=12)),
}


def change(project: Project, training: dict = {}, **changes) -> None:
    """Set other parameters of the project's study, and remove its finished trainings."""
    path = project.folder / "params/tiny/params.yaml"
    parameters = {**yaml.safe_load(path.read_text()), **changes}
    parameters["training"] |= training
    path.write_text(yaml.safe_dump(parameters, sort_keys=False))
    trained = [path for path in project.folder.glob("runs/tiny/*/*/*") if path.name != "baselines"]
    for path in [*trained, project.folder / "weights"]:
        shutil.rmtree(path, ignore_errors=True)


def run(project: Project, *command: str, threads: int | None = None) -> float:
    """Seconds of a command in the project; `threads` for each of its processes (None: torch's default)."""
    os.environ.pop("OMP_NUM_THREADS", None)
    if threads:
        os.environ["OMP_NUM_THREADS"] = str(threads)
    began = time.perf_counter()
    code, output = project.run(*command)
    assert code == 0, output
    return time.perf_counter() - began


def draw(project: Project) -> None:
    """Write random images instead of those of a data set."""
    data = project.folder / "data/tiny"
    (data / "images/phantom-brain").mkdir(parents=True)
    pixels = np.random.default_rng(0).integers(0, 255, (IMAGES + 40, 64, 64, 3)).astype("uint8")
    np.save(data / "images/phantom-brain/pixels.npy", pixels)
    table = pd.DataFrame({"path": map(str, range(len(pixels))), "label": "tumour", "group": range(len(pixels))})
    table["part"] = ["train"] * IMAGES + ["validation"] * 20 + ["test"] * 20
    write_csv(table, data / "splits/phantom-brain-published.csv")


def epoch(project: Project, device: str, processes: int, threads: int) -> float:
    """Seconds of an epoch, the first left out."""
    model = dict(title="ViT", architecture="vit", **SIZES[device]["vit"])
    training = {"batch_size": SIZES[device]["batch_size"], "device": device}
    datasets = {"phantom-brain": {"epochs": EPOCHS, "draw": {"seed": 0, "patients": 20}}}
    changes = {"datasets": datasets, "models": {"vit": model}, "pretrain": None, "seeds": [0], "devices": processes}
    change(project, training, **changes)
    run(project, "python", "-m", "lib", "launch", "tiny", threads=threads)
    timing = pd.read_csv(project.folder / "reports/tiny/timing/phantom-brain-published-vit-seed-0.csv")
    return timing.seconds[1:].median()


def processes(device: str) -> list[dict]:
    """An epoch shared by several processes, and on the CPU by several threads, against one process of one thread."""
    most = torch.cuda.device_count() if device == "cuda" else os.cpu_count()
    numbers = [number for number in (1, 2, *MORE) if number <= most]
    # name: (processes, threads of each)
    ways = {f"{number} process{'es' if number > 1 else ''}": (number, 1) for number in numbers}
    if device == "cpu":
        ways["1 process of 2 threads"] = (1, 2)
    rounds = []
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder))
        draw(project)
        for _ in range(ROUNDS):
            rounds.append({name: epoch(project, device, *way) for name, way in ways.items()})
    seconds, compared = pd.DataFrame(rounds), []
    one, what = seconds["1 process"], f"epoch of {IMAGES} images, a ViT"
    against = "1 process of 1 thread" if device == "cpu" else "1 process"
    for name in seconds.columns[1:]:
        ratio = (seconds[name] / one).median()
        numbers_of = [seconds[name].median(), one.median(), ratio]
        compared.append(row(f"{what}, {name}", against, device, *numbers_of, "none set"))
    if 2 in numbers:
        # the part of an epoch that processes do not share
        serial = 2 * (seconds["2 processes"] / one).median() - 1
        for number in sorted(set(MORE) - set(numbers)):
            ratio = serial + (1 - serial) / number
            name = f"{what}, {number} processes, extrapolated"
            compared.append(row(name, against, device, None, None, ratio, "none set"))
    return compared


def dealt(seconds: list[float], workers: int) -> float:
    """When the last of several tasks ends, if each goes to the worker that is free first."""
    free = [0.0] * workers
    for one in seconds:
        free[free.index(min(free))] += one
    return max(free)


def grid() -> list[dict]:
    """The trainings of the tests' study, one after another, and as Ray's tasks on the cores of this machine."""
    cores = os.cpu_count()
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder))
        pipeline = "params/tiny/dvc.yaml"
        run(project, "dvc", "repro", *(f"{pipeline}:{stage}" for stage in ["split", "weights", "pretrain"]))
        stages = project.run("dvc", "stage", "list", "--name-only", pipeline)[1].split()
        stages = [stage for stage in stages if "train@" in stage]
        what, against = f"{len(stages)} trainings of the tests' study", "one after another"
        if not find_spec("ray"):
            return [row(f"{what}, on Ray", against, "no Ray here", None, None, None, "none set")]
        each = [run(project, "dvc", "repro", "-s", stage) for stage in stages]
        change(project)
        base = run(project, "dvc", "repro", "-s", *stages)
        change(project)
        seconds = run(project, "python", "-m", "lib", "cluster", "tiny", "local")
    compared = [row(f"{what}, on Ray, {cores} workers", against, "cpu", seconds, base, seconds / base, "none set")]
    for n in MORE:
        ratio = dealt(each, n) / dealt(each, cores) * seconds / base
        name = f"{what}, on Ray, {n} workers, extrapolated"
        compared.append(row(name, against, "cpu", None, None, ratio, "none set"))
    return compared


def rows() -> list[dict]:
    """Every comparison that this machine can make."""
    return [one for device in DEVICES for one in processes(device.type)] + grid()


def table(bench: pd.DataFrame) -> str:
    """The rows of this part as Markdown; a sentence where there are none."""
    if "part" not in bench or not (bench.part == "scaling").any():
        return "Not measured yet: `python -m tests.bench scaling` measures it and writes its table here.\n"
    lines = ["| what | against | device | time, as a share | times as fast |", "|---|---|---|---|---|"]
    for one in bench[bench.part == "scaling"].itertuples():
        numbers = "not measured |" if pd.isna(one.ratio) else f"{one.ratio:.2f} | {1 / one.ratio:.1f}"
        lines.append(f"| {one.what} | {one.against} | {one.device} | {numbers} |")
    return "\n".join(lines) + "\n\n" + EXTRAPOLATED


def write_page(bench: pd.DataFrame) -> None:
    """Write the table into PAGE."""
    insert(BEGIN, table(bench))


def insert(begin: str, content: str) -> None:
    """Write what stands in PAGE between the line `begin` and the next END."""
    before, rest = PAGE.read_text(encoding="utf-8").split(begin)
    text = f"{before}{begin}{content}{END}{rest.split(END, 1)[1]}"
    write(PAGE, lambda path: path.write_text(text, encoding="utf-8"))
