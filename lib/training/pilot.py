"""Measure validation accuracy with a study's parameters, to choose a training budget before any run.

pixels.npy, split.csv, params.yaml --train_fold, with a seed that no run has--> validation accuracy of every fold
"""

from lib.study import Cell
from lib.study.settings import settings
from lib.training.processes import start_fabric
from lib.training.run import train_fold

SEED = 100  # no run has this seed, so a pilot does not predict a run


def pilot(cell: Cell, model: str) -> list[float]:
    """Validation accuracy, 0 to 1, after the last epoch, for each fold (one without folds). The test part is not used.

    It keeps only a checkpoint, from which it resumes.
    """
    run, reached = cell.run(model, SEED), []
    fabric = start_fabric(cell.study)
    run.weights.parent.mkdir(parents=True, exist_ok=True)
    for fold in cell.folds:
        *_, row = train_fold(fabric, settings(run), run, fold)
        reached.append(row["validation_accuracy"])
        run.weights_of(fold).with_suffix(".checkpoint").unlink(missing_ok=True)
    return reached
