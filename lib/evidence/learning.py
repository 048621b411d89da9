"""Tell whether a network learned something, nothing, or was stopped while it was still learning.

history.csv, predictions.csv, labels of the training part --learned_nothing--> why, or "", for one training
                                                          --empty--> did half of a model's trainings learn nothing?
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

BELOW = 0.95  # times the loss of the best constant answer; with a higher training loss, nothing was learned
ONE_ANSWER = 0.95  # share of the test images; a network with one answer for so many learned nothing
ENOUGH = 0.5  # share of the images that the paper's training sees; with fewer, a network is still learning
STILL_FALLING = 0.1  # share of the validation loss; a larger fall over the last quarter of the epochs: still learning


def training_part(cell: Cell) -> pd.Series:
    """Count the training images of each label, from the tables of page 03; with folds, all images."""
    counted = read_csv(cell.study.report / "splits" / f"{cell.name}.csv")
    if (counted.part == "train").any():
        counted = counted[counted.part == "train"]
    return counted.groupby("label").images.sum()


def learned_nothing(run: Run, tested: pd.DataFrame) -> str:
    """Say why a training learned nothing; empty if it learned. tested: its test predictions."""
    loss, constant = history(run).train_loss.iloc[-1], losses.constant_loss(run.cell)
    if not loss < BELOW * constant:
        return f"training loss {loss:.3g}; the best constant answer has {constant:.3g}"
    most = tested.predicted.value_counts(normalize=True).max()
    return f"the same answer for {most:.0%} of the test images" if most >= ONE_ANSWER else ""


@cache
def nothing_in(cell: Cell, model: str) -> tuple[int, int]:
    """Count the trainings of a model that learned nothing, and those that have a result."""
    runs, tables = cell.with_result(model), read_seeds(cell, model)
    return sum(bool(learned_nothing(run, table)) for run, table in zip(runs, tables)), len(runs)


def empty(cell: Cell, model: str) -> bool:
    """Whether at least half of the trainings of a model learned nothing.

    Every sentence and verdict that says "nothing learned" uses this rule.
    """
    nothing, trained = nothing_in(cell, model)
    return 2 * nothing >= trained


def empty_models(study: Study) -> pd.DataFrame:
    """List the `empty` models of a study: dataset, split, model, nothing and trainings (numbers of trainings)."""
    rows = []
    for cell in study.cells:
        for model in [name for name in study.models if cell.with_result(name)]:
            if empty(cell, model):
                rows.append((cell.dataset, cell.split, model, *nothing_in(cell, model)))
    return pd.DataFrame(rows, columns=["dataset", "split", "model", "nothing", "trainings"])


def in_words(empty: pd.DataFrame, titles: dict[str, str]) -> str:
    """Say rows of `empty_models`: each model with the number of its trainings that learned nothing."""
    return ", ".join(f"{titles[row.model]} ({row.nothing} of {row.trainings})" for row in empty.itertuples())


def learned(study: Study, table: pd.DataFrame) -> list[bool]:
    """Whether the model of each row (dataset, split, model) learned; baselines count as learned."""
    nothing = set(empty_models(study)[["dataset", "split", "model"]].itertuples(index=False, name=None))
    return [(row.dataset, row.split, row.model) not in nothing for row in table.itertuples()]


def images_seen(cell: Cell) -> int:
    """The number of images that a training sees over all epochs."""
    chosen = cell.study.datasets[cell.dataset]
    return chosen.epochs * (chosen.epoch_images or int(training_part(cell).sum()) // len(cell.folds))


def in_midst(cell: Cell, model: str) -> str:
    """Say why a model was still learning when its training ended; empty if it was not.

    If the paper says how long it trains (training.csv): the model has seen fewer than half as many images. Otherwise:
    the learning rate is constant, and the validation loss, mean over seeds, fell by more than a tenth over the last
    quarter of the epochs. A schedule that ends at a small rate counts as finished.
    """
    study = cell.study
    if study.models[model].settings.get("frozen"):  # fitted to its end, without epochs
        return ""
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
    """`in_midst` for several models in one sentence; empty if all have finished, or none is trained."""
    reasons = {}
    for model in dict.fromkeys(models):
        try:
            reason = in_midst(cell, model)
        except NothingTrained:
            continue
        if reason:
            reasons.setdefault(reason, []).append(model)
    return "; ".join(f"training ended too early ({why}): {', '.join(names)}" for why, names in reasons.items())
