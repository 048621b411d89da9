"""Does a training give the same predictions again: with the same number of threads, and with another?"""

import tempfile
from functools import partial
from pathlib import Path

import torch

from lib.fitting import fit, predict, start, start_fabric
from lib.images import open_images
from lib.study import load_study
from lib.ties import threads
from lib.training import build
from tests.bench import row

STUDY, DATASET, SPLIT, EPOCHS = load_study("demo"), "phantom-brain", "published", 3


def trained(model: str, number: int, device: str) -> torch.Tensor:
    """Test probabilities of a model of the demo after a short training with so many threads."""
    chosen = STUDY.models[model]
    scratch = chosen.model_copy(update={"weights": "none"}) if chosen.starts_from != "none" else chosen
    study = STUDY.model_copy(update={"device": device, "models": {model: scratch}})
    with threads(number), tempfile.TemporaryDirectory() as folder:
        fabric = start_fabric(study)
        images = open_images(study, DATASET, SPLIT, fabric.device)
        shared = {
            name: getattr(study, name)
            for name in ["batch_size", "optimizer", "learning_rate", "weight_decay", "schedule"]
        }
        wanted = {**shared, "seed": 0, "epochs": EPOCHS, "epoch_images": None, "flips": "horizontal"}
        network, optimizer = start(fabric, wanted, partial(build, study, model, len(images.classes)))
        for _ in fit(fabric, network, optimizer, images, wanted, Path(folder) / "checkpoint"):
            pass
        return predict(network, images, images.rows("test"))


def rows() -> list[dict]:
    """Largest difference of a test probability between two trainings of the same seed."""
    found = []
    for model in ["cnn", "vit", "vit-proposed"]:
        one, again, other = (trained(model, number, "cpu") for number in [1, 1, 2])
        apart = [(one - second).abs().max().item() for second in (again, other)]
        what = f"largest difference of a test probability after {EPOCHS} epochs, {model}"
        found.append(row(what, "the same again, 1 thread", "cpu", apart[0], None, None, "0", apart[0] == 0))
        found.append(row(what, "2 threads instead of 1", "cpu", apart[1], None, None, "none set"))
        if torch.cuda.is_available():
            one, again = (trained(model, 1, "cuda") for _ in range(2))
            apart = (one - again).abs().max().item()
            found.append(row(what, "the same again", "cuda", apart, None, None, "0", apart == 0))
    return found
