"""What decides the result of a run, and when it is finished.

settings() --equal to settings.yaml?--> finished      declared() --part of settings.yaml?--> of these parameters
"""

import hashlib
import inspect
from pathlib import Path

import yaml

from lib.errors import StudyError
from lib.models import vit
from lib.study import Study

# Raise it when the same settings train to another result: every run is then trained again. tests/test_behaviour.py notices.
BEHAVIOUR = 1
OWN = ["batch_size", "learning_rate", "optimizer", "schedule", "weight_decay"]  # what a model may have of its own
EVER = ["epochs", "epoch_images", "flips"]  # of a data set's training; what came later counts where it is set


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def declared(study: Study, dataset: str, model: str, seed: int) -> dict:
    """What the parameters say of a run: `settings` without the checksums of what it reads."""
    chosen, training = (
        study.models[model],
        study.datasets[dataset].model_dump(exclude={"draw", "version", "centre_crop"}),
    )
    own = {name: getattr(chosen, name) for name in OWN}
    return {
        "model": {"architecture": chosen.architecture, **chosen.settings},
        "seed": seed,
        **{name: getattr(study, name) if value is None else value for name, value in own.items()},
        **{name: getattr(study, name) for name in ["image_size", "pixel_mean", "pixel_std", "precision"]},
        **{name: value for name, value in training.items() if value or name in EVER},
        "classes": list(study.dataset(dataset).classes.values()),
        "behaviour": BEHAVIOUR,
    }


def settings(study: Study, dataset: str, split: str, model: str, seed: int) -> dict:
    """Everything that decides the result of a run, as plain YAML."""
    weights = weights_path(study, model)
    return {
        **declared(study, dataset, model, seed),
        "split_sha256": file_digest(study.split(dataset, split)),
        "pixels_sha256": file_digest(study.images(dataset) / "pixels.npy"),
        "weights_sha256": file_digest(weights) if weights else None,
    }


def weights_path(study: Study, model: str) -> Path | None:
    """The file that a model of this study starts from, as the stage `weights` or `pretrain` left it; None: from scratch."""
    chosen = study.models[model]
    if chosen.starts_from == "imagenet":
        return study.data / "weights" / f"{model}.pth"
    if chosen.starts_from == "phantoms":
        return study.pretrained / f"{size_name(size_of(chosen.settings))}.pth"
    return None


SIZE = {"patch": "patches", "dim": "dim", "mlp_dim": "ff_dim", "depth": "num_layers", "heads": "num_heads", "dropout": "dropout_rate"}  # fmt: skip


def size_of(settings: dict) -> dict:
    """What the plain ViT under a model's attention measures, by the names of pytorch_pretrained_vit."""
    defaults = {name: parameter.default for name, parameter in inspect.signature(vit).parameters.items()}
    return {theirs: settings.get(ours, defaults[ours]) for ours, theirs in SIZE.items()}


def size_name(size: dict) -> str:
    """A name for each size: models of one size start from one file."""
    return "vit-" + "-".join(str(size[name]) for name in SIZE.values())


def require_declared(study: Study, dataset: str, split: str, model: str, seed: int) -> None:
    """A StudyError where a run has no settings.yaml, or was trained with other parameters than the study has now; it names some."""
    path = study.run(dataset, split, model, seed) / "settings.yaml"
    if not path.exists():
        raise StudyError(f"{path} is not there: train that model first (dvc repro), or restore the folder from Git")
    did, says = yaml.safe_load(path.read_text()), declared(study, dataset, model, seed)
    if others := [name for name in says if did.get(name) != says[name]]:
        name = others[0]
        raise StudyError(
            f"{path.parent} was trained with other parameters than params/{study.study} has now: {', '.join(others)}"
            f" ({name}: {did.get(name)} then, {says[name]} now). Train it again (dvc repro), or change them back"
        )


def is_finished(folder: Path, wanted: dict) -> bool:
    """Whether this very run, by its settings, is on disk; its weights may be elsewhere (they are not in Git)."""
    done = folder / "settings.yaml"
    return done.exists() and yaml.safe_load(done.read_text()) == wanted
