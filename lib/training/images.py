"""Turn images and labels into batches, with augmentation, losses and right answers.

pixels.npy + split.csv --open_images--> Images --batch(rows)--> (batch, 3, size, size) float32, labels
                                                                --augment--> the same shape
one label per image:      softmax, cross-entropy, the most probable class
several labels per image: one sigmoid and binary cross-entropy per label, the labels above one half
"""

import math

import numpy as np
import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional as F

from lib.data.files import read_csv
from lib.data.labels import SEPARATOR, joined
from lib.data.splits import of_fold
from lib.strict import StudyError
from lib.study import Cell, Study
from lib.study.schema import Training

FLIPS = {"none": [], "horizontal": [-1], "both": [-1, -2]}  # axes of (batch, 3, height, width)


def normalised(pixels: Tensor, training: Training) -> Tensor:
    """(images, size, size, 3) uint8 -> (images, 3, size, size) float32: [0, 1] minus `pixel_mean`, over `pixel_std`."""
    planes = pixels.permute(0, 3, 1, 2).contiguous()  # convolutions here are faster on one plane per channel
    return (planes.float() / 255 - training.pixel_mean) / training.pixel_std


def augment(pixels: Tensor, batch: int, own: slice, *, flips: str, shift: int = 0, turn: float = 0.0) -> Tensor:
    """Mirror, turn and shift each image of a process's share of a batch; pixels beyond the edge are 0, the mean.

    Args:
        pixels: (images, 3, height, width), normalised.
        batch: number of images of the whole batch. Every process draws for all of them, so that an image gets the
            same augmentation with any number of processes.
        own: the place of `pixels` in the batch.
        flips: a key of FLIPS. shift: largest shift along each axis, px. turn: largest turn either way, degrees.
    """
    for axis in FLIPS[flips]:
        flipped = (torch.rand(batch) < 0.5)[own].to(pixels.device)
        pixels = torch.where(flipped[:, None, None, None], pixels.flip(axis), pixels)
    if shift or turn:
        angle = (2 * torch.rand(batch) - 1) * math.radians(turn)
        width_height = torch.tensor(pixels.shape[:-3:-1])
        moved = torch.randint(-shift, shift + 1, (batch, 2)) * 2 / width_height
        rows = torch.stack([angle.cos(), -angle.sin(), moved[:, 0], angle.sin(), angle.cos(), moved[:, 1]], 1)
        grid = F.affine_grid(rows.view(-1, 2, 3)[own].to(pixels.device), list(pixels.shape), align_corners=False)
        pixels = F.grid_sample(pixels, grid, align_corners=False)
    return pixels


class OneLabel:
    """One label per image. Labels: (images,) class numbers."""

    loss = staticmethod(F.cross_entropy)  # logits, labels -> mean loss in nats

    @staticmethod
    def encode(texts: list[str], classes: list[str]) -> Tensor:
        """Texts of a table -> labels, (images,)."""
        return torch.tensor([classes.index(text) for text in texts])

    @staticmethod
    def probabilities(logits: Tensor) -> Tensor:
        """Logits (images, classes) -> probabilities, the same shape."""
        return logits.softmax(-1)

    @staticmethod
    def log_loss(probabilities: Tensor, labels: Tensor) -> Tensor:
        """Mean loss in nats; probabilities below 1e-12 count as 1e-12."""
        return F.nll_loss(probabilities.clamp_min(1e-12).log(), labels)

    @staticmethod
    def right(outputs: Tensor, labels: Tensor, half: float) -> Tensor:
        """(images,) bool: whether the largest logit or probability of an image is that of its class."""
        return outputs.argmax(1) == labels

    @staticmethod
    def names(probabilities: np.ndarray, classes: list[str]) -> list[str]:
        """The predicted class of each image."""
        return [classes[number] for number in probabilities.argmax(1)]


class ManyLabels:
    """Several labels per image, or none. Labels: (images, classes) 0.0 or 1.0."""

    loss = staticmethod(F.binary_cross_entropy_with_logits)  # logits, labels -> mean loss in nats

    @staticmethod
    def encode(texts: list[str], classes: list[str]) -> Tensor:
        """Texts of a table, labels joined by SEPARATOR -> labels, (images, classes)."""
        return torch.tensor([[float(name in text.split(SEPARATOR)) for name in classes] for text in texts])

    @staticmethod
    def probabilities(logits: Tensor) -> Tensor:
        """Logits (images, classes) -> probabilities, the same shape."""
        return torch.sigmoid(logits)

    @staticmethod
    def log_loss(probabilities: Tensor, labels: Tensor) -> Tensor:
        """Mean loss in nats."""
        return F.binary_cross_entropy(probabilities, labels.to(probabilities))

    @staticmethod
    def right(outputs: Tensor, labels: Tensor, half: float) -> Tensor:
        """(images,) bool: whether exactly the labels of an image are predicted.

        Args:
            half: a label with an output above it is predicted: 0 for logits, 0.5 for probabilities.
        """
        return ((outputs > half) == labels.bool()).all(1)

    @staticmethod
    def names(probabilities: np.ndarray, classes: list[str]) -> list[str]:
        """The predicted labels of each image, as one text."""
        return joined(probabilities > 0.5, classes)


Kind = type[OneLabel] | type[ManyLabels]
KINDS: dict[str, Kind] = {"one": OneLabel, "many": ManyLabels}  # by `labels` of a catalogue entry


class Images:
    """Pixels, labels and parts of a table of images, handed out as batches on a device.

    Args:
        table: one row per image: label, part. pixels: (rows, size, size, 3) uint8.
        classes: names of the classes, in the order of the logits.
        study: its `training` gives the normalisation of pixels. kind: a key of KINDS.

    StudyError: the study sets label_weights for one label per image.
    """

    def __init__(
        self,
        table: pd.DataFrame,
        pixels: np.ndarray,
        classes: list[str],
        study: Study,
        device: torch.device,
        kind: str = "one",
    ):
        self.table, self.pixels, self.classes = table, pixels, classes
        self.training, self.device, self.kind = study.training, device, KINDS[kind]
        self.labels = self.kind.encode(list(table.label), classes)
        if study.training.label_weights and kind == "one":
            raise StudyError("label_weights is for data sets of several labels per image: leave it out")
        self.weights = even_weights(self.labels[self.rows("train")]) if study.training.label_weights else None

    def rows(self, part: str) -> Tensor:
        """Row numbers of a part: train, validation or test."""
        return torch.from_numpy(np.flatnonzero(self.table.part == part))

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The mean loss of a batch in nats, with the study's label weights if it has any."""
        if self.weights is None:
            return self.kind.loss(logits, labels)
        absent, present = self.weights.to(logits)
        return self.kind.loss(logits, labels, weight=torch.where(labels > 0, present, absent))

    def batch(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Rows -> normalised pixels (batch, 3, size, size), and labels (batch,) or (batch, classes)."""
        pixels = torch.from_numpy(self.pixels[rows.numpy()]).to(self.device)
        return normalised(pixels, self.training), self.labels[rows].to(self.device)


def even_weights(labels: Tensor) -> Tensor:
    """Weights (2, classes) of images without and with each label, so that both sides have the same total.

    The best constant answer is then one half for every label, with a loss of ln 2. A label that all images have, or
    none, gets weights of 1. labels: (images, classes).
    """
    share = labels.double().mean(0)
    both = (share > 0) & (share < 1)
    weights = 0.5 / torch.stack([1 - share, share]).clamp(min=1e-12)
    return torch.where(both, weights, torch.ones_like(weights)).float()


def open_images(cell: Cell, device: torch.device, fold: int | None = None) -> Images:
    """Open the images of a cell, as notebooks 01 and 03 wrote them; with folds, in the parts of `fold` or the first."""
    pixels = np.load(cell.images / "pixels.npy", mmap_mode="r")
    table = of_fold(read_csv(cell.parts), fold or cell.folds[0])
    return Images(table, pixels, cell.classes, cell.study, device, cell.entry.labels)
