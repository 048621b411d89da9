"""Charts for images that may have several labels; each function returns a figure and its alternative text."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lib.plots import BELOW, PROTOCOLS, WHOLE


def areas(table: pd.DataFrame, beside: str, title: str) -> tuple[Figure, str]:
    """The AUC of each label: its best network with the 95 % interval, other networks pale; 0.5 is chance.

    Args:
        table: label, groups (of images that have it), model, auc, low, high (or empty).
        beside: the model that is drawn as an open diamond, for comparison.
    """
    order = table.drop_duplicates("label").sort_values("groups", ascending=False, kind="stable")
    places = {label: place for place, label in enumerate(order.label)}
    networks = table[table.model != beside].sort_values("auc", kind="stable")
    best = networks.drop_duplicates("label", keep="last")
    figure, axes = plt.subplots(figsize=(WHOLE, 1.2 + 0.27 * len(places)), layout="constrained")
    axes.axvline(0.5, color="#666", linewidth=0.8, label="chance")
    others = networks.drop(best.index)
    axes.plot(others.auc, others.label.map(places), "o", ms=4, color="#a98bd0", mec="none")
    reach = np.stack([best.auc - best.low, best.high - best.auc])
    looks = {
        "fmt": "o",
        "ms": 5,
        "capsize": 2,
        "color": PROTOCOLS["group"],
        "label": "highest" if len(others) else "network",
    }
    axes.errorbar(best.auc, best.label.map(places), xerr=reach, **looks)
    part = table[table.model == beside]
    axes.plot(part.auc, part.label.map(places), "D", color="#888", mfc="none", label=beside)
    axes.set(xlabel="AUC", xlim=(0, 1.02), yticks=range(len(places)), ylim=(len(places) - 0.5, -0.5))
    axes.set_yticklabels([f"{row.label} ({row.groups})" for row in order.itertuples()])
    axes.grid(axis="x", color="#ddd", linewidth=0.6)
    figure.legend(**BELOW, ncols=3)
    values = best.set_index("label").auc
    return figure, f"AUC of each label, {title}; best network: {', '.join(f'{k} {values[k]:.2f}' for k in places)}"
