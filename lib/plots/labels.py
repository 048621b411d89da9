"""Charts of images that may have several labels: a function takes a table, and returns a figure and its text."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lib.plots.charts import BESIDE

FEW = ["#4a2180", "#d9822b", "#3f8f7f"]  # so many models have a colour and an interval each


def areas(table: pd.DataFrame, beside: str, title: str) -> tuple[Figure, str]:
    """AUC of each label, one dot per model, with its 95 % interval where models are few; 0.5 is chance.

    Args:
        table: label, groups (of images that have it), model, auc, low, high (or empty).
        beside: the model that is drawn as an open diamond, for comparison.
    """
    order = table.drop_duplicates("label").sort_values("groups", ascending=False, kind="stable")
    places = {label: place for place, label in enumerate(order.label)}
    models = [name for name in table.model.unique() if name != beside]
    figure, axes = plt.subplots(figsize=(8, 1.2 + 0.34 * len(places)))
    axes.axvline(0.5, color="#666", linewidth=0.8, label="chance")
    if len(models) > len(FEW):
        every = table[table.model != beside]
        axes.plot(every.auc, every.label.map(places), "o", color=FEW[0], alpha=0.5, mec="none", label="a network")
        models = []
    for number, model in enumerate(models):
        part = table[table.model == model]
        at = part.label.map(places)
        reach = np.stack([part.auc - part.low, part.high - part.auc])
        shift = 0.2 * (number - (len(models) - 1) / 2)
        axes.errorbar(part.auc, at + shift, xerr=reach, fmt="o", ms=5, capsize=2, color=FEW[number], label=model)
    part = table[table.model == beside]
    axes.plot(part.auc, part.label.map(places), "D", color="#888", mfc="none", label=beside)
    axes.set(xlabel="AUC", xlim=(0, 1.02), yticks=range(len(places)))
    axes.set_yticklabels([f"{row.label} ({row.groups})" for row in order.itertuples()])
    axes.invert_yaxis()
    axes.grid(axis="x", color="#ddd", linewidth=0.6)
    axes.legend(**BESIDE)
    best = table[table.model != beside].sort_values("auc").drop_duplicates("label", keep="last").set_index("label").auc
    return figure, f"AUC of each label, {title}; the best network: {', '.join(f'{k} {best[k]:.2f}' for k in places)}"
