"""The head that a rule names is the head that is added, for every rule: against loops that anybody can read."""

import copy
import itertools
import math

import pytest
import torch
from torch.testing import assert_close

from lib.attention import INJECTION, SCOPE, SELECTION, BestHeadAttention
from lib.strict import StudyError
from lib.surgery import PRESETS

DIM = 12
SHAPE = {"output": (2, DIM), "tile": (3, 4)}  # number and width of the heads; the other injections fit any
BY_QUERY = [("column_sum", "token"), ("column_sum", "class")]  # it has one number per matrix, none per query
CHOICES = [pair for pair in itertools.product(SELECTION, SCOPE) if pair not in BY_QUERY]
MASK = torch.tensor([[1, 1, 1, 0, 1], [0, 0, 1, 0, 0]])
CASES = {  # name: (tokens, mask, whether attention dropout is active, number of heads or that of SHAPE)
    "plain": (5, None, False, None),
    "masked": (5, MASK, False, None),
    "dropped": (5, MASK, True, None),
    "one token": (1, None, False, None),
    "one head": (5, MASK, False, 1),
}
SCORE = {  # name: one number per query, or one per matrix; the largest one is chosen. Of one head in one image:
    # p, s, o: probabilities, scores and outputs, plain numbers, one row per query, without hidden keys; h: its number
    "l1": lambda p, s, o, h, draws: [sum(abs(value) for value in row) for row in p],
    "column_sum": lambda p, s, o, h, draws: [max(sum(column) for column in zip(*p))],
    "score_l1": lambda p, s, o, h, draws: [sum(abs(value - sum(row) / len(row)) for value in row) for row in s],
    "output_norm": lambda p, s, o, h, draws: [sum(value * value for value in row) for row in o],
    "confidence": lambda p, s, o, h, draws: [max(row) for row in p],
    "entropy": lambda p, s, o, h, draws: [sum(value * math.log(value) for value in row) for row in p],
    "first": lambda p, s, o, h, draws: [-h for row in p],
    "random": lambda p, s, o, h, draws: draws,
}
SHARE = {"mean": lambda heads: 1 / heads, "none": lambda heads: 0.0}
TOTAL = {  # name: of scores[image, head][query], what decides about one query of one image
    "token": lambda scores, i, h, t: scores[i, h][t],
    "class": lambda scores, i, h, t: scores[i, h][0],
    "image": lambda scores, i, h, t: sum(scores[i, h]),
    "batch": lambda scores, i, h, t: sum(sum(values) for (_, head), values in scores.items() if head == h),
}
ADDED = {  # name: what is added to the projection, from the heads' outputs for one query and their weights
    "output": lambda a, o, w: weighted(o, w),
    "slice": lambda a, o, w: weighted([c @ o for c, o in zip(a.projection.weight.split(a.head_dim, 1), o)], w),
    "tile": lambda a, o, w: torch.cat([weighted(o, w)] * (DIM // a.head_dim)),
    "linear": lambda a, o, w: a.residual.weight @ weighted(o, w),
    "gate": lambda a, o, w: a.gate * (a.residual.weight @ weighted(o, w)),
}


def weighted(outputs: list, weights: list) -> torch.Tensor:
    return sum(w * o for w, o in zip(weights, outputs))


def slow(a: BestHeadAttention, x: torch.Tensor, mask, factors: torch.Tensor) -> torch.Tensor:
    """The same by loops over images, heads and queries. factors: what dropout multiplies probabilities with."""
    (images, tokens, _), width, selection = x.shape, a.head_dim, a.choice.selection
    outputs, scores, result, draws = {}, {}, [], torch.rand(images, a.num_heads, tokens)
    for i, h in itertools.product(range(images), range(a.num_heads)):
        kept = [j for j in range(tokens) if mask is None or mask[i, j]]
        part = slice(h * width, (h + 1) * width)
        q, k, v = (x[i] @ linear.weight[part].T + linear.bias[part] for linear in (a.query, a.key, a.value))
        s = [k[kept] @ q[t] / math.sqrt(width) for t in range(tokens)]
        p = [row.exp() / row.exp().sum() * factors[i, h, t, kept] for t, row in enumerate(s)]
        o = outputs[i, h] = [row @ v[kept] for row in p]
        if selection not in SHARE:
            plain = ([row.tolist() for row in rows] for rows in (p, s, o))
            scores[i, h] = SCORE[selection](*plain, h, draws[i, h].tolist())
    for i, t in itertools.product(range(images), range(tokens)):
        if selection in SHARE:
            weights = [SHARE[selection](a.num_heads)] * a.num_heads
        else:
            totals = [TOTAL[a.choice.scope](scores, i, h, t) for h in range(a.num_heads)]
            first, *others = sorted(totals, reverse=True)
            assert not others or others[0] == first or first - others[0] > 1e-4 * abs(first), "rounding decides: reseed"
            weights = [float(h == totals.index(first)) for h in range(a.num_heads)]
        heads = [outputs[i, h][t] for h in range(a.num_heads)]
        result.append(a.projection(torch.cat(heads)) + ADDED[a.injection](a, heads, weights))
    return torch.stack(result).reshape(x.shape)


def build(selection, scope, injection, case="plain"):
    """A module in float64, and what it takes: tokens, mask and dropout's factors."""
    torch.manual_seed(0)
    tokens, mask, dropped, one = CASES[case]
    heads, width = SHAPE.get(injection, (3, 5))
    a = BestHeadAttention(DIM, one or heads, width, selection=selection, scope=scope, injection=injection)
    if injection == "gate":
        torch.nn.init.constant_(a.gate, 0.7)  # it starts at 0, where a wrong residual does not show
    factors = torch.ones(2, a.num_heads, tokens, tokens)
    if a.choice.reads != "heads" and (dropped or selection == "l1"):  # without dropout, l1 is a tie
        factors.uniform_(0.5, 2)
        a.attention_dropout.forward = lambda p: p * factors.to(p)
    return a.double().eval(), 2 * torch.randn(2, tokens, DIM), mask, factors.double()


def forward_backward(function, a, x, *arguments):
    """The output and, unless under no_grad, the gradients by x and every parameter: 0 if unused. From the same seed."""
    x = x.to(a.projection.weight.dtype).requires_grad_()
    torch.manual_seed(1)
    output = function(x, *arguments)
    if not torch.is_grad_enabled():
        return [output]
    return [output, *torch.autograd.grad(output.square().mean(), [x, *a.parameters()], materialize_grads=True)]


@pytest.mark.parametrize("injection", INJECTION)
@pytest.mark.parametrize("selection, scope", CHOICES)
def test_outputs_and_gradients_equal_the_slow_loops(selection, scope, injection):
    for case in CASES:
        a, x, mask, factors = build(selection, scope, injection, case)
        expected = forward_backward(lambda *given: slow(a, *given), a, x, mask, factors)  # noqa: B023
        for module, atol, rtol in [(a, 1e-10, 0), (copy.deepcopy(a).float(), 1e-5, 1e-4)]:
            found = [tensor.double() for tensor in forward_backward(module, module, x, mask)]
            assert_close(found, expected, atol=atol, rtol=rtol, msg=lambda text: f"{case}: {text}")  # noqa: B023


@pytest.mark.parametrize("selection", [name for name, (reads, _) in SELECTION.items() if reads == "heads"])
def test_rules_that_read_heads_never_hold_the_probabilities(selection, monkeypatch):
    a, x, _, _ = build(selection, "image", "slice")
    monkeypatch.setattr(a, "scores", lambda *_: pytest.fail("the matrix of scores was computed"))
    assert a(x.double(), MASK).shape == a.train()(x.double()).shape


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("scale", [1e-2, 0.3, 3, 30])
@pytest.mark.parametrize("masked", [False, True])
def test_the_published_norm_ties_all_heads_and_other_rules_tell_them_apart(scale, dtype, masked):
    def pooled(selection, seen):  # an image's score, (images, heads), on its way to the argmax
        found = []
        SELECTION[selection][1](seen, lambda scores: found.append(SCOPE["image"](scores)) or scores)
        assert found[0].dtype in (torch.float32, torch.float64), "fewer digits tie heads that differ"
        return found[0][..., 0].double()

    for seed, tokens in enumerate([2, 17, 65]):
        torch.manual_seed(seed)
        scores, hidden = scale * torch.randn(3, 6, tokens, tokens, dtype=torch.float64), torch.arange(tokens) % 2 == 1
        p = scores.masked_fill(hidden & masked, -math.inf).to(dtype).softmax(-1)
        # Rounding moves each probability by eps/2 of itself at most, hence a row's sum by eps/2, and by eps/2 once it
        # is rounded: eps per row, tokens * eps per head. As much again for how the sums inside are accumulated.
        error = 2 * tokens * torch.finfo(dtype).eps
        assert (pooled("l1", p) - tokens).abs().max() <= error
        if tokens > 2 and dtype == torch.float64:  # fewer digits, or one key, and entropies tie too
            seen = {"probabilities": p, "scores": scores, "heads": p @ torch.randn(3, 6, tokens, 5).double()}
            for rule in ["column_sum", "score_l1", "output_norm", "confidence", "entropy"]:
                assert pooled(rule, seen[SELECTION[rule][0]]).sort(1).values.diff(dim=1).min() > 1000 * error, rule


def test_compiled_attention_gives_what_the_eager_one_does():
    modules = [build(*pair, injection)[0] for pair, injection in zip(CHOICES, itertools.cycle(INJECTION))]
    for arguments in [preset(DIM, 3) for preset in PRESETS.values()]:
        arguments.pop("keep_block_projection")
        modules.append(BestHeadAttention(DIM, **arguments).eval())
    for a in modules:
        x, mask = torch.randn(2, 5, DIM), MASK if a.choice.selection != "l1" else MASK[[1, 1]]  # one key: an exact tie
        torch._dynamo.reset()
        backward = a.choice.scope == "image"  # a compiled backward pass takes long
        compiled = torch.compile(a, fullgraph=True, backend="aot_eager" if backward else "eager")
        with torch.set_grad_enabled(backward):
            assert_close(forward_backward(compiled, a, x, mask), forward_backward(a, a, x, mask))


@pytest.mark.parametrize("selection", SELECTION)
def test_dropout_is_random_in_training_and_off_after_it_and_the_choice_has_no_gradient(selection):
    a, x, _, _ = build(selection, "image", "slice")
    a.attention_dropout, weights = torch.nn.Dropout(0.5), []
    a.choice.register_forward_hook(lambda *hooked: weights.append(hooked[-1]))
    first, second = forward_backward(a.train(), a, x)[0], a(x.double())  # seed 1, and the draws that follow
    assert not torch.equal(first, second)
    if selection != "random":
        assert torch.equal(a.eval()(x.double()), a(x.double()))
    assert not any(choice.requires_grad for choice in weights)


@pytest.mark.parametrize("injection", INJECTION)
def test_output_dropout_spares_what_is_added_except_by_slice(injection):
    a, x, _, _ = build("output_norm", "image", injection)
    a.output_dropout = torch.nn.Dropout(1.0)
    dropped = a.train()(x.double())
    torch.nn.init.zeros_(a.projection.weight)
    torch.nn.init.zeros_(a.projection.bias)
    assert torch.equal(dropped, a.eval()(x.double()))
    assert dropped.any() == (injection != "slice")


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"selection": "l2"}, "'l2': there are " + ", ".join(sorted(SELECTION))),
        ({"scope": "world"}, "'world': there are " + ", ".join(sorted(SCOPE))),
        ({"injection": "tail"}, "'tail': there are " + ", ".join(sorted(INJECTION))),
        ({"injection": "output"}, "of width 2 to 6: slice, tile, linear, gate do"),
        ({"injection": "tile", "head_dim": 4}, "of width 4 to 6: slice, linear, gate do"),
        ({"selection": "column_sum", "scope": "token"}, "no scope 'token': take 'image' or 'batch'"),
    ],
)
def test_an_unknown_or_unfit_rule_lists_the_right_ones(changes, message):
    with pytest.raises(StudyError) as error:
        BestHeadAttention(6, 3, **{"selection": "l1", "scope": "image", "injection": "tile", **changes})
    assert message in str(error.value)
