"""Does a training give the same predictions again: with the same number of threads, and with another?"""

import tempfile
from functools import partial
from pathlib import Path

import torch

from lib.probes.ties import threads
from lib.study import Run, load_study
from lib.study.settings import declared
from lib.training.build import build
from lib.training.fit import fit, predict, start
from lib.training.images import open_images
from lib.training.processes import start_fabric
from tests.bench import row

STUDY, DATASET, SPLIT, EPOCHS = load_study("demo"), "pneumonia-mnist", "published", 3


def short_run(model: str, device: str) -> Run:
    """A run of the demo from scratch, for few epochs, on a device."""
    chosen = STUDY.models[model]
    if chosen.starts_from != "none":
        chosen = chosen.model_copy(update={"weights": "none"})
    training = STUDY.training.model_copy(update={"device": device})
    datasets = {DATASET: STUDY.datasets[DATASET].model_copy(update={"epochs": EPOCHS})}
    study = STUDY.model_copy(update={"training": training, "models": {model: chosen}, "datasets": datasets})
    return study.cell(DATASET, SPLIT).run(model, 0)


def trained(model: str, number: int, device: str) -> torch.Tensor:
    """Test probabilities of a model of the demo after a short training with `number` threads."""
    run = short_run(model, device)
    with threads(number), tempfile.TemporaryDirectory() as folder:
        fabric = start_fabric(run.study)
        images = open_images(run.cell, fabric.device)
        network, optimizer = start(fabric, declared(run), partial(build, run.study, model, len(images.classes)))
        for _ in fit(fabric, network, optimizer, images, declared(run), Path(folder) / "checkpoint"):
            pass
        return predict(network, images, images.rows("test"))


def rows() -> list[dict]:
    """Largest difference of a test probability between two trainings of the same seed."""
    compared = []
    for model in ["cnn", "vit", "vit-proposed"]:
        one, again, other = (trained(model, number, "cpu") for number in [1, 1, 2])
        same, threaded = ((one - second).abs().max().item() for second in (again, other))
        what = f"largest difference of a test probability after {EPOCHS} epochs, {model}"
        compared.append(row(what, "the same again, 1 thread", "cpu", same, None, None, "0", same == 0))
        compared.append(row(what, "2 threads instead of 1", "cpu", threaded, None, None, "none set"))
        if torch.cuda.is_available():
            one, again = (trained(model, 1, "cuda") for _ in range(2))
            same = (one - again).abs().max().item()
            compared.append(row(what, "the same again", "cuda", same, None, None, "0", same == 0))
    return compared
