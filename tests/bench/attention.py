"""A training step of the proposed ViT-B/16 against the library's own plain ViT, per rule; and the released preset."""

from functools import partial

import torch
from pytorch_pretrained_vit.transformer import MultiHeadedSelfAttention
from torch import nn

from lib.attention import SELECTION, BestHeadAttention
from lib.probes.costs import B_16, in_turns, peak_bytes
from lib.surgery import load_vit, replace_attention
from tests.bench import DEVICES, no_cuda, row, timed

BATCH = 16
DROPOUTS = 0.1, 0.0  # on the probabilities, the same for all: the library's own, and none
ROUNDS, MEMORY = 5, 1.2
HEADS = dict(num_heads=12, scope="image", injection="tile", keep_block_projection=False)
FREE, READING = 1.03, 1.15  # goals: for rules that read neither probabilities nor scores, and for those that do


class PlainOnSDPA(MultiHeadedSelfAttention):
    """The library's attention on torch's fused kernel."""

    def forward(self, x, mask):
        linears = [self.proj_q, self.proj_k, self.proj_v]
        split = [linear(x).unflatten(-1, (self.n_heads, -1)).transpose(1, 2) for linear in linears]
        heads = nn.functional.scaled_dot_product_attention(*split, dropout_p=self.drop.p if self.training else 0.0)
        return heads.transpose(1, 2).flatten(2)


class HeadByHead(nn.Module):
    """What the released preset computes, one head after the other; Python looks up the winner."""

    def __init__(self, attention: BestHeadAttention):
        super().__init__()
        self.attention = attention

    def forward(self, x, mask):
        a, outputs, norms = self.attention, [], []
        for part in torch.arange(a.num_heads * a.head_dim).split(a.head_dim):
            part = slice(part[0].item(), part[-1].item() + 1)
            q, k, v = (nn.functional.linear(x, m.weight[part], m.bias[part]) for m in (a.query, a.key, a.value))
            probabilities = a.attention_dropout((q @ k.transpose(-2, -1) / a.head_dim**0.5).softmax(-1))
            outputs.append(probabilities @ v)
            norms.append(probabilities.abs().sum().item())
        best = outputs[norms.index(max(norms))]
        return a.output_dropout(a.projection(torch.cat(outputs, -1))) + best


def vits(image_size: int, layers: int, dropout: float) -> dict[str, nn.Module]:
    """ViT-B/16 with `layers` blocks: the library's own, and the same on SDPA."""
    size = {**B_16, "num_layers": layers, "dropout_rate": dropout}
    models = {"plain": load_vit(image_size, **size), "SDPA": load_vit(image_size, **size)}
    for block in models["SDPA"].transformer.blocks:
        block.attn = PlainOnSDPA(size["dim"], size["num_heads"], dropout)
    return models


def proposed(plain: nn.Module, rule: str, dropout: float) -> nn.Module:
    """The ViT with its attention replaced."""
    return replace_attention(plain, selection=rule, attention_dropout=dropout, inplace=False, **HEADS)


def against_plain(what: str, calls: dict, rule: str, device) -> list[dict]:
    """A rule against the library's plain ViT, and against the one on SDPA."""
    seconds, most = in_turns(calls, ROUNDS), FREE if SELECTION[rule][0] == "heads" else READING
    return [
        timed(f"{what}, `{rule}`", "the library's plain ViT", device, seconds[rule], seconds.plain, most),
        timed(f"{what}, `{rule}`", "the plain ViT on SDPA", device, seconds[rule], seconds.SDPA),
    ]


def train_step(model: nn.Module, optimizer, *inputs) -> None:
    model(*inputs).sum().backward()
    if optimizer is not None:
        optimizer.step()
        optimizer.zero_grad()


def whole_model(image_size: int, device, rules) -> list[dict]:
    """Forward, backward and Adam."""
    images, plain, rows = torch.randn(BATCH, 3, image_size, image_size, device=device), vits(image_size, 12, 0.1), []
    for rule in rules:
        calls = {}
        for name, model in {**plain, rule: proposed(plain["plain"], rule, 0.1)}.items():
            model.to(device).train()
            calls[name] = partial(train_step, model, torch.optim.Adam(model.parameters(), 1e-5, fused=True), images)
        rows += against_plain(f"training step, whole model, {image_size} px", calls, rule, device)
    return rows


def one_block(image_size: int, device, dropout: float, rules) -> list[dict]:
    """Forward and backward through one block: time and peak memory."""
    rows, tokens = [], torch.randn(BATCH, (image_size // 16) ** 2 + 1, B_16["dim"], device=device, requires_grad=True)
    where, plain = f"one block, {image_size} px, dropout {dropout}", vits(image_size, 1, dropout)
    for rule in rules:
        models = {**plain, rule: proposed(plain["plain"], rule, dropout)}
        blocks = {name: vit.transformer.blocks[0].to(device).train() for name, vit in models.items()}
        calls = {name: partial(train_step, block, None, tokens, None) for name, block in blocks.items()}
        rows += against_plain(f"training step, {where}", calls, rule, device)
        held, base = (peak_bytes(blocks[name], calls[name]) for name in [rule, "plain"])
        what, met = f"peak memory (bytes), {where}, `{rule}`", held / base <= MEMORY
        rows.append(row(what, "the library's plain ViT", device, held, base, held / base, f"<= {MEMORY:.2f}x", met))
    return rows


def released(device) -> list[dict]:
    """The released preset's attention against the loop that computes the same."""
    rules = dict(selection="l1", scope="batch", injection="output", attention_dropout=0.1, output_dropout=0.1)
    attention = BestHeadAttention(768, 4, 768, **rules).to(device).train()
    x = torch.randn(BATCH, 65, 768, device=device, requires_grad=True)
    calls = {
        "attention": partial(train_step, attention, None, x, None),
        "loop": partial(train_step, HeadByHead(attention), None, x, None),
    }
    seconds = in_turns(calls, 15)
    what, most = "training step, attention of the released preset, 128 px", 1 / 1.5 if device.type == "cuda" else 1.0
    return [timed(what, "the same, head by head", device, seconds.attention, seconds.loop, most)]


def rows() -> list[dict]:
    """Every comparison that this machine can make, and an empty row for what it cannot."""
    compared, rules = [], list(SELECTION)
    for device in DEVICES:
        compared += released(device) + whole_model(128, device, rules)
        for dropout in DROPOUTS:
            compared += one_block(384, device, dropout, rules)
        if device.type == "cuda":
            compared += whole_model(384, device, rules)
    if len(DEVICES) == 1:
        goal = f"<= {FREE}x or {READING}x"
        for size in (128, 384):
            compared.append(no_cuda(f"training step, whole model, {size} px", "the library's plain ViT", goal))
        what = "training step, attention of the released preset, 128 px"
        compared.append(no_cuda(what, "the same, head by head", "<= 0.67x"))
    return compared
