"""Say what decides the result of a run, and whether a run is finished, by its settings.yaml.

parameters --declared--> + checksums of what it reads --settings--> settings.yaml
A run is finished if its settings.yaml equals the settings of the present parameters and data.
"""

import hashlib
import inspect
from pathlib import Path

from lib.models import vit
from lib.strict import StudyError
from lib.study.model import OWN
from lib.study.paths import Run
from lib.study.schema import DatasetSettings, Study

# Raise it when the same settings train to another result: every run is then trained again (tests/test_behaviour.py)
BEHAVIOUR = 1
# settings of a data set that are always in settings.yaml; others only if a study sets them
ALWAYS = ["epochs", "epoch_images", "flips"]
# settings of a data set that are not compared: the first three decide pixels.npy, and its checksum is compared instead
NOT_TRAINING = {"draw", "version", "centre_crop", "seeds"}


def file_digest(path: Path) -> str:
    """SHA-256 of a file."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def declared(run: Run) -> dict:
    """The settings of a run that follow from its parameters: `settings` without checksums."""
    model, training = run.study.models[run.model], run.study.training
    own = {name: getattr(model, name) for name in OWN}
    shared = ["image_size", "pixel_mean", "pixel_std", "precision"]
    # settings added later; absent if a study does not set them
    shared += [name for name in ("threads", "fast_dropout", "label_weights") if getattr(training, name)]
    shared += [] if training.scale_of_weights else ["scale_of_weights"]
    return {
        "model": {"architecture": model.architecture, **model.settings},
        "seed": run.seed,
        **{name: getattr(training, name) if value is None else value for name, value in own.items()},
        **{name: getattr(training, name) for name in shared},
        **of_dataset(run.study.datasets[run.cell.dataset]),
        "classes": run.cell.classes,
        "behaviour": BEHAVIOUR,
    }


def of_dataset(chosen: DatasetSettings) -> dict:
    """The settings of a data set that decide its trainings."""
    values = chosen.model_dump(exclude=NOT_TRAINING)
    return {name: value for name, value in values.items() if value or name in ALWAYS}


def read_by(run: Run) -> dict[str, Path | None]:
    """The files that a run reads, by the names of their checksums; a start from no file is None."""
    return {
        "split_sha256": run.cell.parts,
        "pixels_sha256": run.cell.images / "pixels.npy",
        "weights_sha256": start_file(run.study, run.model),
    }


def settings(run: Run) -> dict:
    """Everything that decides the result of a run, as plain YAML."""
    checksums = {name: file_digest(path) if path else None for name, path in read_by(run).items()}
    return {**declared(run), **checksums}


def asked(run: Run) -> dict:
    """`settings` without the checksums of files that this clone does not have."""
    known_here = {name: path for name, path in read_by(run).items() if path is None or path.exists()}
    return {**declared(run), **{name: file_digest(path) if path else None for name, path in known_here.items()}}


def is_finished(run: Run) -> bool:
    """Whether this run is on disk with its present settings, with a result or stopped; weights may be missing."""
    return run.settings.exists() and not differing(run, asked(run))


def differing(run: Run, wanted: dict) -> list[str]:
    """Names of the settings in which a run on disk differs from `wanted`."""
    kept = run.kept_settings()
    later = kept.keys() - declared(run).keys() - read_by(run).keys()  # set then, and not set any more
    return [name for name in wanted if kept.get(name) != wanted[name]] + sorted(later)


def require_declared(run: Run) -> None:
    """StudyError: a run was not trained, or with other parameters than the study has now; the message names some."""
    wanted = declared(run)
    if others := differing(run, wanted):
        name = others[0]
        then, now = run.kept_settings().get(name), wanted.get(name)
        raise StudyError(
            f"{run} was trained with other parameters than params/{run.study.study} has now: {', '.join(others)}"
            f" ({name}: {then} then, {now} now). Train it again (dvc repro), or change them back"
        )


def start_file(study: Study, model: str) -> Path | None:
    """The file that a model starts from, which the stage `weights` or `pretrain` writes; None: from scratch."""
    chosen = study.models[model]
    if chosen.starts_from == "imagenet":
        return study.data / "weights" / f"{model}.pth"
    if chosen.starts_from == "phantoms":
        return study.pretrained / f"{vit_name(vit_size(chosen.settings))}.pth"
    return None


# name of a ViT's size in a params file -> name in pytorch_pretrained_vit
VIT_SIZE = {
    "patch": "patches",
    "dim": "dim",
    "mlp_dim": "ff_dim",
    "depth": "num_layers",
    "heads": "num_heads",
    "dropout": "dropout_rate",
}


def vit_size(settings: dict) -> dict:
    """The size of a model's ViT, by the names of pytorch_pretrained_vit."""
    defaults = {name: parameter.default for name, parameter in inspect.signature(vit).parameters.items()}
    return {theirs: settings.get(ours, defaults[ours]) for ours, theirs in VIT_SIZE.items()}


def vit_name(size: dict) -> str:
    """The name of the weights file for a ViT of this size; models of one size share a file."""
    return "vit-" + "-".join(str(size[name]) for name in VIT_SIZE.values())
