"""Draw figures and charts from tables for the notebooks; this file sets their common look."""

import matplotlib.pyplot as plt
import pandas as pd

SERIES = {"train": "#8a63b8", "validation": "#d9822b"}
# A fixed salt makes the ids, and so the bytes, of an SVG the same each time. Text stays searchable text.
plt.rcParams.update({"svg.hashsalt": "figure", "svg.fonttype": "none"})
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 10})
# show whole tables: readers of a page cannot unfold what pandas leaves out
pd.set_option("display.max_rows", 400, "display.max_columns", None, "display.max_colwidth", None)
