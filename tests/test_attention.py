"""The attention is what the paper and the released code say, against loops that anybody can read."""

import math

import pytest
import torch

from lib.attention import INJECTION, SCOPE, SELECTION, BestHeadAttention, l1
from lib.surgery import PRESETS


def slow(module: BestHeadAttention, x: torch.Tensor, mask: torch.Tensor | None) -> torch.Tensor:
    """The same in eval mode, by loops over images, heads and tokens."""
    images, tokens, dim = x.shape
    width = module.head_dim
    outputs, norms = [], torch.zeros(images, module.num_heads)
    for image in range(images):
        heads = []
        for head in range(module.num_heads):
            part = slice(head * width, (head + 1) * width)
            q = x[image] @ module.query.weight[part].T + module.query.bias[part]
            k = x[image] @ module.key.weight[part].T + module.key.bias[part]
            v = x[image] @ module.value.weight[part].T + module.value.bias[part]
            rows = []
            for token in range(tokens):
                kept = [j for j in range(tokens) if mask is None or mask[image, j]]
                exponents = torch.stack([torch.exp(q[token] @ k[j] / math.sqrt(width)) for j in kept])
                probabilities = exponents / exponents.sum()
                norms[image, head] += probabilities.abs().sum().item()
                rows.append(sum(p * v[j] for p, j in zip(probabilities, kept)))
            heads.append(torch.stack(rows))
        outputs.append(heads)
    result = []
    for image in range(images):
        pooled = norms.sum(0) if module.scope == "batch" else norms[image]
        best = outputs[image][fastest(module, pooled)]
        added = best if module.injection == "output" else torch.cat([best] * (dim // width), -1)
        projected = torch.cat(outputs[image], -1) @ module.projection.weight.T + module.projection.bias
        result.append(projected + added)
    return torch.stack(result)


def fastest(module, pooled) -> int:
    return module.chosen if hasattr(module, "chosen") else int(pooled.argmax())


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("masked", [False, True])
def test_outputs_and_gradients_equal_the_slow_loops(preset, masked, monkeypatch):
    torch.manual_seed(0)
    arguments = PRESETS[preset](12, 3)
    arguments.pop("keep_block_projection")
    module = BestHeadAttention(12, **arguments).double().eval()
    x = torch.randn(2, 5, 12, dtype=torch.float64, requires_grad=True)
    mask = torch.tensor([[1, 1, 1, 0, 1], [1, 0, 1, 1, 1]]) if masked else None
    # The published norm is a tie that rounding decides, so a norm is put in its place that depends on the head alone.
    order = torch.arange(module.num_heads, dtype=torch.float64).flip(0)
    monkeypatch.setitem(SELECTION, "l1", lambda probabilities: order.expand(len(probabilities), -1))
    module.chosen = 0
    gradients = []
    for result in [module(x, mask), slow(module, x, mask)]:
        gradients.append(torch.autograd.grad(result.square().sum(), [x, *module.parameters()]))
        last = result
    assert torch.allclose(module(x, mask), last, atol=1e-12)
    assert all(torch.allclose(a, b, atol=1e-9) for a, b in zip(*gradients))


def test_the_published_norm_is_the_number_of_tokens_for_every_head():
    probabilities = torch.randn(4, 6, 65, 65, dtype=torch.float64).softmax(-1)
    assert torch.allclose(l1(probabilities), torch.full((4, 6), 65.0, dtype=torch.float64))


@pytest.mark.parametrize("scope", SCOPE)
def test_the_head_with_the_largest_score_is_added(scope, monkeypatch):
    scores = torch.tensor(
        [[0.0, 3.0, 1.0], [9.0, 3.0, 1.0], [0.0, 5.0, 4.0]]
    )  # by image: heads 1, 0, 1; by batch: head 1
    monkeypatch.setitem(SELECTION, "l1", lambda probabilities: scores)
    module = BestHeadAttention(6, 3, selection="l1", scope=scope, injection="tile")
    heads = torch.randn(3, 3, 4, 2)
    chosen = [0, 0, 0] if scope == "batch" else [1, 0, 1]
    if scope == "batch":
        chosen = [int(scores.sum(0).argmax())] * 3
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
