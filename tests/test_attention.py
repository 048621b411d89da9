"""The attention is what the paper and the released code say, against loops that anybody can read."""

import math

import pytest
import torch

from lib.attention import INJECTION, SCOPE, SELECTION, BestHeadAttention, l1
from lib.surgery import PRESETS


def slow(module: BestHeadAttention, x: torch.Tensor, mask: torch.Tensor | None, best: int) -> torch.Tensor:
    """The same in eval mode, by loops over images, heads and tokens, when head number `best` is chosen everywhere."""
    width, result = module.head_dim, []
    for image in range(len(x)):
        heads = []
        for head in range(module.num_heads):
            part = slice(head * width, (head + 1) * width)
            linears = [module.query, module.key, module.value]
            q, k, v = (x[image] @ linear.weight[part].T + linear.bias[part] for linear in linears)
            rows = []
            for token in range(x.shape[1]):
                kept = [j for j in range(x.shape[1]) if mask is None or mask[image, j]]
                exponents = torch.stack([torch.exp(q[token] @ k[j] / math.sqrt(width)) for j in kept])
                probabilities = exponents / exponents.sum()
                rows.append(sum(p * v[j] for p, j in zip(probabilities, kept)))
            heads.append(torch.stack(rows))
        added = torch.cat([heads[best]] * (x.shape[2] // width), -1)  # once where a head is as wide as a token
        result.append(torch.cat(heads, -1) @ module.projection.weight.T + module.projection.bias + added)
    return torch.stack(result)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("best", [0, 2])
@pytest.mark.parametrize("masked", [False, True])
def test_outputs_and_gradients_equal_the_slow_loops(preset, best, masked, monkeypatch):
    torch.manual_seed(0)
    arguments = PRESETS[preset](12, 3)
    arguments.pop("keep_block_projection")
    module = BestHeadAttention(12, **arguments).double().eval()
    x = torch.randn(2, 5, 12, dtype=torch.float64, requires_grad=True)
    mask = torch.tensor([[1, 1, 1, 0, 1], [1, 0, 1, 1, 1]]) if masked else None
    # The published norm is a tie that rounding decides; a score that prefers one head takes its place here.
    score = torch.nn.functional.one_hot(torch.tensor(best), module.num_heads)
    monkeypatch.setitem(SELECTION, "l1", lambda probabilities: score.expand(len(probabilities), -1))
    results = [module(x, mask), slow(module, x, mask, best)]
    gradients = [torch.autograd.grad(result.square().sum(), [x, *module.parameters()]) for result in results]
    assert torch.allclose(*results, atol=1e-12)
    assert all(torch.allclose(a, b, atol=1e-9) for a, b in zip(*gradients))


def test_the_published_norm_is_the_number_of_tokens_for_every_head():
    probabilities = torch.randn(4, 6, 65, 65, dtype=torch.float64).softmax(-1)
    assert torch.allclose(l1(probabilities), torch.full((4, 6), 65.0, dtype=torch.float64))


@pytest.mark.parametrize("scope", SCOPE)
def test_the_head_with_the_largest_score_is_added(scope, monkeypatch):
    scores = torch.tensor([[0.0, 3.0, 1.0], [6.0, 3.0, 1.0], [0.0, 5.0, 4.0]])  # their sums: 6, 11, 6
    monkeypatch.setitem(SELECTION, "l1", lambda probabilities: scores)
    module = BestHeadAttention(6, 3, selection="l1", scope=scope, injection="tile")
    heads = torch.randn(3, 3, 4, 2)
    chosen = {"batch": [1, 1, 1], "image": [1, 0, 1]}[scope]
    best = module.best(torch.zeros(3, 3, 4, 4), heads)
    assert torch.equal(best, torch.stack([heads[i, head] for i, head in enumerate(chosen)]))


@pytest.mark.parametrize(
    "changes, told",
    [
        ({"selection": "l2"}, "there are " + ", ".join(SELECTION)),
        ({"scope": "world"}, "there are " + ", ".join(SCOPE)),
        ({"injection": "tail"}, "there are " + ", ".join(INJECTION)),
        ({"injection": "output"}, "does not bring heads of width 2 to width 6"),
    ],
)
def test_an_unknown_or_unfit_rule_lists_the_right_ones(changes, told):
    with pytest.raises(ValueError) as error:
        BestHeadAttention(6, 3, **{"selection": "l1", "scope": "image", "injection": "tile", **changes})
    assert told in str(error.value)
