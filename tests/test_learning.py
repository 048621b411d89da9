"""A network that has learned nothing, or stopped in the midst of it, is recognised by its histories and predictions."""

import numpy as np
import pandas as pd
import pytest

from lib import strict
from lib.evidence import evaluate, learning, review
from lib.evidence.claims import load_claims
from lib.report import headline
from lib.study import load_study
from lib.study.model import ModelSettings

STUDIES = sorted(path.parts[-3] for path in strict.ROOT.glob("reports/*/tables/limits.csv"))


@pytest.fixture
def run(monkeypatch):
    """A training whose last losses a test sets; one answer for all images has ln 2."""
    run = load_study("small").cell("brain-mri", "group").run("vit", 0)
    monkeypatch.setattr(learning.losses, "constant_loss", lambda cell: np.log(2))

    def with_loss(loss):
        monkeypatch.setattr(learning, "history", lambda run: pd.DataFrame({"train_loss": [2.0, loss]}))
        return run

    return with_loss


def answers(right=1.0, **shares):
    """Predictions of 100 images, one per group; so many of them are right."""
    predicted = np.repeat(list(shares), list(shares.values()))
    other = np.where(predicted == "tumour", "healthy", "tumour")
    wrong = np.arange(100) % 10 >= 10 * right
    table = pd.DataFrame({"group": range(100), "label": np.where(wrong, other, predicted), "predicted": predicted})
    return table.assign(p_tumour=1.0 * (predicted == "tumour"), p_healthy=1.0 * (predicted == "healthy"))


def test_a_network_learned_where_its_loss_is_below_that_of_one_answer_and_it_gives_several(run):
    assert learning.learned_nothing(run(0.6), answers(tumour=94, healthy=6)) == ""
    assert "same answer for 95% of the test" in learning.learned_nothing(run(0.6), answers(tumour=95, healthy=5))
    assert "training loss 0.66" in learning.learned_nothing(run(0.66), answers(tumour=50, healthy=50))
    assert "training loss 0.7" in learning.learned_nothing(run(0.7), answers(tumour=50, healthy=50))
    assert learning.learned_nothing(run(np.nan), answers(tumour=50, healthy=50))


def test_the_x_ray_networks_that_learned_nothing_are_named():
    empty = learning.empty_models(load_study("covid-small")).query("split == 'group'")
    assert {"alexnet", "vgg11", "alexnet-sgd"} < set(empty.model) and "resnet50" not in set(empty.model)
    assert (empty.nothing == empty.trainings).all()


@pytest.mark.parametrize(
    "name", [name if name == "quick" else pytest.param(name, marks=pytest.mark.slow) for name in STUDIES]
)
def test_headline_limits_and_verdicts_call_the_same_networks_empty(name):
    study, tables = load_study(name), strict.ROOT / "reports" / name / "tables"
    empty = set(learning.empty_models(study)[["dataset", "split", "model"]].itertuples(index=False, name=None))
    limits = evaluate.limits(study, evaluate.read_study(study), pd.read_csv(tables / "table1.csv"))
    named = set()
    for row in limits[limits.says.str.startswith("Trainings that learned nothing")].itertuples():
        named |= {(row.dataset, row.split, model) for model, title in study.titles.items() if f" {title} (" in row.says}
    assert named == empty
    compared, one = pd.read_csv(tables / "differences.csv"), headline.contest(study)
    for row in compared.itertuples():
        if one and (row.a, row.b) == (one.a, one.b):
            cell = row.dataset, row.split
            void = {(*cell, row.a), (*cell, row.b)} <= empty
            assert void == (cell in headline.void(study, compared, one))
    for claim in load_claims(study).values():
        if claim.measure in review.COMPARISONS and {"split", "minus"} <= set(claim.of):
            where = claim.of["dataset"], claim.of["split"]
            sides = [any((*where, model) in empty for model in claim.of[side]) for side in ("models", "minus")]
            assert bool(review.nothing_learned(study, claim.of)) == all(sides)


@pytest.mark.parametrize(
    "study, dataset, split, model, why",
    [
        ("startup-small", "mnist", "published", "lenet", "5% of the images that the paper trains on"),
        (
            "startup-cifar-small",
            "cifar10-subset",
            "published",
            "resnet20",
            "1% of the images that the paper trains on",
        ),
        ("primer", "mnist", "published", "recurrent", "the validation loss still fell by"),
        ("ablation", "blood-cells", "group", "none", ""),
        ("startup", "mnist", "published", "lenet", ""),
    ],
)
def test_the_midst_of_learning_is_by_the_documents_training_or_by_the_loss(
    study, dataset, split, model, why, monkeypatch
):
    cell = load_study(study).cell(dataset, split)
    if study == "startup":
        monkeypatch.setattr(learning, "training_part", lambda cell: pd.Series({"0": 50000}))
    found = learning.in_midst(cell, model)
    assert (why in found) if why else found == ""


def test_a_frozen_network_is_fitted_to_its_end_without_epochs():
    study = load_study("startup-small")
    frozen = ModelSettings(title="Frozen", architecture="efficientnet_lite0", weights="imagenet", frozen=True)
    cell = study.model_copy(update={"models": {**study.models, "frozen": frozen}}).cell("mnist", "published")
    assert learning.in_midst(cell, "lenet") and not learning.in_midst(cell, "frozen")


def test_a_constant_rate_has_come_to_its_end_where_the_loss_falls_no_more(monkeypatch):
    cell = load_study("primer").cell("mnist", "published")
    for losses, expected in [([1, 0.9, 0.8, 0.79], False), ([1, 0.9, 0.8, 0.7], True), ([0.5], True)]:
        table = pd.DataFrame({"seed": 0, "epoch": range(len(losses)), "validation_loss": losses})
        monkeypatch.setattr(learning, "histories", lambda cell, model, table=table: table)
        assert bool(learning.in_midst(cell, "mlp")) == expected, losses
