"""Grids of arrays: each by its own scale, joined by arrows that stay within the picture."""

import matplotlib.pyplot as plt
import numpy as np

from lib.plots.grids import grids


def test_each_array_is_drawn_where_it_is_placed_by_its_own_largest_value():
    small, large = np.array([[0.0, 0.1, -0.2]]), np.array([[30.0], [-10.0]])
    figure = grids({"small": (small, 0, 0), "large": (large, 5, 1), "nothing": (np.zeros((2, 2)), 8, 0)})
    meshes = figure.axes[0].collections
    assert [mesh.get_clim() for mesh in meshes] == [(-0.2, 0.2), (-30, 30), (-1, 1)]
    assert [mesh.get_array().ravel().tolist() for mesh in meshes[:2]] == [[0, 0.1, -0.2], [30, -10]]
    assert [frame.get_bbox().bounds for frame in figure.axes[0].patches] == [(0, 0, 3, 1), (5, 1, 1, 2), (8, 0, 2, 2)]
    plt.close(figure)


def test_arcs_stay_within_the_picture_and_every_arrow_has_its_label():
    one = np.eye(3)
    placed = {name: (one, 8 * place, 0) for place, name in enumerate("abc")}
    figure = grids(placed, [("a", "b", "k")], [("a", "c", "+ a")])
    figure.canvas.draw()
    axes = figure.axes[0]
    inside = axes.get_window_extent()
    arrows = [text.arrow_patch for text in axes.texts if text.arrow_patch]
    assert len(arrows) == 2
    for arrow in arrows:
        box = arrow.get_window_extent()
        assert inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 and box.y1 <= inside.y1
    assert {"a", "b", "c", "k", "+ a"} <= {text.get_text() for text in axes.texts}
    plt.close(figure)
