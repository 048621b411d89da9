"""A finished run, used on new images: what it predicts, how sure it is, and where it looked.

classifier = load("demo", "phantom-blood", "published", "vit")     # its first finished seed; seed=1 for another
classifier.classify(["a.png", "b.jpg"])                            # per file: predicted, probability, p_<class>
classifier.looked("a.png")                                         # (8, 8): how much each part of it mattered
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from lib.data.datasets import UNREADABLE
from lib.data.decoding import decode
from lib.data.files import readable
from lib.strict import StudyError, known
from lib.study import Study, load_study
from lib.study.schema import Training
from lib.training.images import KINDS, Kind, normalised
from lib.training.run import load_trained


@dataclass(frozen=True)
class Classifier:
    """Trained networks in eval mode on the CPU, and what it takes to read files as its training images were read."""

    networks: list[nn.Module]  # several: of a run over folds
    training: Training
    classes: list[str]
    centre_crop: bool
    kind: Kind

    def pixels(self, path: Path | str) -> Tensor:
        """A file as the network sees it, (3, image_size, image_size). StudyError: no such file, or no image."""
        content = readable(Path(path))
        try:
            *_, picture = decode(content, self.training.image_size, self.centre_crop)
        except UNREADABLE as error:
            raise StudyError(f"{path} is not an image that can be read ({error})") from None
        return normalised(torch.from_numpy(picture.copy())[None], self.training)[0]

    @torch.no_grad()
    def probabilities(self, images: Tensor) -> np.ndarray:
        """Probabilities of (images, 3, size, size): (images, classes), the mean over the networks."""
        each = [self.kind.probabilities(network(images).double()).numpy() for network in self.networks]
        return np.mean(each, axis=0)

    def classify(self, paths: Path | str | Iterable[Path | str]) -> pd.DataFrame:
        """One row per file: path, predicted, the largest probability, and p_<class> for every class."""
        paths = [paths] if isinstance(paths, (str, Path)) else list(paths)
        rows = [self.probabilities(self.pixels(path)[None]) for path in paths]
        probabilities = np.concatenate([np.empty((0, len(self.classes))), *rows])
        table = pd.DataFrame(probabilities, columns=[f"p_{name}" for name in self.classes])
        table.insert(0, "path", list(map(str, paths)))
        table.insert(1, "predicted", self.kind.names(probabilities, self.classes))
        table.insert(2, "probability", probabilities.max(1))
        return table

    def filters(self) -> pd.DataFrame | None:
        """The first convolution of the first network: filter, row, column, weight (mean over input channels).

        None: the network has no convolution.
        """
        first = next((layer for layer in self.networks[0].modules() if isinstance(layer, nn.Conv2d)), None)
        if first is None:
            return None
        weights = first.weight.detach().mean(1).numpy()
        places = pd.MultiIndex.from_product(map(range, weights.shape), names=["filter", "row", "column"])
        return pd.DataFrame({"weight": weights.ravel()}, index=places).reset_index()

    def looked(self, path: Path | str, side: int = 8) -> np.ndarray:
        """How far the predicted class's probability falls when a part of the picture is covered, (side, side).

        Covering part after part with the study's `pixel_mean` works for every architecture (occlusion: Zeiler and
        Fergus 2014, section 4.2). It shows what this network's answer rests on, not what a person would look at.
        """
        image = self.pixels(path)
        edges = [self.training.image_size * number // side for number in range(side + 1)]
        before, falls = self.probabilities(image[None])[0], np.zeros((side, side))
        for row, column in np.ndindex(side, side):
            # one by one: with one choice per batch, covered pictures would change each other
            covered = image[None].clone()
            covered[..., edges[row] : edges[row + 1], edges[column] : edges[column + 1]] = 0
            falls[row, column] = before.max() - self.probabilities(covered)[0, before.argmax()]
        return falls


def load(
    study: str | Study, dataset: str, split: str, model: str, seed: int | None = None, fold: int | None = None
) -> Classifier:
    """A finished run by its names, as in the study's parameters; without `seed`, its first finished one.

    A run over folds has five networks: all of them answer, by the mean of their probabilities, or that of one `fold`.

    Raises:
        StudyError: no such study, data set, split or model; no result; or weights that are not on this machine (they
            are not in Git).
    """
    cell = load_study(study).cell(dataset, split)
    known(model, cell.study.models, f"model of the study {cell.study.study!r}")
    finished = [run for run in cell.with_result(model) if run.settings.exists()]
    run = cell.run(model, seed) if seed is not None else next(iter(finished), None)
    if run is None:
        raise StudyError(f"no training of {model} on {dataset}, split {split}, has a result")
    if run.stopped:
        raise StudyError(f"{run} was stopped without a result: {run.stopped}")
    crop = cell.study.datasets[dataset].centre_crop
    networks = [load_trained(run, number) for number in ([fold] if fold else cell.folds)]
    return Classifier(networks, cell.study.training, cell.classes, crop, KINDS[cell.entry.labels])
