"""What the pipeline costs beside training, measured on the demo (after `make report`)."""

import subprocess
import sys
from functools import partial

import torch

from lib import archives, decoding
from lib.complexity import in_turns
from lib.fitting import start, start_fabric, train_epoch
from lib.images import open_images
from lib.runs import settings
from lib.study import ROOT, load_study
from lib.training import build
from tests.bench import row, timed

STUDY, DATASET, SPLIT = load_study("demo"), "phantom-blood", "published"
NOTEBOOKS = {
    "02_groups": [f"dataset={DATASET}"],
    "05_train": [f"dataset={DATASET}", f"split={SPLIT}", "model=cnn"],  # finished: nothing is trained
    "09_report": [],
}


def shell(*command: str) -> None:
    """Run a module of this environment's, quietly."""
    subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def cache() -> dict:
    """Reading an image from the cache, against decoding it."""
    archive = archives.open_archive(STUDY.images(DATASET) / "archive.zip")
    contents = [archive.read(name) for name in archive.namelist() if "/TRAIN/" in name][:200]
    images, rows = open_images(STUDY, DATASET, SPLIT, torch.device("cpu")), torch.arange(200)
    calls = {"cache": lambda: images.pixels[rows.numpy()]}
    calls["decode"] = lambda: [decoding.decode(content, STUDY.image_size) for content in contents]
    seconds = in_turns(calls, 5)
    return timed("200 images from the cache", "decode and resize them", "cpu", seconds.cache, seconds.decode)


def loading(model: str) -> dict:
    """Making a batch, against a whole training step on it."""
    fabric = start_fabric(STUDY)
    images = open_images(STUDY, DATASET, SPLIT, fabric.device)
    wanted = {**settings(STUDY, DATASET, SPLIT, model, 0), "epoch_images": STUDY.batch_size * 4}
    network, optimizer = start(fabric, wanted, partial(build, STUDY, model, len(images.classes)))
    rows = images.rows("train")[: STUDY.batch_size]
    calls = {"load": lambda: [images.batch(rows) for _ in range(4)]}
    calls["step"] = lambda: train_epoch(fabric, network, optimizer, images, wanted, 0, {"epoch": None}, None)
    seconds = in_turns(calls, 5)
    return timed(f"loading, {model}", "its training step", fabric.device, seconds.load, seconds.step, 0.05)


def overhead(what: str, goal: float, *command: str) -> dict:
    """Seconds of a command that has next to no work, against the goal."""
    seconds = in_turns({what: partial(shell, *command)}, 3)[what].median()
    return row(what, "the goal", "cpu", seconds, goal, seconds / goal, f"<= {goal:g} s", seconds <= goal)


def rows() -> list[dict]:
    """Every comparison."""
    made = [cache(), *map(loading, STUDY.models), overhead("`dvc repro` with nothing to do", 3, "dvc", "repro", "-q")]
    for notebook, parameters in NOTEBOOKS.items():
        made.append(overhead(f"{notebook} with next to no work", 6, "lib.pages", notebook, STUDY.study, *parameters))
    return made
