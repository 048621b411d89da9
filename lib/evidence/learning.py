"""What a network has learned: nothing, something, or it stopped in the midst of learning.

history.csv, predictions.csv, labels of the training part --learned_nothing--> why, or "", for one training
                                                          --empty--> do half of a model's trainings say so?
params/published/<paper>/training.csv, history.csv        --in_midst--> why a model's level is not final, or ""
"""

from functools import cache

import numpy as np
import pandas as pd

from lib.data.files import read_csv
from lib.evidence import losses
from lib.evidence.predictions import NothingTrained, histories, history, read_seeds
from lib.evidence.published import read, stands_for
from lib.study import Cell, Run, Study

BELOW = 0.95  # of the loss of the best answer that is the same for all images: above that, nothing was learned
ONE_ANSWER = 0.95  # of the test images: a network that gives one answer for so many tells none apart
ENOUGH = 0.5  # of the images that the document's own training sees; with fewer, a network is in the midst of it
STILL_FALLING = 0.1  # of the validation loss, over the last quarter of the epochs


def training_part(cell: Cell) -> pd.Series:
    """label -> images of the training part, as page 03 has counted them; of folds, of all images."""
    counted = read_csv(cell.study.report / "splits" / f"{cell.name}.csv")
    if (counted.part == "train").any():
        counted = counted[counted.part == "train"]
    return counted.groupby("label").images.sum()


def learned_nothing(run: Run, tested: pd.DataFrame) -> str:
    """Why a training counts as one that learned nothing; empty where it learned. tested: its test predictions."""
    loss, constant = history(run).train_loss.iloc[-1], losses.constant_loss(run.cell)
    if not loss < BELOW * constant:
        return f"training loss {loss:.3g}; the best constant answer has {constant:.3g}"
    most = tested.predicted.value_counts(normalize=True).max()
    return f"the same answer for {most:.0%} of the test images" if most >= ONE_ANSWER else ""


@cache
def nothing_in(cell: Cell, model: str) -> tuple[int, int]:
    """How many trainings of a model learned nothing, and how many there are with a result."""
    runs, tables = cell.with_result(model), read_seeds(cell, model)
    return sum(bool(learned_nothing(run, table)) for run, table in zip(runs, tables)), len(runs)


def empty(cell: Cell, model: str) -> bool:
    """Whether half of the trainings of a model, or more, learned nothing.

    Every sentence and verdict of this project that says "nothing learned" asks here.
    """
    nothing, trained = nothing_in(cell, model)
    return 2 * nothing >= trained


def empty_models(study: Study) -> pd.DataFrame:
    """The models of a study for which `empty` holds: dataset, split, model, nothing, trainings (both numbers)."""
    rows = []
    for cell in study.cells:
        for model in [name for name in study.models if cell.with_result(name)]:
            if empty(cell, model):
                rows.append((cell.dataset, cell.split, model, *nothing_in(cell, model)))
    return pd.DataFrame(rows, columns=["dataset", "split", "model", "nothing", "trainings"])


def in_words(empty: pd.DataFrame, titles: dict[str, str]) -> str:
    """Rows of `empty_models`: each model with the number of its trainings that learned nothing."""
    return ", ".join(f"{titles[row.model]} ({row.nothing} of {row.trainings})" for row in empty.itertuples())


def learned(study: Study, table: pd.DataFrame) -> list[bool]:
    """For each row (dataset, split, model) whether that model learned; baselines count as learned."""
    nothing = set(empty_models(study)[["dataset", "split", "model"]].itertuples(index=False, name=None))
    return [(row.dataset, row.split, row.model) not in nothing for row in table.itertuples()]


def images_seen(cell: Cell) -> int:
    """How many images a training sees in all its epochs."""
    chosen = cell.study.datasets[cell.dataset]
    return chosen.epochs * (chosen.epoch_images or int(training_part(cell).sum()) // len(cell.folds))


def in_midst(cell: Cell, model: str) -> str:
    """Why a model has stopped in the midst of learning; empty where it has not.

    Where the document says how long it trains (training.csv): a network that has seen fewer than half as many images.
    Elsewhere: the rate was the same to the end, and over the last quarter of the epochs the validation loss, mean over
    seeds, still fell by more than a tenth. A schedule that ends at a small rate has come to its end.
    """
    study = cell.study
    stated = read(study, "training.csv", ["dataset", "epochs", "images"])
    stated = stated[stated.dataset == stands_for(study, cell.dataset)]
    if len(stated):
        share = images_seen(cell) / int((stated.epochs * stated.images).iloc[0])
        return f"after {share:.0%} of the images that the paper trains on" if share < ENOUGH else ""
    if (study.models[model].schedule or study.training.schedule) != "constant":
        return ""
    losses = histories(cell, model).groupby("epoch").validation_loss.mean().to_numpy()
    before = losses[-1 - max(1, len(losses) // 4)] if len(losses) > 1 else np.inf
    fallen = 1 - losses[-1] / before
    if fallen <= STILL_FALLING:
        return ""
    return f"the validation loss still fell by {fallen:.0%} in the last quarter of the epochs"


def unfinished(cell: Cell, models: list[str]) -> str:
    """`in_midst` for several models, in one sentence; empty where all have finished, or nothing is trained."""
    reasons = {}
    for model in dict.fromkeys(models):
        try:
            reason = in_midst(cell, model)
        except NothingTrained:
            continue
        if reason:
            reasons.setdefault(reason, []).append(model)
    return "; ".join(f"training ended too early ({why}): {', '.join(names)}" for why, names in reasons.items())
