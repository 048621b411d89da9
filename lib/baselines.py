"""What little suffices: classifiers that should make a reader pause if they come near a deep model.

images.csv, pixels, split.csv --a baseline--> predictions of the test part, as a model's
"""

import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import RidgeClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from lib.many import SEPARATOR


def thumbnails(images: pd.DataFrame, pixels: np.ndarray) -> np.ndarray:
    """Every other pixel, as numbers: (rows, size / 2 x size / 2 x 3)."""
    return pixels[:, ::2, ::2].reshape(len(pixels), -1).astype(np.float32)


def colours(images: pd.DataFrame, pixels: np.ndarray) -> np.ndarray:
    """Histogram of 8 x 8 x 8 colours: which there are, not where. (rows, 512), rows sum to 1."""
    places = np.array([64, 8, 1])
    bins = ((picture // 32 @ places).ravel() for picture in pixels)
    return np.stack([np.bincount(one, minlength=512) / one.size for one in bins])


def sizes(images: pd.DataFrame, pixels: np.ndarray) -> np.ndarray:
    """Width and height of the file's image, and their ratio: (rows, 3)."""
    return np.stack([images.width, images.height, images.width / images.height], axis=1)


BASELINES = {  # name: (title, features of every image, classifier)
    "nearest": ("Nearest neighbour", thumbnails, lambda: KNeighborsClassifier(1)),
    "colours": ("Ridge on colour histograms", colours, lambda: make_pipeline(StandardScaler(), RidgeClassifier())),
    "size": ("Width and height", sizes, lambda: RandomForestClassifier(300, random_state=0)),
}


def predictions(
    name: str, images: pd.DataFrame, pixels: np.ndarray, split: pd.DataFrame, classes: list[str], labels: str = "one"
) -> pd.DataFrame:
    """Predictions of the test part by a baseline that has seen training and validation; the probabilities are 0 or 1.

    Args:
        images: images.csv (width, height). pixels: the same rows. split: split.csv, the same rows. labels: of an image, `one` or
            `many`, of which each set is a class here.
    """
    _, features, classifier = BASELINES[name]
    seen, tested = (split.part != "test").to_numpy(), (split.part == "test").to_numpy()
    every = features(images, pixels)
    predicted = classifier().fit(every[seen], split.label[seen]).predict(every[tested])
    table = split.loc[tested, ["part", "path", "group", "label"]].assign(predicted=predicted)
    if labels == "one":
        return table.assign(**{f"p_{label}": (predicted == label).astype(float) for label in classes})
    sets = {"t": table.label.str.split(SEPARATOR), "p": table.predicted.str.split(SEPARATOR)}
    held = {
        f"{part}_{label}": [float(label in one) for one in each] for part, each in sets.items() for label in classes
    }
    return table.assign(**held)
