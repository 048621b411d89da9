"""A training budget is chosen before any run: how far does a model get on the validation part, with these parameters?

pixels.npy, split.csv, params.yaml --train_fold, with a seed that no run has--> validation accuracy of every fold
"""

from lib.study import Cell
from lib.study.settings import settings
from lib.training.processes import start_fabric
from lib.training.run import train_fold

SEED = 100  # of no run: what a pilot finds says nothing about one


def pilot(cell: Cell, model: str) -> list[float]:
    """Validation accuracy after the last epoch, fold by fold (of one split, one). The test part is not looked at.

    Nothing is kept but a checkpoint while it trains, from which it resumes.
    """
    run, reached = cell.run(model, SEED), []
    fabric = start_fabric(cell.study)
    run.weights.parent.mkdir(parents=True, exist_ok=True)
    for fold in cell.folds:
        *_, row = train_fold(fabric, settings(run), run, fold)
        reached.append(row["validation_accuracy"])
        run.weights_of(fold).with_suffix(".checkpoint").unlink(missing_ok=True)
    return reached
