"""Charts that are not in the paper; each function returns a figure and its alternative text."""

from itertools import cycle, pairwise
from textwrap import fill

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lib.plots import BELOW, BESIDE, LETTERS, PROTOCOLS, SERIES, WHOLE


def protocols(table: pd.DataFrame, title: str) -> tuple[Figure, str]:
    """Test accuracy of every model with its 95 % interval, one mark per split protocol, and the published value.

    Args:
        table: model, split, accuracy, low, high, published (or empty), as fractions; learned (False: drawn hollow).
            Models in the order to show.
    """
    models, splits = list(table.model.unique()), list(table.split.unique())
    labels = [fill(model, LETTERS, break_on_hyphens=False) for model in models]
    lines = [1, *(label.count("\n") + 1 for label in labels)]
    row = max(0.26, 0.14 * len(splits), 0.08 * max(one + other for one, other in pairwise(lines)))
    figure, axes = plt.subplots(figsize=(WHOLE, 1.1 + row * len(models)), layout="constrained")
    published = table.drop_duplicates("model").set_index("model").published
    if published.notna().any():
        places = [models.index(name) for name in published.index]
        axes.plot(100 * published, places, "D", color="#999", mfc="none", label="published")
    for number, (split, part) in enumerate(table.groupby("split", sort=False)):
        shift = (number - (len(splits) - 1) / 2) * 0.24
        places = [models.index(name) + shift for name in part.model]
        reach = 100 * np.stack([part.accuracy - part.low, part.high - part.accuracy])
        looks = {"fmt": "o", "ms": 5, "capsize": 2, "color": PROTOCOLS.get(split, SERIES["train"])}
        axes.errorbar(100 * part.accuracy, places, xerr=reach, label=f"split {split}", **looks)
        hollow = ~part.learned.to_numpy(bool)
        axes.plot(100 * part.accuracy[hollow], np.array(places)[hollow], "o", ms=3.5, color="white", zorder=3)
    axes.set(xlabel="test accuracy (%)", yticks=range(len(models)), xlim=(None, 101))
    axes.set_yticklabels(labels, fontsize=9)
    axes.invert_yaxis()
    axes.grid(axis="x", color="#ddd", linewidth=0.6)
    figure.legend(**BELOW, ncols=2)
    parts = []
    for model, part in table.groupby("model", sort=False):
        scores = []
        for row in part.itertuples():
            without = "" if row.learned else ", which learned nothing"
            scores.append(f"split {row.split} {100 * row.accuracy:.1f} %{without}")
        parts.append(f"{model}: {', '.join(scores)}")
    return figure, f"Test accuracy of {title}, split by split. {'; '.join(parts)}"


def winners(table: pd.DataFrame, title: str) -> tuple[Figure, str]:
    """The heads that each rule chooses, one panel per rule and one bar per condition.

    Args:
        table: rule, condition, head, won (0 to 1); conditions and rules in the order to show.
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
    most_often = ", ".join(f"{row.rule} head {row.head} in {row.won:.0%}" for row in most.itertuples())
    return figure, f"Which head wins, {title}. As is, most often: {most_often}"


def costs(table: pd.DataFrame, title: str) -> tuple[Figure, str]:
    """FLOPs, seconds and peak memory of a training step against the number of tokens, on log axes (section 4.7).

    Args:
        table: attention, tokens, flops, seconds, peak_bytes.
    """
    figure, panels = plt.subplots(1, 3, figsize=(9.5, 2.9))
    columns = [("flops", "GFLOP", 1e9), ("seconds", "seconds", 1), ("peak_bytes", "peak memory, MB", 1e6)]
    for axes, (column, label, unit) in zip(panels, columns):
        for (name, part), marker in zip(table.groupby("attention", sort=False), "os^"):
            axes.loglog(part.tokens, part[column] / unit, marker=marker, label=name, alpha=0.85)
        axes.set(xlabel="tokens", ylabel=label)
    panels[0].legend(frameon=False)
    figure.tight_layout()
    largest = table[table.tokens == table.tokens.max()]
    numbers = [f"{r.attention} {r.flops / 1e9:.0f} GFLOP, {r.peak_bytes / 1e6:.0f} MB" for r in largest.itertuples()]
    alt = f"Cost of {title} against the number of tokens; at {table.tokens.max()} tokens: {', '.join(numbers)}"
    return figure, alt


def maps(images: np.ndarray, masks: np.ndarray | None, looks: dict[str, np.ndarray], title: str) -> tuple[Figure, str]:
    """Images, with the tumour's outline if it is known, and beside each the attention map of every model.

    Args:
        images: (images, size, size, 3) uint8. masks: (images, size, size), 0 to 1, or None.
        looks: model -> (images, side, side).
    """
    figure, panels = plt.subplots(len(images), 1 + len(looks), figsize=(2.1 * (1 + len(looks)), 2.1 * len(images)))
    last = images.shape[1] - 0.5
    for number, (row, image) in enumerate(zip(panels, images)):
        for axes, (name, look) in zip(row, {"image": None, **looks}.items()):
            # no interpolation: a page of many maps stays small
            axes.imshow(image, cmap="gray", interpolation="none")
            if look is not None:
                axes.imshow(
                    look[number], cmap="magma", alpha=0.7, interpolation="none", extent=(-0.5, last, last, -0.5)
                )
            if masks is not None:
                axes.contour(masks[number], [0.5], colors="#4fd8c4", linewidths=1.2)
            axes.set_title(name.replace(", ", "\n") if number == 0 else "", fontsize=9)
            axes.axis("off")
    figure.tight_layout()
    outlined = "" if masks is None else ", the tumour outlined"
    return figure, f"{title}: {len(images)} images{outlined}; beside each, where {' and '.join(looks)} look"


def inliers(numbers: pd.Series, clear: int) -> tuple[Figure, str]:
    """A histogram of matched keypoints per image, with a line at `clear`, the least number of a clear match."""
    figure, axes = plt.subplots(figsize=(5.5, 2.4))
    axes.hist(numbers, bins=60, color=SERIES["train"])
    axes.axvline(clear, color=SERIES["validation"], label=f"clear: {clear}")
    axes.set(xlabel="inliers", ylabel="images", xlim=(0, None))
    axes.legend(frameon=False)
    return figure, f"Histogram of inliers: {numbers.min():.0f} to {numbers.max():.0f}, clear from {clear} on"


def group_sizes(sizes: pd.Series) -> tuple[Figure, str]:
    """A histogram of group sizes; `sizes`: the number of images of each group."""
    figure, axes = plt.subplots(figsize=(WHOLE, 2.4))
    each_size = np.arange(sizes.min() - 0.5, sizes.max() + 1)
    axes.hist(sizes, bins=each_size if len(each_size) <= 60 else 60, color=SERIES["train"])
    axes.set(xlabel="images of a group", ylabel="groups", xlim=(0, None))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.yaxis.get_major_locator().set_params(integer=True)
    return figure, f"Histogram of group sizes: {len(sizes)} groups of {sizes.min()} to {sizes.max()} images"


def parts(counts: pd.DataFrame) -> tuple[Figure, str]:
    """The number of images of each class in each part; `counts`: one row per class, one column per part."""
    figure, axes = plt.subplots(figsize=(WHOLE, 1.3 + 0.3 * len(counts)), layout="constrained")
    colors = {**SERIES, "test": "#4a2180"}
    counts.plot.barh(stacked=True, ax=axes, color=[colors[part] for part in counts], width=0.7)
    axes.set(xlabel="images", ylabel="")
    axes.invert_yaxis()
    axes.get_legend().remove()
    figure.legend(**BELOW, ncols=len(counts.columns))
    totals = ", ".join(f"{part} {total}" for part, total in counts.sum().items())
    return figure, f"Images of each class by part; in all: {totals}"


def views(photograph: np.ndarray, pictures: list[tuple[np.ndarray, np.ndarray]], title: str) -> tuple[Figure, str]:
    """A photograph beside each of its views, with lines between keypoints that match.

    Args:
        photograph: (height, width) uint8.
        pictures: for each view its pixels, the same shape, and keypoints (k, 2, 2), px: in the view, in the photograph.
    """
    figure, panels = plt.subplots(1, len(pictures), figsize=(4.6 * len(pictures), 2.1), squeeze=False)
    for axes, (view, points) in zip(panels[0], pictures):
        axes.imshow(np.hstack([photograph, view]), cmap="gray")
        for (x, y), (x_photo, y_photo) in points[:: max(1, len(points) // 20)]:
            axes.plot([x_photo, x + photograph.shape[1]], [y_photo, y], color=SERIES["validation"], linewidth=0.7)
        axes.set_title(f"{len(points)} inliers", fontsize=9)
        axes.axis("off")
    figure.tight_layout()
    numbers = " and ".join(str(len(points)) for _, points in pictures)
    return figure, f"{title} on the left, a view of it on the right; {numbers} keypoints match"


def augmented(before: np.ndarray, after: np.ndarray) -> tuple[Figure, str]:
    """Images, and below each the same image as augmented for a batch; both (images, size, size, 3) in [0, 1]."""
    figure, panels = plt.subplots(2, len(before), figsize=(1.1 * len(before), 2.4), squeeze=False)
    for axes, image in zip(panels.flat, [*before, *after]):
        axes.imshow(image.clip(0, 1))
        axes.axis("off")
    figure.tight_layout()
    return figure, f"{len(before)} training images, and below each as a batch showed it to the model"


def looked(
    pictures: list[np.ndarray | None], looks: list[np.ndarray], labels: list[str], title: str
) -> tuple[Figure, str]:
    """How much each part of a picture mattered, drawn over the picture if its licence allows that.

    Args:
        pictures: (size, size, 3) uint8, or None: it may not be shown. looks: (side, side) each, from lib.classify.
        labels: text above each.
    """
    figure, panels = plt.subplots(1, len(looks), figsize=(2.1 * len(looks), 2.5), squeeze=False)
    most = max(np.abs(look).max() for look in looks)
    for axes, picture, look, label in zip(panels[0], pictures, looks, labels):
        size, alpha = len(look), 1.0
        if picture is not None:
            axes.imshow(picture)
            size, alpha = len(picture), 0.6
        edges = np.linspace(-0.5, size - 0.5, len(look) + 1)
        shown = axes.pcolormesh(edges, edges, look, cmap="PuOr_r", vmin=-most, vmax=most, alpha=alpha)
        axes.set(aspect="equal", ylim=(edges[-1], edges[0]))
        axes.set_title("\n".join(fill(line, 16) for line in label.split("\n")), fontsize=9)
        axes.axis("off")
    bar = figure.colorbar(shown, ax=panels, shrink=0.7, label="fall in probability")
    # a page of images that may not be shown must hold no pixels of them
    bar.solids.set_rasterized(False)
    names = ", ".join(label.replace("\n", " ") for label in labels)
    return figure, f"{title}: {names}; the darker orange, the more the answer rests on that part"


def filters(table: pd.DataFrame, title: str) -> tuple[Figure, str]:
    """The filters of a first layer, side by side; `table`: filter, row, column, weight."""
    number, most = table["filter"].nunique(), table.weight.abs().max()
    rows, columns = -(-number // 8), min(8, number)
    figure, panels = plt.subplots(rows, columns, figsize=(columns * 0.9, 0.9 * rows), squeeze=False)
    for axes, (_, part) in zip(panels.flat, table.groupby("filter")):
        square = part.pivot(index="row", columns="column", values="weight").to_numpy()
        axes.pcolormesh(square[::-1], cmap="gray", vmin=-most, vmax=most)
    for axes in panels.flat:
        axes.set_aspect("equal")
        axes.axis("off")
    return figure, f"The {number} filters of the first layer of {title}; weights from {-most:.2f} to {most:.2f}"


def epochs(histories: pd.DataFrame, title: str) -> tuple[Figure, str]:
    """Validation accuracy after each epoch, mean over seeds, one line per model.

    Args:
        histories: model, seed, epoch, validation_accuracy.
    """
    mean = histories.groupby(["model", "epoch"], sort=False).validation_accuracy.mean().unstack(0)
    rows = -(-len(mean.columns) // 2)
    figure, axes = plt.subplots(figsize=(WHOLE, 3.2 + 0.2 * rows), layout="constrained")
    colours = plt.colormaps["turbo"](np.linspace(0.05, 0.95, len(mean.columns)))
    for (name, line), marker, colour in zip(mean.items(), cycle("os^vDP*Xph<>"), colours):
        axes.plot(line.index, 100 * line, marker=marker, ms=3.5, label=name, color=colour)
    axes.set(xlabel="epoch", ylabel="validation accuracy (%)")
    axes.xaxis.get_major_locator().set_params(integer=True)
    figure.legend(**BELOW, ncols=2)
    last = ", ".join(f"{name} {line.dropna().iloc[-1]:.1%}" for name, line in mean.items())
    return figure, f"Validation accuracy per epoch of {title}; at the end: {last}"


def coverage(kinds: dict[str, pd.DataFrame], too_often: float) -> tuple[Figure, str]:
    """The coverage of intervals on simulated test sets: one dot per test set, one row per kind.

    Args:
        kinds: lines of coverage.csv (coverage: a fraction) by kind, in the order to show.
        too_often: coverage above which an interval is called wider than needed, a fraction.
    """
    figure, axes = plt.subplots(figsize=(8, 1 + 0.5 * len(kinds)))
    axes.axvspan(100 * too_often, 100, color="#f0ece4", label="wider than needed")
    axes.axvline(95, color="#666", linewidth=0.8, label="nominal")
    for place, lines in enumerate(kinds.values()):
        # equal values side by side
        again = lines.coverage.groupby(lines.coverage.round(3)).cumcount()
        axes.plot(100 * lines.coverage, place + 0.12 * again, "o", ms=5, color=PROTOCOLS["group"], alpha=0.6)
    axes.set(xlabel="intervals that hold the truth (%)", yticks=range(len(kinds)), yticklabels=list(kinds))
    axes.set(xlim=(90, 100.3), ylim=(len(kinds) - 0.5, -0.5))
    axes.grid(axis="x", color="#ddd", linewidth=0.6)
    axes.legend(**BESIDE)
    ranges = [f"{name}: {one.coverage.min():.1%} to {one.coverage.max():.1%}" for name, one in kinds.items()]
    return figure, f"How often 95 % intervals hold the truth on simulated test sets. {'; '.join(ranges)}"
