"""Draw figures and charts from tables for the notebooks; this file sets their common look."""

import matplotlib.pyplot as plt
import pandas as pd

PROTOCOLS = {"random": "#d9822b", "published": "#a98bd0", "group": "#4a2180"}  # darker: leaks less
BESIDE = {"frameon": False, "loc": "upper left", "bbox_to_anchor": (1, 1)}  # a legend to the right of its panel
BELOW = {"frameon": False, "loc": "outside lower center", "fontsize": 9, "columnspacing": 1.2}  # below all panels
WHOLE = 4.7  # inches: a figure of this width is seen whole on a phone, with text of 9 px
LETTERS = 28  # of a label per line: half of such a figure is left for its panel
SERIES = {"train": "#8a63b8", "validation": "#d9822b"}
# A fixed salt makes the ids, and so the bytes, of an SVG the same each time. Text stays searchable text.
plt.rcParams.update({"svg.hashsalt": "figure", "svg.fonttype": "none"})
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 10})
# show whole tables: readers of a page cannot unfold what pandas leaves out
pd.set_option("display.max_rows", 400, "display.max_columns", None, "display.max_colwidth", None)
