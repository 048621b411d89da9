"""Draw the intervals behind verdicts: one per claim, with a mark at its criterion."""

from textwrap import fill

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.pyplot import subplots

from lib.plots import WHOLE

COLOURS = {"supported": "#226b42", "contradicted": "#a83523"}
OTHER = "#77717f"  # undecided, nothing learned, not testable
WORDS = 62  # letters of a claim per line


def forest(table: pd.DataFrame) -> tuple[Figure, str]:
    """Estimates with their 95 % intervals, coloured by verdict, and a mark at each criterion.

    Args:
        table: words, verdict, estimate, low, high, lines (a list, may be empty), in percentage points; one or more
            rows, in the order to show.
    """
    wrapped = [fill(words, WORDS) for words in table.words]
    row = 0.35 + 0.16 * max(words.count("\n") + 1 for words in wrapped)  # inches
    figure, axes = subplots(figsize=(WHOLE, 0.9 + row * len(table)), layout="constrained")
    axes.axvline(0, color="#ddd", linewidth=0.8, zorder=0)
    for place, (words, one) in enumerate(zip(wrapped, table.itertuples())):
        reach = [[one.estimate - one.low], [one.high - one.estimate]]
        looks = {"fmt": "o", "ms": 6, "capsize": 3, "color": COLOURS.get(one.verdict, OTHER)}
        axes.errorbar([one.estimate], [place], xerr=reach, **looks)
        axes.vlines(one.lines, place - 0.1 / row, place + 0.1 / row, color="#d9822b", linewidth=2)
        across = axes.get_yaxis_transform()
        axes.text(0.01, place - 0.12 / row, words, transform=across, fontsize=9, va="bottom")
    axes.set(xlabel="percentage points", yticks=[], ylim=(len(table) - 1 + 0.2 / row, 0.2 / row - 1))
    rows = [
        f"{row.words}: {row.estimate:+.1f} [{row.low:+.1f}, {row.high:+.1f}], {row.verdict}"
        for row in table.itertuples()
    ]
    return figure, f"Claims with an interval, in percentage points. {'; '.join(rows)}"
