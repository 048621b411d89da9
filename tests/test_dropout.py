"""Fast dropout means what dropout means: each value by itself, with the same chance, and the mean kept."""

import pytest
import torch
from torch import nn

from lib.models import MODELS
from lib.probes.ties import threads
from lib.study.settings import declared
from lib.training.dropout import FastDropout, make_fast
from lib.training.pretrain import recipe


def drawn(p: float, shape=(1000, 1003), seed=0) -> torch.Tensor:
    """What becomes of ones."""
    torch.manual_seed(seed)
    return FastDropout(p)(torch.ones(shape))


@pytest.mark.parametrize("p", [0.1, 0.3, 0.5, 0.9])
def test_values_are_dropped_with_the_chance_that_was_asked_for_and_the_mean_is_kept(p):
    dropped = (drawn(p) == 0).double()
    error = (p * (1 - p) / dropped.numel()) ** 0.5
    assert abs(dropped.mean() - p) < 4 * error
    kept = drawn(p)[drawn(p) != 0]
    assert kept.unique().numel() == 1 and kept[0] == pytest.approx(1 / (1 - p), rel=2e-4)


@pytest.mark.parametrize("apart", [1, 2, 3, 4, 1003])
def test_no_value_depends_on_another(apart):
    # four neighbours come from one draw
    dropped = (drawn(0.5) == 0).double().flatten() - 0.5
    assert abs((dropped[apart:] * dropped[:-apart]).mean()) < 4 * 0.25 / len(dropped) ** 0.5
    every_fourth = (drawn(0.1) == 0).double().flatten()[: 4 * 250_000].view(-1, 4).mean(0)
    assert (every_fourth - 0.1).abs().max() < 4 * (0.09 / 250_000) ** 0.5


def test_a_dropped_value_has_no_gradient_and_a_kept_one_the_factor():
    x = torch.ones(50, 7, requires_grad=True)
    out = FastDropout(0.3)(x)
    out.sum().backward()
    assert torch.equal(x.grad, out.detach())


def test_the_draws_are_the_same_for_any_number_of_threads():
    with threads(1):
        one = drawn(0.1)
    with threads(2):
        assert torch.equal(one, drawn(0.1))


@pytest.mark.parametrize("p, expected", [(0.0, 1.0), (1.0, 0.0), (1e-9, 1.0)])
def test_chances_of_zero_and_one_hold(p, expected):
    assert (drawn(p, (10, 3)) == expected).all()


def test_nothing_is_dropped_when_a_network_is_used():
    x = torch.rand(5, 3)
    assert FastDropout(0.5).eval()(x) is x


def test_every_dropout_of_a_network_is_replaced_and_nothing_else():
    size = {"patch": 8, "dim": 16, "mlp_dim": 32, "depth": 2, "heads": 2}
    for model in [MODELS["cnn"](4, 32), MODELS["vit"](4, 32, attention="released", hidden=8, **size)]:
        before = [type(module) for module in model.modules()]
        make_fast(model)
        after = [type(module) for module in model.modules()]
        assert after == [FastDropout if kind is nn.Dropout else kind for kind in before] and FastDropout in after


def test_a_study_that_does_not_ask_for_it_has_nothing_of_it_in_its_settings(tiny):
    training = tiny.training.model_copy(update={"fast_dropout": True})
    asked = tiny.model_copy(update={"training": training})
    for study, expected in [(tiny, None), (asked, True)]:
        run = study.cell("phantom-brain", "published").run("vit", 0)
        assert declared(run).get("fast_dropout") is expected
        assert recipe(study, {}).get("fast_dropout") is expected
