"""What training does to a batch of images, each in its own way: mirror, turn, shift. Validation and test images stay as they are."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

FLIPS = {"none": [], "horizontal": [-1], "both": [-1, -2]}  # axes of (batch, 3, height, width)


def augment(pixels: Tensor, batch: int, mine: slice, *, flips: str, shift: int = 0, turn: float = 0.0) -> Tensor:
    """A process's share of a batch, (images, 3, height, width), augmented; what comes in from beyond the edge is the mean.

    Args:
        batch: images of the whole batch: all processes draw for all of it, so that what an image gets depends on the seed alone.
        mine: which of them these are. flips: see FLIPS. shift: px at most, each way. turn: degrees at most, each way.
    """
    for axis in FLIPS[flips]:
        flipped = (torch.rand(batch) < 0.5)[mine].to(pixels.device)
        pixels = torch.where(flipped[:, None, None, None], pixels.flip(axis), pixels)
    if shift or turn:
        angle = (2 * torch.rand(batch) - 1) * math.radians(turn)
        moved = torch.randint(-shift, shift + 1, (batch, 2)) * 2 / torch.tensor(pixels.shape[:-3:-1])
        rows = torch.stack([angle.cos(), -angle.sin(), moved[:, 0], angle.sin(), angle.cos(), moved[:, 1]], 1)
        grid = F.affine_grid(rows.view(-1, 2, 3)[mine].to(pixels.device), list(pixels.shape), align_corners=False)
        pixels = F.grid_sample(pixels, grid, align_corners=False)
    return pixels
