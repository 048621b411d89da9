"""A finished run, used on new images: what it says of them, how sure it is, and where it looked.

from lib.classify import load

run = load("demo", "phantom-blood", "published", "vit")     # its first finished seed; seed=1 for another
run.classify(["a.png", "b.jpg"])                             # a row per file: predicted, probability, p_<class>
run.looked("a.png")                                          # (8, 8): how much each part of the picture mattered
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from lib.datasets import UNREADABLE
from lib.decoding import decode
from lib.errors import StudyError
from lib.files import readable
from lib.labels import KINDS, Kind
from lib.schema import known
from lib.study import Study, load_study
from lib.training import load_trained


@dataclass(frozen=True)
class Run:
    """A trained network in eval mode on the CPU, and what it takes to show it a file as it saw its training images."""

    network: nn.Module
    study: Study
    classes: list[str]
    crop: bool
    kind: Kind

    def pixels(self, path: Path | str) -> Tensor:
        """A file as the network sees it, (3, image_size, image_size). StudyError: it is not there, or no image."""
        content = readable(Path(path))
        try:
            *_, picture = decode(content, self.study.image_size, self.crop)
        except UNREADABLE as error:
            raise StudyError(f"{path} is no image that can be read ({error})") from None
        planes = torch.from_numpy(picture.copy()).permute(2, 0, 1).float()
        return (planes / 255 - self.study.pixel_mean) / self.study.pixel_std

    @torch.no_grad()
    def probabilities(self, images: Tensor) -> np.ndarray:
        """Probabilities of (images, 3, size, size): (images, classes)."""
        return self.kind.probabilities(self.network(images).double()).numpy()

    def classify(self, paths: Path | str | Iterable[Path | str]) -> pd.DataFrame:
        """A row a file, of one or of several: path, predicted, the largest probability, and p_<class> for every class."""
        paths = [paths] if isinstance(paths, (str, Path)) else list(paths)
        rows = [self.probabilities(self.pixels(path)[None]) for path in paths]
        found = np.concatenate([np.empty((0, len(self.classes))), *rows])
        table = pd.DataFrame(found, columns=[f"p_{name}" for name in self.classes])
        said = {"path": list(map(str, paths)), "predicted": self.kind.names(found, self.classes)}
        return pd.concat([pd.DataFrame({**said, "probability": found.max(1)}), table], axis=1)

    def filters(self) -> pd.DataFrame | None:
        """The filters of the first convolution: filter, row, column, weight (mean over input channels); None: there is none."""
        first = next((layer for layer in self.network.modules() if isinstance(layer, nn.Conv2d)), None)
        if first is None:
            return None
        weights = first.weight.detach().mean(1).numpy()
        places = pd.MultiIndex.from_product(map(range, weights.shape), names=["filter", "row", "column"])
        return pd.DataFrame({"weight": weights.ravel()}, index=places).reset_index()

    def looked(self, path: Path | str, side: int = 8) -> np.ndarray:
        """How far the predicted class's probability falls when a part of the picture is covered, (side, side).

        Covering it with the study's `pixel_mean`, part by part, works for every architecture (Zeiler and Fergus 2014, section 4.2: occlusion).
        It says what this network's answer rests on, not what a person would look at.
        """
        image = self.pixels(path)
        edges = [self.study.image_size * number // side for number in range(side + 1)]
        before, falls = self.probabilities(image[None])[0], np.zeros((side, side))
        for row, column in np.ndindex(side, side):
            covered = image[None].clone()  # one by one: with a choice per batch, one would change the others
            covered[..., edges[row] : edges[row + 1], edges[column] : edges[column + 1]] = 0
            falls[row, column] = before.max() - self.probabilities(covered)[0, before.argmax()]
        return falls


def load(study: str | Study, dataset: str, split: str, model: str, seed: int | None = None) -> Run:
    """A finished run by its names, as they stand in the study's parameters.

    Raises:
        StudyError: no such study, model or run, or weights that are not on this machine (they are not in Git).
    """
    study = load_study(study)
    known(split, study.splits, f"split of the study {study.study!r}")
    known(model, study.models, f"model of the study {study.study!r}")
    classes = list(study.dataset(dataset).classes.values())
    finished, crop = study.finished(dataset, split, model), study.datasets[dataset].centre_crop
    if not finished:
        raise StudyError(f"no training of {model} on {dataset}, split {split}, came to an end")
    network = load_trained(study, dataset, split, model, finished[0] if seed is None else seed)
    return Run(network, study, classes, crop, KINDS[study.dataset(dataset).labels])
