"""Compare the last training loss of a model with another's, or with the loss of the best constant answer.

history.csv of all splits and seeds --ratios--> a model's loss over the other --interval--> ends
"""

import numpy as np
import pandas as pd

from lib.data.files import read_csv
from lib.data.labels import separate
from lib.evidence.intervals import Interval
from lib.evidence.predictions import histories
from lib.study import Cell, Study


def constant_loss(cell: Cell) -> float:
    """The loss of the best constant answer: the mean cross-entropy, nats, of the training part's label frequencies.

    If the study weighs labels (`label_weights`), the best answer is one half for each label that occurs.
    """
    # imported here: scipy.stats takes a second, which checking a study's claims does not need
    from scipy.stats import entropy

    table = read_csv(cell.study.report / "splits" / f"{cell.name}.csv")
    table = table[table.part == "train"]
    if not cell.multilabel:
        return float(entropy(table.groupby("label").images.sum()))
    shares = []
    for name in cell.classes:
        labelled = np.array([name in separate(text) for text in table.label])
        shares.append(table.images[labelled].sum() / table.images.sum())
    if cell.study.training.label_weights:
        return float(np.mean([np.log(2) if 0 < share < 1 else 0.0 for share in shares]))
    return float(np.mean([entropy([share, 1 - share]) for share in shares]))


def ratios(study: Study, dataset: str, model: str, than: str = "") -> np.ndarray:
    """The last training loss of a model divided by another's, paired by split and seed: (trainings,).

    Without `than`, divided by `constant_loss`. NothingTrained: one of the two has no result.
    """
    found = []
    for cell in (study.cell(dataset, split) for split in study.splits):
        own = histories(cell, model).groupby("seed").train_loss.last()
        other = histories(cell, than).groupby("seed").train_loss.last() if than else constant_loss(cell)
        found.append(own / other)
    return pd.concat(found).dropna().to_numpy()


def interval(ratios: np.ndarray) -> Interval:
    """The geometric mean of ratios with a 95 % t interval of their logarithms; infinitely wide for one ratio.

    Logarithms, since the loss of a training that diverged may be a thousand times that of another.
    """
    from scipy.stats import sem, t

    logs = np.log(ratios)
    half = t.ppf(0.975, len(logs) - 1) * sem(logs) if len(logs) > 1 else np.inf
    return Interval(*np.exp([logs.mean(), logs.mean() - half, logs.mean() + half]))
