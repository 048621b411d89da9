"""Measure parameters, FLOPs, time and peak memory of a training step against image size (section 4.7).

kind of attention, image size --whole, one_block--> module and inputs --costs--> one row each --growth--> exponents
"""

import time
import weakref
from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from lib.surgery import PRESETS, load_vit, replace_attention

B_16 = dict(patches=16, dim=768, ff_dim=3072, num_layers=12, num_heads=12, dropout_rate=0.1)  # section 4.2
KINDS = ["plain", *PRESETS]


def whole(kind: str, image_size: int, **size) -> nn.Module:
    """Build a ViT with plain attention or that of a preset; `size`: arguments of load_vit that differ from ViT-B/16."""
    size = {**B_16, **size}
    model = load_vit(image_size, **size)
    return model if kind == "plain" else replace_attention(model, **PRESETS[kind](size["dim"], size["num_heads"]))


def one_block(kind: str, image_size: int, device: torch.device, **size) -> tuple[nn.Module, Tensor, None]:
    """One block of a ViT as in `whole`, and its inputs: random tokens (1, tokens, dim) of one image, and no mask."""
    size = {**B_16, **size, "num_layers": 1}
    block = whole(kind, image_size, **size).transformer.blocks[0].to(device)
    tokens = (image_size // size["patches"]) ** 2 + 1
    return block, torch.randn(1, tokens, size["dim"], device=device, requires_grad=True), None


def blocks(image_sizes: list[int], device: torch.device, **size) -> pd.DataFrame:
    """`costs` of one block of a ViT for each kind of attention: one row per image size (px) and kind."""
    tables = []
    for image_size in image_sizes:
        modules = {kind: one_block(kind, image_size, device, **size) for kind in KINDS}
        tokens = modules["plain"][1].shape[1]
        tables.append(costs(modules).assign(image_size=image_size, tokens=tokens))
    return pd.concat(tables, ignore_index=True)


def costs(modules: dict[str, tuple], repeats: int = 3) -> pd.DataFrame:
    """One row per module: parameters, FLOPs, seconds (median) and peak bytes of a step: forward and backward pass.

    Args:
        modules: name -> (module, *its inputs). They are timed in turns.
    """
    steps = {name: partial(step, module.train(), *inputs) for name, (module, *inputs) in modules.items()}
    seconds, rows = in_turns(steps, repeats).median(), []
    for module, *_ in modules.values():
        # gradients count to the memory of a step
        module.zero_grad()
    for name, (module, *_) in modules.items():
        with FlopCounterMode(display=False) as counter:
            steps[name]()
        module.zero_grad()
        rows.append(
            {
                "attention": name,
                "parameters": sum(p.numel() for p in module.parameters()),
                "flops": counter.get_total_flops(),
                "seconds": seconds[name],
                "peak_bytes": peak_bytes(module, steps[name]),
            }
        )
    return pd.DataFrame(rows)


def step(module: nn.Module, *inputs) -> None:
    """Run a forward and a backward pass."""
    module(*inputs).sum().backward()


def in_turns(calls: dict[str, Callable], rounds: int) -> pd.DataFrame:
    """Wall-clock seconds: one row per round, one column per call.

    In a round every call has one turn, so that a slow moment of the machine affects all; every other round is in
    reverse order. A first round warms up and does not count.
    """
    rows = []
    for number in range(rounds + 1):
        seconds, names = {}, list(calls)
        if number % 2:
            names.reverse()
        for name in names:
            began = time.perf_counter()
            calls[name]()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            seconds[name] = time.perf_counter() - began
        rows.append(seconds)
    return pd.DataFrame(rows[1:], columns=list(calls))


class Held(TorchDispatchMode):
    """Counts the bytes of every storage that an operation returns, until it is freed; `peak` is the maximum.

    torch's MemTracker gives the same numbers plus the module's input, and rounds up to blocks on CUDA.
    """

    def __init__(self):
        super().__init__()
        self.now, self.peak, self.known = 0, 0, weakref.WeakSet()

    def __torch_dispatch__(self, operation, types, arguments=(), keywords=None):
        result = operation(*arguments, **(keywords or {}))
        for tensor in tree_leaves(result):
            if isinstance(tensor, Tensor):
                self.hold(tensor.untyped_storage())
        return result

    def hold(self, storage: torch.UntypedStorage) -> None:
        """Count a storage once, until it is freed."""
        if storage not in self.known:
            self.known.add(storage)
            self.add(storage.nbytes())
            weakref.finalize(storage, self.add, -storage.nbytes())

    def add(self, number: int) -> None:
        """Add `number` bytes, which may be negative."""
        self.now += number
        self.peak = max(self.peak, self.now)


def peak_bytes(module: nn.Module, step: Callable) -> int:
    """The most bytes that tensors hold during a step: weights, gradients and intermediate results."""
    with Held() as held:
        for tensor in [*module.parameters(), *module.buffers()]:
            held.hold(tensor.untyped_storage())
        step()
    return held.peak


def growth(table: pd.DataFrame, quantity: str) -> pd.Series:
    """The exponent a of `quantity` ~ tokens^a per kind of attention: the slope of a line through the logarithms."""
    exponents = {}
    for kind, part in table.groupby("attention", sort=False):
        exponents[kind] = np.polyfit(np.log(part.tokens), np.log(part[quantity]), 1)[0]
    return pd.Series(exponents).rename_axis("attention")


UNITS = {  # column: (heading, unit)
    "parameters": ("parameters (M)", 1e6),
    "flops": ("GFLOP", 1e9),
    "seconds": ("seconds", 1),
    "peak_bytes": ("peak memory (MB)", 1e6),
}


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """Convert `costs` to the headings and units of UNITS."""
    names = {column: name for column, (name, _) in UNITS.items()}
    scaled = {column: table[column] / unit for column, (_, unit) in UNITS.items()}
    return table.assign(**scaled).rename(columns=names)


def exponents(table: pd.DataFrame) -> pd.DataFrame:
    """`growth` of GFLOP and seconds: one row per kind of attention."""
    return pd.DataFrame({UNITS[quantity][0]: growth(table, quantity) for quantity in ["flops", "seconds"]})
