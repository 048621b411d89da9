"""Every figure of the paper, drawn from tables: each function returns a matplotlib figure and its alternative text."""

import base64
import html
import io
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import HTML, display
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

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


def architecture() -> tuple[Figure, str]:
    """Figure 2: the vision transformer (Dosovitskiy et al. 2021), and one block of its encoder, drawn anew."""
    steps = [
        "image",
        "patches",
        "linear embedding",
        "class token, positions",
        "encoder blocks",
        "norm of the class token",
    ]
    steps += ["classifier", "logits"]
    inside = ["tokens", "norm", "multi-head self-attention", "+", "norm", "MLP: linear, GELU, linear", "+", "tokens"]
    figure, (whole, block) = plt.subplots(1, 2, figsize=(7.5, 5))
    for axes, names, title in [(whole, steps, "(a) the vision transformer"), (block, inside, "(b) an encoder block")]:
        _chain(axes, names)
        axes.set(xlim=(-1.6, 1.4), ylim=(-0.5, len(names) - 0.4), title=title)
        axes.axis("off")
    for start, end in [(0.5, 3), (3.5, 6)]:  # a residual connection leaves before the norm and returns at the +
        block.plot([0, -1.4, -1.4, -0.18], [start, start, end, end], color="#555", lw=1)
        block.annotate("", (-0.12, end), (-0.3, end), arrowprops={"arrowstyle": "-|>", "color": "#555"})
    alt = f"From image to logits: {', '.join(steps)}. An encoder block: norm and multi-head self-attention, then norm and MLP"
    return figure, alt + ", each with a residual connection around it"


def _chain(axes, names: list[str]) -> None:
    """Boxes from bottom to top, an arrow between neighbours."""
    for height, name in enumerate(names):
        if name == "+":
            axes.text(
                0,
                height,
                "+",
                ha="center",
                va="center",
                bbox={"boxstyle": "circle,pad=0.15", "fc": "white", "ec": "#555"},
            )
        else:
            box = FancyBboxPatch(
                (-1.1, height - 0.22), 2.2, 0.44, boxstyle="round,pad=0.02", fc="#efe8f7", ec="#8a63b8"
            )
            axes.add_patch(box)
            axes.text(0, height, name, ha="center", va="center", fontsize=9.5)
        if height:
            axes.annotate("", (0, height - 0.24), (0, height - 0.76), arrowprops={"arrowstyle": "-|>", "color": "#555"})
