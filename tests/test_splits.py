"""The parts of a split are the paper's, do not overlap, and validation never shares a group with training."""

import numpy as np
import pandas as pd
import pytest

from lib.data import catalogue
from lib.data.splits import FOLDS, SPLITS, of_fold, split
from lib.strict import StudyError
from lib.study.own import FEWEST

BLOOD, BRAIN = catalogue.entry("blood-cells"), catalogue.entry("brain-mri")


def brain_images() -> pd.DataFrame:
    """A table of the size of the MRI archive: 155 tumour first, 98 healthy; every tenth file repeats the one before."""
    path = [f"yes/Y{i:03d}.jpg" for i in range(155)] + [f"no/{i:03d} no.jpg" for i in range(98)]
    digest = [str(i - (i % 10 == 9)) for i in range(253)]
    return pd.DataFrame(
        {"path": path, "label": ["tumour"] * 155 + ["healthy"] * 98, "sha256": digest, "published_part": ""}
    )


def made(protocol: str, seed: int = 0, images: pd.DataFrame | None = None, entry=BRAIN) -> pd.DataFrame:
    images = brain_images() if images is None else images
    first = pd.Series(images.index).groupby(images.sha256).transform("min")
    return split(images, pd.DataFrame({"group": first}), protocol, entry, seed=seed, validation_share=0.125)


def test_the_published_mri_split_has_the_papers_counts():
    counts = made("published").groupby(["label", "part"]).size()
    assert (counts["tumour", "test"], counts["healthy", "test"]) == (27, 24)
    assert counts["tumour"].drop("test").sum() == 128 and counts["healthy"].drop("test").sum() == 74


def test_the_published_blood_split_follows_the_archives_folders():
    images = pd.DataFrame(
        {"path": [f"{i}" for i in range(80)], "label": np.repeat(list("abcd"), 20), "sha256": range(80)}
    )
    images["published_part"] = np.tile(["TRAIN"] * 8 + ["TEST"] * 2, 8)
    table = made("published", images=images, entry=BLOOD)
    assert ((table.part == "test") == (images.published_part == "TEST")).all()


def test_where_the_paper_does_not_say_how_it_divides_the_published_split_is_random():
    unsaid = BRAIN.model_copy(update={"published_split": "random"})
    assert made("published", seed=3, entry=unsaid).equals(made("random", seed=3))


@pytest.mark.parametrize("protocol", SPLITS)
def test_validation_never_shares_a_group_with_training(protocol):
    table = made(protocol)
    learning = table[table.part != "test"]
    assert (learning.groupby("group").part.nunique() == 1).all()
    assert table.groupby("label").part.nunique().eq(3).all()


def test_a_label_that_one_image_alone_has_is_no_obstacle():
    images = brain_images().assign(label=lambda table: table.label.where(table.index > 0, "tumour; healthy"))
    assert (made("random", images=images).part == "test").sum() == 51


def test_the_fewest_images_that_a_study_accepts_can_be_split():
    few = brain_images().groupby("label", sort=False).head(FEWEST).reset_index(drop=True)
    assert made("group", images=few).groupby("label").part.nunique().min() > 1


def test_random_is_stratified_and_repeatable():
    table = made("random", seed=3)
    assert table.equals(made("random", seed=3)) and not table.equals(made("random", seed=4))
    assert np.isclose((table[table.label == "tumour"].part == "test").mean(), 0.2, atol=0.01)


def test_over_five_folds_every_image_is_tested_once_and_no_group_is_tested_and_learned_from():
    table = made("folds", seed=3)
    assert table.equals(made("folds", seed=3)) and not table.equals(made("folds", seed=4))
    folds = [of_fold(table, fold) for fold in FOLDS]
    assert (sum((fold.part == "test").astype(int) for fold in folds) == 1).all()
    for number, fold in zip(FOLDS, folds):
        assert ((fold.part == "test") == (table.fold == number)).all()
        assert (fold.groupby("group").part.nunique() == 1).all() and fold.part.nunique() == 3
        assert np.isclose((fold[fold.label == "tumour"].part == "test").mean(), 0.2, atol=0.03)


def test_a_group_in_the_test_part_and_in_training_of_one_fold_is_refused():
    table = made("folds")
    table.loc[table.index[table.fold == 1][0], "group"] = table.group[table.fold == 2].iloc[0]
    with pytest.raises(StudyError, match="fold 1 is tested on groups that it learns from"):
        of_fold(table, 1)


def test_fewer_groups_than_folds_say_so():
    with pytest.raises(StudyError, match="4 groups: too few for 5 folds"):
        made("folds", images=brain_images().assign(sha256=lambda table: [str(n % 4) for n in table.index]))
