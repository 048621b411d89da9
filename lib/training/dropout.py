"""Dropout with masks that are fast on a CPU: `fast_dropout: true` in a study's `training`.

On a CPU, torch's dropout draws one number per value, always on one thread. Here one 64-bit draw decides four values, in
steps of 2**-16: the same distribution, from other random numbers.
"""

import torch
from torch import Tensor, nn

STEPS = 2**16


class FastDropout(nn.Dropout):
    """nn.Dropout; on a CPU with the multiple of 2**-16 nearest to p, and the mean kept."""

    def forward(self, x: Tensor) -> Tensor:
        """Any shape -> the same."""
        dropped = round(self.p * STEPS)
        if not self.training or x.device.type != "cpu" or dropped in (0, STEPS):
            return super().forward(x)
        draws = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        kept = draws.view(torch.int16)[: x.numel()].view(x.shape) >= dropped - STEPS // 2
        return x * kept.to(x.dtype).mul_(STEPS / (STEPS - dropped))


def make_fast(network: nn.Module) -> None:
    """Replace every nn.Dropout of a network by a FastDropout."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if type(child) is nn.Dropout:
                setattr(module, name, FastDropout(child.p).train(child.training))
