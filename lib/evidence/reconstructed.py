"""Reconstruct a confusion matrix from published scores, if a single matrix of the stated test set prints as them.

table1.csv, tests.csv of the paper --matrices--> all matrices that fit; a single one is a reconstruction
"""

import pandas as pd

from lib.evidence.arithmetic import WAYS, matching_matrices
from lib.evidence.published import model_of_paper, printed, stands_for, test_sizes
from lib.study import Study

SCORES = ["accuracy", "precision", "recall", "f1"]


def row_of(study: Study, dataset: str, model: str) -> pd.Series | None:
    """The published row (fractions) of the model that one of a study stands for; None: no row has all four scores."""
    rows = printed(study).reindex(columns=["dataset", "model", *SCORES]).dropna()
    rows = rows[(rows.dataset == stands_for(study, dataset)) & (rows.model == model_of_paper(study, model))]
    return None if rows.empty else rows.iloc[0]


def tests_of(study: Study, dataset: str) -> list[dict[str, int]]:
    """The test sets that a published row may report on: class -> images."""
    return list(test_sizes(study).get(stands_for(study, dataset), {}).values())


def matrices(study: Study, dataset: str, model: str) -> list[pd.DataFrame] | None:
    """Every confusion matrix (counts, true class by predicted class) that prints as a model's published row.

    A match may be printed in any of `WAYS`, with any averaging. None: no row with all four scores is published, or no
    test set of two classes is known; with more classes, too many matrices fit four scores.
    """
    row, tests = row_of(study, dataset, model), tests_of(study, dataset)
    if row is None or not tests or any(len(sizes) != 2 for sizes in tests):
        return None
    found = {}
    for sizes in tests:
        for cut in WAYS.values():
            for match in matching_matrices(*as_printed(row), *sizes.values(), cut).itertuples():
                counts = [[match.tp, match.fn], [match.fp, match.tn]]
                found[str(counts)] = pd.DataFrame(counts, index=list(sizes), columns=list(sizes))
    return list(found.values())


def as_printed(row: pd.Series) -> list[str]:
    """Format the four scores of a row as the paper prints them: accuracy in percent, the others as fractions."""
    return [f"{100 * row.accuracy:.2f}", *(f"{row[name]:.2f}" for name in SCORES[1:])]


def only(study: Study, dataset: str, model: str) -> pd.DataFrame | None:
    """The only confusion matrix (counts) that prints as a model's published row; None: there are several or none."""
    found = matrices(study, dataset, model)
    return found[0] if found is not None and len(found) == 1 else None


def in_words(study: Study, dataset: str, model: str) -> str:
    """Say whether the published row of a model fixes its confusion matrix; empty if no row is known."""
    row, tests, found = row_of(study, dataset, model), tests_of(study, dataset), matrices(study, dataset, model)
    if row is None or not tests:
        return ""
    if found is None:
        return f"Four scores do not fix a confusion matrix of {len(tests[0])} classes: the published one is not shown."
    images = f"{' and '.join(f'{count} {label}' for label, count in tests[0].items())} test images"
    if len(found) != 1:
        how_many = f"{len(found)} confusion matrices" if found else "No confusion matrix"
        return f"{how_many} of {images} would give the published scores: the published one is not shown."
    right = found[0].to_numpy().trace()
    scores = "accuracy {}%, precision {}, recall {}, F1 {}".format(*as_printed(row))
    return f"The only confusion matrix of {images} that gives the published scores ({scores}): {right} are right."
