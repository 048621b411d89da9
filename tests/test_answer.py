"""The page that joins studies: what an interval decides, in words, and tables that were there before."""

import re

import numpy as np
import pandas as pd
import pytest

from lib import strict
from lib.evidence import answer, second
from lib.evidence.answer import HARMS, HELPS, OPEN, VOID, Question, verdict
from lib.evidence.claims import load_claims
from lib.plots import openings
from lib.report import residual
from lib.strict import StudyError
from lib.study import load_study


@pytest.mark.parametrize(
    ("low", "high", "learned", "says"),
    [(0.1, 2.0, True, HELPS), (-2.0, -0.1, True, HARMS), (-1.0, 1.0, True, OPEN), (0.1, 2.0, False, VOID)],
)
def test_an_interval_decides_only_beyond_zero_and_only_where_both_arms_learned(low, high, learned, says):
    assert verdict(low, high, learned=learned) == says


def row(**changed):
    values = {"data": "Cells", "run": True, "estimate": -0.7, "low": -0.9, "high": -0.5, "detectable": 0.3}
    values |= {"margin": 1.0, "effect": 5.0, "verdict": HARMS}
    values |= changed
    return pd.Series(values | {"phrase": values["data"].lower()})


def test_a_row_says_what_is_excluded_and_what_is_not():
    says = answer.words(row())
    assert says.startswith(
        "-0.7 [-0.9, -0.5] points: the residual lowers accuracy, by less than the margin of 1 point."
    )
    assert "The interval is below the paper's +5.00 points, which are for its whole attention" in says
    assert "perhaps by more than the margin of 0.5 points" in answer.words(row(margin=0.5))
    wide = answer.words(row(low=-3.0, high=6.0, verdict=OPEN))
    assert "no difference is shown" in wide and "is around the paper's" in wide and "equal" not in wide
    assert "equal within 1 point." in answer.words(row(low=-0.9, high=0.5, verdict=OPEN))
    assert "paper" not in answer.words(row(effect=float("nan")))
    assert "decides nothing" in answer.words(row(verdict=VOID))


def test_data_sets_on_which_an_arm_is_not_above_a_simple_classifier_are_named():
    scores = {"without": 70.0, "with_residual": 69.0, "constant": 60.0, "simple": 65.0}
    both = pd.DataFrame([row(**scores), row(**scores | {"data": "Slices", "simple": 69.5})])
    says = answer.learned(both)
    assert "above the most common class on every data set" in says and "best simple classifier on slices" in says
    assert "too." in answer.learned(both.iloc[:1])
    assert (
        answer.learned(both.assign(simple=80.0)).split(". ")[1].startswith("Neither network is above the best simple")
    )
    assert "not above the most common class on slices" in answer.learned(both.assign(constant=[60.0, 69.0]))


def test_the_correction_for_several_data_sets_names_those_that_still_differ():
    three = pd.DataFrame([row(p=0.001), row(data="Slices", p=0.02), row(data="Digits", p=0.03)])
    # Holm: 0.003, 0.04, 0.04
    assert answer.corrected(three).endswith(
        "for 3 data sets, accuracy differs (p below 0.05) on cells, slices and digits."
    )
    assert answer.corrected(three.assign(p=[0.001, 0.03, 0.03])).endswith("on cells.")
    assert answer.corrected(three.assign(p=0.5)).endswith("on no data set.")


def test_margins_are_compared_with_the_effects_of_the_paper():
    says = answer.margins(pd.DataFrame([row(margin=3.0), row(data="Slices", margin=5.0), row(effect=None)]))
    assert "smaller than the paper's effect on cells;" in says and "whole effect on slices," in says
    assert answer.margins(pd.DataFrame([row(effect=float("nan"))])) == ""


def test_one_sentence_names_every_data_set_also_those_that_were_not_run():
    table = pd.DataFrame([row(), row(data="Slices", verdict=OPEN), row(data="Digits", run=False)])
    says = answer.together(table)
    assert "less accurate on cells." in says and "No difference" not in says
    assert "With and without it, accuracy is equal within 1 point on slices." in says
    wide = answer.together(table.assign(low=-2))
    assert "equal" not in wide and "No difference is shown on slices." in wide
    assert says.endswith("No result yet: digits.")
    assert answer.together(table.iloc[2:]) == "No study of the answer has been run yet."


def test_a_margin_that_is_the_papers_whole_effect_is_called_so():
    wide = row(data="Slices", verdict=OPEN, margin=4.0, effect=4.0)
    says = answer.together(pd.DataFrame([row(verdict=OPEN), wide]))
    assert says.endswith("within 1 point on cells, within 4 points (the paper's whole effect) on slices.")


def test_the_question_of_another_head_is_asked_of_studies_that_trained_with_it():
    asked = answer.with_model(answer.load_questions().questions, "first")
    assert {one.study for one in asked} == {"answer-cells", "answer-digits"}
    assert {one.model for one in asked} == {"first"}


def test_a_committed_study_gives_its_difference_its_arms_and_a_figure():
    asked = {"study": "ablation", "split": "group", "model": "entropy-slice", "minus": "none", "margin": 3}
    found = answer.answers([Question(dataset=name, **asked) for name in ["blood-cells", "brain-mri"]])
    differences = pd.read_csv(strict.ROOT / "reports" / "ablation" / "tables" / "differences.csv")
    pair = differences[(differences.a == "entropy-slice") & (differences.b == "none")]
    assert found.estimate.tolist() == pytest.approx(100 * pair.estimate)
    assert (found.without - found.with_residual).tolist() == pytest.approx(-found.estimate)
    assert (found.constant < found.simple).all()
    levels = [answer.levels(row.with_residual, row.without, row.simple) for row in found.itertuples()]
    figure, alt = openings.differences(found.assign(learned=found.verdict != VOID, effect=[5.0, 4.0], levels=levels))
    assert "Blood cells" in alt and "Brain MRI" in alt
    assert f"Brain MRI: {levels[1]}" in [text.get_text() for text in figure.axes[0].texts]


def test_a_study_without_tables_is_not_run_and_an_unknown_arm_is_told(monkeypatch):
    not_run = Question(study="answer-cells", dataset="blood-cells", split="folds", margin=3)
    with monkeypatch.context() as without:
        without.setattr(answer, "of_cell", lambda cell, table: pd.DataFrame())
        assert not answer.answers([not_run]).run.any()
    with pytest.raises(StudyError, match="unknown model of params/ablation 'entropie'"):
        answer.answers([Question(study="ablation", dataset="brain-mri", split="group", model="entropie", margin=3)])


def test_the_questions_of_the_repository_are_valid():
    for question in answer.load_questions().questions:
        answer.answer(question)


def test_the_margins_of_the_page_are_those_that_the_studies_registered():
    for question in answer.load_questions().questions:
        margins = [
            claim.margin
            for claim in load_claims(load_study(question.study)).values()
            if (claim.rule, claim.measure) == ("within", "difference")
            and (claim.of["dataset"], claim.of["split"]) == (question.dataset, question.split)
            and (claim.of["models"], claim.of["minus"]) == ([question.model], [question.minus])
        ]
        assert margins == [question.margin]


def test_the_page_begins_with_five_lines_of_at_most_130_words():
    lines = residual.lines(answer.answers(answer.load_questions().questions))
    assert len(lines) == 5 and all(lines.values())
    words = [re.findall(r"\S*\w\S*", f"{label} {text}") for label, text in lines.items()]
    assert sum(map(len, words)) <= 130


def test_other_methods_find_a_known_difference_and_agree_where_seeds_and_groups_vary():
    rng = np.random.default_rng(1)
    sums = 2.0 + rng.normal(0, 1.0, (20, 1)) + rng.normal(0, 4.0, 300) + rng.normal(0, 3.0, (20, 300))
    data = second.Paired(sums, np.full(300, 10))
    bootstrap, effects = second.plain_bootstrap(data), second.random_effects(data)
    # SE = sqrt(1 / 20 + 16 / 300 + 9 / 6000) / 10 = 0.032
    for found in (bootstrap, effects):
        assert found.low < 0.2 < found.high and found.estimate == pytest.approx(sums.mean() / 10)
        assert 0.09 < found.high - found.low < 0.18


def test_other_methods_stand_beside_the_main_one_for_a_committed_study():
    asked = {"study": "ablation", "split": "group", "model": "entropy-slice", "minus": "none", "margin": 3}
    table = answer.other_methods([Question(dataset="brain-mri", **asked)])
    assert len(table) == 1 + len(second.METHODS)
    assert table.estimate.tolist() == pytest.approx([table.estimate[0]] * len(table), abs=1e-4)
    assert (table.low < table.estimate).all() and (table.estimate < table.high).all()


def test_a_question_about_two_arms_that_differ_in_more_than_the_residual_is_refused():
    more = Question(study="small", dataset="brain-mri", split="group", model="vit-proposed", minus="vit", margin=3)
    with pytest.raises(StudyError, match="differ in more than the residual"):
        answer.answers([more])


def test_the_page_names_the_data_sets_on_which_methods_disagree():
    rows = [("Cells", "one", -1.0, 1.0), ("Cells", "two", 0.1, 1.0), ("Slices", "one", -2.0, -1.0)]
    methods = pd.DataFrame(rows, columns=["data", "method", "low", "high"])
    assert answer.agreement(methods) == "The methods disagree on Cells; they agree on Slices."
    assert answer.agreement(methods[methods.data == "Slices"]) == "All methods give the same verdict on every data set."
