"""Figures and charts from tables: what every notebook may use. This file sets the look that all of them share."""

import matplotlib.pyplot as plt
import pandas as pd

SERIES = {"train": "#8a63b8", "validation": "#d9822b"}
# With a fixed salt an SVG's ids, and so its bytes, are the same each time. Text stays text, which a search finds.
plt.rcParams.update({"svg.hashsalt": "figure", "svg.fonttype": "none"})
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "font.size": 10})
# a table is shown whole: nobody can unfold what pandas leaves out
pd.set_option("display.max_rows", 400, "display.max_columns", None, "display.max_colwidth", None)
