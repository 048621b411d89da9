"""A ViT that has seen only drawings, for `weights: phantoms`: the paper's start from ImageNet, which needs a download.

phantoms drawn for this only --draw_images--> Images of every class --learn--> runs/<study>/pretrained/<size>.pth

`python -m lib.pretrain demo` makes one file for each size of ViT that a model asks for, and history.csv. The files are laid
out like the releases of pytorch_pretrained_vit (1000 outputs, of which the drawn classes use the first), so they load alike.
"""

import io
import sys
import tempfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml
from tqdm import tqdm

from lib import catalogue, datasets, fetch, phantoms, splits
from lib.errors import StudyError
from lib.files import write, write_csv
from lib.fitting import fit, predict, score, start, start_fabric
from lib.images import Images
from lib.runs import BEHAVIOUR, file_digest, size_name, size_of
from lib.study import Study, load_study
from lib.surgery import load_vit


def draw_images(study: Study, device: torch.device) -> Images:
    """Every drawn data set of `pretrain`, its classes side by side, with parts as in the paper's own split."""
    tables, pixels, classes = [], [], []
    for name, draw in study.pretrain.draw.items():
        entry = catalogue.entry(name)
        with tempfile.TemporaryDirectory() as folder:
            archive = fetch.find_archive(name, entry, draw, Path(folder) / "archive.zip", partial(tqdm, mininterval=5))
            images, drawn, _ = datasets.read_images(archive, entry, study.image_size)
        unique = ~images.sha256.duplicated()  # a copy in another part would make the accuracy there read high
        images, drawn = images[unique].reset_index(drop=True), drawn[unique]
        share = {"seed": study.split_seed, "validation_share": study.validation_share}
        tables.append(splits.split(images, pd.DataFrame({"group": images.index}), "published", entry, **share))
        pixels.append(drawn)
        classes += list(entry.classes.values())
    return Images(pd.concat(tables, ignore_index=True), np.concatenate(pixels), classes, study, device)


def recipe(study: Study, size: dict) -> dict:
    """Everything that decides the result: the study's own ways of training, the ViT's size, and what is drawn."""
    shared = ["batch_size", "image_size", "pixel_mean", "pixel_std", "optimizer", "learning_rate", "weight_decay"]
    shared += ["schedule", "precision", "split_seed", "validation_share"]
    drawn = {"phantoms_sha256": file_digest(Path(phantoms.__file__)), "behaviour": BEHAVIOUR}
    learning = {**study.pretrain.model_dump(), "epoch_images": None, "seed": 0}
    return {name: getattr(study, name) for name in shared} | learning | drawn | {"size": size}


COLUMNS = ["vit", "epoch", "train_accuracy", "validation_accuracy", "test_accuracy"]  # of history.csv


def pretrain(study: Study) -> pd.DataFrame:
    """Pre-train each size of ViT once, if it is not yet, and write its file; returns history.csv, a row a ViT and epoch.

    `test_accuracy` is on drawings kept aside, of photographs and patients that were not trained on.
    """
    asking = [model for model in study.models.values() if model.starts_from == "phantoms"]
    sizes = {size_name(size): size for size in (size_of(model.settings) for model in asking)}
    path = study.pretrained / "history.csv"
    told = pd.read_csv(path) if path.exists() else pd.DataFrame(columns=COLUMNS)
    missing = {
        name: size
        for name, size in sizes.items()
        if name not in set(told.vit) or not is_whole(study.pretrained / f"{name}.pth", recipe(study, size))
    }
    rows = told.query("vit in @sizes and vit not in @missing").to_dict("records")
    if missing:
        fabric = start_fabric(study)
        images = draw_images(study, fabric.device)
        for name, size in missing.items():
            learnt = learn(study, fabric, images, size, study.pretrained / f"{name}.pth")
            rows += [{"vit": name, **row} for row in learnt]
            if fabric.is_global_zero:  # after each: what is whole and stands in no history is trained again
                write_csv(pd.DataFrame(rows, columns=COLUMNS), path)
    return pd.DataFrame(rows, columns=COLUMNS)


def is_whole(path: Path, wanted: dict) -> bool:
    """Whether a file was trained as is wanted, and is as it was written."""
    told = path.with_suffix(".yaml")
    return (
        path.exists() and told.exists() and yaml.safe_load(told.read_text()) == {**wanted, "sha256": file_digest(path)}
    )


def learn(study: Study, fabric, images: Images, size: dict, path: Path) -> list[dict]:
    """Train one ViT, or go on with it; write its weights and how they came about; returns a row an epoch."""
    wanted, checkpoint = recipe(study, size), study.data / "pretrained" / f"{path.stem}.checkpoint"
    checkpoint.parent.mkdir(parents=True, exist_ok=True)
    network, optimizer = start(fabric, wanted, partial(load_vit, study.image_size, **size))
    going = fit(fabric, network, optimizer, images, wanted, checkpoint)
    rows = list(tqdm(going, total=wanted["epochs"], desc="pre-training", disable=not fabric.is_global_zero))
    tested = images.rows("test")
    probabilities = predict(network, images, tested)[:, : len(images.classes)]
    rows[-1]["test_accuracy"] = score(images.kind, probabilities, images.labels[tested])["accuracy"]
    if fabric.is_global_zero:
        keep(network, wanted, path)
    fabric.barrier()
    checkpoint.unlink(missing_ok=True)
    return rows


def keep(network, wanted: dict, path: Path) -> None:
    """Write a ViT's weights, and beside them how they came about."""
    content = io.BytesIO()  # torch.save writes a file's name into it, and the same weights are to have the same bytes
    torch.save({name: tensor.cpu() for name, tensor in network.state_dict().items()}, content)
    write(path, lambda p: p.write_bytes(content.getvalue()))
    told = yaml.safe_dump({**wanted, "sha256": file_digest(path)})
    write(path.with_suffix(".yaml"), lambda p: p.write_text(told))


if __name__ == "__main__":
    try:
        chosen = load_study(sys.argv[1])
        history = pretrain(chosen)
    except StudyError as error:
        sys.exit(f"error: {error}")
    if torch.distributed.is_initialized() and torch.distributed.get_rank() > 0:
        sys.exit()  # the first process writes
    write_csv(history, chosen.pretrained / "history.csv")
    last = history.dropna(subset="test_accuracy")
    print(last.to_string(index=False) if len(last) else "no model of this study is pre-trained on drawings")
