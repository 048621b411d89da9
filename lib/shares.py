"""Several processes train as one: each takes its rows of every batch, and what they find is added up.

    a batch's rows --share--> this process's rows, and their weight --forward, backward--> loss, correct --total--> the batch's

All processes draw the same order and the same flips, from one seed; only what the model draws (dropout, heads chosen at random) is each process's own.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


def share(fabric, rows: Tensor) -> tuple[slice, float]:
    """Which of a batch's rows are this process's, and what part of the batch they are.

    Where there are fewer rows than processes, those without a row compute one of them too, with no weight: all have to
    take part in the sum of gradients.
    """
    mine = slice(fabric.global_rank, None, fabric.world_size)
    own = len(rows[mine])
    return (mine, own / len(rows)) if own else (slice(0, 1), 0.0)


@contextmanager
def own_draws(fabric, rows: Tensor) -> Iterator[None]:
    """What is drawn in here (dropout) differs between processes; what is drawn after it is the same in all of them.

    It follows from the process and the batch's rows in their order, so that a training that goes on draws the same.
    """
    if fabric.world_size == 1:
        yield
        return
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(hash((fabric.global_rank, *rows.tolist())))
        yield


def total(fabric, *values: Tensor) -> tuple[Tensor, ...]:
    """Each value summed over all processes, in place (Fabric's own all_reduce waits for all of them before each sum)."""
    for value in values if fabric.world_size > 1 else []:
        torch.distributed.all_reduce(value)
    return values
