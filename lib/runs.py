"""What decides the result of a run, when it is finished, and how one that was cut off goes on.

settings() --equal to settings.yaml?--> finished
          \\--equal to the checkpoint's?--> resume() after its last epoch; else from the beginning
"""

import hashlib
from pathlib import Path

import torch
import yaml
from torch import nn

from lib.study import Study

# Raise it when the same settings train to another result: every run is then trained again. tests/test_behaviour.py notices.
BEHAVIOUR = 1


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def settings(study: Study, dataset: str, split: str, model: str, seed: int) -> dict:
    """Everything that decides the result of a run, as plain YAML."""
    chosen = study.models[model]
    shared = [
        "batch_size",
        "image_size",
        "optimizer",
        "pixel_mean",
        "pixel_std",
        "precision",
        "schedule",
        "weight_decay",
    ]
    weights = weights_path(study, model)
    return {
        "model": {"architecture": chosen.architecture, **chosen.settings},
        "seed": seed,
        "learning_rate": chosen.learning_rate or study.learning_rate,
        **{name: getattr(study, name) for name in shared},
        **study.datasets[dataset].model_dump(exclude={"draw"}),
        "classes": list(study.dataset(dataset).classes.values()),
        "split_sha256": file_digest(study.split(dataset, split)),
        "pixels_sha256": file_digest(study.images(dataset) / "pixels.npy"),
        "weights_sha256": file_digest(weights) if weights else None,
        "behaviour": BEHAVIOUR,
    }


WEIGHTS = {"imagenet": "weights", "phantoms": "pretrained"}  # a params word -> the stage's folder


def weights_path(study: Study, model: str) -> Path | None:
    """The file that a model of this study starts from, as the stage `weights` or `pretrain` left it; None: from scratch."""
    word = study.models[model].starts_from
    return None if word == "none" else study.data / WEIGHTS[word] / f"{model}.pth"


def is_finished(folder: Path, wanted: dict) -> bool:
    """Whether this very run, by its settings, is on disk; its weights may be elsewhere (they are not in Git)."""
    done = folder / "settings.yaml"
    return done.exists() and yaml.safe_load(done.read_text()) == wanted


def save_checkpoint(
    path: Path, wanted: dict, network: nn.Module, optimizer, history: list[dict], seconds: list[float]
) -> None:
    """All that the next epoch depends on, the random states among it."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    random = {"cpu": torch.get_rng_state(), "cuda": cuda}
    tensors = {"network": network.state_dict(), "optimizer": optimizer.state_dict(), "random": random}
    torch.save({"settings": wanted, **tensors, "history": history, "seconds": seconds}, path)


def resume(path: Path, wanted: dict, network: nn.Module, optimizer) -> tuple[list[dict], list[float]]:
    """The history and the seconds of each epoch so far, the rest put back where it was; empty when there is no checkpoint of these settings."""
    if not path.exists():
        return [], []
    state = torch.load(path, map_location="cpu", weights_only=True)
    if state["settings"] != wanted:
        return [], []
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["random"]["cpu"])
    if state["random"]["cuda"]:
        torch.cuda.set_rng_state_all(state["random"]["cuda"])
    return state["history"], state["seconds"]
