"""Figures and charts from tables: what every notebook may use. This file sets the look that all of them share."""

import matplotlib.pyplot as plt

SERIES = {"train": "#8a63b8", "validation": "#d9822b"}
# With a fixed salt an SVG's ids, and so its bytes, are the same each time.
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "svg.hashsalt": "figure", "font.size": 10})
