"""A table of images and their pixels, handed out as batches: what a model sees.

pixels.npy + split.csv --open_images--> Images --batch(rows)--> (batch, 3, size, size) float32, labels
"""

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from lib.files import read_csv
from lib.labels import KINDS
from lib.study import Study


class Images:
    """Pixels, labels and parts of a table of images, handed out as batches on a device.

    Args:
        table: one row an image: label, part. pixels: (rows, size, size, 3) uint8. classes: labels in the order of the logits.
        kind: one label an image, or many: see lib.labels.
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
        self.kind = KINDS[kind]
        self.labels = self.kind.encode(list(table.label), classes)
        self.mean, self.std, self.device = study.pixel_mean, study.pixel_std, device

    def rows(self, part: str) -> Tensor:
        """Row numbers of a part."""
        return torch.from_numpy(np.flatnonzero(self.table.part == part))

    def batch(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Rows -> (batch, 3, height, width) float32, ([0, 1] minus the mean) over the std; and labels (batch,) or (batch, classes)."""
        pixels = torch.from_numpy(self.pixels[rows.numpy()]).to(self.device)
        planes = pixels.permute(0, 3, 1, 2).contiguous()  # a plane a channel: these convolutions are faster on it
        return (planes.float() / 255 - self.mean) / self.std, self.labels[rows].to(self.device)


def open_images(study: Study, dataset: str, split: str, device: torch.device) -> Images:
    """The images of a data set under one split, as the notebooks before this left them."""
    pixels = np.load(study.images(dataset) / "pixels.npy", mmap_mode="r")
    entry = study.dataset(dataset)
    table = read_csv(study.split(dataset, split))
    return Images(table, pixels, list(entry.classes.values()), study, device, entry.labels)
