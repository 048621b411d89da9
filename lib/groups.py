"""Which images are one piece of evidence: images.csv -> groups.csv.

    views of one photograph                (lib.photos, where the archive holds originals)
    photographs that show the same cell    (lib.photos)                                      -> one group
    images of one source                   (where the archive says whose they are)
    byte-identical files; where none of this is known also near duplicates (perceptual hash, then correlation)

What is linked by a chain of these is one group: intervals count it once, and the split `group` keeps it on one side.
"""

import fnmatch
from pathlib import Path

import imagehash
import networkx
import numpy as np
import pandas as pd
from PIL import Image

from lib import photos
from lib.archives import open_archive

BITS = 8  # of 64: perceptual hashes that differ in so many at most are compared pixel by pixel
CORRELATION = 0.9  # of grey pixels: from here on two images are near duplicates


def group(
    images: pd.DataFrame, pixels: np.ndarray, archive: Path, dataset, progress
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """groups.csv and links.csv.

    Args:
        images: images.csv (path, label, sha256, source). pixels: the same rows, (rows, size, size, 3) uint8.
        archive: the zip file or folder that the images came from. dataset: the catalogue's entry. progress: wraps what is gone through (tqdm).

    Returns:
        groups: path, label, photo, inliers, group, in the order of `images`. `photo` is the photograph that an image was made
        from, found with so many `inliers`, or its source; without either each image is its own. Inliers are then empty. A group is
        named after its first image's row.
        links: why photographs or images are in one group: kind, one, other, strength (inliers, or correlation).
    """
    table, links = images[["path", "label"]].copy(), duplicates(images, pixels, near=dataset.near_duplicates)
    if dataset.originals:
        found, overlaps = photos.register(archive, dataset.originals, list(images.path), progress)
        table[["photo", "inliers"]] = found
        photo = dict(zip(table.path, table.photo))
        # blood smears resemble one another: where photographs are known, only an equal file says more than they do
        links = links[(links.kind == "identical") & (links.one.map(photo) != links.other.map(photo))]
        overlaps = overlaps[overlaps.one.isin(table.photo) & overlaps.other.isin(table.photo)]
        links = pd.concat([links, overlaps.rename(columns={"inliers": "strength"}).assign(kind="same cell")])
    else:
        known = images.source != ""
        table = table.assign(photo=images.source.where(known, images.path), inliers=None)
        links = links[(links.kind == "identical") | (dataset.near_duplicates and not known.any())]
    table["group"] = connected(table, links)
    return table, links[["kind", "one", "other", "strength"]].reset_index(drop=True)


def check(images: pd.DataFrame, table: pd.DataFrame, archive: Path, dataset, progress) -> pd.DataFrame:
    """The pictures of `dataset.check`, which play no other role: path, photo and inliers, and whether its part's images were made from it.

    Args:
        images, table: images.csv and groups.csv, the same rows. The rest as in `group`.
    """
    with open_archive(archive) as opened:
        paths = sorted(fnmatch.filter(opened.namelist(), dataset.check.images))
    found, _ = photos.register(archive, dataset.originals, paths, progress)
    made = table.photo[(images.published_part == dataset.check.part).to_numpy()]
    return found.assign(path=paths, in_part=found.photo.isin(made))[["path", "photo", "inliers", "in_part"]]


def connected(table: pd.DataFrame, links: pd.DataFrame) -> list[int]:
    """The group of every image: the first row among those that a chain of photographs and links reaches."""
    graph = networkx.Graph()
    graph.add_edges_from(zip(table.path, "photo " + table.photo))
    of_photos = links.kind == "same cell"
    graph.add_edges_from(zip("photo " + links.one[of_photos], "photo " + links.other[of_photos]))
    graph.add_edges_from(zip(links.one[~of_photos], links.other[~of_photos]))
    row, group = {path: number for number, path in enumerate(table.path)}, {}
    for members in networkx.connected_components(graph):
        rows = [row[member] for member in members if member in row]
        group |= dict.fromkeys(rows, min(rows))
    return [group[number] for number in range(len(table))]


def duplicates(images: pd.DataFrame, pixels: np.ndarray, near: bool = True) -> pd.DataFrame:
    """Pairs of images that are byte-identical or, if `near`, almost the same: kind, one, other, strength (correlation of grey pixels)."""
    digest, rows = pd.factorize(images.sha256)[0], []
    if near:
        hashes = np.stack([imagehash.phash(Image.fromarray(picture)).hash.ravel() for picture in pixels])
        packed = np.packbits(hashes, axis=1)
    for one in range(len(images) - 1):
        alike = digest[one + 1 :] == digest[one]
        alike = np.bitwise_count(packed[one + 1 :] ^ packed[one]).sum(1) <= BITS if near else alike
        for other in np.flatnonzero(alike) + one + 1:
            correlation = float((standardised(pixels[one]) * standardised(pixels[other])).mean())
            same = digest[one] == digest[other]
            if same or correlation >= CORRELATION:
                kind = "identical" if same else "near duplicate"
                rows.append((kind, images.path.iat[one], images.path.iat[other], correlation))
    return pd.DataFrame(rows, columns=["kind", "one", "other", "strength"])


def standardised(picture: np.ndarray) -> np.ndarray:
    """Grey values (height, width) of mean 0 and standard deviation 1; all 0 where a picture has one grey."""
    grey = picture.mean(-1)
    return (grey - grey.mean()) / (grey.std() + 1e-9)
