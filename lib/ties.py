"""Who wins: which head a selection rule chooses, and what the choice depends on beside the image.

attention + its input tokens --winners--> the chosen head of every image, under one rule, precision, order, ...
                                          --sensitivity--> a row a rule and precision: ties, and what changes them
"""

import contextlib
import copy

import pandas as pd
import torch
from torch import Tensor, nn

from lib.attention import BestHeadAttention, Choice
from lib.fitting import predict
from lib.images import Images

PRECISIONS = {"fp64": torch.float64, "fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
RULES = ["l1", "column_sum", "score_l1", "output_norm", "confidence", "entropy"]  # those that look at the heads


@torch.no_grad()
def winners(attention: BestHeadAttention, tokens: Tensor, *, renumber: bool = False, reorder: bool = False) -> Tensor:
    """The chosen head of every image (scope `image`) or of the whole batch (scope `batch`): (images or 1,).

    Args:
        tokens: the attention's input, (batch, tokens, dim).
        renumber: hand the heads to the rule in reverse. Who wins then is another head only where the best ones tie.
        reorder: hand over each row (keys, or a head's outputs) in reverse, so that sums add the same numbers in another order.
    """
    seen = []
    handle = attention.choice.register_forward_hook(lambda module, arguments, _: seen.append(arguments[0]))
    try:
        attention(tokens)
    finally:
        handle.remove()
    heads = seen[0].flip([1] * renumber + [-1] * reorder)
    winner = attention.choice(heads)[:, :, 0].argmax(1).cpu()
    return attention.num_heads - 1 - winner if renumber else winner


@contextlib.contextmanager
def threads(number: int):
    """Within, torch computes with this many threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def variant(attention: BestHeadAttention, selection: str, scope: str, dtype: torch.dtype) -> BestHeadAttention:
    """A copy of an attention in another precision that chooses by another rule, in eval mode."""
    other = copy.deepcopy(attention).to(dtype).eval()
    other.choice = Choice(selection, scope)
    return other


def winners_under_every_condition(attention: BestHeadAttention, batches: list[Tensor]) -> dict[str, Tensor]:
    """The winners of all batches, as they are and with one thing changed: the heads' numbers, the order, ..."""

    def run(**how) -> Tensor:
        return torch.cat([winners(attention, batch, **how) for batch in batches])

    found = {"as is": run(), "heads renumbered": run(renumber=True), "sums in another order": run(reorder=True)}
    backwards = [winners(attention, batch.flip(0)).flip(0) for batch in batches]
    found["batch in another order"] = torch.cat(backwards)
    with threads(1 if torch.get_num_threads() > 1 else 2):
        found["other number of threads"] = run()
    attention.train()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        found["dropout"], found["dropout again"] = run(), run()
    attention.eval()
    return found


def sensitivity(attention: BestHeadAttention, batches: list[Tensor], scope: str, dropout: float = 0.1) -> pd.DataFrame:
    """One row a rule, precision, condition and head: how often that head wins; and how often the condition changes who wins.

    Args:
        batches: input tokens, (batch, tokens, dim) each. dropout: on the probabilities, where a condition has it.

    Returns:
        rule, precision, scope, condition, head, won (share of choices), changed (share of choices; the same for every
        head of a condition): against `as is`, and for `dropout again` against `dropout`.
    """
    rows = []
    for rule in RULES:
        for precision, dtype in PRECISIONS.items():
            other = variant(attention, rule, scope, dtype)
            other.attention_dropout.p = dropout
            found = winners_under_every_condition(other, [batch.to(dtype) for batch in batches])
            for condition, winner in found.items():
                before = found["dropout" if condition == "dropout again" else "as is"]
                shares = torch.bincount(winner, minlength=other.num_heads) / len(winner)
                keys = {"rule": rule, "precision": precision, "scope": scope, "condition": condition}
                keys["changed"] = (winner != before).double().mean().item()
                rows += [{**keys, "head": head + 1, "won": share} for head, share in enumerate(shares.tolist())]
    return pd.DataFrame(rows)


def neighbours(network: nn.Module, images: Images, rows: Tensor) -> pd.DataFrame:
    """Does a prediction depend on which images share its batch? One row per rule.

    First the model's own rule and scope; then the other rules, one choice a batch, on the weights trained with its own.

    Returns:
        rule, scope, own (are they the model's), images, changed (share of predictions that differ between batches of 64
        and of 1), moved (the largest difference of a probability).
    """
    attentions, table = [block.attn for block in network.transformer.blocks], []
    own = [attention.choice for attention in attentions]
    try:
        for rule in [None] + [rule for rule in RULES if rule != own[0].selection]:
            for attention, choice in zip(attentions, own):
                attention.choice = choice if rule is None else Choice(rule, "batch")
            alone, together = (predict(network, images, rows, size) for size in (1, 64))
            changed = (alone.argmax(1) != together.argmax(1)).double().mean().item()
            moved = (alone - together).abs().max().item()
            keys = {"rule": rule or own[0].selection, "scope": "batch" if rule else own[0].scope, "own": rule is None}
            table.append({**keys, "images": len(rows), "changed": changed, "moved": moved})
    finally:
        for attention, choice in zip(attentions, own):
            attention.choice = choice
    return pd.DataFrame(table)
