"""Decide which near duplicates are one piece of evidence, if an archive does not say which images belong together.

A chain of near duplicates can link images that are independent: all photographs of a retina resemble one another, and
so do all drawings of the digit 1. Frames of one recording resemble one another too, and are rightly one group.

    links --believed--> links that leave enough groups to split --require_groups--> or a message with the numbers
"""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from lib.data.splits import TEST_SHARE
from lib.strict import StudyError

CORRELATION = 0.9  # least correlation of the grey pixels of near duplicates
FEWEST = 5  # least number of groups per class: one for each fifth of a split
HALF = 0.5  # largest share of a class in one group
LARGEST = 5000  # largest group in which every image is compared with every other


def believed(
    table: pd.DataFrame, links: pd.DataFrame, pixels: np.ndarray, connected: Callable, tell: Callable[[str], object]
) -> pd.DataFrame:
    """Choose the links that count.

    All links count if no group gets too large. A too large group is divided until all its images are alike. If it then
    is still too large and holds several classes, only byte-identical files are linked.

    Args:
        table: path, label. links: as from `duplicates`. pixels: the rows of `table`, (rows, size, size, 3) uint8.
        connected: (table, links) -> the group of every row.
        tell: called with a sentence on what was done.
    """
    near = links.kind == "near duplicate"
    group = pd.Series(connected(table, links), index=table.index)
    large = too_large(table, group)
    if not near.any() or not large:
        return links
    before = f"images that look alike form a chain of {group.value_counts().max()} of {len(table)} images"
    kept = links[~near | ~links.one.map(group_of(table, group)).isin(large)]
    cliques = pd.concat([kept, *(all_alike(table, pixels, group == number) for number in large)], ignore_index=True)
    again = pd.Series(connected(table, cliques), index=table.index)
    still = too_large(table, again)
    if not still:
        tell(f"{before}: it was divided until all images of a group are alike, at most {again.value_counts().max()}")
        return cliques
    if all(table.label[again == number].nunique() == 1 for number in still):
        largest = again.value_counts().max()
        tell(f"{before}: {largest} are all alike and of one class, like frames of one recording, and are one group")
        return cliques
    tell(f"{before}, of several classes: resemblance is ignored, and only identical files are grouped")
    return links[~near]


def group_of(table: pd.DataFrame, group: pd.Series) -> dict[str, int]:
    """Map each path to its group."""
    return dict(zip(table.path, group))


def too_large(table: pd.DataFrame, group: pd.Series) -> list[int]:
    """List the groups that hold more images than a test part, or more than half of a class."""
    size = group.value_counts()
    wrong = set(size.index[(size > TEST_SHARE * len(table)) & (size > 1)])
    for _, part in group.groupby(table.label):
        share = part.value_counts(normalize=True)
        wrong |= set(share.index[(share > HALF) & (size.reindex(share.index) > 2)])
    return sorted(wrong)


def all_alike(table: pd.DataFrame, pixels: np.ndarray, rows: pd.Series) -> pd.DataFrame:
    """Divide a group so that any two images of a new one are alike (complete linkage); returns the new links.

    Columns: kind, one, other, strength (correlation); none for more than LARGEST images.
    """
    paths = table.path[rows].to_list()
    columns = ["kind", "one", "other", "strength"]
    if len(paths) > LARGEST:
        return pd.DataFrame(columns=columns)
    flat = np.stack([standardised(pixels[row]).ravel() for row in np.flatnonzero(rows)]).astype(np.float32)
    alike = np.clip(flat @ flat.T / flat.shape[1], -1, 1)
    distance = np.maximum(1 - alike, 0)
    np.fill_diagonal(distance, 0)
    number = fcluster(linkage(squareform(distance, checks=False), "complete"), 1 - CORRELATION, "distance")
    first: dict[int, int] = {}
    found = []
    for place, cluster in enumerate(number):
        one = first.setdefault(cluster, place)
        if one != place:
            found.append(("near duplicate", paths[one], paths[place], float(alike[one, place])))
    return pd.DataFrame(found, columns=columns)


def require_groups(table: pd.DataFrame) -> None:
    """StudyError: a class is in fewer than FEWEST groups, so it cannot be split."""
    number = table.groupby("label", sort=False).group.nunique()
    if few := [f"{label} ({count})" for label, count in number.items() if count < FEWEST]:
        sizes = table.group.value_counts()
        raise StudyError(
            f"too few groups of {', '.join(few)}: training, validation and test need at least {FEWEST} of each class."
            f" The {len(table)} images are in {len(sizes)} groups; the largest has {sizes.max()} images that are"
            " copies, look alike (like frames of one recording) or are of one patient.\n"
            "  Add images of other patients or recordings; or, if images that look alike are independent here, set"
            " near_duplicates: false in the file of params/datasets, and run this again"
        )


def standardised(picture: np.ndarray) -> np.ndarray:
    """(height, width, 3) -> grey, (height, width), of mean 0 and standard deviation 1; all 0 for a uniform picture."""
    grey = picture.mean(-1)
    return (grey - grey.mean()) / (grey.std() + 1e-9)


def across_classes(images: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    """List the images that look like one of another class, where sources are not known: path, label, group.

    Args:
        images: images.csv (source). groups: groups.csv (path, label, group), the same rows.
    """
    unknown = (images.source == "").to_numpy()
    several = (groups.groupby("group").label.transform("nunique") > 1).to_numpy()
    found = groups.loc[unknown & several, ["path", "label", "group"]]
    return found.sort_values(["group", "path"], ignore_index=True)
