"""The paper's diagrams, drawn anew with matplotlib, as vector graphics: each returns a figure and its alternative text."""

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

LINE, NOVEL = "#555", "#d9822b"


def architecture() -> tuple[Figure, str]:
    """Figure 2: the vision transformer (Dosovitskiy et al. 2021), and one block of its encoder, drawn anew."""
    steps = [
        "image",
        "patches",
        "linear embedding",
        "class token, positions",
        "encoder blocks",
        "norm of the class token",
    ]
    steps += ["classifier", "logits"]
    inside = ["tokens", "norm", "multi-head self-attention", "+", "norm", "MLP: linear, GELU, linear", "+", "tokens"]
    figure, (whole, block) = plt.subplots(1, 2, figsize=(7.5, 5))
    for axes, names, title in [(whole, steps, "(a) the vision transformer"), (block, inside, "(b) an encoder block")]:
        _chain(axes, names)
        axes.set(xlim=(-1.6, 1.4), ylim=(-0.5, len(names) - 0.4), title=title)
        axes.axis("off")
    for start, end in [(0.5, 3), (3.5, 6)]:  # a residual connection leaves before the norm and returns at the +
        _arrow(block, (0, start), (-1.4, start), (-1.4, end), (-0.12, end))
    alt = f"From image to logits: {', '.join(steps)}. An encoder block: norm and multi-head self-attention, then norm and MLP"
    return figure, alt + ", each with a residual connection around it"


def attention() -> tuple[Figure, str]:
    """Figure 3: one head with its two outputs (a), and all heads, with the best one's output added (b), drawn anew."""
    figure, (head, heads) = plt.subplots(1, 2, figsize=(7.5, 5))
    figure.subplots_adjust(left=0, right=1, bottom=0, top=0.92, wspace=0.06)
    _head(head)
    _heads(heads)
    for axes, title in [(head, "(a) scaled dot-product attention"), (heads, "(b) proposed multi-head attention")]:
        axes.set(xlim=(-1.65, 1.65), ylim=(-0.4, 6.8), title=title)
        axes.axis("off")
    return figure, (
        "One head: the softmax of the scaled products of queries and keys gives probabilities P, from which come the"
        " head's output, P times V, and the head's score, as published the L1 norm of P. All heads: their outputs are"
        " concatenated and projected, and the output of the head with the largest score by-passes both and is added."
    )


def _head(axes) -> None:
    """Figure 3 (a): queries, keys and values to one head's output, and to its score."""
    left, right = -0.7, 0.95
    for x, name in [(left - 0.4, "$Q$"), (left + 0.4, "$K$"), (right, "$V$")]:
        _box(axes, x, 0, name, width=0.5)
    for y, name in [(1.6, r"scores  $QK^\mathrm{T}\,/\sqrt{d}$"), (3.2, "softmax"), (4.8, "probabilities  $P$")]:
        _box(axes, left, y, name, width=1.6)
    _box(axes, right, 4.8, r"$P\,V$", width=0.5)
    _box(axes, right, 6.4, "head's output", width=1.16)
    _box(axes, left, 6.22, "score of the head\npublished: L1 norm of $P$", width=1.6, height=0.8, colour=NOVEL)
    for x, start, end in [(left - 0.4, 0, 1.6), (left + 0.4, 0, 1.6), (left, 1.6, 3.2), (left, 3.2, 4.8)]:
        _arrow(axes, (x, start + 0.24), (x, end - 0.24))
    for start, end in [(0, 4.8), (4.8, 6.4)]:
        _arrow(axes, (right, start + 0.24), (right, end - 0.24))
    _arrow(axes, (left + 0.82, 4.8), (right - 0.27, 4.8))
    _arrow(axes, (left, 5.04), (left, 5.8), colour=NOVEL)


def _heads(axes) -> None:
    """Figure 3 (b): the heads' outputs joined and projected, and the best head's output added to that."""
    main, side = -0.7, 1.0
    rows = [(0, "tokens"), (1.1, "linear: $Q, K, V$ per head"), (3.5, "concatenate"), (4.5, "linear projection")]
    for y, name in [*rows, (6.4, "tokens")]:
        _box(axes, main, y, name, width=1.6)
    for shift in (0.2, 0.1, 0):
        _box(axes, main + shift / 2, 2.2 + shift, "" if shift else "heads $1, …, h$", width=1.6)
    _plus(axes, main, 5.46)
    for start, end in [(0.24, 0.86), (1.34, 1.96), (2.64, 3.26), (3.74, 4.26), (4.74, 5.24), (5.66, 6.16)]:
        _arrow(axes, (main, start), (main, end))
    _box(axes, side, 4, "best head:\nthe largest score", width=1.16, height=0.8, colour=NOVEL)
    _arrow(axes, (main + 0.94, 2.3), (side, 2.3), (side, 3.58), colour=NOVEL)
    _arrow(axes, (side, 4.46), (side, 5.46), (main + 0.1, 5.46), colour=NOVEL)
    axes.text(side, 2.18, "output and score\nof each head", ha="center", va="top", fontsize=8.5, color=LINE)
    axes.text((main + side) / 2, 5.54, "its output", ha="center", va="bottom", fontsize=8.5, color=LINE)


def _chain(axes, names: list[str]) -> None:
    """Boxes from bottom to top, an arrow between neighbours."""
    for height, name in enumerate(names):
        if name == "+":
            _plus(axes, 0, height)
        else:
            _box(axes, 0, height, name)
        if height:
            _arrow(axes, (0, height - 0.76), (0, height - 0.24))


def _box(axes, x, y, name: str, width=2.2, height=0.44, colour="#8a63b8") -> None:
    """A rounded box with its middle at (x, y)."""
    fill = "#fdf0e3" if colour == NOVEL else "#efe8f7"
    corner = (x - width / 2, y - height / 2)
    axes.add_patch(FancyBboxPatch(corner, width, height, boxstyle="round,pad=0.02", fc=fill, ec=colour))
    axes.text(x, y, name, ha="center", va="center", fontsize=9.5)


def _plus(axes, x, y) -> None:
    """A circle in which two arrows are added."""
    axes.text(x, y, "+", ha="center", va="center", bbox={"boxstyle": "circle,pad=0.15", "fc": "white", "ec": LINE})


def _arrow(axes, *points: tuple[float, float], colour=LINE) -> None:
    """An arrow through all points, its head at the last."""
    *way, corner, end = points
    if way:
        axes.plot(*zip(*way, corner), color=colour, lw=1)
    arrow = {"arrowstyle": "-|>", "color": colour, "shrinkA": 0 if way else 2}
    axes.annotate("", end, corner, arrowprops=arrow)
