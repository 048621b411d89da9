"""What a study leads with follows from its tables: the split that leaks least decides, and what
the data cannot decide is called undecided."""

import pandas as pd
import pytest

from lib.evidence.arms import Other
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
).assign(seeds=5, steady=True)
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
        "Blood cells: **undecided**, +2.0 [-3.0, +7.0] points; "
        "Brain MRI: **no, it is worse**, -8.0 [-12.0, -4.0] points (accuracy of proposed minus plain, 95 % CI)."
    )
    assert headline.headline(COMPARED[COMPARED.b == "cnn"], TITLES, CONTEST) == ""
    assert headline.headline(COMPARED, TITLES, None) == ""


def test_the_headline_says_where_every_other_split_gives_the_same_verdict():
    undecided = COMPARED.assign(low=-0.2, high=0.2)
    assert headline.headline(undecided, TITLES, CONTEST).endswith(" Other splits: the same.")
    assert "Other splits" not in headline.headline(COMPARED, TITLES, CONTEST)
    assert "Other splits" not in headline.headline(undecided[undecided.split == "group"], TITLES, CONTEST)


def test_a_new_split_protocol_leads_where_there_is_no_other_and_stands_beside_others():
    alone = headline.headline(COMPARED[COMPARED.split == "random"].assign(split="by-ward"), TITLES, CONTEST)
    assert alone.startswith("Blood cells: **yes**")
    both = pd.concat([COMPARED, COMPARED[COMPARED.split == "random"].assign(split="by-ward")])
    cells, *_ = headline.answer(both, ASSESSED, TITLES, CONTEST)
    assert "`random` +3.0 [+1.0, +5.0]: yes; `by-ward` +3.0 [+1.0, +5.0]: yes." in cells


def test_other_trainings_of_the_pair_that_lie_elsewhere_leave_the_verdict_not_confirmed():
    worse, better, unclear = (
        Other("elsewhere", "group", "none", True, 10, *numbers)
        for numbers in [(-0.1, -0.2, -0.05), (0.1, 0.05, 0.2), (0.01, -0.1, 0.1)]
    )

    def says(*others):
        first = ("brains", "group")
        known = headline.Context(others={first: others})
        return headline.headline(COMPARED, TITLES, CONTEST, known)

    assert "Brain MRI: **no, it is worse**, -8.0" in says() and "Brain MRI: **no, it is worse**" in says(worse)
    for other in [better, unclear]:
        assert "Brain MRI: **not confirmed, other trainings disagree**, -8.0 [-12.0, -4.0] points" in says(worse, other)


def test_two_networks_that_learned_nothing_are_not_compared():
    known = headline.Context(nothing={("brains", "group")})
    assert "Brain MRI: **nothing learned, by either of the two** (" in headline.headline(
        COMPARED, TITLES, CONTEST, known
    )
    assert "it is worse" not in " ".join(headline.answer(COMPARED, ASSESSED, TITLES, CONTEST, known))


def test_a_yes_counts_every_contest_of_the_study_and_every_random_stream():
    known = headline.Context(p_holm={("brains", "group"): 0.06})
    says = headline.headline(COMPARED, TITLES, CONTEST, known)
    assert "Brain MRI: **not shown, counting all contests of this study**" in says
    unsteady = COMPARED.assign(steady=False)
    assert headline.headline(unsteady, TITLES, CONTEST).count("**undecided**") == 2


def test_the_contests_of_a_study_are_all_its_pairs_of_the_kind():
    small = load_study("small")
    pair = {"a": ["vit-proposed", "vit-proposed-scratch", "vit-proposed"], "b": ["vit", "vit-scratch", "cnn"]}
    table = pd.DataFrame({"dataset": "blood-cells", "split": "group", "p_seeds": [0.03, 0.5, 0.001], **pair})
    p_holm = headline.over_contests(small, table, headline.contest(small))
    assert p_holm == {("blood-cells", "group"): pytest.approx(0.06)}, "two contests: the CNN is another pair"


def test_the_answer_says_on_how_much_evidence_and_what_a_leaking_split_would_have_said():
    cells, brains, more = headline.answer(COMPARED, ASSESSED, TITLES, CONTEST)
    assert "2,434 test images in 62 groups" in cells and "80 % power from a true difference of 7 points" in cells
    assert cells.endswith("Other splits: `random` +3.0 [+1.0, +5.0]: yes.")
    assert "it is worse" in brains and brains.endswith("`random` +0.0 [-5.0, +5.0]: undecided.")
    assert "differ in more than the residual" in more


def test_two_that_are_equal_within_a_registered_margin_are_called_so():
    def says(margin, **changed):
        known = headline.Context(margins={("cells", "group"): margin, ("brains", "group"): margin})
        table = COMPARED.assign(**changed)
        return headline.headline(table, TITLES, CONTEST, known), headline.answer(
            table, ASSESSED, TITLES, CONTEST, known
        )

    lead, (cells, brains, _) = says(8.0)
    assert "Blood cells: **equal within 8 points**, +2.0 [-3.0, +7.0] points;" in lead
    assert "points: equal within 8 points." in cells and "undecided" not in cells
    assert "Brain MRI: **no, it is worse**, -8.0 [-12.0, -4.0] points (" in lead
    assert "**no, it is worse**, -8.0 [-12.0, -4.0] points, less than the margin of 13 points" in says(13.0)[0]
    assert "it is worse, less than the margin of 13 points" in says(13.0)[1][1]
    assert "Blood cells: **undecided**" in says(6.0)[0], "an end of the interval is beyond the margin"
    assert "equal" not in says(8.0, seeds=4)[0] and "equal" not in says(8.0, seeds=1)[0]


def test_a_margin_is_that_of_a_claim_on_the_two_models_of_the_study():
    study = load_study("pneumonia")
    one = headline.contest(study)
    assert headline.registered(study, one) == {("pneumonia-mnist", "published"): 3.0}
    assert headline.registered(study, one._replace(a=one.b, b=one.a)) == {}
    assert headline.registered(load_study("small"), headline.contest(load_study("small"))) == {}


def test_one_training_of_each_decides_nothing():
    once = COMPARED.assign(seeds=1)
    assert headline.headline(once, TITLES, CONTEST).count("**undecided, from one training of each**") == 2
    assert "it is worse" not in " ".join(headline.answer(once, ASSESSED, TITLES, CONTEST))


def test_fewer_than_five_seeds_say_neither_yes_nor_no():
    few = COMPARED.assign(seeds=4)
    says = headline.headline(few, TITLES, CONTEST)
    assert "Brain MRI: **not shown, from 4 trainings of each**, -8.0 [-12.0, -4.0] points" in says
    assert "Blood cells: **undecided**" in says, "an interval that covers 0 is undecided with any number of seeds"
    every = " ".join(headline.answer(few, ASSESSED, TITLES, CONTEST))
    assert "it is better" not in every and "it is worse" not in every and "+2.0 [-3.0, +7.0] points: undecided" in every


@pytest.mark.parametrize(
    "name, a, b",
    [("small", "vit-proposed", "vit"), ("scratch", "vit-proposed", "released-none"), ("screen", "l1-slice", "none")],
)
def test_a_study_leads_with_the_residual_alone_where_it_can(name, a, b):
    one = headline.contest(load_study(name))
    assert (one.a, one.b, one.alone) == (a, b, b != "vit")


def test_a_study_without_the_new_attention_leads_with_no_two_models():
    assert headline.contest(load_study("startup-small")) is None


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [
        (0.6, 0.8, "flu: 0.65 [0.60, 0.80] against 0.59, above it and above chance"),
        (0.55, 0.8, "flu: 0.65 [0.55, 0.80] against 0.59, not shown to be above both it and chance"),
    ],
)
def test_a_lede_on_labels_says_what_a_picture_adds_to_how_it_was_taken(low, high, says):
    rows = [("cnn", 0.65, low, high), ("vit", 0.2, 0.1, 0.3), ("view", 0.59, 0.5, 0.7)]
    table = pd.DataFrame(rows, columns=["model", "auc", "low", "high"])
    table = table.assign(dataset="x", label="flu", split="group", groups=30)
    other = table.assign(split="published", auc=0.99)
    text = headline.beside_view(pd.concat([other, table]), {"cnn": "CNN", "vit": "ViT"})
    assert text.endswith(says) and "split `group`:" in text and "`published`" not in text
    # a network at chance tells nothing, however wrong the view is
    chance = table.assign(auc=table.auc.where(table.model != "view", 0.2), low=table.low.clip(upper=0.5))
    assert "not shown" in headline.beside_view(chance, {"cnn": "CNN", "vit": "ViT"})
    assert headline.beside_view(table[table.model != "view"], {"cnn": "CNN"}) == ""
