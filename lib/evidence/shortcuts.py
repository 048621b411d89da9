"""What else predicts the class: size, colour, format and folder of a file say nothing of what the image shows.

images.csv, pixels, groups --shortcuts--> how far each gets, out of fold over groups

A network may learn whatever predicts the class. Where one of these does, a good score may not be of the thing shown.
"""

from pathlib import PurePosixPath

import numpy as np
import pandas as pd

SURE = 1.96  # standard errors above chance from which on a shortcut is reported


def by_size(images: pd.DataFrame, pixels: np.ndarray) -> np.ndarray:
    """Width, height and their ratio."""
    return np.stack([images.width, images.height, images.width / images.height], axis=1)


def by_colour(images: pd.DataFrame, pixels: np.ndarray) -> np.ndarray:
    """Mean and standard deviation of red, green and blue."""
    return np.concatenate([pixels.mean((1, 2)), pixels.std((1, 2))], axis=1)


def by_border(images: pd.DataFrame, pixels: np.ndarray) -> np.ndarray:
    """Mean colours of the four edges, two pixels wide: frames, margins, burnt-in marks."""
    edges = [pixels[:, :2], pixels[:, -2:], pixels[:, :, :2], pixels[:, :, -2:]]
    return np.concatenate([edge.mean((1, 2)) for edge in edges], axis=1)


def by_format(images: pd.DataFrame, pixels: np.ndarray) -> np.ndarray:
    """The file's suffix, one column each."""
    suffixes = images.path.map(lambda path: PurePosixPath(path).suffix.lower())
    return pd.get_dummies(suffixes).to_numpy(float)


def by_folder(images: pd.DataFrame, pixels: np.ndarray) -> np.ndarray:
    """The folders below the class's folder, one column each."""
    folders = images.path.map(lambda path: "/".join(PurePosixPath(path).parts[1:-1]))
    return pd.get_dummies(folders).to_numpy(float)


SHORTCUTS = {
    "width and height": by_size,
    "mean colour": by_colour,
    "colour of the edges": by_border,
    "file format": by_format,
    "source folder": by_folder,
}


def shortcuts(images: pd.DataFrame, pixels: np.ndarray, groups: pd.Series, folds: int = 5) -> pd.DataFrame:
    """One row per property that differs between images: what, recall (mean over classes), chance, above.

    Each is judged by a random forest of five folds over groups, so that copies and patients tell nothing. `above`:
    whether the recall is more than chance by `SURE` standard errors, with a group as one piece of evidence.

    Args:
        images: images.csv (path, label, width, height). pixels: the same rows. groups: the group of every row.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict

    chance = 1 / images.label.nunique()
    error = np.sqrt(chance * (1 - chance) / groups.nunique())
    divided = list(StratifiedGroupKFold(folds, shuffle=True, random_state=0).split(images, images.label, groups))
    rows = []
    for what, features in SHORTCUTS.items():
        described = features(images, pixels)
        if len(np.unique(described, axis=0)) < 2:
            continue
        forest = RandomForestClassifier(200, min_samples_leaf=3, class_weight="balanced", random_state=0)
        predicted = cross_val_predict(forest, described, images.label, cv=divided)
        recall = (predicted == images.label).groupby(images.label).mean().mean()
        rows.append({"what": what, "recall": recall, "chance": chance, "above": recall > chance + SURE * error})
    return pd.DataFrame(rows, columns=["what", "recall", "chance", "above"])
