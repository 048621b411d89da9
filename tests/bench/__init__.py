"""What things cost, as ratios of medians measured side by side in one run on one machine: `make bench`.

A row says what was timed, against what, on which device, the ratio, and the goal that was set before.
"""

import torch

DEVICES = [torch.device("cpu")] + [torch.device("cuda")] * torch.cuda.is_available()


def row(what: str, against: str, device, seconds: float, base: float, goal: str, met: bool | None = None) -> dict:
    """One comparison; `seconds / base` is the ratio."""
    times = {"seconds": seconds, "base_seconds": base, "ratio": seconds / base}
    return {"what": what, "against": against, "device": str(device), **times, "goal": goal, "met": met}


def no_cuda(what: str, against: str, goal: str) -> dict:
    """The row of what only a CUDA machine can measure, where there is none."""
    nothing = {"seconds": None, "base_seconds": None, "ratio": None}
    return {"what": what, "against": against, "device": "no CUDA here", **nothing, "goal": goal, "met": None}
