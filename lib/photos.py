"""Which photograph an image was made from, by registration: SIFT features, nearest neighbours, an affine map by RANSAC.

originals --gallery--> features of each and of its mirror image
images, gallery --recover--> photo, inliers of each image;   gallery --same_cell--> photographs that overlap, inliers

`register` does all of it, once for an archive: it takes minutes, and every study of the same images needs it.

An image that is a view of no photograph in the gallery is matched with the others that are not: those that match make
up a photograph whose original is missing.
"""

import fnmatch
import hashlib
import os
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import networkx
import numpy as np
import pandas as pd

from lib.files import read_csv, write_csv
from lib.study import ROOT

CLEAR = 27  # inliers from which on an image is taken for a view of a photograph without a doubt
SAME = 12  # inliers from which on two photographs are taken to show the same cell
SIZE = (320, 240)  # columns, rows: every picture is brought to the size of the augmented ones
PIECE = 500  # images, ten seconds on two cores: so much is lost at most when the registration is cut off
CANDIDATES = 5  # photographs with the most nearest neighbours, which are then compared one by one


def register(path: Path, pattern: str, images: list[str], progress) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What `recover` and `same_cell` say of an archive's images; kept in data/registered, for whichever study asks next.

    Args:
        path: the archive. pattern: of its members that are photographs. images: members that were made from them.
        progress: wraps what is gone through (tqdm).
    """
    with open(path, "rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    digest.update("\n".join([Path(__file__).read_text(encoding="utf-8"), pattern, *images]).encode())
    kept = [ROOT / "data" / "registered" / f"{digest.hexdigest()}-{what}.csv" for what in ("photos", "overlaps")]
    if not all(file.exists() for file in kept):
        with zipfile.ZipFile(path) as archive:
            gallery = open_gallery(archive, pattern)
            begun = kept[0].with_suffix(".begun.csv")
            for file, make in zip(kept, [partial(recover, archive, images, kept=begun), same_cell]):
                write_csv(make(gallery=gallery, progress=progress), file)
            begun.unlink()
    return read_csv(kept[0]), read_csv(kept[1])


class Features(NamedTuple):
    """SIFT keypoints (Lowe 2004) of a picture: points (k, 2) in pixels, descriptors (k, 128)."""

    points: np.ndarray
    descriptors: np.ndarray


def features(picture: np.ndarray) -> Features:
    """Of a grey picture. The contrast threshold is low, since stained cells differ little from one another."""
    found, descriptors = cv2.SIFT_create(nfeatures=600, contrastThreshold=0.012).detectAndCompute(picture, None)
    points = np.float32([point.pt for point in found]).reshape(-1, 2)
    return Features(points, np.zeros((0, 128), np.float32) if descriptors is None else descriptors)


def read_grey(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """A member as uint8 (240, 320)."""
    picture = cv2.imdecode(np.frombuffer(archive.read(name), np.uint8), cv2.IMREAD_GRAYSCALE)
    return picture if picture.shape == SIZE[::-1] else cv2.resize(picture, SIZE, interpolation=cv2.INTER_AREA)


class Gallery:
    """Pictures to be found again, each as it is and mirrored: SIFT survives turning, but not mirroring."""

    def __init__(self, names: list[str], pictures: list[np.ndarray]):
        self.names = names
        self.sides = [features(side) for picture in pictures for side in (picture, np.fliplr(picture).copy())]
        self.matcher = cv2.FlannBasedMatcher({"algorithm": 1, "trees": 4}, {"checks": 48})
        self.matcher.add([side.descriptors for side in self.sides])
        self.matcher.train()

    def find(self, wanted: Features, but: str | None = None) -> list[tuple[int, str]]:
        """(inliers, name) of the pictures most like `wanted`, the best first, `but` left out."""
        if len(wanted.points) < 4:
            return [(0, next(name for name in self.names if name != but))]
        neighbours = self.matcher.knnMatch(wanted.descriptors, k=2 if but else 1)
        votes = Counter(match.imgIdx for found in neighbours for match in found if self.names[match.imgIdx // 2] != but)
        best = Counter()
        for side, _ in votes.most_common(CANDIDATES):
            name = self.names[side // 2]
            best[name] = max(best[name], inliers(wanted, self.sides[side]))
        return [(number, name) for name, number in best.most_common()]


def open_gallery(archive: zipfile.ZipFile, pattern: str) -> Gallery:
    """The gallery of an archive's photographs: members that fit `pattern`, named by their file without its suffix."""
    members = sorted(fnmatch.filter(archive.namelist(), pattern))
    return Gallery([Path(member).stem for member in members], [read_grey(archive, member) for member in members])


def inliers(one: Features, other: Features) -> int:
    """How many keypoints of `one` an affine map takes to their likes in `other`, within 3 px."""
    if len(one.points) < 4 or len(other.points) < 4:
        return 0
    pairs = cv2.BFMatcher(cv2.NORM_L2).knnMatch(one.descriptors, other.descriptors, k=2)
    good = [first for first, second in pairs if first.distance < 0.8 * second.distance]  # Lowe's ratio test
    if len(good) < 4:
        return 0
    start = one.points[[match.queryIdx for match in good]]
    end = other.points[[match.trainIdx for match in good]]
    settings = {"method": cv2.RANSAC, "ransacReprojThreshold": 3.0, "maxIters": 2000, "confidence": 0.999}
    _, kept = cv2.estimateAffine2D(start, end, **settings)
    return 0 if kept is None else int(kept.sum())


def each(function, items, progress, **words) -> list:
    """`function` of every item, on all cores (OpenCV lets go of Python's lock)."""
    cv2.setNumThreads(1)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(progress(pool.map(function, items), total=len(items), **words))


def in_pieces(function, items: list, progress, kept: Path, columns: list[str], **words) -> pd.DataFrame:
    """`each`, a piece at a time: what is done stands in `kept`, and is not done again after a stop."""
    done = read_csv(kept) if kept.exists() else pd.DataFrame(columns=columns)
    starts = range(len(done), len(items), PIECE)
    for start in progress(starts, total=len(starts), unit=f" x {PIECE}", **words):
        found = pd.DataFrame(each(function, items[start : start + PIECE], lambda i, **_: i), columns=columns)
        done = found if done.empty else pd.concat([done, found], ignore_index=True)
        write_csv(done, kept)
    return done


def recover(archive: zipfile.ZipFile, paths: list[str], gallery: Gallery, progress, kept: Path) -> pd.DataFrame:
    """photo and inliers of every image, in the order of `paths`; a photograph that is not in the gallery: `missing-1`, ...

    kept: a file for what is done so far.
    """

    def look(path: str) -> tuple[int, str]:
        return gallery.find(features(read_grey(archive, path)))[0]

    table = in_pieces(look, paths, progress, kept, ["inliers", "photo"], desc="registration").set_axis(paths)
    unclear = table.index[table.inliers < CLEAR].tolist()
    if len(unclear) > 1:
        others = Gallery(unclear, [read_grey(archive, path) for path in unclear])
        links = networkx.Graph()
        for path in unclear:
            for number, other in others.find(features(read_grey(archive, path)), but=path):
                if number >= CLEAR:
                    links.add_edge(path, other)
                    table.loc[path, "inliers"] = max(number, table.inliers[path])
        for number, views in enumerate(networkx.connected_components(links), 1):
            table.loc[sorted(views), "photo"] = f"missing-{number}"
    return table[["photo", "inliers"]].reset_index(drop=True)


def same_cell(gallery: Gallery, progress) -> pd.DataFrame:
    """Pairs of photographs that overlap: one, other, inliers; each pair once."""

    def look(number: int) -> list[tuple[int, str]]:
        return gallery.find(gallery.sides[2 * number], but=gallery.names[number])

    found = each(look, range(len(gallery.names)), progress, desc="overlaps")
    pairs = {}
    for name, matches in zip(gallery.names, found):
        for number, other in matches:
            pair = tuple(sorted([name, other]))
            pairs[pair] = max(pairs.get(pair, 0), number)
    rows = [(*pair, number) for pair, number in sorted(pairs.items()) if number >= SAME]
    return pd.DataFrame(rows, columns=["one", "other", "inliers"])
