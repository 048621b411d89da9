"""Find the photograph behind each image by registration: SIFT features, nearest neighbours, an affine map by RANSAC.

originals --gallery--> features of each and of its mirror image
images, gallery --recover--> photo, inliers of each image;   gallery --same_cell--> photographs that overlap, inliers

`register` does all of it, once per archive: it takes minutes, and every study of the same images needs it.

Images without a clear match in the gallery are matched with one another; those that match are views of a photograph
that the archive lacks.
"""

import fnmatch
import hashlib
import os
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import cv2
import networkx
import numpy as np
import pandas as pd

from lib import strict
from lib.data.archives import quiet
from lib.data.files import read_csv, write_csv

# Raise it when the same images are matched otherwise; they are then registered again. tests/test_photos.py notices.
VERSION = 1

CLEAR = 27  # inliers: with at least so many, an image is a view of a photograph
SAME = 12  # inliers: with at least so many, two photographs show the same cell
SIZE = (320, 240)  # columns, rows: every picture is brought to the size of the augmented ones
PIECE = 500  # images between two saves (ten seconds on two cores); a stopped registration loses no more
CANDIDATES = 5  # so many sides of photographs, those with the most nearest neighbours, are compared one by one


def register(path: Path, pattern: str, images: list[str], progress) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Run `recover` and `same_cell`, and keep both tables in data/registered for every study of the same images.

    Args:
        path: the archive.
        pattern: matches the names of members that are photographs.
        images: names of members that were made from them.
        progress: wraps an iterable (tqdm).
    """
    key = registration_key(path, pattern, images)
    folder = strict.ROOT / "data" / "registered"
    kept_photos = folder / f"{key}-photos.csv"
    kept_overlaps = folder / f"{key}-overlaps.csv"
    if not (kept_photos.exists() and kept_overlaps.exists()):
        begun = folder / f"{key}-photos.begun.csv"
        with zipfile.ZipFile(path) as archive:
            gallery = open_gallery(archive, pattern)
            write_csv(recover(archive, images, gallery, progress, begun), kept_photos)
            write_csv(same_cell(gallery, progress), kept_overlaps)
        begun.unlink()
    return read_csv(kept_photos), read_csv(kept_overlaps)


def registration_key(path: Path, pattern: str, images: list[str]) -> str:
    """A digest of everything that decides a registration: the archive's bytes, pattern, images, and VERSION."""
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    digest.update("\n".join([str(VERSION), pattern, *images]).encode())
    return digest.hexdigest()


class Features(NamedTuple):
    """SIFT keypoints (Lowe 2004) of a picture: points (k, 2) in px, descriptors (k, 128)."""

    points: np.ndarray
    descriptors: np.ndarray


def features(picture: np.ndarray) -> Features:
    """Features of a grey picture, uint8 (240, 320). Stained cells need a low contrast threshold."""
    keypoints, descriptors = cv2.SIFT_create(nfeatures=600, contrastThreshold=0.012).detectAndCompute(picture, None)
    points = np.float32([keypoint.pt for keypoint in keypoints]).reshape(-1, 2)
    if descriptors is None:
        descriptors = np.zeros((0, 128), np.float32)
    return Features(points, descriptors)


def read_grey(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """Read a member as grey, uint8 (240, 320)."""
    picture = cv2.imdecode(np.frombuffer(archive.read(name), np.uint8), cv2.IMREAD_GRAYSCALE)
    return picture if picture.shape == SIZE[::-1] else cv2.resize(picture, SIZE, interpolation=cv2.INTER_AREA)


class Gallery:
    """Pictures to search, each as it is and mirrored: SIFT is invariant to rotation, but not to reflection."""

    def __init__(self, names: list[str], pictures: list[np.ndarray]):
        self.names = names
        # picture k as it is: side 2 k; mirrored: side 2 k + 1
        self.sides = []
        for picture in pictures:
            self.sides += [features(picture), features(np.fliplr(picture).copy())]
        self.matcher = cv2.FlannBasedMatcher({"algorithm": 1, "trees": 4}, {"checks": 48})
        self.matcher.add([side.descriptors for side in self.sides])
        self.matcher.train()

    def find(self, query: Features, but: str | None = None) -> list[tuple[int, str]]:
        """Find the pictures most like the query, except the one called `but`: (inliers, name), the best first."""
        if len(query.points) < 4:
            return [(0, next(name for name in self.names if name != but))]
        # the nearest neighbour may be the excluded picture itself
        neighbours = self.matcher.knnMatch(query.descriptors, k=2 if but else 1)
        votes = Counter()
        for matches in neighbours:
            votes.update(match.imgIdx for match in matches if self.names[match.imgIdx // 2] != but)
        best = Counter()
        for side, _ in votes.most_common(CANDIDATES):
            name = self.names[side // 2]
            best[name] = max(best[name], inliers(query, self.sides[side]))
        return [(number, name) for name, number in best.most_common()]


def open_gallery(archive: zipfile.ZipFile, pattern: str) -> Gallery:
    """Open the gallery of an archive's photographs, the members that fit `pattern`, named without their suffixes."""
    members = sorted(fnmatch.filter(archive.namelist(), pattern))
    return Gallery([Path(member).stem for member in members], [read_grey(archive, member) for member in members])


def inliers(one: Features, other: Features) -> int:
    """Count the keypoints of `one` that a single affine map takes to their matches in `other`, within 3 px."""
    return len(matched(one, other))


def matched(one: Features, other: Features) -> np.ndarray:
    """The keypoints that `inliers` counts: (inliers, 2, 2), px; x and y in `one`, then x and y in `other`."""
    nothing = np.zeros((0, 2, 2), np.float32)
    if len(one.points) < 4 or len(other.points) < 4:
        return nothing
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(one.descriptors, other.descriptors, k=2)
    good = [first for first, second in pairs if first.distance < 0.8 * second.distance]  # Lowe's ratio test
    if len(good) < 4:
        return nothing
    start = one.points[[match.queryIdx for match in good]]
    end = other.points[[match.trainIdx for match in good]]
    settings = {"method": cv2.RANSAC, "ransacReprojThreshold": 3.0, "maxIters": 2000, "confidence": 0.999}
    _, kept = cv2.estimateAffine2D(start, end, **settings)
    return nothing if kept is None else np.stack([start, end], axis=1)[kept.ravel() == 1]


def on_all_cores(function, items, progress, **words) -> list:
    """Map `function` over the items in threads (OpenCV releases Python's lock)."""
    cv2.setNumThreads(1)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(progress(pool.map(function, items), total=len(items), **words))


def in_pieces(function, items: list, progress, kept: Path, columns: list[str], **words) -> pd.DataFrame:
    """Run `on_all_cores` on `PIECE` items at a time; the file `kept` holds finished ones, so that it can resume."""
    done = read_csv(kept) if kept.exists() else pd.DataFrame(columns=columns)
    starts = range(len(done), len(items), PIECE)
    for start in progress(starts, total=len(starts), unit=f" x {PIECE}", **words):
        piece = pd.DataFrame(on_all_cores(function, items[start : start + PIECE], quiet), columns=columns)
        done = piece if done.empty else pd.concat([done, piece], ignore_index=True)
        write_csv(done, kept)
    return done


def recover(archive: zipfile.ZipFile, paths: list[str], gallery: Gallery, progress, begun: Path) -> pd.DataFrame:
    """Find photo and inliers of every image, in the order of `paths`.

    Photographs that the gallery lacks are called `missing-1`, `missing-2`, ... The file `begun` keeps finished pieces.
    """

    def best_match(path: str) -> tuple[int, str]:
        return gallery.find(features(read_grey(archive, path)))[0]

    table = in_pieces(best_match, paths, progress, begun, ["inliers", "photo"], desc="registration").set_axis(paths)
    unclear = table.index[table.inliers < CLEAR].tolist()
    if len(unclear) > 1:
        name_missing(archive, table, unclear)
    return table[["photo", "inliers"]].reset_index(drop=True)


def name_missing(archive: zipfile.ZipFile, table: pd.DataFrame, unclear: list[str]) -> None:
    """Match the unclear images with one another; in `table`, those that match become views of `missing-1`, ..."""
    others = Gallery(unclear, [read_grey(archive, path) for path in unclear])
    links = networkx.Graph()
    for path in unclear:
        for number, other in others.find(features(read_grey(archive, path)), but=path):
            if number >= CLEAR:
                links.add_edge(path, other)
                table.loc[path, "inliers"] = max(number, table.inliers[path])
    for number, views in enumerate(networkx.connected_components(links), 1):
        table.loc[sorted(views), "photo"] = f"missing-{number}"


def same_cell(gallery: Gallery, progress) -> pd.DataFrame:
    """Find pairs of photographs that overlap, each once: one, other, inliers."""

    def matches_of(number: int) -> list[tuple[int, str]]:
        return gallery.find(gallery.sides[2 * number], but=gallery.names[number])

    matches = on_all_cores(matches_of, range(len(gallery.names)), progress, desc="overlaps")
    strongest = {}
    for name, others in zip(gallery.names, matches):
        for number, other in others:
            pair = tuple(sorted([name, other]))
            strongest[pair] = max(strongest.get(pair, 0), number)
    rows = [(*pair, number) for pair, number in sorted(strongest.items()) if number >= SAME]
    return pd.DataFrame(rows, columns=["one", "other", "inliers"])
