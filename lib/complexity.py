"""What attention costs: parameters, FLOPs, time and peak memory of a training step, against image size (section 4.7).

kinds of attention, image size --whole, one_block--> modules and inputs --costs--> a row each --growth--> exponents
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
    """A ViT-B/16 (or another size) with plain attention, or with a preset's."""
    size = {**B_16, **size}
    model = load_vit(image_size, **size)
    return model if kind == "plain" else replace_attention(model, **PRESETS[kind](size["dim"], size["num_heads"]))


def one_block(kind: str, image_size: int, device: torch.device) -> tuple[nn.Module, Tensor, None]:
    """One of its blocks, and its input: random tokens of one image, and no mask."""
    block = whole(kind, image_size, num_layers=1).transformer.blocks[0].to(device)
    tokens = (image_size // B_16["patches"]) ** 2 + 1
    return block, torch.randn(1, tokens, B_16["dim"], device=device, requires_grad=True), None


def costs(modules: dict[str, tuple], repeats: int = 3) -> pd.DataFrame:
    """One row a module: parameters, FLOPs, seconds (median) and peak bytes of a step: forward, backward, no optimiser.

    Args:
        modules: name -> (module, *its inputs). For the times they take turns.
    """
    steps = {name: partial(step, module.train(), *inputs) for name, (module, *inputs) in modules.items()}
    seconds, rows = in_turns(steps, repeats).median(), []
    for module, *_ in modules.values():
        module.zero_grad()  # gradients are part of what a step holds
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
    """Forward and backward."""
    module(*inputs).sum().backward()


def in_turns(calls: dict[str, Callable], rounds: int) -> pd.DataFrame:
    """Wall-clock seconds: a row a round, a column a call.

    In a round every call has one turn, so that a slow moment of the machine meets all of them; every other round goes
    backwards. A round before the first warms up.
    """
    rows = []
    for number in range(rounds + 1):
        seconds = {}
        for name in list(calls)[:: -1 if number % 2 else 1]:
            began = time.perf_counter()
            calls[name]()
            if torch.cuda.is_available():
                torch.cuda.synchronize()
            seconds[name] = time.perf_counter() - began
        rows.append(seconds)
    return pd.DataFrame(rows[1:], columns=list(calls))


class Held(TorchDispatchMode):
    """Within, counts the bytes of every storage that an operation returns, until it is freed; `peak` is the most at once."""

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
        """Count a storage, once, for as long as it lives."""
        if storage not in self.known:
            self.known.add(storage)
            self.add(storage.nbytes())
            weakref.finalize(storage, self.add, -storage.nbytes())

    def add(self, number: int) -> None:
        """So many bytes more, or less."""
        self.now += number
        self.peak = max(self.peak, self.now)


def peak_bytes(module: nn.Module, step: Callable) -> int:
    """The most memory that tensors held at once during a step: weights, their gradients and all between them."""
    with Held() as held:
        for tensor in [*module.parameters(), *module.buffers()]:
            held.hold(tensor.untyped_storage())
        step()
    return held.peak


def growth(table: pd.DataFrame, quantity: str) -> pd.Series:
    """The exponent a of `quantity` ~ tokens^a for each model: the slope of a line through the logarithms."""
    return table.groupby("attention", sort=False).apply(
        lambda part: np.polyfit(np.log(part.tokens), np.log(part[quantity]), 1)[0], include_groups=False
    )
