"""Use a finished run on new images: what it predicts, how sure it is, and which parts of the image matter.

classifier = load("demo", "phantom-blood", "published", "vit")     # its first finished seed; seed=1 for another
classifier.classify(["a.png", "b.jpg"])                            # per file: predicted, probability, p_<class>;
                                                                   # of own images: unlike anything seen?
classifier.looked("a.png")                                         # (8, 8): how much each part of it mattered
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from lib.data.datasets import UNREADABLE, kept_scales
from lib.data.decoding import decode
from lib.data.files import read_csv, readable
from lib.data.splits import of_fold
from lib.strict import StudyError, known
from lib.study import Study, load_study
from lib.study.schema import Training
from lib.training.images import KINDS, Kind, normalised
from lib.training.run import load_trained

LOOKED_AT = 500  # at most so many training images are compared with a new one
FARTHEST = 0.99  # quantile of the held-out images' distances; what lies beyond it counts as unlike


class Familiar(NamedTuple):
    """Training images as features of a network, and how far from all of them a new image may be.

    Distance: 1 minus the cosine to the nearest training image (Sun et al. 2022, deep nearest neighbours).
    """

    features: Tensor  # (training images, features), of length 1
    limit: float  # 1 minus cosine, 0 to 2

    def is_unlike(self, network: nn.Module, image: Tensor) -> bool:
        """Whether an image, (1, 3, size, size), is farther from every training image than the limit."""
        return bool(distances(features_of(network, image), self.features)[0] > self.limit)


def familiar(network: nn.Module, pixels: np.ndarray, part: np.ndarray, training: Training) -> Familiar | None:
    """Measure how far held-out images are from training images.

    None: fewer than five of either, or the network has neither a linear layer nor a convolution.

    Args:
        pixels: (images, size, size, 3) uint8. part: train, validation or test of every row, as the network saw it.
    """
    rng = np.random.default_rng(0)
    rows = {}
    for name, wanted in [("train", part == "train"), ("held out", part != "train")]:
        places = np.flatnonzero(wanted)
        rows[name] = np.sort(rng.permutation(places)[:LOOKED_AT])
    if min(map(len, rows.values())) < 5 or last_layer(network) is None:
        return None
    seen, own = (
        torch.cat(
            [features_of(network, normalised(torch.from_numpy(pixels[row][None]), training)) for row in rows[name]]
        )
        for name in rows
    )
    return Familiar(seen, float(torch.quantile(distances(own, seen), FARTHEST)))


def last_layer(network: nn.Module) -> nn.Module | None:
    """The layer that makes logits: the last linear layer or convolution; None: there is neither."""
    layers = [layer for layer in network.modules() if isinstance(layer, (nn.Linear, nn.Conv2d))]
    return layers[-1] if layers else None


@torch.no_grad()
def features_of(network: nn.Module, images: Tensor) -> Tensor:
    """(images, 3, size, size) -> the input of the last layer, (images, features), each row scaled to length 1."""
    given = []
    hook = last_layer(network).register_forward_pre_hook(lambda layer, arguments: given.append(arguments[0]))
    try:
        network(images)
    finally:
        hook.remove()
    return nn.functional.normalize(given[0].flatten(1).double(), dim=1)


def distances(features: Tensor, seen: Tensor) -> Tensor:
    """1 minus the cosine of each row, (rows, features), to its nearest row of `seen`: (rows,), 0 to 2."""
    return 1 - (features @ seen.T).max(1).values


@dataclass(frozen=True)
class Classifier:
    """Trained networks in eval mode on the CPU, and the settings by which their training images were read."""

    networks: list[nn.Module]  # a run over folds has several
    training: Training
    classes: list[str]
    centre_crop: bool
    kind: Kind
    scales: dict | None = None  # of deep values: lib.data.decoding
    compare: Callable[[], Familiar | None] | None = None  # what training images are to the network, computed once

    def pixels(self, path: Path | str) -> Tensor:
        """Read a file as the network sees it, (3, image_size, image_size). StudyError: it is missing or no image."""
        content = readable(Path(path))
        try:
            *_, picture = decode(content, self.training.image_size, self.centre_crop, self.scales)
        except UNREADABLE as error:
            raise StudyError(f"{path} is not an image that can be read ({error})") from None
        return normalised(torch.from_numpy(picture.copy())[None], self.training)[0]

    @torch.no_grad()
    def probabilities(self, images: Tensor) -> np.ndarray:
        """(images, 3, size, size) -> probabilities, (images, classes), averaged over the networks."""
        each = [self.kind.probabilities(network(images).double()).numpy() for network in self.networks]
        return np.mean(each, axis=0)

    def classify(self, paths: Path | str | Iterable[Path | str]) -> pd.DataFrame:
        """Classify files; one row per file: path, predicted, the largest probability, and p_<class> per class.

        For studies of your own images also `unlike`: whether the file is farther from every training image than
        99 % of the held-out images are. StudyError: a file is missing or no image.
        """
        paths = [paths] if isinstance(paths, (str, Path)) else list(paths)
        images = [self.pixels(path)[None] for path in paths]
        rows = [self.probabilities(image) for image in images]
        probabilities = np.concatenate([np.empty((0, len(self.classes))), *rows])
        table = pd.DataFrame(probabilities, columns=[f"p_{name}" for name in self.classes])
        table.insert(0, "path", list(map(str, paths)))
        table.insert(1, "predicted", self.kind.names(probabilities, self.classes))
        table.insert(2, "probability", probabilities.max(1))
        if self.compare is not None and (seen := self.compare()):
            table.insert(3, "unlike", [seen.is_unlike(self.networks[0], image) for image in images])
        return table

    def filters(self) -> pd.DataFrame | None:
        """Weights of the first network's first convolution: filter, row, column, weight (mean over input channels).

        None: the network has no convolution.
        """
        first = next((layer for layer in self.networks[0].modules() if isinstance(layer, nn.Conv2d)), None)
        if first is None:
            return None
        weights = first.weight.detach().mean(1).numpy()
        places = pd.MultiIndex.from_product(map(range, weights.shape), names=["filter", "row", "column"])
        return pd.DataFrame({"weight": weights.ravel()}, index=places).reset_index()

    def looked(self, path: Path | str, side: int = 8) -> np.ndarray:
        """Cover one part of the picture after another; by how much the predicted class's probability falls.

        A part is covered with the study's `pixel_mean` (occlusion: Zeiler and Fergus 2014, section 4.2). It shows what
        this network's answer rests on, not what a person would look at.

        Returns:
            (side, side) drops of the probability, -1 to 1. StudyError: the file is missing or no image.
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
    """Load a finished run by its names in the study's parameters; without `seed`, the first finished one.

    A run over folds has five networks: their probabilities are averaged, unless `fold` (1 to 5) names one of them.

    Raises:
        StudyError: a name is unknown, the run has no result, or its weights are not on this machine (Git does not
            hold them).
    """
    cell = load_study(study).cell(dataset, split)
    known(model, cell.study.models, f"model of the study {cell.study.study!r}")
    finished = [run for run in cell.with_result(model) if run.settings.exists()]
    run = cell.run(model, seed) if seed is not None else next(iter(finished), None)
    if run is None:
        raise StudyError(
            f"no training of {model} on {dataset}, split {split}, has a result: make report STUDY={cell.study.study}"
        )
    if run.stopped:
        raise StudyError(f"{run} was stopped without a result: {run.stopped}")
    crop, training = cell.study.datasets[dataset].centre_crop, cell.study.training
    folds = [fold] if fold else cell.folds
    networks = [load_trained(run, number) for number in folds]
    compare = None
    if cell.entry.folder and (cell.images / "pixels.npy").exists() and cell.parts.exists():
        part = of_fold(read_csv(cell.parts), folds[0]).part.to_numpy()
        pixels = np.load(cell.images / "pixels.npy", mmap_mode="r")
        compare = cache(partial(familiar, networks[0], pixels, part, training))
    scales = kept_scales(cell.images, cell.entry)
    return Classifier(networks, training, cell.classes, crop, KINDS[cell.entry.labels], scales, compare)
