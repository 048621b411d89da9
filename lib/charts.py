"""What the paper does not draw: each function takes a table and returns a figure and its alternative text."""

from itertools import cycle

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lib.figures import SERIES

PROTOCOLS = {"random": "#d9822b", "published": "#a98bd0", "group": "#4a2180"}  # the darker, the less it leaks


def protocols(table: pd.DataFrame, title: str) -> tuple[Figure, str]:
    """Test accuracy of every model with its 95 % interval, a mark a split protocol, and what the paper prints. Not a figure of the paper's.

    Args:
        table: model, split, accuracy, low, high, published (or empty); all as fractions, models in the order to show.
    """
    models, splits = list(table.model.unique()), list(table.split.unique())
    figure, axes = plt.subplots(figsize=(8, 1 + 0.32 * len(models) * max(1, 0.45 * len(splits))))
    printed = table.drop_duplicates("model").set_index("model").published
    if printed.notna().any():
        place = [models.index(name) for name in printed.index]
        axes.plot(100 * printed, place, "D", color="#999", mfc="none", label="as printed")
    for number, (split, part) in enumerate(table.groupby("split", sort=False)):
        place = [models.index(name) + (number - (len(splits) - 1) / 2) * 0.24 for name in part.model]
        reach = 100 * np.stack([part.accuracy - part.low, part.high - part.accuracy])
        colour = PROTOCOLS.get(split, SERIES["train"])
        axes.errorbar(
            100 * part.accuracy, place, xerr=reach, fmt="o", ms=5, capsize=2, color=colour, label=f"split {split}"
        )
    axes.set(xlabel="test accuracy (%)", yticks=range(len(models)), yticklabels=models, xlim=(None, 101))
    axes.invert_yaxis()
    axes.grid(axis="x", color="#ddd", linewidth=0.6)
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    says = "; ".join(
        f"{model}: " + ", ".join(f"split {r.split} {100 * r.accuracy:.1f} %" for r in part.itertuples())
        for model, part in table.groupby("model", sort=False)
    )
    return figure, f"Test accuracy of {title}, split by split. {says}"


def winners(table: pd.DataFrame, title: str) -> tuple[Figure, str]:
    """Which head each rule chooses, a panel a rule and a bar a condition. Not a figure of the paper's.

    Args:
        table: rule, condition, head, won; conditions and rules in the order to show.
    """
    rules, conditions = table.rule.unique(), table.condition.unique()
    figure, panels = plt.subplots(2, -(-len(rules) // 2), figsize=(9.5, 5.6), sharex=True, sharey=True)
    shades = plt.colormaps["Purples"](np.linspace(0.9, 0.25, table["head"].max()))
    for axes, rule in zip(panels.flat, rules):
        won = table[table.rule == rule].pivot(index="condition", columns="head", values="won").loc[conditions]
        won.plot.bar(stacked=True, ax=axes, color=shades, width=0.8, legend=False, edgecolor="white", linewidth=0.4)
        axes.set(title=rule, xlabel="", ylabel="share of choices", ylim=(0, 1))
        axes.tick_params(axis="x", rotation=60)
        plt.setp(axes.get_xticklabels(), ha="right", rotation_mode="anchor")
    legend = {"loc": "center left", "bbox_to_anchor": (1, 0.5), "frameon": False, "title": "head"}
    figure.legend(*panels.flat[0].get_legend_handles_labels(), **legend)
    figure.tight_layout()
    most = table[table.condition == conditions[0]].sort_values("won").groupby("rule", sort=False).tail(1)
    says = ", ".join(f"{r.rule} head {r.head} in {r.won:.0%}" for r in most.itertuples())
    return figure, f"Which head wins, {title}. As is, most often: {says}"


def costs(table: pd.DataFrame, title: str) -> tuple[Figure, str]:
    """FLOPs, seconds and peak memory of a training step against the number of tokens, on logarithmic axes (section 4.7).

    Args:
        table: attention, tokens, flops, seconds, peak_bytes.
    """
    figure, panels = plt.subplots(1, 3, figsize=(9.5, 2.9))
    for axes, (column, label, unit) in zip(
        panels, [("flops", "GFLOP", 1e9), ("seconds", "seconds", 1), ("peak_bytes", "peak memory, MB", 1e6)]
    ):
        for (name, part), marker in zip(table.groupby("attention", sort=False), "os^"):
            axes.loglog(part.tokens, part[column] / unit, marker=marker, label=name, alpha=0.85)
        axes.set(xlabel="tokens", ylabel=label)
    panels[0].legend(frameon=False)
    figure.tight_layout()
    most = table[table.tokens == table.tokens.max()]
    says = ", ".join(f"{r.attention} {r.flops / 1e9:.0f} GFLOP, {r.peak_bytes / 1e6:.0f} MB" for r in most.itertuples())
    return figure, f"Cost of {title} against the number of tokens; at {table.tokens.max()} tokens: {says}"


def maps(images: np.ndarray, masks: np.ndarray, looks: dict[str, np.ndarray], title: str) -> tuple[Figure, str]:
    """Images with the tumour's outline, and beside each where every model looks.

    Args:
        images: (images, size, size, 3) uint8. masks: (images, size, size). looks: model -> (images, side, side).
    """
    figure, panels = plt.subplots(len(images), 1 + len(looks), figsize=(2.1 * (1 + len(looks)), 2.1 * len(images)))
    for row, image, mask, number in zip(panels, images, masks, range(len(images))):
        for axes, (name, look) in zip(row, {"image": None, **looks}.items()):
            axes.imshow(image, cmap="gray")
            if look is not None:
                axes.imshow(
                    look[number], cmap="magma", alpha=0.7, extent=(-0.5, len(mask) - 0.5, len(mask) - 0.5, -0.5)
                )
            axes.contour(mask, [0.5], colors="#4fd8c4", linewidths=1.2)
            axes.set_title(name.replace(", ", "\n") if number == 0 else "", fontsize=9)
            axes.axis("off")
    figure.tight_layout()
    return figure, f"{title}: {len(images)} images, the tumour outlined; beside each, where {' and '.join(looks)} look"


def inliers(numbers: pd.Series, clear: int) -> tuple[Figure, str]:
    """How sure the photograph of each image is: keypoints that agree, and the number from which on a match is clear."""
    figure, axes = plt.subplots(figsize=(5.5, 2.4))
    axes.hist(numbers, bins=60, color=SERIES["train"])
    axes.axvline(clear, color=SERIES["validation"], label=f"clear: {clear}")
    axes.set(xlabel="inliers", ylabel="images", xlim=(0, None))
    axes.legend(frameon=False)
    return figure, f"Histogram of inliers: {numbers.min():.0f} to {numbers.max():.0f}, clear from {clear} on"


def looked(
    pictures: list[np.ndarray | None], looks: list[np.ndarray], labels: list[str], title: str
) -> tuple[Figure, str]:
    """How much each part of a picture mattered, over the picture where it may be shown, else alone.

    Args:
        pictures: (size, size, 3) uint8, or None. looks: (side, side) each, as lib.classify gives them. labels: what to write above.
    """
    figure, panels = plt.subplots(1, len(looks), figsize=(2.1 * len(looks), 2.5), squeeze=False)
    most = max(np.abs(look).max() for look in looks)
    for axes, picture, look, label in zip(panels[0], pictures, looks, labels):
        if picture is not None:
            axes.imshow(picture)
        places = np.linspace(-0.5, len(look if picture is None else picture) - 0.5, len(look) + 1)
        colours = {"cmap": "PuOr_r", "vmin": -most, "vmax": most, "alpha": 1 if picture is None else 0.6}
        shown = axes.pcolormesh(places, places, look, **colours)
        axes.set(aspect="equal", ylim=(places[-1], places[0]))
        axes.set_title(label, fontsize=9)
        axes.axis("off")
    bar = figure.colorbar(shown, ax=panels, shrink=0.7, label="fall in probability")
    bar.solids.set_rasterized(False)  # a page whose images may not be shown holds no pixels at all
    return (
        figure,
        f"{title}: {', '.join(label.replace(chr(10), ' ') for label in labels)}; the darker orange, the more the answer rests on that part",
    )


def filters(table: pd.DataFrame, title: str) -> tuple[Figure, str]:
    """The filters of a first layer, side by side; `table`: filter, row, column, weight."""
    number, most = table["filter"].nunique(), table.weight.abs().max()
    figure, panels = plt.subplots(
        -(-number // 8), min(8, number), figsize=(min(8, number) * 0.9, 0.9 * -(-number // 8)), squeeze=False
    )
    for axes, (_, part) in zip(panels.flat, table.groupby("filter")):
        square = part.pivot(index="row", columns="column", values="weight").to_numpy()
        axes.pcolormesh(square[::-1], cmap="gray", vmin=-most, vmax=most)
    for axes in panels.flat:
        axes.set_aspect("equal")
        axes.axis("off")
    return figure, f"The {number} filters of the first layer of {title}; weights from {-most:.2f} to {most:.2f}"


def epochs(histories: pd.DataFrame, title: str) -> tuple[Figure, str]:
    """Accuracy on the validation part after each epoch, mean over seeds, a line a model; `histories`: model, seed, epoch, validation_accuracy."""
    mean = histories.groupby(["model", "epoch"], sort=False).validation_accuracy.mean().unstack(0)
    figure, axes = plt.subplots(figsize=(6.5, 3.6))
    for (name, line), marker in zip(mean.items(), cycle("os^vDP*Xph<>")):
        axes.plot(line.index, 100 * line, marker=marker, ms=3.5, label=name)
    axes.set(xlabel="epoch", ylabel="validation accuracy (%)")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    last = ", ".join(f"{name} {line.dropna().iloc[-1]:.1%}" for name, line in mean.items())
    return figure, f"Validation accuracy per epoch of {title}; at the end: {last}"
