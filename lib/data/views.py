"""Find a photograph, views of it and the keypoints that match, to show a registration on a page."""

import fnmatch
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from lib.data.photos import SIZE, features, matched, read_grey


def example(path: Path, pattern: str, groups: pd.DataFrame, number: int) -> tuple[np.ndarray, list]:
    """The photograph with the most views, and the first `number` of them.

    Args:
        path: the archive. pattern: matches the names of its photographs. groups: path and photo of each view.

    Returns:
        The photograph, uint8 (240, 320); and for each view its pixels, the same shape, and its matched keypoints,
        (inliers, 2, 2), px: x and y in the view, x and y in the photograph.
    """
    name = groups.photo[~groups.photo.str.startswith("missing-")].mode()[0]
    with zipfile.ZipFile(path) as archive:
        member = next(m for m in sorted(fnmatch.filter(archive.namelist(), pattern)) if Path(m).stem == name)
        photograph = read_grey(archive, member)
        views = [read_grey(archive, view) for view in groups.path[groups.photo == name].head(number)]
    return photograph, [(view, points(view, photograph)) for view in views]


def points(view: np.ndarray, photograph: np.ndarray) -> np.ndarray:
    """Matched keypoints (inliers, 2, 2), px, of a view and a photograph, mirrored if that matches more of them."""
    cv2.setRNGSeed(0)  # RANSAC draws at random
    seen = features(view)
    as_it_is = matched(seen, features(photograph))
    mirrored = matched(seen, features(np.fliplr(photograph).copy()))
    if len(as_it_is) >= len(mirrored):
        return as_it_is
    mirrored[:, 1, 0] = SIZE[0] - 1 - mirrored[:, 1, 0]
    return mirrored
