"""Every figure of the paper, drawn from tables: each function returns a matplotlib figure and its alternative text."""

import base64
import html
import io
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import HTML, display
from matplotlib.figure import Figure

from lib.files import write

SERIES = {"train": "#8a63b8", "validation": "#d9822b"}
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "svg.hashsalt": "figure", "font.size": 10})


def save(figure: Figure, path: Path) -> None:
    """Write a figure as SVG, the same bytes each time, and close it."""
    write(path, lambda p: figure.savefig(p, bbox_inches="tight", metadata={"Date": None}))
    plt.close(figure)


def as_html(svg: bytes, alt: str, caption: str = "") -> str:
    """An HTML figure that carries its picture inside."""
    picture = f'<img src="data:image/svg+xml;base64,{base64.b64encode(svg).decode()}" alt="{html.escape(alt)}">'
    return f"<figure>{picture}" + (f"<figcaption>{html.escape(caption)}</figcaption>" if caption else "") + "</figure>"


def show(figure: Figure | Path, alt: str, caption: str = "") -> None:
    """Show a figure, or one that was saved, in a notebook, with its alternative text."""
    if isinstance(figure, Path):
        svg = figure.read_bytes()
    else:
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", bbox_inches="tight", metadata={"Date": None})
        plt.close(figure)
        svg = buffer.getvalue()
    display(HTML(as_html(svg, alt, caption)))


def gallery(folder: Path, table: pd.DataFrame) -> None:
    """Show saved figures side by side; `table`: file, title, alt, number (of the paper's figure, or empty)."""
    shown = []
    for row in table.itertuples():
        caption = f"Figure {row.number:.0f}, re-made: {row.title}" if pd.notna(row.number) else row.title
        shown.append(as_html((folder / row.file).read_bytes(), row.alt, caption))
    display(HTML(f'<div class="gallery">{"".join(shown)}</div>'))


def class_counts(images: pd.DataFrame, title: str) -> tuple[Figure, str]:
    """Figures 4 and 5: how many images each class has."""
    import seaborn as sns  # here, and not above: every training notebook would wait a second for it

    counts = images.label.value_counts(sort=False)
    figure, axes = plt.subplots(figsize=(1.2 + 0.85 * len(counts), 2.6))
    sns.barplot(x=counts.index, y=counts.values, color=SERIES["train"], width=0.6, ax=axes)
    axes.bar_label(axes.containers[0], padding=2)
    axes.set(xlabel="", ylabel="images")
    return figure, f"Bar chart of {title}: " + ", ".join(f"{label} {count}" for label, count in counts.items())


def confusion(matrix: pd.DataFrame, title: str) -> tuple[Figure, str]:
    """Figures 6 to 9: fractions of each true class (rows) by predicted class."""
    import seaborn as sns

    side = 1.3 + 0.52 * len(matrix)
    figure, axes = plt.subplots(figsize=(side + 0.5, side))
    sns.heatmap(
        matrix, vmin=0, vmax=1, annot=True, fmt=".2f", cmap="Purples", square=True, cbar=False, linewidths=1, ax=axes
    )
    axes.set(xlabel="predicted", ylabel="true")
    axes.tick_params(axis="x", rotation=30)
    axes.tick_params(axis="y", rotation=0)
    right = ", ".join(f"{label} {matrix.loc[label, label]:.2f}" for label in matrix.index)
    return figure, f"Confusion matrix of {title}; share of each class that is recognised: {right}"


def curves(histories: pd.DataFrame, title: str) -> tuple[Figure, str]:
    """Figures 10 to 13: accuracy on the training and the validation part after each epoch, a line a seed.

    Args:
        histories: history.csv of every seed, one below the other, with a column seed.
    """
    figure, axes = plt.subplots(figsize=(4.3, 2.8))
    for part, colour in SERIES.items():
        for number, (_, history) in enumerate(histories.groupby("seed")):
            label = part if number == 0 else None
            axes.plot(history.epoch, history[f"{part}_accuracy"], color=colour, alpha=0.9, label=label)
    axes.set(ylim=(0, 1.02), xlabel="epoch", ylabel="accuracy")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend(frameon=False, loc="lower right")
    last = histories[histories.epoch == histories.epoch.max()].mean(numeric_only=True)
    ends = f"training {last.train_accuracy:.2f}, validation {last.validation_accuracy:.2f}"
    return figure, f"Accuracy per epoch of {title}; at the end: {ends}"


def scores(table: pd.DataFrame, title: str) -> tuple[Figure, str]:
    """Accuracy of every model, a bar each, with what the paper prints as a mark. Not a figure of the paper's.

    Args:
        table: model, mean, std, published; one row a model.
    """
    figure, axes = plt.subplots(figsize=(1.5 + 1.15 * len(table), 3))
    axes.bar(
        table.model,
        100 * table["mean"],
        yerr=100 * table["std"],
        color=SERIES["train"],
        width=0.55,
        capsize=3,
        label="here",
    )
    if table.published.notna().any():
        axes.plot(table.model, 100 * table.published, "D", color=SERIES["validation"], label="published")
    axes.set(ylim=(0, 105), ylabel="test accuracy (%)")
    axes.tick_params(axis="x", rotation=20)
    axes.legend(frameon=False, loc="upper left", bbox_to_anchor=(1, 1))
    return figure, f"Test accuracy of {title}: " + ", ".join(
        f"{r.model} {100 * r['mean']:.1f} %" for _, r in table.iterrows()
    )


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
