"""Which images train, which validate, which test: images.csv + groups.csv -> split.csv.

Every protocol but `folds` divides the images into train and test; validation is then taken out of train by group, in
the same way for all protocols, so that nothing is ever chosen by the test part. Where the archive has a validation part
of its own, the protocol `published` takes that one.
"""

# The schema of a study reads SPLITS and must load fast, so functions import scikit-learn inside.
from __future__ import annotations

from typing import TYPE_CHECKING

from lib.strict import StudyError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from lib.data.catalogue import Dataset

TEST_SHARE = 0.2  # the paper's 80:20, sections 4.1.1 and 4.1.2
FOLDS = [1, 2, 3, 4, 5]  # of the protocol `folds`


def published(images: pd.DataFrame, groups: pd.Series, entry: Dataset, seed: int) -> np.ndarray:
    """The test part that the archive has, or the one that gives the counts which the paper states.

    `folders`: the archive's last part (blood cells: TEST), by its folders or its table. `random`: the paper does not
    say how it divided these images; 80:20, as by the protocol of this name. `call`: the call that gives the counts of
    section 4.1.2, `train_test_split(test_size=0.2, random_state=42)`, not stratified, over the rows of
    images.csv: sorted by name, the first class of the catalogue first. The study's seed plays no role.
    """
    if entry.published_split == "folders":
        return (images.published_part == entry.parts[-1]).to_numpy()
    if entry.published_split == "random":
        return random(images, groups, entry, seed)
    if entry.published_split is None:
        raise StudyError(f"{entry.title} has no published split: name others of {', '.join(SPLITS)} in the study")
    return random_rows(images, seed=42, stratify=None)


def random(images: pd.DataFrame, groups: pd.Series, entry: Dataset, seed: int) -> np.ndarray:
    """80:20 over images, stratified by label. Other views of a test photograph end up in train: it leaks."""
    # a label that only one image has is stratified as the most frequent label
    number = images.label.map(images.label.value_counts())
    return random_rows(images, seed, stratify=images.label.where(number > 1, images.label.mode()[0]))


def group(images: pd.DataFrame, groups: pd.Series, entry: Dataset, seed: int) -> np.ndarray:
    """80:20 over groups, stratified by label: no photograph, copy or overlapping photograph is on both sides."""
    return group_rows(images.label, groups, TEST_SHARE, seed)


# Each returns a mask of the test images, (images,) bool.
SPLITS = {"published": published, "random": random, "group": group}


def folds(images: pd.DataFrame, groups: pd.Series, entry: Dataset, seed: int) -> np.ndarray:
    """Five folds over groups, stratified by label: a run is five trainings, and every image is tested by one of them.

    Returns:
        The fold in which each image is tested, (images,) of FOLDS.
    """
    import numpy as np
    from sklearn.model_selection import StratifiedGroupKFold

    if groups.nunique() < len(FOLDS):
        raise StudyError(f"{entry.title} has {groups.nunique()} groups: too few for {len(FOLDS)} folds")
    divided = StratifiedGroupKFold(len(FOLDS), shuffle=True, random_state=seed).split(images, images.label, groups)
    fold = np.zeros(len(images), dtype=int)
    for number, (_, tested) in zip(FOLDS, divided):
        fold[tested] = number
    return fold


PROTOCOLS = {**SPLITS, "folds": folds}


def random_rows(images: pd.DataFrame, seed: int, stratify: pd.Series | None) -> np.ndarray:
    """A mask of `TEST_SHARE` of the rows."""
    from sklearn.model_selection import train_test_split

    _, test = train_test_split(images.index, test_size=TEST_SHARE, random_state=seed, stratify=stratify)
    return images.index.isin(test)


def group_rows(labels: pd.Series, groups: pd.Series, share: float, seed: int) -> np.ndarray:
    """A mask of about `share` of the rows: whole groups, stratified by label."""
    from sklearn.model_selection import StratifiedGroupKFold

    # with few images per label, fewer and larger folds
    folds = min(round(1 / share), labels.value_counts().max())
    divided = StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(labels, labels, groups)
    _, rows = next(divided)
    return labels.reset_index(drop=True).index.isin(rows)


def split(
    images: pd.DataFrame, groups: pd.DataFrame, protocol: str, entry: Dataset, *, seed: int, validation_share: float
) -> pd.DataFrame:
    """split.csv: path, label, group, part (train, validation or test), in the order of `images`.

    Of the protocol `folds`: fold (in which an image is tested), and for each fold a part: part_1 to part_5.

    Args:
        images: images.csv (path, label, published_part).
        groups: groups.csv (path, group), the same images in the same order.
        protocol: a name in PROTOCOLS.
        entry: the catalogue's entry.
        seed: decides the draws of `random`, of `group` and of the validation part.
        validation_share: the share of train that validates, rounded to 1/k; whole groups, stratified by label. Not
            used where the archive has a validation part and the protocol is `published`.
    """
    table = images[["path", "label"]].assign(group=groups.group)
    draws = {"share": validation_share, "seed": seed}
    if protocol == "folds":
        table["fold"] = folds(images, groups.group, entry, seed)
        for fold in FOLDS:
            table[f"part_{fold}"] = parts(table, table.fold == fold, **draws)
        return table
    test = SPLITS[protocol](images, groups.group, entry, seed)
    if protocol == "published" and has_validation(entry):
        table["part"] = "train"
        table.loc[test, "part"] = "test"
        table.loc[images.published_part == entry.parts[1], "part"] = "validation"
        return table
    table["part"] = parts(table, test, **draws)
    return table


def parts(table: pd.DataFrame, test: np.ndarray, *, share: float, seed: int) -> pd.Series:
    """train, validation or test for every row of `table` (label, group); `test`: a mask of the rows that test."""
    part = table.assign(part="train").part
    part[test] = "test"
    train = table[part == "train"]
    part[train.index[group_rows(train.label, train.group, share, seed)]] = "validation"
    return part


def of_fold(table: pd.DataFrame, fold: int | None) -> pd.DataFrame:
    """split.csv as a training reads it: with one column `part`; fold: one of FOLDS, None for the other protocols.

    StudyError: a group is in the test part of the fold and in another.
    """
    if fold is None:
        return table
    table = table.assign(part=table[f"part_{fold}"])
    tests = table.part == "test"
    if shared := set(table.group[tests]) & set(table.group[~tests]):
        raise StudyError(f"fold {fold} is tested on groups that it learns from: {sorted(shared)[:5]}")
    return table


def has_validation(entry: Dataset) -> bool:
    """Whether the archive is divided into train, validation and test."""
    return entry.published_split == "folders" and len(entry.parts) == 3
