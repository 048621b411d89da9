"""Train a network epoch by epoch; a training killed at any moment resumes to the same bytes.

images, settings --start--> network, optimiser --fit--> history
network, optimiser, random states, history, the epoch begun --save--> a checkpoint, digest first --load--> the same
"""

import hashlib
import io
import math
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

import torch
from torch import Tensor, nn

from lib.data.files import write
from lib.strict import StudyError
from lib.training.dropout import make_fast
from lib.training.images import Images, Kind, augment
from lib.training.processes import own_draws, share, total

DIGEST = 32  # bytes at the beginning of a checkpoint: the SHA-256 of the rest
SECONDS = 30  # between two checkpoints within an epoch; each epoch also ends with one
AUGMENTS = ["flips", "shift", "turn"]  # settings for `augment`
OPTIMIZERS = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW, "sgd": partial(torch.optim.SGD, momentum=0.9)}


def constant(done: float) -> float:
    """Factor 1 throughout; `done`, as in all schedules: the fraction of the training that is done."""
    return 1.0


def steps(done: float) -> float:
    """Divide the learning rate by 5 after 28 %, 58 % and 78 % of the training: epochs 14, 29 and 39 of 50."""
    return 0.2 ** sum(done >= at for at in (0.28, 0.58, 0.78))


def warmup_cosine(done: float) -> float:
    """A linear warm-up over the first 5 % of the training, and a cosine to zero."""
    return min(1.0, 20 * done + 0.01) * 0.5 * (1 + math.cos(math.pi * done))


# fraction of the training that is done -> factor of the learning rate
SCHEDULES = {"constant": constant, "steps": steps, "warmup-cosine": warmup_cosine}


class Diverged(StudyError):
    """The loss, or a probability, became infinite or NaN."""


class Digested:
    """A file and the SHA-256 of all that is written to it, without a copy, since ViT-B/16 has 1 GB."""

    def __init__(self, file: BinaryIO):
        self.file, self.digest = file, hashlib.sha256()

    def write(self, content) -> int:
        self.digest.update(content)
        return self.file.write(content)

    def flush(self) -> None:
        self.file.flush()


def save(path: Path, settings: dict, network: nn.Module, optimizer, progress: dict) -> None:
    """Write a checkpoint of everything that the next step depends on, in one step.

    StudyError: it cannot be written.
    """
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    state = {
        "settings": settings,
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "random": {"cpu": torch.get_rng_state(), "cuda": cuda},
        "progress": progress,
    }

    def stream(part: Path) -> None:
        with open(part, "wb") as file:
            file.write(bytes(DIGEST))
            content = Digested(file)
            torch.save(state, content)
            file.seek(0)
            file.write(content.digest.digest())

    write(path, stream)


def load(path: Path, settings: dict, network: nn.Module, optimizer) -> dict | None:
    """Restore a checkpoint into network, optimiser and random states; returns its progress.

    None: there is no checkpoint of these settings, or it is damaged (with a warning). Only tensors and plain values are
    unpickled.
    """
    if not path.exists():
        return None
    content = path.read_bytes()
    if hashlib.sha256(content[DIGEST:]).digest() != content[:DIGEST]:
        warnings.warn(f"{path.name} is damaged: this training starts again from its first epoch", stacklevel=2)
        return None
    state = torch.load(io.BytesIO(content[DIGEST:]), map_location="cpu", weights_only=True)
    if state["settings"] != settings:
        return None
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["random"]["cpu"])
    if state["random"]["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["random"]["cuda"])
    return state["progress"]


def start(fabric, settings: dict, make: Callable[[], nn.Module]) -> tuple[nn.Module, torch.optim.Optimizer]:
    """Build the network by `make` with the run's seed, and its optimiser, on the device."""
    torch.manual_seed(settings["seed"])
    network = make()
    if settings.get("fast_dropout"):
        make_fast(network)
    if fabric.world_size > 1 and fabric.device.type == "cuda":
        network = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # statistics of the whole batch
    rates = {"lr": settings["learning_rate"], "weight_decay": settings["weight_decay"]}
    return fabric.setup(network, OPTIMIZERS[settings["optimizer"]](network.parameters(), **rates, fused=True))


def fit(fabric, network, optimizer, images: Images, settings: dict, checkpoint: Path) -> Iterator[dict]:
    """Train all epochs, or those after the checkpoint; yields one row per epoch, returns the rows and their seconds.

    Raises:
        Diverged: the loss, or a probability of a validation image, became infinite or NaN.
    """
    progress = load(checkpoint, settings, network, optimizer) or {"history": [], "seconds": [], "epoch": None}
    history, seconds = progress["history"], progress["seconds"]

    def keep() -> None:
        # one process writes for all, since checkpoints do not differ between them
        if fabric.is_global_zero:
            save(checkpoint, settings, network, optimizer, progress)

    yield from list(history)
    for epoch in range(len(history), settings["epochs"]):
        row = {"epoch": epoch + 1, **train_epoch(fabric, network, optimizer, images, settings, epoch, progress, keep)}
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
        if row["epoch"] < settings["epochs"]:  # after the last epoch the finished run is written instead
            keep()
        yield history[-1]
    return history, seconds


def begin_epoch(images: Images, settings: dict) -> dict:
    """The state of an epoch before its first step, with its rows (`epoch_images`, or all) in random order."""
    rows = images.rows("train")
    rows = rows[torch.randperm(len(rows))[: settings["epoch_images"]]]
    sums = {"loss_sum": torch.zeros(()), "correct": torch.zeros((), dtype=torch.long), "seen": 0}
    return {"rows": rows, "step": 0, **sums, "seconds": 0.0}


def train_epoch(fabric, network, optimizer, images: Images, settings: dict, epoch: int, progress: dict, keep) -> dict:
    """Train one epoch, or the rest of one; returns train_loss (nats) and train_accuracy (0 to 1).

    Args:
        epoch: its number, from 0. progress: the state of the training; progress["epoch"] is updated at every step.
        keep: called without arguments every SECONDS; writes a checkpoint.
    """
    network.train()
    state = progress["epoch"] = progress["epoch"] or begin_epoch(images, settings)
    batches = state["rows"].split(settings["batch_size"])
    if len(batches) > 1 and len(batches[-1]) == 1:  # batch norm needs two images
        batches = batches[:-1]
    began = saved = time.monotonic()
    before = state["seconds"]
    for step in range(state["step"], len(batches)):
        done = (epoch + step / len(batches)) / settings["epochs"]
        for group in optimizer.param_groups:
            group["lr"] = settings["learning_rate"] * SCHEDULES[settings["schedule"]](done)
        loss, correct = train_step(fabric, network, optimizer, images, batches[step], settings)
        # the sums stay on the device, so that steps do not wait for it
        state["loss_sum"] = loss * len(batches[step]) + state["loss_sum"]
        state["correct"] = correct + state["correct"]
        state["step"] = step + 1
        state["seen"] += len(batches[step])
        state["seconds"] = before + time.monotonic() - began
        if time.monotonic() - saved > SECONDS:
            keep()
            saved = time.monotonic()
    seen = state["seen"]
    return {"train_loss": float(state["loss_sum"]) / seen, "train_accuracy": float(state["correct"]) / seen}


def train_step(fabric, network, optimizer, images: Images, rows: Tensor, settings: dict) -> tuple[Tensor, Tensor]:
    """One step; returns the mean loss of the batch (nats) and the number of right predictions, both on the device."""
    own, weight = share(fabric, rows)
    pixels, labels = images.batch(rows[own])
    pixels = augment(pixels, len(rows), own, **{name: settings[name] for name in AUGMENTS if name in settings})
    with own_draws(fabric, rows):
        logits = network(pixels)
    loss = images.loss(logits, labels) * weight
    optimizer.zero_grad()
    fabric.backward(loss * fabric.world_size)  # the strategy takes the mean of the processes' gradients
    optimizer.step()
    correct = images.kind.right(logits.detach(), labels, 0).sum()
    if weight == 0:  # a row that another process counts
        correct = torch.zeros_like(correct)
    return total(fabric, loss.detach(), correct)


@torch.no_grad()
def predict(network: nn.Module, images: Images, rows: Tensor, batch_size: int = 256) -> Tensor:
    """Predict rows: probabilities, (rows, classes) float64 on the CPU."""
    network.eval()
    logits = [network(images.batch(batch)[0]) for batch in rows.split(batch_size)]
    return images.kind.probabilities(torch.cat(logits).double().cpu())


def score(kind: Kind, probabilities: Tensor, labels: Tensor) -> dict:
    """Mean cross-entropy (nats) and accuracy (0 to 1) of probabilities, (rows, classes)."""
    loss, right = kind.log_loss(probabilities, labels), kind.right(probabilities, labels, 0.5)
    return {"loss": loss.item(), "accuracy": right.double().mean().item()}
