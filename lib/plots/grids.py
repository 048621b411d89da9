"""Draw small arrays as grids of coloured cells, joined by arrows: how a layer gets from its input to its output.

grids({"x": (x, 0, 0), "F": (feature, 9, 0)}, [("x", "F", "∗ k")]) -> figure
"""

from collections.abc import Iterable

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lib.plots import WHOLE

COLOURS = "Purple is above zero, orange below; each grid has its own scale"  # for captions
ARROW = {"arrowstyle": "-|>", "color": "#444", "linewidth": 0.9, "shrinkA": 2, "shrinkB": 2}
BEND = 0.4  # twice the height of an arc, in distances between its ends


def grids(
    placed: dict[str, tuple[np.ndarray, float, float]],
    arrows: Iterable[tuple[str, str, str]] = (),
    arcs: Iterable[tuple[str, str, str]] = (),
) -> Figure:
    """Draw arrays with unit cells, coloured from minus to plus the largest absolute value of each array.

    Args:
        placed: title -> an array (rows, columns) and the cell of its upper left corner, column and row.
        arrows: from, to, label; straight, between two grids.
        arcs: from, to, label; above the grids, between the middles of their upper edges.
    """
    figure, axes = plt.subplots()
    frames = {title: draw_grid(axes, title, *at) for title, at in placed.items()}
    for start, end, label in arrows:
        (x0, y0), (x1, y1) = middle(frames[start]), middle(frames[end])
        ends = {"patchA": frames[start], "patchB": frames[end]}
        axes.annotate("", (x1, y1), (x0, y0), arrowprops=ARROW | ends)
        middles = (x0 + x1) / 2, (y0 + y1) / 2
        axes.annotate(label, middles, (0, 3), textcoords="offset points", ha="center")
    for start, end, label in arcs:
        x0, x1, top = middle(frames[start])[0], middle(frames[end])[0], frames[end].get_y()
        axes.update_datalim([(x1, top - BEND * (x1 - x0) / 2)])  # arrows do not widen the axes
        bent = {"connectionstyle": f"arc3,rad={-BEND}"}
        axes.annotate("", (x1, top), (x0, frames[start].get_y()), arrowprops=ARROW | bent)
        axes.annotate(label, (x1, top), (5, 4), textcoords="offset points")
    axes.set(aspect="equal")
    axes.invert_yaxis()
    axes.axis("off")
    axes.autoscale_view()
    left, right, bottom, top = *axes.get_xlim(), *axes.get_ylim()
    figure.set_size_inches(WHOLE, WHOLE * abs((top - bottom) / (right - left)))
    return figure


def draw_grid(axes: Axes, title: str, values: np.ndarray, column: float, row: float) -> plt.Rectangle:
    """Draw one array with its title below, and return the frame around it."""
    height, width = values.shape
    largest = np.abs(values).max() or 1
    x, y = column + np.arange(width + 1), row + np.arange(height + 1)
    looks = {"cmap": "PuOr", "vmin": -largest, "vmax": largest, "edgecolor": "white", "linewidth": 0.3}
    axes.pcolormesh(x, y, values, **looks)
    axes.annotate(title, (column + width / 2, row + height), (0, -3), textcoords="offset points", ha="center", va="top")
    return axes.add_patch(plt.Rectangle((column, row), width, height, fill=False, edgecolor="#444", linewidth=0.8))


def middle(frame: plt.Rectangle) -> tuple[float, float]:
    """The middle of a frame, in cells."""
    return frame.get_x() + frame.get_width() / 2, frame.get_y() + frame.get_height() / 2
