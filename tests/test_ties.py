"""Which head wins, and whether that is the image's doing: a tie must show as one, and nothing else must."""

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import drawn_study

from lib.attention import BestHeadAttention, Choice
from lib.models import vit
from lib.probes import ties
from lib.probes.maps import record
from lib.training.images import Images

IMAGES = 6


@pytest.fixture
def attention() -> BestHeadAttention:
    """Float64; head 1 looks everywhere alike, head 2 at one token only: every row sums to exactly 1 in both."""
    torch.manual_seed(0)
    attention = BestHeadAttention(8, 2, selection="l1", scope="image", injection="tile").double().eval()
    attention.query.weight.data *= torch.tensor([[0]] * 4 + [[1e4]] * 4)
    attention.query.bias.data[:4] = 0
    return attention


@pytest.fixture
def tokens() -> torch.Tensor:
    return torch.randn(IMAGES, 4, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_renumbering_the_heads_changes_the_winner_of_a_tie_on_every_image_and_no_other_winner(attention, tokens):
    assert ties.winners(attention, tokens).tolist() == [0] * IMAGES
    assert ties.winners(attention, tokens, renumber=True).tolist() == [1] * IMAGES
    attention.choice = Choice("confidence", "image")
    assert all(ties.winners(attention, tokens, renumber=r).tolist() == [1] * IMAGES for r in [False, True])


@pytest.mark.parametrize("scope, choices", [("batch", 1), ("image", IMAGES)])
def test_a_scope_gives_as_many_winners_as_it_makes_choices(attention, tokens, scope, choices):
    for rule in ties.RULES:
        attention.choice = Choice(rule, scope)
        assert ties.winners(attention, tokens).shape == (choices,)


@pytest.mark.parametrize("scope, choices", [("batch", 2), ("image", IMAGES)])
def test_the_table_has_every_condition_of_every_rule_and_its_shares_sum_to_one(attention, tokens, scope, choices):
    both, keys = ties.sensitivity(attention, tokens.split(4)), ["rule", "precision", "condition"]
    table = both[both.scope == scope]
    assert len(table) == len(ties.RULES) * len(ties.PRECISIONS) * 7 * attention.num_heads
    assert not table.duplicated([*keys, "head"]).any() and set(table["head"]) == {1, 2}
    assert table.groupby(keys).won.sum().to_numpy() == pytest.approx(1)
    assert np.allclose(table.won * choices, (table.won * choices).round()), "a share is of all choices"
    changed = table[table.precision == "fp64"].groupby(["rule", "condition"]).changed.first()
    assert [changed[rule, "heads renumbered"] for rule in ["l1", "confidence"]] == [1, 0]
    assert (attention.choice.selection, attention.training) == ("l1", False), "it was judged, not changed"


def small_vit(selection: str, heads: int) -> tuple[torch.nn.Module, Images]:
    """A ViT whose heads are sharp enough to disagree, and 32 images of noise to predict."""
    torch.manual_seed(0)
    size = dict(patch=16, dim=8, mlp_dim=8, depth=1, heads=heads)
    network = vit(2, 32, attention="paper", selection=selection, scope="batch", **size).eval()
    network.transformer.blocks[0].attn.query.weight.data *= 20
    pixels = np.random.default_rng(0).integers(0, 256, (32, 32, 32, 3)).astype("uint8")
    return network, Images(pd.DataFrame({"label": ["a", "b"] * 16}), pixels, ["a", "b"], drawn_study(), "cpu")


def test_a_network_that_cannot_choose_between_heads_predicts_alike_in_any_batch():
    first = ties.neighbours(*small_vit("first", heads=2), torch.arange(32))
    assert first.rule.tolist() == ["first", *ties.RULES] and first.rule[first.own].tolist() == ["first"]
    for table in [first[first.own], ties.neighbours(*small_vit("confidence", heads=1), torch.arange(32))]:
        assert (table.changed == 0).all() and (table.moved < 1e-5).all()


def test_where_images_disagree_on_the_head_neighbours_change_a_probability():
    network, images = small_vit("confidence", heads=2)
    tokens = record(network, images.batch(torch.arange(32))[0])[0].tokens
    alone = [ties.winners(network.transformer.blocks[0].attn, image[None]).item() for image in tokens]
    assert set(alone) == {0, 1}, "one choice for all of them is wrong for some"
    own = ties.neighbours(network, images, torch.arange(32)).iloc[0]
    assert own.own and own.rule == "confidence" and own.images == 32 and own.moved > 1e-3


def test_the_number_of_threads_is_put_back_even_after_an_error():
    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError), ties.threads(before + 1):
        assert torch.get_num_threads() == before + 1
        raise ZeroDivisionError
    assert torch.get_num_threads() == before


def test_the_published_norm_is_the_number_of_tokens_in_every_precision():
    network, images = small_vit("confidence", heads=2)
    table = ties.norms(network, images.batch(torch.arange(4))[0])
    assert table.precision.tolist() == list(ties.PRECISIONS) and set(table.tokens) == {5}
    assert (table.units <= 4).all()
    assert table.smallest.astype(float).to_numpy() == pytest.approx(5, rel=0.01), "even in half precision"


def test_the_table_of_a_network_is_the_mean_of_its_first_and_last_block():
    network, images = small_vit("confidence", heads=2)
    pixels = images.batch(torch.arange(IMAGES))[0]
    table = ties.first_and_last(network, pixels, batch=4)
    assert set(table.scope) == {"image", "batch"} and not table.duplicated(ties.WHERE).any()
    tokens = record(network, pixels)[0].tokens.split(4)
    only = ties.sensitivity(network.transformer.blocks[0].attn, tokens)
    both = only.merge(table, on=ties.WHERE)
    assert len(both) == len(only) and np.allclose(both.won_x, both.won_y), "its first block is its last"


def test_rows_that_are_summed_first_make_the_published_rule_a_fixed_head_and_rounding_makes_it_a_random_one():
    faces = ties.faces().set_index(["summed", "head"])
    rows, rounded = faces.loc["row by row"], faces.loc["in one go, torch.linalg.vector_norm"]
    assert rows.won.tolist() == [40, 0, 0, 0] and set(rows.renumbered) == {1} and set(rows.reordered) == {0}
    assert rounded.won.max() < 30 and rounded.reordered.iloc[0] > 0.3 and rounded.won.sum() == 40
