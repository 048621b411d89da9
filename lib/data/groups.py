"""Group the images that are one piece of evidence: images.csv -> groups.csv.

    views of one photograph                (lib.data.photos, where the archive holds originals)
    photographs that show the same cell    (lib.data.photos)                                      -> one group
    images of one source                   (where the archive names the source)
    byte-identical files; if none of this is known, also near duplicates (perceptual hash, then correlation)

Images connected by a chain of these links are one group: intervals count it once, and the split `group` keeps it on
one side.
"""

import fnmatch
from pathlib import Path

import imagehash
import networkx
import numpy as np
import pandas as pd
from PIL import Image

from lib.data import photos, resemblance
from lib.data.archives import open_archive
from lib.data.catalogue import Dataset
from lib.data.resemblance import CORRELATION, standardised
from lib.data.spelling import silent

BITS = 8  # of 64; images with perceptual hashes that differ in at most so many bits are compared pixel by pixel


def group(
    images: pd.DataFrame, pixels: np.ndarray, archive: Path, entry: Dataset, progress, tell=silent
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make the tables groups.csv and links.csv.

    Args:
        images: images.csv (path, label, sha256, source).
        pixels: the same rows, (rows, size, size, 3) uint8.
        archive: the zip file or folder that the images came from.
        entry: the catalogue's entry.
        progress: wraps an iterable (tqdm).
        tell: called with a sentence if near duplicates linked too many images, on what was done about it.

    Returns:
        groups: path, label, photo, inliers, group, in the order of `images`. `photo` is the matched photograph; without
        one, the source; without a source, the image itself. `inliers` is the number of matched keypoints, empty if
        nothing was matched. `group` is the row of its first image.
        links: why photographs or images are in one group: kind, one, other, strength (inliers, or correlation).

    StudyError: a class of the user's own images is in too few groups to be split.
    """
    table = images[["path", "label"]].copy()
    links = duplicates(images, pixels, near=entry.near_duplicates)
    identical = links.kind == "identical"
    if entry.originals:
        matched, overlaps = photos.register(archive, entry.originals, list(images.path), progress)
        table[["photo", "inliers"]] = matched
        photo = dict(zip(table.path, table.photo))
        # blood smears resemble one another: if photographs are known, only equal files add information
        links = links[identical & (links.one.map(photo) != links.other.map(photo))]
        overlaps = overlaps[overlaps.one.isin(table.photo) & overlaps.other.isin(table.photo)]
        links = pd.concat([links, overlaps.rename(columns={"inliers": "strength"}).assign(kind="same cell")])
    else:
        has_source = images.source != ""
        table = table.assign(photo=images.source.where(has_source, images.path), inliers=None)
        if has_source.any() or not entry.near_duplicates:
            links = links[identical]
    if entry.folder:
        links = resemblance.believed(table, links, pixels, connected, tell)
    table["group"] = connected(table, links)
    if entry.folder:
        resemblance.require_groups(table)
    return table, links[["kind", "one", "other", "strength"]].reset_index(drop=True)


def register_check(images: pd.DataFrame, table: pd.DataFrame, archive: Path, entry: Dataset, progress) -> pd.DataFrame:
    """Register the pictures of `entry.check`: path, photo, inliers, and in_part: has their part views of the photo?

    Args:
        images: images.csv.
        table: groups.csv, the same rows.
        archive, entry, progress: as in `group`.
    """
    with open_archive(archive) as opened:
        paths = sorted(fnmatch.filter(opened.namelist(), entry.check.images))
    matched, _ = photos.register(archive, entry.originals, paths, progress)
    of_part = table.photo[(images.published_part == entry.check.part).to_numpy()]
    matched = matched.assign(path=paths, in_part=matched.photo.isin(of_part))
    return matched[["path", "photo", "inliers", "in_part"]]


def connected(table: pd.DataFrame, links: pd.DataFrame) -> list[int]:
    """The group of every image: the first row that a chain of photographs and links reaches from it."""
    graph = networkx.Graph()
    graph.add_edges_from(zip(table.path, "photo " + table.photo))
    between_photos = links.kind == "same cell"
    of_photos, of_images = links[between_photos], links[~between_photos]
    graph.add_edges_from(zip("photo " + of_photos.one, "photo " + of_photos.other))
    graph.add_edges_from(zip(of_images.one, of_images.other))
    row = {path: number for number, path in enumerate(table.path)}
    group = {}
    for nodes in networkx.connected_components(graph):
        rows = [row[node] for node in nodes if node in row]
        group |= dict.fromkeys(rows, min(rows))
    return [group[number] for number in range(len(table))]


def duplicates(images: pd.DataFrame, pixels: np.ndarray, near: bool = True) -> pd.DataFrame:
    """Find pairs of images that are byte-identical or, if `near`, correlate by CORRELATION or more.

    Columns: kind, one, other, strength (correlation of grey pixels, -1 to 1).
    """
    digest = pd.factorize(images.sha256)[0]
    if near:
        hashes = np.stack([imagehash.phash(Image.fromarray(picture)).hash.ravel() for picture in pixels])
        packed = np.packbits(hashes, axis=1)
    rows = []
    for one in range(len(images) - 1):
        if near:
            alike = np.bitwise_count(packed[one + 1 :] ^ packed[one]).sum(1) <= BITS
        else:
            alike = digest[one + 1 :] == digest[one]
        for other in np.flatnonzero(alike) + one + 1:
            correlation = float((standardised(pixels[one]) * standardised(pixels[other])).mean())
            identical = digest[one] == digest[other]
            if identical or correlation >= CORRELATION:
                kind = "identical" if identical else "near duplicate"
                rows.append((kind, images.path.iat[one], images.path.iat[other], correlation))
    return pd.DataFrame(rows, columns=["kind", "one", "other", "strength"])


def in_two_parts(images: pd.DataFrame) -> str:
    """A sentence on equal images in several parts of an archive; empty if there are none.

    images: images.csv (sha256, published_part).
    """
    parts = images.groupby("sha256").published_part.agg(lambda one: tuple(dict.fromkeys(one)))
    shared = parts[parts.map(len) > 1]
    if shared.empty:
        return ""
    number, named = len(shared), ", ".join(dict.fromkeys(name for one in shared for name in one))
    counted = f"{number} groups of equal images stand" if number > 1 else "One group of equal images stands"
    return f"{counted} in two or more of the parts of its archive ({named})."
