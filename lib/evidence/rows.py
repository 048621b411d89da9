"""Name the row of page 06 that decides a claim, and make the link from the verdict to it."""

from lib.evidence.differences import AREA, GAP
from lib.study import Cell
from lib.study.paths import page_name


def link(notebook: str, *of: str) -> str:
    """The address of the page that shows a measurement."""
    return f"{page_name(notebook, *of)}.html"


def accuracy_name(cell: Cell, model: str) -> str:
    """The name of the row of page 06 with a model's accuracy and its interval."""
    return f"accuracy-{cell.name}-{model}"


def difference_name(cell: Cell, a: str, b: str) -> str:
    """The name of the row of page 06 with the accuracy of one model minus that of another."""
    return f"difference-{cell.name}-{a}-{b}"


def of_accuracy(cell: Cell, model: str) -> str:
    """The address of a model's accuracy."""
    return f"{link('06_evaluate')}#{accuracy_name(cell, model)}"


def of_difference(cell: Cell, metric: str, a: str, b: str) -> str:
    """The address of the row that decides a claim about two models of a cell, or about one (`a` equals `b`).

    If page 06 does not compare the two, it is the first one's accuracy. AUCs are on page 06, recalls on page 07,
    training accuracies on page 05.
    """
    if metric == GAP:
        return link("05_train", cell.name, a)
    if metric == AREA:
        return link("06_evaluate")
    if metric != "accuracy":
        return f"{link('07_figures')}#Which-classes-are-confused"
    # imported here: scikit-learn takes a second, which checking a study's claims does not need
    from lib.evidence import evaluate

    for one, other in [(a, b), (b, a)]:
        if (one, other) in evaluate.compared(cell):
            return f"{link('06_evaluate')}#{difference_name(cell, one, other)}"
    return of_accuracy(cell, a)
