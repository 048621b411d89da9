"""Which images train, which validate, which test: images.csv + groups.csv -> split.csv.

Every protocol divides images into train and test; validation is then carved out of train by group,
the same way for all of them, so nothing is ever chosen by looking at the test part.
"""

from typing import TYPE_CHECKING

from lib.errors import StudyError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

TEST_SHARE = 0.2  # the paper's 80:20, sections 4.1.1 and 4.1.2


def published(images: "pd.DataFrame", groups: "pd.Series", dataset, seed: int) -> "np.ndarray":
    """The test part that the archive has, or that gives the counts that the document states.

    `folders`: the archive's second part (blood cells: TEST), of its folders or its table. `random`: the document does not say
    how it divided these images; 80:20, as by the protocol of this name. `call`: the call that gives the counts of
    section 4.1.2, `train_test_split(test_size=0.2, random_state=42)`, not stratified, over the rows of
    images.csv: sorted by name, the first class of the catalogue first. The study's seed plays no role.
    """
    if dataset.published == "folders":
        return (images.published_part == dataset.parts[1]).to_numpy()
    if dataset.published == "random":
        return random(images, groups, dataset, seed)
    if dataset.published is None:
        raise StudyError(f"{dataset.title} has no published split: name others of {', '.join(SPLITS)} in the study")
    return _random_rows(images, seed=42, stratify=None)


def random(images: "pd.DataFrame", groups: "pd.Series", dataset, seed: int) -> "np.ndarray":
    """80:20 over images, stratified by label. Other views of a test photograph end up in train: it leaks."""
    return _random_rows(images, seed, stratify=images.label)


def group(images: "pd.DataFrame", groups: "pd.Series", dataset, seed: int) -> "np.ndarray":
    """80:20 over groups, stratified by label: no photograph, no copy and no overlapping photograph is on both sides."""
    return _group_rows(images.label, groups, TEST_SHARE, seed)


SPLITS = {"published": published, "random": random, "group": group}


def _random_rows(images, seed, stratify):
    from sklearn.model_selection import train_test_split

    if stratify is not None:  # a label that one image alone has counts as the most frequent one
        stratify = stratify.where(stratify.map(stratify.value_counts()) > 1, stratify.mode()[0])
    _, test = train_test_split(images.index, test_size=TEST_SHARE, random_state=seed, stratify=stratify)
    return images.index.isin(test)


def _group_rows(labels, groups, share, seed):
    from sklearn.model_selection import StratifiedGroupKFold

    most = labels.value_counts().max()  # of a few images, fewer and larger folds
    folds = StratifiedGroupKFold(min(round(1 / share), most), shuffle=True, random_state=seed)
    _, rows = next(folds.split(labels, labels, groups))
    return labels.reset_index(drop=True).index.isin(rows)


def split(
    images: "pd.DataFrame", groups: "pd.DataFrame", protocol: str, dataset, *, seed: int, validation_share: float
) -> "pd.DataFrame":
    """split.csv: path, label, group, part ("train", "validation" or "test"), in the order of `images`.

    Args:
        images: images.csv (path, label, published_part).
        groups: groups.csv (path, group), the same images in the same order.
        protocol: a name in SPLITS.
        dataset: the catalogue's entry (lib.catalogue.Dataset).
        seed: decides the draws of `random`, of `group` and of the validation part.
        validation_share: the share of train that validates, rounded to 1/k; whole groups, stratified by label.
    """
    table = images[["path", "label"]].assign(group=groups.group, part="train")
    table.loc[SPLITS[protocol](images, groups.group, dataset, seed), "part"] = "test"
    train = table[table.part == "train"]
    rows = _group_rows(train.label, train.group, validation_share, seed)
    table.loc[train.index[rows], "part"] = "validation"
    return table
