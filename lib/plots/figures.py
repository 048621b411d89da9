"""The paper's figures of results; each function returns a matplotlib figure and its alternative text."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from lib.plots import SERIES

WIDEST = 11  # letters that fit below a bar


def class_counts(counts: pd.Series, title: str) -> tuple[Figure, str]:
    """Figures 4 and 5: the number of images of each class; `counts`: one number per class."""
    # imported here: it takes a second, which training notebooks do not need
    import seaborn as sns

    figure, axes = plt.subplots(figsize=(1.2 + 0.85 * len(counts), 2.6))
    sns.barplot(x=counts.index, y=counts.values, color=SERIES["train"], width=0.6, ax=axes)
    axes.bar_label(axes.containers[0], padding=2)
    axes.set(xlabel="", ylabel="images")
    if max(len(str(label)) for label in counts.index) > WIDEST:
        axes.tick_params(axis="x", rotation=30)
        plt.setp(axes.get_xticklabels(), ha="right", rotation_mode="anchor")
    return figure, f"Bar chart of {title}: " + ", ".join(f"{label} {count}" for label, count in counts.items())


def confusion(matrix: pd.DataFrame, title: str) -> tuple[Figure, str]:
    """Figures 6 to 9: fractions of each true class (rows) by predicted class (columns)."""
    import seaborn as sns

    side = 1.3 + 0.52 * len(matrix)
    figure, axes = plt.subplots(figsize=(side + 0.5, side))
    looks = {"annot": True, "fmt": ".2f", "cmap": "Purples", "square": True, "cbar": False, "linewidths": 1}
    sns.heatmap(matrix, vmin=0, vmax=1, ax=axes, **looks)
    axes.set(xlabel="predicted", ylabel="true")
    axes.tick_params(axis="x", rotation=30)
    axes.tick_params(axis="y", rotation=0)
    right = ", ".join(f"{label} {matrix.loc[label, label]:.2f}" for label in matrix.index)
    return figure, f"Confusion matrix of {title}; share of each class that is recognised: {right}"


def curves(histories: pd.DataFrame, title: str, published: float = float("nan")) -> tuple[Figure, str]:
    """Figures 10 to 13: accuracy on the training and the validation part after each epoch; seeds as a band.

    Args:
        histories: history.csv of every seed in one table, with a column seed.
        published: the accuracy that the paper prints for the test part, as a fraction; NaN: none.
    """
    figure, axes = plt.subplots(figsize=(4.3, 2.8))
    # the mean over folds, if there are any
    mean = histories.groupby(["seed", "epoch"], as_index=False).mean(numeric_only=True)
    for part, colour in SERIES.items():
        seeds = mean.pivot(index="epoch", columns="seed", values=f"{part}_accuracy")
        axes.fill_between(seeds.index, seeds.min(axis=1), seeds.max(axis=1), color=colour, alpha=0.25, linewidth=0)
        axes.plot(seeds.index, seeds.mean(axis=1), color=colour, label=part)
    if pd.notna(published):
        axes.axhline(published, color="#666", linestyle=":", label="published, test")
    axes.set(ylim=(0, 1.02), xlabel="epoch", ylabel="accuracy")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(frameon=False, loc="lower right")
    last = histories[histories.epoch == histories.epoch.max()].mean(numeric_only=True)
    ends = f"training {last.train_accuracy:.2f}, validation {last.validation_accuracy:.2f}"
    return figure, f"Accuracy per epoch of {title}; at the end: {ends}"
