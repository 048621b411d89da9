"""What the pipeline costs beside training, measured on the demo (after `make report`)."""

import resource
import subprocess
import sys
from functools import partial

import torch

from lib import strict
from lib.data import archives, decoding
from lib.probes.costs import in_turns
from lib.study import load_study
from lib.study.settings import settings
from lib.training.build import build
from lib.training.fit import start, train_epoch
from lib.training.images import open_images
from lib.training.processes import start_fabric
from tests.bench import row, timed

STUDY = load_study("demo")
CELL = STUDY.cell("phantom-blood", "published")
NOTEBOOKS = {
    "02_groups": [f"dataset={CELL.dataset}"],
    # finished: nothing is trained
    "05_train": [f"dataset={CELL.dataset}", f"split={CELL.split}", "model=cnn"],
    "09_report": [],
}


def shell(*command: str) -> None:
    """Run a module of this environment, quietly."""
    subprocess.run([sys.executable, "-m", *command], cwd=strict.ROOT, check=True, stdout=subprocess.DEVNULL)


def cache() -> dict:
    """Reading an image from the cache, against decoding it."""
    archive = archives.open_archive(CELL.images / "archive.zip")
    contents = [archive.read(name) for name in archive.namelist() if "/TRAIN/" in name][:200]
    images, rows = open_images(CELL, torch.device("cpu")), torch.arange(200)
    calls = {"cache": lambda: images.pixels[rows.numpy()]}
    calls["decode"] = lambda: [decoding.decode(content, STUDY.training.image_size) for content in contents]
    seconds = in_turns(calls, 5)
    return timed("200 images from the cache", "decode and resize them", "cpu", seconds.cache, seconds.decode)


def loading(model: str) -> dict:
    """Making a batch, against a whole training step on it."""
    fabric, batch = start_fabric(STUDY), STUDY.training.batch_size
    images = open_images(CELL, fabric.device)
    values = {**settings(CELL.run(model, 0)), "epoch_images": batch * 4}
    network, optimizer = start(fabric, values, partial(build, STUDY, model, len(images.classes)))
    rows = images.rows("train")[:batch]
    calls = {"load": lambda: [images.batch(rows) for _ in range(4)]}
    calls["step"] = lambda: train_epoch(fabric, network, optimizer, images, values, 0, {"epoch": None}, None)
    seconds = in_turns(calls, 5)
    return timed(f"loading, {model}", "its training step", fabric.device, seconds.load, seconds.step, 0.05)


def overhead(what: str, goal: float, *command: str) -> dict:
    """Seconds of a command that has next to no work, against the goal."""
    seconds = in_turns({what: partial(shell, *command)}, 3)[what].median()
    return row(what, "the goal", "cpu", seconds, goal, seconds / goal, f"<= {goal:g} s", seconds <= goal)


def processor(what: str, goal: float, *command: str) -> dict:
    """Processor seconds of a command, which other work on the machine hardly changes, against the goal."""

    def used() -> float:
        spent = resource.getrusage(resource.RUSAGE_CHILDREN)
        return spent.ru_utime + spent.ru_stime

    before = used()
    shell(*command)
    seconds = used() - before
    what, met = f"{what}, processor time", seconds <= goal
    return row(what, "the goal", "cpu", seconds, goal, seconds / goal, f"<= {goal:g} s", met)


def rows() -> list[dict]:
    """Every comparison."""
    compared = [cache(), *map(loading, STUDY.models)]
    compared.append(overhead("`dvc repro` with nothing to do", 3, "dvc", "repro", "-q"))
    compared.append(processor("`dvc repro` with nothing to do", 4, "dvc", "repro", "-q"))
    compared.append(overhead("`make report` with nothing to do", 5, "lib", "report", STUDY.study))
    compared.append(overhead("`python -m lib check`", 1, "lib", "check", "small"))
    for notebook, parameters in NOTEBOOKS.items():
        command = ["lib", "execute", notebook, STUDY.study, *parameters]
        compared.append(overhead(f"{notebook} with next to no work", 6, *command))
    return compared
