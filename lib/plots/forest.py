"""Draw the intervals behind verdicts: one per claim, with a mark at its criterion."""

from textwrap import fill

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.pyplot import subplots

COLOURS = {"supported": "#226b42", "contradicted": "#a83523"}
OTHER = "#77717f"  # undecided, nothing learned, not testable
WORDS = 52  # letters of a claim per line


def forest(table: pd.DataFrame) -> tuple[Figure, str]:
    """Estimates with their 95 % intervals, coloured by verdict, and a mark at each criterion.

    Args:
        table: words, verdict, estimate, low, high, lines (a list, may be empty), in percentage points; one or more
            rows, in the order to show.
    """
    figure, axes = subplots(figsize=(9, 1.1 + 0.5 * len(table)))
    axes.axvline(0, color="#ddd", linewidth=0.8, zorder=0)
    for place, row in enumerate(table.itertuples()):
        reach = [[row.estimate - row.low], [row.high - row.estimate]]
        looks = {"fmt": "o", "ms": 6, "capsize": 3, "color": COLOURS.get(row.verdict, OTHER)}
        axes.errorbar([row.estimate], [place], xerr=reach, **looks)
        axes.vlines(row.lines, place - 0.35, place + 0.35, color="#d9822b", linewidth=2)
    axes.set(xlabel="percentage points", yticks=range(len(table)))
    axes.set_yticklabels([fill(words, WORDS) for words in table.words], fontsize=9)
    axes.invert_yaxis()
    rows = [
        f"{row.words}: {row.estimate:+.1f} [{row.low:+.1f}, {row.high:+.1f}], {row.verdict}"
        for row in table.itertuples()
    ]
    return figure, f"Claims with an interval, in percentage points. {'; '.join(rows)}"
