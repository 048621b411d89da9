"""Measure which head a selection rule chooses, and what the choice depends on besides the image.

network, images --norms--> the L1 norm of every head; --neighbours--> do predictions depend on the batch?
attention, its input tokens --winners--> the chosen head of every image, for one rule, precision, order, ...
                            --sensitivity--> one row per rule, precision and condition: how often the choice changes
"""

import contextlib
import copy
from functools import partial
from itertools import product

import pandas as pd
import torch
from torch import Tensor, nn

from lib.attention import SELECTION, BestHeadAttention, Choice
from lib.probes.maps import record
from lib.training.fit import predict
from lib.training.images import Images

PRECISIONS = {"fp64": torch.float64, "fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
RULES = ["l1", "column_sum", "score_l1", "output_norm", "confidence", "entropy"]  # rules that depend on the heads
SCOPES = ["image", "batch"]
WHERE = ["rule", "precision", "scope", "condition", "head"]  # the keys of `sensitivity`


def norms(network: nn.Module, pixels: Tensor) -> pd.DataFrame:
    """The smallest and the largest L1 norm of a head's probabilities, over images, blocks and heads, per precision.

    Returns:
        precision, tokens, smallest, largest (text, since six decimals would hide rounding), units (the larger of their
        relative deviations from the number of tokens, in multiples of the precision's eps).
    """
    rows = []
    for precision, dtype in PRECISIONS.items():
        records = record(copy.deepcopy(network).to(dtype), pixels.to(dtype))
        norm = torch.cat([one.probabilities.abs().sum((-2, -1)) for one in records]).double()
        tokens = records[0].tokens.shape[1]
        smallest, largest = norm.min().item(), norm.max().item()
        units = max(abs(smallest / tokens - 1), abs(largest / tokens - 1)) / torch.finfo(dtype).eps
        row = {"precision": precision, "tokens": tokens, "smallest": f"{smallest:.13g}", "largest": f"{largest:.13g}"}
        rows.append({**row, "units": units})
    return pd.DataFrame(rows)


@torch.no_grad()
def read_by_choice(attention: BestHeadAttention, tokens: Tensor) -> Tensor:
    """What the attention's rule reads, (batch, heads, ...), for its input tokens, (batch, tokens, dim)."""
    seen = []

    def keep(module, arguments, output):
        seen.append(arguments[0])

    handle = attention.choice.register_forward_hook(keep)
    try:
        attention(tokens)
    finally:
        handle.remove()
    return seen[0]


def winner_of(choice: Choice, seen: Tensor, *, renumber: bool = False, reorder: bool = False) -> Tensor:
    """The chosen head of every image (scope `image`) or of the whole batch (scope `batch`): (images or 1,).

    Args:
        seen: what the rule reads, (batch, heads, ...).
        renumber: give the heads to the rule in reverse; another head then wins only if the best ones tie.
        reorder: reverse each row (keys, or a head's outputs), so that sums add the same numbers in another order.
    """
    if renumber:
        seen = seen.flip(1)
    if reorder:
        seen = seen.flip(-1)
    winner = choice(seen)[:, :, 0].argmax(1).cpu()
    return seen.shape[1] - 1 - winner if renumber else winner


def winners(attention: BestHeadAttention, tokens: Tensor, **how: bool) -> Tensor:
    """`winner_of` for an attention's own rule and its input, (batch, tokens, dim)."""
    return winner_of(attention.choice, read_by_choice(attention, tokens), **how)


@contextlib.contextmanager
def threads(number: int):
    """A context in which torch computes with `number` threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def variant(attention: BestHeadAttention, selection: str, scope: str, dtype: torch.dtype) -> BestHeadAttention:
    """A copy of an attention with another precision, rule and scope, in eval mode."""
    other = copy.deepcopy(attention).to(dtype).eval()
    other.choice = Choice(selection, scope)
    return other


def winners_under_every_condition(
    attention: BestHeadAttention, batches: list[Tensor], choices: dict[tuple, Choice]
) -> dict[tuple, dict[str, Tensor]]:
    """For each choice, the winners of all batches: as is, and under conditions that change one thing.

    All choices read the same as the attention's own rule, so the attention is computed once.
    """
    found = {key: {} for key in choices}

    def run(inputs: list[Tensor]) -> list[Tensor]:
        return [read_by_choice(attention, batch) for batch in inputs]

    def note(condition: str, seen: list[Tensor], backwards: bool = False, **how: bool) -> None:
        for key, choice in choices.items():
            won = [winner_of(choice, one, **how) for one in seen]
            found[key][condition] = torch.cat([one.flip(0) for one in won] if backwards else won)

    as_is = run(batches)
    note("as is", as_is)
    note("heads renumbered", as_is, renumber=True)
    note("sums in another order", as_is, reorder=True)
    note("batch in another order", run([batch.flip(0) for batch in batches]), backwards=True)
    with threads(1 if torch.get_num_threads() > 1 else 2):
        note("other number of threads", run(batches))
    attention.train()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        note("dropout", run(batches))
        note("dropout again", run(batches))
    attention.eval()
    return found


def sensitivity(attention: BestHeadAttention, batches: list[Tensor], dropout: float = 0.1) -> pd.DataFrame:
    """One row per scope, rule, precision, condition and head: how often it wins, and how often the winner changes.

    Args:
        batches: input tokens, (batch, tokens, dim) each. dropout: on the probabilities, in conditions that have it.

    Returns:
        rule, precision, scope, condition, head, won (share of choices), changed (share of choices that differ from `as
        is`, or for `dropout again` from `dropout`; the same for every head).
    """
    found = {}
    for precision, dtype in PRECISIONS.items():
        inputs = [batch.to(dtype) for batch in batches]
        for reads in dict.fromkeys(SELECTION[rule][0] for rule in RULES):
            rules = [rule for rule in RULES if SELECTION[rule][0] == reads]
            choices = {(scope, rule, precision): Choice(rule, scope) for scope in SCOPES for rule in rules}
            other = variant(attention, rules[0], SCOPES[0], dtype)
            other.attention_dropout.p = dropout
            found |= winners_under_every_condition(other, inputs, choices)
    rows = []
    for scope, rule, precision in product(SCOPES, RULES, PRECISIONS):
        chosen = found[scope, rule, precision]
        for condition, winner in chosen.items():
            before = chosen["dropout" if condition == "dropout again" else "as is"]
            won = torch.bincount(winner, minlength=attention.num_heads) / len(winner)
            keys = {"rule": rule, "precision": precision, "scope": scope, "condition": condition}
            keys["changed"] = (winner != before).double().mean().item()
            rows += [{**keys, "head": head + 1, "won": share} for head, share in enumerate(won.tolist())]
    return pd.DataFrame(rows)


def faces(heads: int = 4, tokens: int = 65, images: int = 16, batches: int = 40) -> pd.DataFrame:
    """The two faces of the published rule, one choice per batch, on random probabilities in fp32.

    Summed row by row, as `l1` does, all heads tie exactly. The released code sums a head's whole tensor of a batch at
    once, so the result depends on how the summing function rounds.

    Returns:
        summed, head, won (number of batches); renumbered and reordered (share of batches in which another head wins
        if the heads are numbered in reverse, or the batch's images reversed; the same for every head).
    """
    generator, rows = torch.Generator().manual_seed(0), Choice("l1", "batch")
    drawn = [torch.randn(images, heads, tokens, tokens, generator=generator).softmax(-1) for _ in range(batches)]

    def whole(total):
        return lambda p: torch.stack([total(head.contiguous()) for head in p.unbind(1)]).argmax()

    ways = {
        "row by row": lambda p: rows(p)[0, :, 0].argmax(),
        "in one go, torch.sum": whole(torch.sum),
        "in one go, torch.linalg.vector_norm": whole(partial(torch.linalg.vector_norm, ord=1)),
    }
    table = []
    for summed, winner in ways.items():
        won = torch.stack([winner(p) for p in drawn])
        backwards = heads - 1 - torch.stack([winner(p.flip(1)) for p in drawn])
        other_order = torch.stack([winner(p.flip(0)) for p in drawn])
        changed = [(won != other).double().mean().item() for other in (backwards, other_order)]
        for head, number in enumerate(torch.bincount(won, minlength=heads).tolist()):
            table.append((summed, head + 1, number, *changed))
    return pd.DataFrame(table, columns=["summed", "head", "won", "renumbered", "reordered"])


def first_and_last(network: nn.Module, pixels: Tensor, batch: int = 16) -> pd.DataFrame:
    """`sensitivity` for both scopes, averaged over the first and the last block."""
    records, blocks = record(network, pixels), network.transformer.blocks
    tables = [sensitivity(blocks[block].attn, records[block].tokens.split(batch)) for block in [0, -1]]
    return pd.concat(tables).groupby(WHERE, sort=False, as_index=False).mean()


def neighbours(network: nn.Module, images: Images, rows: Tensor) -> pd.DataFrame:
    """Test whether predictions depend on the other images of a batch; one row per rule.

    First the model's own rule and scope, then the other rules with one choice per batch, on the same weights.

    Returns:
        rule, scope, own (whether the model was trained with them), images, changed (share of predictions that differ
        between batches of 64 and of 1), moved (largest difference of a probability, 0 to 1).
    """
    attentions, table = [block.attn for block in network.transformer.blocks], []
    own = [attention.choice for attention in attentions]
    try:
        others = [rule for rule in RULES if rule != own[0].selection]
        for rule in [None, *others]:
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
