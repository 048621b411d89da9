"""Baselines: simple classifiers that a deep model should beat.

images.csv, pixels, split.csv --a baseline--> predictions of the test part, in the format of a model's
"""

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lib.data.files import read_csv
from lib.data.labels import joined, separate
from lib.data.splits import FOLDS, of_fold
from lib.study import Cell


def thumbnails(images: pd.DataFrame, pixels: np.ndarray) -> np.ndarray:
    """Every other pixel of (rows, size, size, 3): (rows, size / 2 x size / 2 x 3), 0 to 255."""
    return pixels[:, ::2, ::2].reshape(len(pixels), -1).astype(np.float32)


def colours(images: pd.DataFrame, pixels: np.ndarray) -> np.ndarray:
    """Histograms of 8 x 8 x 8 colours, without their places: (rows, 512); rows sum to 1."""
    places = np.array([64, 8, 1])
    bins = ((picture // 32 @ places).ravel() for picture in pixels)
    return np.stack([np.bincount(one, minlength=512) / one.size for one in bins])


def greys(images: pd.DataFrame, pixels: np.ndarray) -> np.ndarray:
    """The mean of a pixel's three channels, from 0 to 1: (rows, size x size)."""
    return pixels.mean(-1).reshape(len(pixels), -1) / 255


def sizes(images: pd.DataFrame, pixels: np.ndarray) -> np.ndarray:
    """Width and height of the image file, px, and their ratio: (rows, 3)."""
    return np.stack([images.width, images.height, images.width / images.height], axis=1)


BASELINES = {  # name: (title, features of every image, classifier)
    "nearest": ("Nearest neighbour", thumbnails, lambda: KNeighborsClassifier(1)),
    "colours": ("Ridge on colour histograms", colours, lambda: make_pipeline(StandardScaler(), RidgeClassifier())),
    "pixels": ("Ridge on grey pixels", greys, lambda: RidgeClassifier()),
    "view": ("View of the image alone", None, None),  # by `by_view`
    "size": ("Width and height", sizes, lambda: RandomForestClassifier(300, random_state=0)),
}


def predictions(
    name: str, images: pd.DataFrame, pixels: np.ndarray, split: pd.DataFrame, classes: list[str], labels: str = "one"
) -> pd.DataFrame:
    """Predict the test part by a baseline trained on training and validation part; probabilities are 0 or 1.

    With folds, each fold is predicted by a baseline trained on the others.

    Args:
        images: images.csv (width, height). pixels: the same rows, (rows, size, size, 3). split: split.csv, the same
            rows.
        labels: `one` per image, or `many`; then each set of labels is a class of the baseline.
    """
    if name == "view":
        return by_view(images, split, classes, labels)
    _, features, classifier = BASELINES[name]
    described, tables = features(images, pixels), []
    for fold in FOLDS if "fold" in split else [None]:
        parts = of_fold(split, fold)
        tested = (parts.part == "test").to_numpy()
        predicted = classifier().fit(described[~tested], parts.label[~tested]).predict(described[tested])
        tables.append(parts.loc[tested, ["part", "path", "group", "label"]].assign(predicted=predicted))
    table = pd.concat(tables)
    predicted = table.predicted.to_numpy()
    if labels == "one":
        return table.assign(**{f"p_{name}": (predicted == name).astype(float) for name in classes})
    columns = {f"t_{name}": has_label(table.label, name) for name in classes}
    columns |= {f"p_{name}": has_label(table.predicted, name) for name in classes}
    return table.assign(**columns)


def by_view(images: pd.DataFrame, split: pd.DataFrame, classes: list[str], labels: str = "one") -> pd.DataFrame:
    """Predict from the view alone: the frequency of each label among training and validation images of that view.

    A view that they lack gets the frequencies over all of them. Arguments as in `predictions`; images needs `view`.
    """
    has = pd.DataFrame({name: [name in separate(text) for text in split.label] for name in classes}, index=split.index)
    if labels == "one":
        has = pd.DataFrame({name: split.label == name for name in classes})
    tables = []
    for fold in FOLDS if "fold" in split else [None]:
        parts = of_fold(split, fold)
        tested = (parts.part == "test").to_numpy()
        seen, view = has[~tested].astype(float), images.view.to_numpy()
        share = seen.groupby(view[~tested]).mean().reindex(view[tested]).fillna(seen.mean()).to_numpy()
        table = parts.loc[tested, ["part", "path", "group", "label"]]
        names = joined(share > 0.5, classes) if labels == "many" else np.array(classes, dtype=object)[share.argmax(1)]
        columns = {f"t_{name}": has[name][tested].astype(float) for name in classes} if labels == "many" else {}
        columns |= {f"p_{name}": share[:, number] for number, name in enumerate(classes)}
        tables.append(table.assign(predicted=names, **columns))
    return pd.concat(tables)


def has_label(texts: pd.Series, name: str) -> list[float]:
    """1.0 for every text of joined labels that contains `name`, else 0.0."""
    return [float(name in separate(text)) for text in texts]


def validation_accuracy(name: str, images: pd.DataFrame, pixels: np.ndarray, split: pd.DataFrame) -> float:
    """Accuracy, 0 to 1, on the validation part of a baseline trained on the training part; with folds, the mean.

    Arguments as in `predictions`.
    """
    _, features, classifier = BASELINES[name]
    described, right = features(images, pixels), []
    for fold in FOLDS if "fold" in split else [None]:
        parts = of_fold(split, fold)
        train, validation = ((parts.part == part).to_numpy() for part in ["train", "validation"])
        fitted = classifier().fit(described[train], parts.label[train])
        right.append((fitted.predict(described[validation]) == parts.label[validation]).mean())
    return float(np.mean(right))


def reached(cell: Cell) -> dict[str, float]:
    """Validation accuracy, 0 to 1, of each baseline of pixels or image size on a cell, by its title."""
    images, split = read_csv(cell.images / "images.csv"), read_csv(cell.parts)
    pixels = np.load(cell.images / "pixels.npy")
    names = [name for name, (_, features, _) in BASELINES.items() if features is not None]
    return {BASELINES[name][0]: validation_accuracy(name, images, pixels, split) for name in names}
