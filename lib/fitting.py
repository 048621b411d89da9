"""Epochs: a network and images in, a row an epoch out; whatever moment it is stopped at, it goes on from there.

images, settings --start--> network, optimiser --fit--> history; checkpoints on the way
"""

import math
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch
from torch import Tensor, nn

from lib import checkpoints
from lib.augment import augment
from lib.errors import StudyError
from lib.images import Images
from lib.shares import own_draws, share, total
from lib.study import Study

OPTIMIZERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": partial(torch.optim.SGD, momentum=0.9)}
SCHEDULES = {  # share of the training that is done -> factor of the learning rate
    "constant": lambda done: 1.0,
    "steps": lambda done: 0.2 ** sum(done >= at for at in (0.28, 0.58, 0.78)),  # epochs 14, 29 and 39 of 50
    "warmup-cosine": lambda done: min(1.0, 20 * done + 0.01) * 0.5 * (1 + math.cos(math.pi * done)),
}
AUGMENTS = ["flips", "shift", "turn"]  # settings of lib.augment


def start_fabric(study: Study):
    """The devices and precision of a study, as a lightning_fabric.Fabric that has started what processes it lacks.

    Raises:
        StudyError: there is no such device, or there are too few; or the study trains on several nodes, and this is not one of them.
    """
    if study.device == "cuda" and not torch.cuda.is_available():
        raise StudyError(
            f"params/{study.study} asks for device: cuda, and this machine has none; set device: auto to train on what there is"
        )
    if study.device != "cpu" and torch.cuda.is_available() and study.devices > (there := torch.cuda.device_count()):
        raise StudyError(f"params/{study.study} asks for devices: {study.devices}, and this machine has {there}")
    if study.nodes > 1 and not {"MASTER_ADDR", "SLURM_NTASKS"} & os.environ.keys():
        raise StudyError(
            f"params/{study.study} asks for nodes: {study.nodes}: start `python -m lib.launch {study.study}` on each of them as docs/machines.md says, then run this again"
        )
    torch.use_deterministic_algorithms(True, warn_only=True)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # what cuBLAS needs to be repeatable
    from lightning_fabric import Fabric  # only who trains waits for its import

    where = {"accelerator": study.device, "devices": study.devices, "num_nodes": study.nodes}
    fabric = Fabric(**where, strategy=study.strategy, precision=study.precision)
    fabric.launch()
    return fabric


def start(fabric, wanted: dict, make: Callable[[], nn.Module]) -> tuple[nn.Module, torch.optim.Optimizer]:
    """The network that `make` builds from the run's seed, and its optimiser, on the device."""
    torch.manual_seed(wanted["seed"])
    network = make()
    if fabric.world_size > 1 and fabric.device.type == "cuda":
        network = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # statistics of the whole batch
    decides = {"lr": wanted["learning_rate"], "weight_decay": wanted["weight_decay"]}
    return fabric.setup(network, OPTIMIZERS[wanted["optimizer"]](network.parameters(), **decides, fused=True))


class Diverged(StudyError):
    """The loss, or a probability, is no number any more."""


def fit(fabric, network, optimizer, images: Images, wanted: dict, checkpoint: Path) -> Iterator[dict]:
    """All epochs, or what the checkpoint lacks of them; yields a row each, returns the rows and the seconds of each.

    Raises:
        Diverged: the loss, or a probability of a validation image, became infinite or NaN.
    """
    new = {"history": [], "seconds": [], "epoch": None}
    progress = checkpoints.load(checkpoint, wanted, network, optimizer) or new
    save = partial(checkpoints.save, checkpoint, wanted, network, optimizer, progress)
    save = save if fabric.is_global_zero else lambda: None  # it holds for all: nothing in it differs between them
    history, seconds = progress["history"], progress["seconds"]
    yield from list(history)
    for epoch in range(len(history), wanted["epochs"]):
        row = {"epoch": epoch + 1, **train_epoch(fabric, network, optimizer, images, wanted, epoch, progress, save)}
        if not math.isfinite(row["train_loss"]):
            raise Diverged(f"the loss became {row['train_loss']} in epoch {epoch + 1}")
        began = time.perf_counter()
        probabilities = predict(network, images, images.rows("validation"))
        if not probabilities.isfinite().all():
            raise Diverged(f"the probabilities became nan in epoch {epoch + 1}")
        validation = score(images.kind, probabilities, images.labels[images.rows("validation")])
        history.append({**row, **{f"validation_{name}": value for name, value in validation.items()}})
        seconds.append(progress["epoch"]["seconds"] + time.perf_counter() - began)
        progress["epoch"] = None
        if row["epoch"] < wanted["epochs"]:  # after the last, the finished run itself is written
            save()
        yield history[-1]
    return history, seconds


def begin_epoch(images: Images, wanted: dict) -> dict:
    """Where an epoch stands before its first step: the rows in their order (or `epoch_images` of them, drawn anew)."""
    rows = images.rows("train")
    rows = rows[torch.randperm(len(rows))[: wanted["epoch_images"]]]
    return {"rows": rows, "step": 0, "loss_sum": torch.zeros(()), "correct": torch.zeros((), dtype=torch.long), "seen": 0, "seconds": 0.0}  # fmt: skip


def train_epoch(fabric, network, optimizer, images: Images, wanted: dict, epoch: int, progress: dict, save) -> dict:
    """One pass over the training part, or the rest of one; returns train_loss and train_accuracy. Calls `save` now and then."""
    network.train()
    at = progress["epoch"] = progress["epoch"] or begin_epoch(images, wanted)
    batches = at["rows"].split(wanted["batch_size"])
    batches = batches[:-1] if len(batches) > 1 and len(batches[-1]) == 1 else batches  # batch norm needs two images
    began = saved = checkpoints.CLOCK()
    before = at["seconds"]
    for step in range(at["step"], len(batches)):
        done = (epoch + step / len(batches)) / wanted["epochs"]
        for group in optimizer.param_groups:
            group["lr"] = wanted["learning_rate"] * SCHEDULES[wanted["schedule"]](done)
        loss, correct = train_step(fabric, network, optimizer, images, batches[step], wanted)
        at["loss_sum"] = loss * len(batches[step]) + at["loss_sum"]  # stays on the device: no synchronisation a step
        at["correct"] = correct + at["correct"]
        at |= {
            "step": step + 1,
            "seen": at["seen"] + len(batches[step]),
            "seconds": before + checkpoints.CLOCK() - began,
        }
        if checkpoints.CLOCK() - saved > checkpoints.SECONDS:
            save()
            saved = checkpoints.CLOCK()
    return {"train_loss": float(at["loss_sum"]) / at["seen"], "train_accuracy": float(at["correct"]) / at["seen"]}


def train_step(fabric, network, optimizer, images: Images, rows: Tensor, wanted: dict) -> tuple[Tensor, Tensor]:
    """One step; returns the mean loss of the batch and how many of it were right, both on the device."""
    mine, weight = share(fabric, rows)
    pixels, labels = images.batch(rows[mine])
    pixels = augment(pixels, len(rows), mine, **{name: wanted[name] for name in AUGMENTS if name in wanted})
    with own_draws(fabric, rows):
        logits = network(pixels)
    loss = images.kind.loss(logits, labels) * weight
    optimizer.zero_grad()
    fabric.backward(loss * fabric.world_size)  # the strategy takes the mean of the processes' gradients
    optimizer.step()
    return total(fabric, loss.detach(), images.kind.right(logits.detach(), labels, 0).sum() * (weight > 0))


@torch.no_grad()
def predict(network: nn.Module, images: Images, rows: Tensor, batch_size: int = 256) -> Tensor:
    """Probabilities of rows, (rows, classes) float64 on the CPU."""
    network.eval()
    logits = [network(images.batch(batch)[0]) for batch in rows.split(batch_size)]
    return images.kind.probabilities(torch.cat(logits).double().cpu())


def score(kind, probabilities: Tensor, labels: Tensor) -> dict:
    """Mean cross-entropy in nats, and accuracy."""
    loss, right = kind.log_loss(probabilities, labels), kind.right(probabilities, labels, 0.5)
    return {"loss": loss.item(), "accuracy": right.double().mean().item()}
