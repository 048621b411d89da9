"""One model, one split, one seed -> history.csv, predictions.csv, settings.yaml and the weights.

    pixels.npy + split.csv --train--> an epoch's row at a time; a checkpoint each --finish--> runs/.../seed-k/

A run is finished when settings.yaml stands in its folder, and is never trained again while those settings
(data, parameters, code) are the ones asked for. A run that was cut off goes on from its last epoch and ends
with the same bytes.
"""

import math
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pandas as pd
import torch
import yaml
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from lib.errors import StudyError
from lib.files import write, write_csv
from lib.images import Images, open_images
from lib.models import MODELS
from lib.runs import is_finished, resume, save_checkpoint, settings, weights_path
from lib.study import ROOT, Study

OPTIMIZERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}
SCHEDULES = {  # share of the training that is done -> factor of the learning rate
    "constant": lambda done: 1.0,
    "warmup-cosine": lambda done: min(1.0, 20 * done + 0.01) * 0.5 * (1 + math.cos(math.pi * done)),
}
FLIPS = {"none": [], "horizontal": [-1], "both": [-1, -2]}  # axes of (batch, 3, height, width)


def build(study: Study, model: str, classes: int) -> nn.Module:
    """A model of the study, new or pre-trained, with as many outputs as there are classes."""
    chosen = study.models[model]
    return MODELS[chosen.architecture](classes, study.image_size, weights_path(study, model), **chosen.settings)


def start_fabric(study: Study):
    """The device and precision of a study, as a lightning_fabric.Fabric; a StudyError where there is no such device."""
    if study.device == "cuda" and not torch.cuda.is_available():
        raise StudyError(
            f"params/{study.study} asks for device: cuda, and this machine has none; set device: auto to train on what there is"
        )
    torch.use_deterministic_algorithms(True, warn_only=True)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS needs to be repeatable
    from lightning_fabric import Fabric  # only who trains waits for its import

    return Fabric(accelerator=study.device, devices=1, precision=study.precision)


def start(fabric, wanted: dict, make: Callable[[], nn.Module]) -> tuple[nn.Module, torch.optim.Optimizer]:
    """The network that `make` builds from the run's seed, and its optimiser, on the device."""
    torch.manual_seed(wanted["seed"])
    network = make()
    decides = {"lr": wanted["learning_rate"], "weight_decay": wanted["weight_decay"]}
    return fabric.setup(network, OPTIMIZERS[wanted["optimizer"]](network.parameters(), **decides, fused=True))


def train(study: Study, dataset: str, split: str, model: str, seed: int) -> Iterator[dict]:
    """Train one run, or go on with it, or find it finished; yields its history, a row an epoch.

    A row: epoch, train_loss, train_accuracy (while training: dropout and flips on), validation_loss,
    validation_accuracy. Losses are mean cross-entropies in nats.
    """
    wanted = settings(study, dataset, split, model, seed)
    folder, weights = study.run(dataset, split, model, seed), study.weights(dataset, split, model, seed)
    weights.parent.mkdir(parents=True, exist_ok=True)
    if not is_finished(folder, wanted):
        fabric = start_fabric(study)
        images = open_images(study, dataset, split, fabric.device)
        make = partial(build, study, model, len(images.classes))
        network, history, seconds = yield from tune(fabric, images, wanted, make, weights)
        finish(folder, weights, wanted, network, images, history)
        timing = pd.DataFrame({"seconds": seconds}).assign(**machine(fabric))
        write_csv(timing, study.timing(dataset, split, model, seed))
    else:
        yield from pd.read_csv(folder / "history.csv").to_dict("records")
    for checkpoint in weights.parent.glob(f"{weights.stem}.*checkpoint"):
        checkpoint.unlink()


def tune(fabric, images: Images, wanted: dict, make: Callable, weights: Path) -> Iterator[dict]:
    """Train at the learning rate, or at each of several, from the same start; yields the rows of all.

    Returns the network and the history with the best accuracy on the validation part after the last epoch (the lower loss
    where two are alike), and the seconds of every epoch of all.
    """
    rates, tried = wanted["learning_rate"], []
    for rate in rates if isinstance(rates, list) else [rates]:
        checkpoint = weights.with_suffix(f".{rate:g}.checkpoint" if isinstance(rates, list) else ".checkpoint")
        one = {**wanted, "learning_rate": rate}
        network, optimizer = start(fabric, one, make)
        history, seconds = yield from fit(fabric, network, optimizer, images, one, checkpoint)
        history = [{**row, "learning_rate": rate} for row in history] if isinstance(rates, list) else history
        tried.append((network, history, seconds))
    network, history, _ = max(tried, key=lambda t: (t[1][-1]["validation_accuracy"], -t[1][-1]["validation_loss"]))
    return network, history, [second for *_, seconds in tried for second in seconds]


def fit(fabric, network, optimizer, images: Images, wanted: dict, checkpoint: Path) -> Iterator[dict]:
    """All epochs, or those that the checkpoint lacks; yields a row each, returns the rows and the seconds of each."""
    history, seconds = resume(checkpoint, wanted, network, optimizer)
    yield from history
    for epoch in range(len(history), wanted["epochs"]):
        began = time.perf_counter()
        row = {"epoch": epoch + 1, **train_epoch(fabric, network, optimizer, images, wanted, epoch)}
        probabilities = predict(network, images, images.rows("validation"))
        validation = score(probabilities, images.labels[images.rows("validation")])
        history.append({**row, **{f"validation_{name}": value for name, value in validation.items()}})
        seconds.append(time.perf_counter() - began)
        if row["epoch"] < wanted["epochs"]:  # after the last, the finished run itself is written
            state = dict(wanted=wanted, network=network, optimizer=optimizer, history=history, seconds=seconds)
            write(checkpoint, partial(save_checkpoint, **state))
        yield history[-1]
    return history, seconds


def train_epoch(fabric, network, optimizer, images: Images, wanted: dict, epoch: int) -> dict:
    """One pass over the training part (or over `epoch_images` of it, drawn anew); returns train_loss and train_accuracy."""
    network.train()
    rows = images.rows("train")
    rows = rows[torch.randperm(len(rows))[: wanted["epoch_images"]]]
    batches = rows.split(wanted["batch_size"])
    batches = batches[:-1] if len(batches) > 1 and len(batches[-1]) == 1 else batches  # batch norm needs two images
    loss_sum, correct, seen = 0.0, 0, 0
    for step, batch in enumerate(batches):
        done = (epoch + step / len(batches)) / wanted["epochs"]
        for group in optimizer.param_groups:
            group["lr"] = wanted["learning_rate"] * SCHEDULES[wanted["schedule"]](done)
        pixels, labels = images.batch(batch)
        for axis in FLIPS[wanted["flips"]]:
            flipped = (torch.rand(len(batch)) < 0.5).to(pixels.device)
            pixels = torch.where(flipped[:, None, None, None], pixels.flip(axis), pixels)
        logits = network(pixels)
        loss = nn.functional.cross_entropy(logits, labels)
        optimizer.zero_grad()
        fabric.backward(loss)
        optimizer.step()
        loss_sum = loss_sum + loss.detach() * len(batch)  # stays on the device: no synchronisation a step
        correct = correct + (logits.detach().argmax(1) == labels).sum()
        seen += len(batch)
    return {"train_loss": float(loss_sum) / seen, "train_accuracy": float(correct) / seen}


@torch.no_grad()
def predict(network: nn.Module, images: Images, rows: Tensor, batch_size: int = 256) -> Tensor:
    """Softmax probabilities of rows, (rows, classes) float64 on the CPU."""
    network.eval()
    logits = [network(images.batch(batch)[0]) for batch in rows.split(batch_size)]
    return torch.cat(logits).double().cpu().softmax(1)


def score(probabilities: Tensor, labels: Tensor) -> dict:
    """Mean cross-entropy in nats, and accuracy."""
    loss = nn.functional.nll_loss(probabilities.clamp_min(1e-12).log(), labels)
    return {"loss": loss.item(), "accuracy": (probabilities.argmax(1) == labels).double().mean().item()}


def finish(folder: Path, weights: Path, wanted: dict, network: nn.Module, images: Images, history: list[dict]) -> None:
    """Write the run's files; settings.yaml goes first and comes last, since it says that the others are there."""
    (folder / "settings.yaml").unlink(missing_ok=True)
    tables = []
    for part in ["validation", "test"]:
        rows = images.rows(part)
        probabilities = predict(network, images, rows).numpy()
        table = images.table.loc[rows.numpy(), ["path", "group", "label"]].assign(
            predicted=[images.classes[i] for i in probabilities.argmax(1)]
        )
        table.insert(0, "part", part)
        tables.append(table.assign(**{f"p_{name}": column for name, column in zip(images.classes, probabilities.T)}))
    write(weights, lambda path: save_file({k: v.contiguous() for k, v in network.state_dict().items()}, path))
    write_csv(pd.DataFrame(history), folder / "history.csv")
    write_csv(pd.concat(tables), folder / "predictions.csv")
    write(folder / "settings.yaml", lambda path: path.write_text(yaml.safe_dump(wanted)))


def load_trained(study: Study, dataset: str, split: str, model: str, seed: int) -> nn.Module:
    """A finished run's network, on the CPU, in eval mode; a StudyError where its weights are not on this machine."""
    weights = study.weights(dataset, split, model, seed)
    if not weights.exists():
        kept = study.run(dataset, split, model, seed).relative_to(ROOT)
        raise StudyError(
            f"the weights of {kept} are not here (they are not in Git): delete that folder to train it again"
        )
    network = build(study, model, len(study.dataset(dataset).classes))
    network.load_state_dict(load_file(weights))
    return network.eval()


def machine(fabric) -> dict:
    """What a timing was measured on."""
    name = torch.cuda.get_device_name(fabric.device) if fabric.device.type == "cuda" else "CPU"
    return {"device": name, "threads": torch.get_num_threads(), "torch": torch.__version__}
