"""What things cost, as ratios measured side by side in one run on one machine: `make bench`.

A row names what was timed, against what, on which device, the ratio, and the goal that was set before. The speed of a
machine drifts by a fifth within a minute, so calls take turns, and the ratio is the median of the rounds' ratios.
"""

import pandas as pd
import torch

DEVICES = [torch.device("cpu")]
if torch.cuda.is_available():
    DEVICES.append(torch.device("cuda"))


def timed(what: str, against: str, device, seconds: pd.Series, base: pd.Series, most: float | None = None) -> dict:
    """One comparison of seconds, one number per round each; `most`: the goal, the largest ratio that meets it."""
    ratio = (seconds / base).median()
    goal, met = ("none set", None) if most is None else (f"<= {most:.2f}x", bool(ratio <= most))
    return row(what, against, device, seconds.median(), base.median(), ratio, goal, met)


def row(what: str, against: str, device, measured, base, ratio, goal: str, met: bool | None = None) -> dict:
    """One comparison: what was measured, what it is measured against, and their ratio; None where nothing was."""
    numbers = {"measured": measured, "base": base, "ratio": ratio}
    return {"what": what, "against": against, "device": str(device), **numbers, "goal": goal, "met": met}


def no_cuda(what: str, against: str, goal: str) -> dict:
    """The row of what only a CUDA machine can measure, where there is none."""
    return row(what, against, "no CUDA here", None, None, None, goal)
