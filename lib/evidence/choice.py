"""Choose among a study's networks and simple classifiers by validation accuracy, before the test part is used.

predictions.csv, pixels --choose--> Choice: validation accuracy of each, the best of all, the best network, test scores
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from lib.data.files import read_csv
from lib.evidence import baselines, evaluate, scores
from lib.evidence.evaluate import Result
from lib.study import Study
from lib.study.settings import is_finished


class Choice(NamedTuple):
    """The compared results, and the best by validation accuracy."""

    results: list[Result]
    validation: dict[str, float]  # model or baseline -> accuracy on the validation part, mean over seeds
    best: Result
    network: Result  # the best network
    assessed: dict[str, dict[str, float]]  # model or baseline -> `scores.assess` of the test part

    @property
    def trained(self) -> list[Result]:
        """The networks."""
        return [result for result in self.results if result.trained]

    @property
    def simple(self) -> list[str]:
        """The names of the simple classifiers."""
        return [result.model for result in self.results if not result.trained]


def finished(study: Study) -> list[str]:
    """The models of a one-cell study with no training left to run, on its images and parameters as they are now."""
    cell = study.cells[0]
    return [name for name in study.models if all(map(is_finished, cell.runs(name)))]


def choose(study: Study, images: pd.DataFrame, pixels: np.ndarray) -> Choice:
    """Choose the best of the finished models and baselines of a study with one cell.

    Args:
        images: images.csv. pixels: the same rows, (rows, size, size, 3) uint8.
    """
    models = {name: study.models[name] for name in finished(study)}
    results = evaluate.read_study(study.model_copy(update={"models": models}))
    ranked, split = scores.ranking(evaluate.per_run(results)), read_csv(study.cells[0].parts)
    validation = dict(zip(ranked.model, ranked["mean"]))
    for result in results:
        if not result.trained:
            validation[result.model] = baselines.validation_accuracy(result.model, images, pixels, split)
    best = max(results, key=lambda result: validation[result.model])
    network = max((one for one in results if one.trained), key=lambda result: validation[result.model])
    assessed = {result.model: scores.assess(result.counted) for result in results}
    return Choice(results, validation, best, network, assessed)
