"""The paper's idea, whole: multi-head self-attention that adds the output of one head to its own (section 3, figure 3).

    tokens -> query, key, value -> scores -> probabilities -> heads -> joined, projected -> + injected head -> tokens
                                     |            |             |                             ^
                                     +------------+-------------+-> selection, scope -> head weights

The paper leaves open how a head is selected, over which scope, and how it is injected: three dictionaries of rules.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.strict import StudyError, known


def largest(score):
    """A rule that chooses the head with the largest score: its head weight is 1, and the others are 0.

    `score` maps what the rule reads to (batch, heads, tokens) or broadcastable to it. The first of equal scores wins.
    """

    def head_weights(seen: Tensor, pool) -> Tensor:
        scores = score(seen)
        scores = pool(scores.to(torch.promote_types(scores.dtype, torch.float32)))  # bf16 would round sums into ties
        return F.one_hot(scores.argmax(1), scores.shape[1]).transpose(1, -1).to(seen.dtype)

    return head_weights


def constant(share):
    """A rule that ignores its input: every head has the same weight, `share(number of heads)`."""
    return lambda heads, pool: heads.new_full((1, heads.shape[1], 1), share(heads.shape[1]))


# name: (what it reads, head weights). p: probabilities, s: scores, (batch, heads, queries, keys); heads: their outputs
SELECTION = {
    # The paper's words: the entrywise L1 norm of what the softmax gives. Rows are summed first, and each sums to 1, so
    # without dropout every head scores the number of tokens: all heads tie, and the first one wins (up to rounding).
    "l1": ("probabilities", largest(lambda p: p.abs().sum(-1))),
    "column_sum": ("probabilities", largest(lambda p: p.sum(-2).amax(-1, keepdim=True))),  # induced L1 norm
    "score_l1": ("scores", largest(lambda s: torch.linalg.vector_norm(s, 1, -1))),  # L1 norm before the softmax
    "output_norm": ("heads", largest(lambda heads: heads.square().sum(-1))),  # L2 norm, squared
    "confidence": ("probabilities", largest(lambda p: p.amax(-1))),  # mean largest probability: Voita et al. 2019
    "entropy": ("probabilities", largest(lambda p: -torch.special.entr(p).sum(-1))),  # the smallest entropy
    "first": ("heads", largest(lambda heads: -torch.arange(heads.shape[1], device=heads.device)[None, :, None])),
    "random": ("heads", largest(lambda heads: torch.rand(heads.shape[:3], device=heads.device))),
    "mean": ("heads", constant(lambda heads: 1 / heads)),
    "none": ("heads", constant(lambda heads: 0.0)),
}

SCOPE = {  # name: pools scores, (batch, heads, tokens), over everything that shares one choice
    "batch": lambda scores: scores.sum((0, 2), keepdim=True),  # one head per batch: the released code
    "image": lambda scores: scores.sum(2, keepdim=True),  # one head per image
    "token": lambda scores: scores,  # one head per query
    "class": lambda scores: scores[:, :, :1],  # one head per image, by the row of its class token only
}

INJECTION = {  # name: (attention, heads, head weights) -> output; `chosen`, (batch, tokens, head_dim), is added
    "output": lambda a, heads, weights: a.project(heads) + chosen(heads, weights),  # as it is: head_dim == dim
    "slice": lambda a, heads, weights: a.project(heads * (1 + weights[..., None])),  # through its own slice, again
    "tile": lambda a, heads, weights: a.project(heads) + chosen(heads, weights).repeat(1, 1, a.dim // a.head_dim),
    "linear": lambda a, heads, weights: a.project(heads) + a.residual(chosen(heads, weights)),  # a learned map
    "gate": lambda a, heads, weights: a.project(heads) + a.gate * a.residual(chosen(heads, weights)),  # opens from 0
}


def chosen(heads: Tensor, head_weights: Tensor) -> Tensor:
    """The weighted sum of the heads' outputs: (batch, heads, tokens, head_dim) -> (batch, tokens, head_dim)."""
    return (heads * head_weights[..., None]).sum(1)


class Choice(nn.Module):
    """Computes head weights by a rule and a scope, without a gradient; a module, so that a hook can record them."""

    def __init__(self, selection: str, scope: str):
        super().__init__()
        self.selection, self.scope, self.reads = selection, scope, SELECTION[selection][0]

    def forward(self, seen: Tensor) -> Tensor:
        """Probabilities, scores or heads, whichever the rule reads -> (batch or 1, heads, tokens or 1)."""
        with torch.no_grad():
            return SELECTION[self.selection][1](seen.detach(), SCOPE[self.scope])


class BestHeadAttention(nn.Module):
    """Multi-head self-attention plus the output of its best head (section 3, figure 3).

    It stands in for `block.attn` of pytorch_pretrained_vit. The weights start at random (section 4.2, iv).

    Args:
        dim: width of a token. num_heads, head_dim: number and width of the heads (default width: dim / num_heads).
        selection, scope, injection: names in SELECTION, SCOPE and INJECTION.
        attention_dropout: on the probabilities, before the choice, as in the released code.
        output_dropout: on the projected output, before the best head is added (with `slice`: on both).

    Raises:
        StudyError: an unknown rule, or rules that do not fit each other or head_dim; it names those that do.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        head_dim: int | None = None,
        *,
        selection: str,
        scope: str,
        injection: str,
        attention_dropout: float = 0.0,
        output_dropout: float = 0.0,
    ):
        super().__init__()
        self.dim, self.num_heads, self.head_dim = dim, num_heads, head_dim or dim // num_heads
        check(selection, scope, injection, dim, self.head_dim)
        self.injection, inner = injection, num_heads * self.head_dim
        self.query, self.key, self.value = (nn.Linear(dim, inner) for _ in range(3))
        self.choice = Choice(selection, scope)
        self.projection = nn.Linear(inner, dim)
        if injection in ("linear", "gate"):
            self.residual = nn.Linear(self.head_dim, dim, bias=False)
        if injection == "gate":
            self.gate = nn.Parameter(torch.zeros(()))
        self.attention_dropout, self.output_dropout = nn.Dropout(attention_dropout), nn.Dropout(output_dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(batch, tokens, dim) -> the same. mask: (batch, tokens), 1 keeps a key and 0 hides it (not all)."""
        q, k, v = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        dropout = self.attention_dropout.p if self.training else 0.0
        # no fused CPU kernel supports dropout
        if self.choice.reads == "heads" and not (dropout and x.device.type == "cpu"):
            keep = None if mask is None else mask[:, None, None, :].bool()
            heads = seen = F.scaled_dot_product_attention(q, k, v, keep, dropout)
        else:
            scores = self.scores(q, k, mask)
            probabilities = self.attention_dropout(self.softmax(scores, mask))
            heads = probabilities @ v
            seen = {"scores": scores, "probabilities": probabilities, "heads": heads}[self.choice.reads]
        return INJECTION[self.injection](self, heads, self.choice(seen))

    def split(self, x: Tensor) -> Tensor:
        """(batch, tokens, heads x head_dim) -> (batch, heads, tokens, head_dim)."""
        return x.unflatten(-1, (self.num_heads, self.head_dim)).transpose(1, 2)

    def scores(self, q: Tensor, k: Tensor, mask: Tensor | None) -> Tensor:
        """Equation 1 before its softmax: (batch, heads, queries, keys).

        For a rule that reads them, every row has mean 0 over the keys that the mask keeps, and 0 elsewhere: a constant
        added to a row does not change its softmax, so it must not change the choice.
        """
        if self.choice.reads == "scores":
            keep = k.new_ones(1, 1, k.shape[2], 1) if mask is None else mask[:, None, :, None].to(k.dtype)
            k = (k - (k * keep).sum(2, keepdim=True) / keep.sum(2, keepdim=True)) * keep
        return (q / math.sqrt(self.head_dim)) @ k.transpose(-2, -1)

    def softmax(self, scores: Tensor, mask: Tensor | None) -> Tensor:
        """Probabilities; keys that the mask hides get 0."""
        return (scores if mask is None else scores.masked_fill(mask[:, None, None, :] == 0, -math.inf)).softmax(-1)

    def project(self, heads: Tensor) -> Tensor:
        """The heads' outputs side by side through the output matrix: -> (batch, tokens, dim)."""
        return self.output_dropout(self.projection(heads.transpose(1, 2).flatten(2)))


def check(selection: str, scope: str, injection: str, dim: int, head_dim: int) -> None:
    """Raise a StudyError that names the rules that fit, if these do not."""
    known(selection, SELECTION, "selection")
    known(scope, SCOPE, "scope")
    known(injection, INJECTION, "injection")
    if selection == "column_sum" and scope in ("token", "class"):
        raise StudyError(f"column_sum is one number per matrix, so it has no scope {scope!r}: take 'image' or 'batch'")
    if head_dim < 1:
        raise StudyError(f"more heads than the {dim} numbers of a token: give a head_dim")
    fits = {"output": head_dim == dim, "tile": dim % head_dim == 0}
    if not fits.get(injection, True):
        others = ", ".join(name for name in INJECTION if fits.get(name, True))
        raise StudyError(f"injection {injection!r} does not bring heads of width {head_dim} to {dim}: {others} do")
