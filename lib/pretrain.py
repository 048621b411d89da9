"""A ViT that has seen only drawings, for `weights: phantoms`: the paper's start from ImageNet, which needs a download.

phantoms drawn for this only --draw_images--> Images of every class --pretrain--> data/<study>/pretrained/<model>.pth

`python -m lib.pretrain demo` makes one file for each model that asks for it, and history.csv. The files are laid out
like the releases of pytorch_pretrained_vit (1000 outputs, of which the drawn classes use the first), so they load alike.
"""

import hashlib
import inspect
import io
import shutil
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from lib import datasets, splits
from lib.catalogue import catalogue
from lib.errors import StudyError
from lib.files import write, write_csv
from lib.images import Images
from lib.models import vit
from lib.runs import BEHAVIOUR, weights_path
from lib.study import Study, load_study
from lib.surgery import load_vit
from lib.training import fit, predict, score, start, start_fabric

SIZE = {"patch": "patches", "dim": "dim", "mlp_dim": "ff_dim", "depth": "num_layers", "heads": "num_heads"}


def draw_images(study: Study, device: torch.device) -> Images:
    """Every drawn data set of `pretrain`, its classes side by side, with parts as in the paper's own split."""
    tables, pixels, classes = [], [], []
    for name, draw in study.pretrain.draw.items():
        entry = catalogue()[name]
        with tempfile.TemporaryDirectory() as folder:
            archive = datasets.find_archive(
                name, entry, draw, Path(folder) / "archive.zip", partial(tqdm, mininterval=5)
            )
            images, drawn, _ = datasets.read_images(archive, entry, study.image_size)
        unique = ~images.sha256.duplicated()  # a copy in another part would make the accuracy there read high
        images, drawn = images[unique].reset_index(drop=True), drawn[unique]
        share = {"seed": study.split_seed, "validation_share": study.validation_share}
        tables.append(splits.split(images, pd.DataFrame({"group": images.index}), "published", entry, **share))
        pixels.append(drawn)
        classes += list(entry.classes.values())
    return Images(pd.concat(tables, ignore_index=True), np.concatenate(pixels), classes, study, device)


def size_of(settings: dict) -> dict:
    """What the plain ViT under a model's attention measures, by the names of pytorch_pretrained_vit."""
    defaults = {name: parameter.default for name, parameter in inspect.signature(vit).parameters.items()}
    names = {**SIZE, "dropout": "dropout_rate"}
    return {theirs: settings.get(ours, defaults[ours]) for ours, theirs in names.items()}


def recipe(study: Study, images: Images) -> dict:
    """Everything that decides the result, beside the ViT's size: the study's own ways of training, and the drawings."""
    shared = ["batch_size", "image_size", "optimizer", "learning_rate", "weight_decay", "schedule", "precision"]
    seen = {"parts": images.table.part.tolist(), "mean": images.mean, "std": images.std}
    seen["pixels_sha256"] = hashlib.sha256(images.pixels.tobytes()).hexdigest()
    learning = {"epochs": study.pretrain.epochs, "flips": study.pretrain.flips, "epoch_images": None, "seed": 0}
    return {name: getattr(study, name) for name in shared} | seen | learning | {"behaviour": BEHAVIOUR}


def pretrain(study: Study) -> pd.DataFrame:
    """Pre-train each size of ViT once, and write the file of each model; returns history.csv, a row a model and epoch.

    `test_accuracy` is on drawings kept aside, of photographs and patients that were not trained on.
    """
    asking = {name: model for name, model in study.models.items() if model.starts_from == "phantoms"}
    rows, files = [], {}
    fabric = start_fabric(study)
    images = draw_images(study, fabric.device) if asking else None
    for name, model in asking.items():
        size, path = size_of(model.settings), weights_path(study, name)
        twin = next((other for other, its_size in files.items() if its_size == size), None)
        if twin:
            write(path, partial(shutil.copyfile, weights_path(study, twin)))
            rows += [{**row, "model": name} for row in rows if row["model"] == twin]
        else:
            rows += [{"model": name, **row} for row in learn(study, fabric, images, size, path)]
        files[name] = size
    return pd.DataFrame(rows, columns=["model", "epoch", "train_accuracy", "validation_accuracy", "test_accuracy"])


def learn(study: Study, fabric, images: Images, size: dict, path: Path) -> list[dict]:
    """Train one ViT, or go on with it after its last epoch; write its weights; returns a row an epoch."""
    wanted, checkpoint = {**recipe(study, images), "size": size}, path.with_suffix(".checkpoint")
    path.parent.mkdir(parents=True, exist_ok=True)
    network, optimizer = start(fabric, wanted, partial(load_vit, study.image_size, **size))
    rows = []
    for row in tqdm(
        fit(fabric, network, optimizer, images, wanted, checkpoint), total=wanted["epochs"], desc="pre-training"
    ):
        rows.append(row)
    tested = images.rows("test")
    rows[-1]["test_accuracy"] = score(
        predict(network, images, tested)[:, : len(images.classes)], images.labels[tested]
    )["accuracy"]
    content = io.BytesIO()  # torch.save writes a file's name into it, and the same weights are to have the same bytes
    torch.save({name: tensor.cpu() for name, tensor in network.state_dict().items()}, content)
    write(path, lambda p: p.write_bytes(content.getvalue()))
    checkpoint.unlink(missing_ok=True)
    return rows


if __name__ == "__main__":
    try:
        chosen = load_study(sys.argv[1])
        history = pretrain(chosen)
    except StudyError as error:
        sys.exit(f"error: {error}")
    write_csv(history, chosen.data / "pretrained" / "history.csv")
    last = history.dropna(subset="test_accuracy")
    print(last.to_string(index=False) if len(last) else "no model of this study starts from phantom weights")
