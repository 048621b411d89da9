"""Where a training stands, kept at least every half minute: what is killed goes on, and ends with the same bytes.

network, optimiser, random states, history, the epoch begun --save--> one file, its digest first --load--> the same
"""

import hashlib
import io
import time
import warnings
from pathlib import Path

import torch
from torch import nn

from lib.files import write

SECONDS = 30  # between two checkpoints, beside those at the end of each epoch
CLOCK = time.monotonic  # tests put another in its place


def save(path: Path, wanted: dict, network: nn.Module, optimizer, progress: dict) -> None:
    """All that the next step depends on, written at once or not at all; `progress` says where the training stands."""
    cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else []
    tensors = {"network": network.state_dict(), "optimizer": optimizer.state_dict()}
    random = {"cpu": torch.get_rng_state(), "cuda": cuda}
    buffer = io.BytesIO()
    torch.save({"settings": wanted, **tensors, "random": random, "progress": progress}, buffer)
    content = buffer.getvalue()
    write(path, lambda part: part.write_bytes(hashlib.sha256(content).digest() + content))


def load(path: Path, wanted: dict, network: nn.Module, optimizer) -> dict | None:
    """The progress that was saved, the rest put back where it was; None if there is no whole checkpoint of these settings.

    One whose digest is not its content's is told and left aside. Only tensors and plain values are read.
    """
    if not path.exists():
        return None
    content = path.read_bytes()
    if hashlib.sha256(content[32:]).digest() != content[:32]:
        warnings.warn(f"{path.name} is damaged: this training begins anew", stacklevel=2)
        return None
    state = torch.load(io.BytesIO(content[32:]), map_location="cpu", weights_only=True)
    if state["settings"] != wanted:
        return None
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    torch.set_rng_state(state["random"]["cpu"])
    if state["random"]["cuda"] and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["random"]["cuda"])
    return state["progress"]
