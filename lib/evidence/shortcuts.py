"""Test whether size, colour, format or folder of the files predict the class, which a network could use instead.

images.csv, pixels, groups --shortcuts--> recall of each property, out of fold over groups

If one of these predicts the class, a good score may not be due to what the images show.
"""

from pathlib import PurePosixPath

import numpy as np
import pandas as pd

SURE = 1.96  # standard errors above chance; a recall beyond is reported


def by_size(images: pd.DataFrame, pixels: np.ndarray) -> np.ndarray:
    """Width and height of the file, px, and their ratio: (rows, 3)."""
    return np.stack([images.width, images.height, images.width / images.height], axis=1)


def by_colour(images: pd.DataFrame, pixels: np.ndarray) -> np.ndarray:
    """Mean and standard deviation of red, green and blue: (rows, 6)."""
    return np.concatenate([pixels.mean((1, 2)), pixels.std((1, 2))], axis=1)


def by_border(images: pd.DataFrame, pixels: np.ndarray) -> np.ndarray:
    """Mean colours of the four edges, two pixels wide, which show frames and marks: (rows, 12)."""
    edges = [pixels[:, :2], pixels[:, -2:], pixels[:, :, :2], pixels[:, :, -2:]]
    return np.concatenate([edge.mean((1, 2)) for edge in edges], axis=1)


def by_format(images: pd.DataFrame, pixels: np.ndarray) -> np.ndarray:
    """The file's suffix, one column per suffix, 0 or 1: (rows, suffixes)."""
    suffixes = images.path.map(lambda path: PurePosixPath(path).suffix.lower())
    return pd.get_dummies(suffixes).to_numpy(float)


def by_folder(images: pd.DataFrame, pixels: np.ndarray) -> np.ndarray:
    """The folders below the class's folder, one column per path, 0 or 1: (rows, folders)."""
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
    """One row per property that varies between images: what, recall (macro, 0 to 1), chance, above.

    A random forest predicts the class from each property, in folds over groups, so that copies and patients do not
    help. `above`: whether the recall exceeds chance by `SURE` standard errors, with groups as units.

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
