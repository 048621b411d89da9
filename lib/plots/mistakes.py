"""Show the wrong predictions with the highest probability; the label may be wrong, or the model.

predictions --surely_wrong--> table      pixels, table --gallery--> figure
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure


def surely_wrong(table: pd.DataFrame, number: int = 12) -> pd.DataFrame:
    """The `number` wrong predictions with the highest probability: path, label, predicted, probability."""
    probability = table[[name for name in table if name.startswith("p_")]].max(axis=1)
    wrong = table.assign(probability=probability)[table.label != table.predicted]
    columns = ["path", "label", "predicted", "probability"]
    return wrong.sort_values(["probability", "path"], ascending=[False, True])[columns].head(number)


def gallery(pictures: np.ndarray, wrong: pd.DataFrame) -> tuple[Figure, str]:
    """A gallery of wrong predictions, four in a row.

    Args:
        pictures: (images, size, size, 3) uint8. wrong: label, predicted, probability; the same rows, at least one.
    """
    rows = -(-len(wrong) // 4)
    figure, axes = plt.subplots(rows, 4, figsize=(7, 2 * rows), squeeze=False)
    for panel in axes.flat:
        panel.set_axis_off()
    for panel, picture, one in zip(axes.flat, pictures, wrong.itertuples()):
        panel.imshow(picture)
        panel.set_title(f"{one.label},\nsaid {one.predicted} ({one.probability:.2f})", fontsize=7)
    said = "; ".join(f"{one.label}, said {one.predicted} ({one.probability:.2f})" for one in wrong.itertuples())
    return figure, f"The {len(wrong)} images most surely wrong: {said}"
