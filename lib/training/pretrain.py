"""Train ViTs on drawings, for `weights: phantoms`, which replaces the paper's start from ImageNet without a download.

phantoms drawn only for this --draw_images--> Images of every class --learn--> runs/<study>/pretrained/<size>.pth

`python -m lib pretrain demo` makes history.csv and one file per size of ViT that a model asks for. The files have the
layout of pytorch_pretrained_vit's releases (1000 outputs, of which the drawn classes use the first), so they load in
the same way. A file is finished if the recipe beside it is the present one and holds the file's checksum.
"""

import io
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml
from torch import nn
from tqdm import tqdm

from lib.data import catalogue, datasets, fetch, phantoms, splits
from lib.data.files import write, write_csv
from lib.study import Study, load_study
from lib.study.settings import BEHAVIOUR, file_digest, vit_name, vit_size
from lib.surgery import load_vit
from lib.training.fit import fit, predict, score, start
from lib.training.images import Images
from lib.training.processes import start_fabric

COLUMNS = ["vit", "epoch", "train_accuracy", "validation_accuracy", "test_accuracy"]  # of history.csv
TRAINING = ["batch_size", "image_size", "pixel_mean", "pixel_std", "optimizer", "learning_rate", "weight_decay"]
TRAINING += ["schedule", "precision"]  # settings that a pre-training takes from the study's `training`


def recipe(study: Study, size: dict) -> dict:
    """Everything that decides a pre-training: how the study trains, the ViT's size, and the drawings."""
    later = ["fast_dropout"] if study.training.fast_dropout else []
    return {
        **{name: getattr(study.training, name) for name in TRAINING + later},
        **{"split_seed": study.split_seed, "validation_share": study.validation_share},
        **{**study.pretrain.model_dump(), "epoch_images": None, "seed": 0},
        **{"drawing": phantoms.VERSION, "behaviour": BEHAVIOUR},
        "size": size,
    }


def is_finished(path: Path, values: dict) -> bool:
    """Whether a weights file was trained by this recipe and is unchanged since."""
    kept = path.with_suffix(".yaml")
    if not (path.exists() and kept.exists()):
        return False
    return yaml.safe_load(kept.read_text()) == {**values, "sha256": file_digest(path)}


def vit_sizes(study: Study) -> dict[str, dict]:
    """The size of every ViT that a model of the study starts from, by the name of its file."""
    asking = [model for model in study.models.values() if model.starts_from == "phantoms"]
    return {vit_name(size): size for size in (vit_size(model.settings) for model in asking)}


def unfinished(study: Study) -> list[str]:
    """Names of the files for `weights: phantoms` that are not trained yet."""
    sizes = vit_sizes(study)
    return [n for n, size in sizes.items() if not is_finished(study.pretrained / f"{n}.pth", recipe(study, size))]


def pretrain(study: Study) -> pd.DataFrame:
    """Pre-train each size of ViT that is not finished, and write its file.

    Returns history.csv, one row per ViT and epoch, with COLUMNS; test_accuracy is on drawings of photographs and
    patients that are in no other part.
    """
    sizes, missing = vit_sizes(study), unfinished(study)
    files = {name: study.pretrained / f"{name}.pth" for name in sizes}
    path = study.pretrained / "history.csv"
    history = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=COLUMNS)
    rows = history.query("vit in @sizes and vit not in @missing").to_dict("records")
    if missing:
        fabric = start_fabric(study)
        images = draw_images(study, fabric.device)
    for name in missing:
        checkpoint = study.data / "pretrained" / f"{name}.checkpoint"
        values = recipe(study, sizes[name])
        network, learnt = learn(study, fabric, images, values, checkpoint)
        rows += [{"vit": name, **row} for row in learnt]
        if fabric.is_global_zero:
            write_csv(pd.DataFrame(rows, columns=COLUMNS), path)  # before the recipe, which marks a complete file
            write_weights(network, values, files[name])
        fabric.barrier()
        checkpoint.unlink(missing_ok=True)
    return pd.DataFrame(rows, columns=COLUMNS)


def draw_images(study: Study, device: torch.device) -> Images:
    """Draw every data set of `pretrain` and put all classes together, with the parts of the published split."""
    tables, pixels, classes = [], [], []
    for name, draw in study.pretrain.draw.items():
        entry = catalogue.entry(name)
        with tempfile.TemporaryDirectory() as folder:
            archive = fetch.find_archive(name, entry, draw, Path(folder) / "archive.zip", partial(tqdm, mininterval=5))
            images, drawn, _ = datasets.read_images(archive, entry, study.training.image_size)
        unique = ~images.sha256.duplicated()  # a copy in another part would raise the accuracy there
        images, drawn = images[unique].reset_index(drop=True), drawn[unique]
        share = {"seed": study.split_seed, "validation_share": study.validation_share}
        tables.append(splits.split(images, pd.DataFrame({"group": images.index}), "published", entry, **share))
        pixels.append(drawn)
        classes += list(entry.classes.values())
    return Images(pd.concat(tables, ignore_index=True), np.concatenate(pixels), classes, study, device)


def learn(study: Study, fabric, images: Images, values: dict, checkpoint: Path) -> tuple[nn.Module, list[dict]]:
    """Train one ViT by a recipe, or resume it; returns the network and one row per epoch."""
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    network, optimizer = start(fabric, values, partial(load_vit, study.training.image_size, **values["size"]))
    epochs = fit(fabric, network, optimizer, images, values, checkpoint)
    rows = list(tqdm(epochs, total=values["epochs"], desc="pre-training", disable=not fabric.is_global_zero))
    tested = images.rows("test")
    probabilities = predict(network, images, tested)[:, : len(images.classes)]
    rows[-1]["test_accuracy"] = score(images.kind, probabilities, images.labels[tested])["accuracy"]
    return network, rows


def write_weights(network: nn.Module, values: dict, path: Path) -> None:
    """Write a ViT's weights, and its recipe beside them."""
    # saved to memory first, since torch.save writes a file's name into it, and equal weights must have equal bytes
    content = io.BytesIO()
    torch.save({name: tensor.cpu() for name, tensor in network.state_dict().items()}, content)
    write(path, lambda part: part.write_bytes(content.getvalue()))
    kept = yaml.safe_dump({**values, "sha256": file_digest(path)})
    write(path.with_suffix(".yaml"), lambda part: part.write_text(kept))


def main(study_name: str) -> None:
    """Pre-train the ViTs that a study's models start from; the first process writes and prints history.csv."""
    study = load_study(study_name)
    history = pretrain(study)
    if torch.distributed.is_initialized() and torch.distributed.get_rank() > 0:
        return
    write_csv(history, study.pretrained / "history.csv")
    last = history.dropna(subset="test_accuracy")
    print(last.to_string(index=False) if len(last) else "no model of this study is pre-trained on drawings")
