"""The figures of notebook 00, drawn from what its equations give: each function returns a figure and its alternative text."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from lib.figures import SERIES


def activations(curves: pd.DataFrame) -> tuple[Figure, str]:
    """Figure 2 of the document: a panel an activation, the function and its derivative.

    Args:
        curves: name, x, value, derivative (as the document has it, or NaN), autograd.
    """
    figure, panels = plt.subplots(3, 3, figsize=(9.5, 6), sharex=True, sharey=True)
    for axes, (name, curve) in zip(panels.flat, curves.groupby("name", sort=False)):
        axes.axhline(0, color="#ccc", linewidth=0.6)
        axes.axvline(0, color="#ccc", linewidth=0.6)
        axes.plot(curve.x, curve.value, color=SERIES["train"], label="f(x)")
        axes.plot(curve.x, curve.derivative, color=SERIES["validation"], label="f'(x), the document's formula")
        dots = curve.iloc[::12]
        axes.plot(dots.x, dots.autograd, "o", ms=3, color="#444", label="f'(x), autograd")
        axes.set(title=name, ylim=(-1.7, 2.7))
    figure.tight_layout()
    legend = {"loc": "upper center", "bbox_to_anchor": (0.5, 0), "ncol": 3, "frameon": False}
    figure.legend(*axes.get_legend_handles_labels(), **legend)
    gap = (curves.derivative - curves.autograd).abs().max()
    names = ", ".join(curves.name.unique())
    return figure, f"{names}: function and derivative; dots of autograd are at most {gap:.1g} from the formula"


def kernel_gradient(table: pd.DataFrame) -> tuple[Figure, str]:
    """The derivative of the loss by each of the nine entries of a kernel.

    Args:
        table: a row an entry, in the document's order; a column a way of computing it.
    """
    figure, axes = plt.subplots(figsize=(7, 2.7))
    colours = [SERIES["validation"], SERIES["train"], "#444"]
    for number, (name, colour) in enumerate(zip(table, colours)):
        axes.bar(np.arange(len(table)) + 0.27 * (number - 1), table[name], 0.25, color=colour, label=name)
    axes.axhline(0, color="#444", linewidth=0.6)
    axes.set(xlabel="entry u of the kernel", ylabel="derivative of the loss")
    axes.set_xticks(range(len(table)), range(-(len(table) // 2), len(table) // 2 + 1))
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    last = table.iloc[:, -1]
    gaps = ", ".join(f"{name} {(table[name] - last).abs().max():.1g}" for name in table.columns[:-1])
    return figure, f"Bars of the nine derivatives; largest distance from {last.name}: {gaps}"


def fields(influence: dict[str, np.ndarray], sides: dict[str, int]) -> tuple[Figure, str]:
    """How much each input pixel moves the middle output, a panel a network; a frame as wide as equation 17 says.

    Args:
        influence: title -> (size, size), not negative. sides: title -> width of the frame, px.
    """
    figure, panels = plt.subplots(1, len(influence), figsize=(1.9 * len(influence), 2.3))
    for axes, (title, values) in zip(panels, influence.items()):
        side, middle = sides[title], len(values) // 2
        axes.pcolormesh(values / values.max(), cmap="Purples")
        axes.add_patch(
            Rectangle(
                (middle + 0.5 - side / 2, middle + 0.5 - side / 2),
                side,
                side,
                fill=False,
                ec=SERIES["validation"],
                lw=1.4,
            )
        )
        axes.set(aspect="equal", ylim=(len(values), 0))
        axes.set_title(f"{title}\n{side} px", fontsize=9)
        axes.axis("off")
    figure.tight_layout()
    seen = ", ".join(f"{title} {np.ptp(np.nonzero(values)[0]) + 1} px" for title, values in influence.items())
    return figure, f"Which input pixels move the middle output; width of the part that does: {seen}"


def positions(table: np.ndarray) -> tuple[Figure, str]:
    """Figure 8 of the document: the embedding of every position; and the product of any two, which depends on their distance.

    Args:
        table: (positions, d).
    """
    count, d = table.shape
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.2), gridspec_kw={"width_ratios": [2, 1.3]})
    left.pcolormesh(table, cmap="PuOr", vmin=-1, vmax=1)
    left.set(xlabel="k", ylabel="t", ylim=(count, 0))
    products = table @ table.T
    for t, colour in [(0, SERIES["train"]), (count // 2, SERIES["validation"]), (count - 1, "#444")]:
        right.plot(np.arange(count) - t, products[t], color=colour, label=f"t = {t}", lw=3 if t == 0 else 1.3)
    right.set(xlabel="distance to another position", ylabel="product of the embeddings")
    right.legend(frameon=False)
    figure.tight_layout()
    spread = max(np.ptp(np.diagonal(products, offset)) for offset in range(count))
    return figure, f"{count} positions, {d} numbers each; products at one distance differ by at most {spread:.1g}"
