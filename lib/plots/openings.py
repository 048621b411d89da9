"""Charts for first screens of reports; each function returns a figure and its alternative text."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lib.plots import BELOW, PROTOCOLS, WHOLE

RESIDUAL = "accuracy with the residual minus accuracy without"


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


def differences(table: pd.DataFrame, what: str = RESIDUAL) -> tuple[Figure, str]:
    """A difference on each data set: estimate and interval, what could be detected, the paper's effect.

    Args:
        table: data, levels (the accuracies behind the difference, in words), estimate, low, high, detectable, effect
            (or empty), learned, in percentage points; rows in the order to show.
        what: the difference, in words.
    """
    figure, axes = plt.subplots(figsize=(WHOLE, 1.4 + 0.46 * len(table)), layout="constrained")
    places, high = np.arange(len(table)), 0.42
    axes.barh(places, 2 * table.detectable, high, -table.detectable, color="#e8e4f0", label="power below 80 %")
    axes.axvline(0, color="#666", linewidth=0.8)
    reach = np.stack([table.estimate - table.low, table.high - table.estimate])
    axes.errorbar(table.estimate, places, xerr=reach, fmt="none", capsize=3, color=PROTOCOLS["group"])
    for learned, inside, label in [(True, PROTOCOLS["group"], "measured, 95 %"), (False, "white", "nothing learned")]:
        chosen = (table.learned == learned).to_numpy()
        if chosen.any():
            looks = {"mfc": inside, "mec": PROTOCOLS["group"], "ms": 7, "label": label}
            axes.plot(table.estimate[chosen], places[chosen], "o", **looks)
    printed = table.effect.notna().to_numpy()
    if printed.any():
        axes.plot(
            table.effect[printed], places[printed], "D", color="#d9822b", ms=7, label="paper: proposed minus plain ViT"
        )
    axes.use_sticky_edges = False
    axes.set(xlabel=f"{what},\npercentage points", yticks=[], ylim=(len(table) - 0.5, -0.8))
    for place, row in enumerate(table.itertuples()):
        words, across = f"{row.data}: {row.levels}", axes.get_yaxis_transform()
        behind = {"fc": "white", "ec": "none", "pad": 0.5}
        axes.text(0.01, place - 0.24, words, transform=across, fontsize=9, va="bottom", bbox=behind)
    axes.grid(axis="x", color="#ddd", linewidth=0.6)
    figure.legend(**BELOW, ncols=2)
    rows = [f"{row.data}: {row.estimate:+z.1f} [{row.low:+z.1f}, {row.high:+z.1f}]" for row in table.itertuples()]
    return figure, f"{what[0].upper()}{what[1:]}, in percentage points. {'; '.join(rows)}"
