"""What a study leads with follows from its tables: the split that leaks least decides, and what
the data cannot decide is called undecided."""

import pandas as pd
import pytest

from lib.report import headline
from lib.study import load_study

COLUMNS = ["dataset", "split", "a", "b", "estimate", "low", "high", "decidable"]
CONTEST = headline.Contest("Is it better?", "vit-proposed", "vit", False)
COMPARED = pd.DataFrame(
    [
        ("cells", "random", "vit-proposed", "vit", 0.03, 0.01, 0.05, 0.03),
        ("cells", "group", "vit-proposed", "vit", 0.02, -0.03, 0.07, 0.071),
        ("cells", "group", "vit-proposed", "cnn", 0.2, 0.1, 0.3, 0.1),
        ("brains", "random", "vit-proposed", "vit", 0.0, -0.05, 0.05, 0.07),
        ("brains", "group", "vit-proposed", "vit", -0.08, -0.12, -0.04, 0.06),
    ],
    columns=COLUMNS,
).assign(seeds=5)
ASSESSED = pd.DataFrame(
    [
        ("cells", "group", 2434, 62),
        ("cells", "random", 2489, 308),
        ("brains", "group", 51, 41),
        ("brains", "random", 51, 45),
    ],
    columns=["dataset", "split", "images", "groups"],
)
TITLES = {"cells": "Blood cells", "brains": "Brain MRI"}


def test_the_headline_is_by_the_split_that_leaks_least():
    assert headline.headline(COMPARED, TITLES, CONTEST) == (
        "Is it better? On blood cells: **undecided** (+2.0 [-3.0, +7.0] points); "
        "on brain MRI: **no, it is worse** (-8.0 [-12.0, -4.0] points)."
    )
    assert headline.headline(COMPARED[COMPARED.b == "cnn"], TITLES, CONTEST) == ""
    assert headline.headline(COMPARED, TITLES, None) == ""


def test_a_new_split_protocol_leads_where_there_is_no_other_and_stands_beside_others():
    alone = headline.headline(COMPARED[COMPARED.split == "random"].assign(split="by-ward"), TITLES, CONTEST)
    assert alone.startswith("Is it better? On blood cells: **yes**")
    both = pd.concat([COMPARED, COMPARED[COMPARED.split == "random"].assign(split="by-ward")])
    cells, *_ = headline.answer(both, ASSESSED, TITLES, CONTEST)
    assert "`random` +3.0 [+1.0, +5.0]: yes; `by-ward` +3.0 [+1.0, +5.0]: yes." in cells


def test_the_answer_says_on_how_much_evidence_and_what_a_leaking_split_would_have_said():
    cells, brains, more = headline.answer(COMPARED, ASSESSED, TITLES, CONTEST)
    assert "2434 test images in 62 groups" in cells and "a true difference of 7 points would have been seen" in cells
    assert cells.endswith("What other splits would have said: `random` +3.0 [+1.0, +5.0]: yes.")
    assert "it is worse" in brains and brains.endswith("`random` +0.0 [-5.0, +5.0]: undecided.")
    assert "differ in more than the residual" in more


def test_one_training_of_each_decides_nothing():
    once = COMPARED.assign(seeds=1)
    assert headline.headline(once, TITLES, CONTEST).count("**undecided, from one training of each**") == 2
    assert "it is worse" not in " ".join(headline.answer(once, ASSESSED, TITLES, CONTEST))


def test_fewer_than_five_seeds_say_neither_yes_nor_no():
    few = COMPARED.assign(seeds=4)
    says = headline.headline(few, TITLES, CONTEST)
    assert "on brain MRI: **not shown, from 4 trainings of each** (-8.0 [-12.0, -4.0] points)" in says
    assert "blood cells: **undecided**" in says, "an interval that covers 0 is undecided with any number of seeds"
    every = " ".join(headline.answer(few, ASSESSED, TITLES, CONTEST))
    assert "it is" not in every and "too few for a verdict: not shown" in every


@pytest.mark.parametrize(
    "name, a, b",
    [("small", "vit-proposed", "vit"), ("scratch", "vit-proposed", "released-none"), ("screen", "l1-slice", "none")],
)
def test_a_study_leads_with_the_residual_alone_where_it_can(name, a, b):
    one = headline.contest(load_study(name))
    assert (one.a, one.b, one.alone) == (a, b, b != "vit")


def test_a_study_without_the_new_attention_leads_with_no_two_models():
    assert headline.contest(load_study("startup-small")) is None
