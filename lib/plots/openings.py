"""Charts for first screens of reports; each function returns a figure and its alternative text."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lib.plots import BELOW, PROTOCOLS, WHOLE


def ranked(table: pd.DataFrame, what: str) -> tuple[Figure, str]:
    """One dot per model.

    table: model, value, chosen (True: in another colour), in the order to show. what: name of the values.
    """
    figure, axes = plt.subplots(figsize=(WHOLE, 1.1 + 0.25 * len(table)), layout="constrained")
    for chosen, colour, label in [(True, "#d9822b", "chosen"), (False, PROTOCOLS["group"], "others")]:
        rows = (table.chosen == chosen).to_numpy()
        axes.plot(table.value[rows], np.flatnonzero(rows), "o", color=colour, label=label)
    axes.set(xlabel=what, yticks=range(len(table)), yticklabels=table.model)
    axes.invert_yaxis()
    axes.grid(axis="x", color="#ddd", linewidth=0.6)
    figure.legend(**BELOW, ncols=2)
    values = [f"{row.model} {row.value:.1f}{', chosen' if row.chosen else ''}" for row in table.itertuples()]
    return figure, f"{what[0].upper()}{what[1:]}: {'; '.join(values)}"


def losses(table: pd.DataFrame) -> tuple[Figure, str]:
    """The last training loss of every training divided by that of the best constant answer, on a log axis.

    Args:
        table: model, ratio; one row per training, models in the order to show.
    """
    models = list(table.model.unique())
    figure, axes = plt.subplots(figsize=(WHOLE, 1.3 + 0.26 * len(models)), layout="constrained")
    axes.axvline(1, color="#d9822b", label="best answer that is the same for all images")
    places = [models.index(name) for name in table.model]
    axes.plot(table.ratio, places, "o", color=PROTOCOLS["group"], alpha=0.6, mec="none", label="a training")
    axes.set(xlabel="last training loss,\nover that of the best constant answer", xscale="log")
    axes.set(yticks=range(len(models)), yticklabels=models)
    axes.invert_yaxis()
    figure.legend(**BELOW, ncols=2)
    spans = [f"{name} {part.ratio.min():.2g} to {part.ratio.max():.2g}" for name, part in table.groupby("model")]
    return figure, f"Last training loss over that of the best constant answer, which is 1: {'; '.join(spans)}"
