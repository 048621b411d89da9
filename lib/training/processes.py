"""Train on several processes as on one: each takes some rows of every batch, and gradients are summed.

    rows of a batch --share--> this process's rows, their weight --forward, backward--> loss, correct --total--> sums
    run --spawn--> `python -m lib launch ...`, which Fabric starts once per device --one row per line--> its history

All processes draw the same order and augmentation from one seed; only the model's random numbers (dropout, random
heads) differ. On several nodes, `python -m lib launch` is started by hand: docs/machines.md.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from lib import strict
from lib.strict import StudyError
from lib.study import Run, Study


def start_fabric(study: Study):
    """Start a lightning_fabric.Fabric with the devices and precision of a study, and its other processes.

    Raises:
        StudyError: the device is missing, there are too few, or the study trains on several nodes and this process was
            not started as one of them.
    """
    name, device = f"params/{study.study}", study.training.device
    if device == "cuda" and not torch.cuda.is_available():
        raise StudyError(
            f"{name} asks for device: cuda, but this machine has none; set device: auto to train on the CPU"
        )
    if device != "cpu" and torch.cuda.is_available() and study.devices > torch.cuda.device_count():
        raise StudyError(f"{name} asks for devices: {study.devices}, but this machine has {torch.cuda.device_count()}")
    if study.nodes > 1 and not {"MASTER_ADDR", "SLURM_NTASKS"} & os.environ.keys():
        raise StudyError(
            f"{name} asks for nodes: {study.nodes}: start `python -m lib launch {study.study}` on each of them"
            " as docs/machines.md says, then run this again"
        )
    if study.training.threads:
        torch.set_num_threads(study.training.threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    # memory need not be filled before use; filling takes a ResNet an eighth of its time
    torch.utils.deterministic.fill_uninitialized_memory = False
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it cuBLAS is not repeatable
    from lightning_fabric import Fabric  # here, because its import takes a second

    fabric = Fabric(
        accelerator=device,
        devices=study.devices,
        num_nodes=study.nodes,
        strategy=study.strategy,
        precision=study.training.precision,
    )
    fabric.launch()
    return fabric


def share(fabric, rows: Tensor) -> tuple[slice, float]:
    """This process's rows of a batch, and their fraction of the batch, 0 to 1.

    With fewer rows than processes, a process without a row computes the first one with weight 0, since all processes
    must take part in the sum of gradients.
    """
    own = slice(fabric.global_rank, None, fabric.world_size)
    number = len(rows[own])
    return (own, number / len(rows)) if number else (slice(0, 1), 0.0)


@contextmanager
def own_draws(fabric, rows: Tensor) -> Iterator[None]:
    """Within the block, random numbers (dropout) differ between processes; after it, they are the same in all.

    They depend on the process and the batch's rows in their order, so a resumed training draws the same.
    """
    if fabric.world_size == 1:
        yield
        return
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(hash((fabric.global_rank, *rows.tolist())))
        yield


def total(fabric, *values: Tensor) -> tuple[Tensor, ...]:
    """Each value summed over all processes, in place (Fabric's own all_reduce adds a barrier before each sum)."""
    if fabric.world_size > 1:
        for value in values:
            torch.distributed.all_reduce(value)
    return values


def spawn(run: Run) -> Iterator[dict]:
    """Train a run in new processes, since a notebook's kernel cannot become one of several; yields its history.

    Raises:
        StudyError: the training cannot go on, or one of its processes was killed.
    """
    command = [sys.executable, "-m", "lib", "launch", run.study.study, *map(str, run.keys.values())]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=strict.ROOT, **pipes) as process:
        for line in process.stdout:
            if not line.startswith("{"):
                print(line, end="", file=sys.stderr)
                continue
            row = json.loads(line)
            if "error" in row:
                raise StudyError(row["error"])
            yield row
    if process.returncode:
        raise StudyError(f"a process of this training ended with code {process.returncode}; run this again to go on")


def end_with_parent() -> None:
    """End this process when its standard input closes, which means that its parent has ended."""
    os.read(0, 1)
    os._exit(1)
