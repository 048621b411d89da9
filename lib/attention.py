"""The paper's idea, whole: multi-head self-attention that adds one head's output to its own (section 3, figure 3).

    tokens -> q, k, v per head -> probabilities -> heads' outputs -> concatenated and projected
                                        |                 |                      + -> tokens
                                        +--- selection ---+------ injection -----+

The rules below are dictionaries, a line a rule: adding a line adds a rule.
"""

import math

import torch
from torch import Tensor, nn


def l1(probabilities: Tensor) -> Tensor:
    """Entrywise L1 norm of each head's probabilities (sections 1 and 3): (batch, heads, n, n) -> (batch, heads).

    Every row of a softmax sums to 1, so without dropout this is n for every head, up to rounding: a tie.
    """
    return probabilities.abs().sum((-2, -1))


SELECTION = {"l1": l1}  # name -> a score a head; the head with the largest is added

SCOPE = {  # name -> over what the scores are pooled before the choice
    "batch": lambda scores: scores.sum(0, keepdim=True).expand_as(scores),  # one head a batch: the released code
    "image": lambda scores: scores,  # one head an image
}

INJECTION = {  # name -> how a head_dim-wide output is brought to the width of the tokens
    "output": lambda best, dim: best,  # as it is: head_dim must be dim
    "tile": lambda best, dim: best.repeat(1, 1, dim // best.shape[-1]),  # repeated side by side
}


class BestHeadAttention(nn.Module):
    """Multi-head self-attention plus the output of its best head.

    It stands in for `block.attn` of pytorch_pretrained_vit. The weights start at random (section 4.2, iv).

    Args:
        dim: width of a token. num_heads, head_dim: number and width of the heads (width: dim / num_heads).
        selection, scope, injection: names in SELECTION, SCOPE and INJECTION.
        attention_dropout: on the probabilities, before the choice, as in the released code.
        output_dropout: on the projected output, before the best head's output is added.

    Raises:
        ValueError: an unknown rule, or an injection that does not fit head_dim.
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
        self.head_dim = head_dim or dim // num_heads
        for name, rules, what in [
            (selection, SELECTION, "selection"),
            (scope, SCOPE, "scope"),
            (injection, INJECTION, "injection"),
        ]:
            if name not in rules:
                raise ValueError(f"unknown {what} {name!r}: there are {', '.join(rules)}")
        if injection == "output" and self.head_dim != dim or injection == "tile" and dim % self.head_dim:
            raise ValueError(f"injection {injection!r} does not bring heads of width {self.head_dim} to width {dim}")
        self.dim, self.num_heads = dim, num_heads
        self.selection, self.scope, self.injection = selection, scope, injection
        self.query = nn.Linear(dim, num_heads * self.head_dim)
        self.key = nn.Linear(dim, num_heads * self.head_dim)
        self.value = nn.Linear(dim, num_heads * self.head_dim)
        self.projection = nn.Linear(num_heads * self.head_dim, dim)
        self.attention_dropout = nn.Dropout(attention_dropout)
        self.output_dropout = nn.Dropout(output_dropout)

    def forward(self, x: Tensor, mask: Tensor | None = None) -> Tensor:
        """(batch, tokens, dim) -> (batch, tokens, dim); mask: (batch, tokens), 1 keeps a key and 0 hides it."""
        q, k, v = (
            linear(x).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for linear in (self.query, self.key, self.value)
        )
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_dim)  # equation 1
        if mask is not None:
            scores = scores.masked_fill(mask[:, None, None, :] == 0, float("-inf"))
        probabilities = self.attention_dropout(scores.softmax(-1))
        heads = probabilities @ v  # (batch, heads, tokens, head_dim)
        output = self.output_dropout(self.projection(heads.transpose(1, 2).flatten(2)))
        return output + INJECTION[self.injection](self.best(probabilities, heads), self.dim)

    def best(self, probabilities: Tensor, heads: Tensor) -> Tensor:
        """The chosen head's output, (batch, tokens, head_dim). No gradient flows through the choice."""
        scores = SCOPE[self.scope](SELECTION[self.selection](probabilities.detach()))
        one_hot = nn.functional.one_hot(scores.argmax(1), self.num_heads).to(heads.dtype)
        return torch.einsum("bh,bhtd->btd", one_hot, heads)
