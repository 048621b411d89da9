"""Write all tables of notebook 06 at once, for the pages after it.

predictions.csv of every run --tabulate--> tables/*.csv; metrics.json and plots/*.csv for `dvc metrics` and `dvc plots`
"""

import json

import pandas as pd

from lib.data.files import write, write_csv
from lib.evidence import evaluate, scores
from lib.evidence.evaluate import Result
from lib.study import Study


def tabulate(study: Study) -> list[Result]:
    """Read the predictions of a study, write its tables, and return the results.

    StudyError: as `evaluate.read_study`.
    """
    results, folder = evaluate.read_study(study), study.report / "tables"
    per_run, table1 = evaluate.per_run(results), evaluate.table1(study, results)
    assessed = evaluate.evidence(results)
    made = {
        "scores": per_run,
        "confusion": evaluate.confusion(results),
        "table1": table1,
        "limits": evaluate.limits(study, results, table1),
        "evidence": assessed,
        "differences": evaluate.differences(study, results),
        "validation": scores.ranking(per_run),
        "labels": evaluate.per_label(results),
    }
    for name, table in made.items():
        if name != "labels" or len(table):
            write_csv(table, folder / f"{name}.csv")
    for_dvc(study, results, assessed)
    return results


def for_dvc(study: Study, results: list[Result], assessed: pd.DataFrame) -> None:
    """Write the files of `dvc metrics diff` and `dvc plots show`; the confusion: the last model's first seed."""
    metrics = json.dumps(evaluate.metrics(study, assessed), indent=1) + "\n"
    write(study.report / "metrics.json", lambda path: path.write_text(metrics))
    bars = assessed.assign(where=assessed.dataset + ", " + assessed.split + ", " + assessed.model)
    write_csv(bars[["where", "accuracy"]], study.report / "plots" / "accuracy.csv")
    last = [result for result in results if result.trained][-1]
    answers = last.tables[0].rename(columns={"label": "actual"})[["actual", "predicted"]]
    write_csv(answers, study.report / "plots" / "confusion.csv")


def in_words(study: Study, results: list[Result]) -> list[str]:
    """Say what was read: the number of runs and baselines, models of another study, and stopped runs."""
    stopped, beside = evaluate.stopped_runs(study), [result for result in results if "/" in result.model]
    baselines = [result for result in results if not result.trained and result not in beside]
    lines = [f"{len(study.runs) - len(stopped)} runs read, {len(baselines)} baselines"]
    if beside:
        lines.append(f"{len(beside)} models of the study {study.beside} beside them, read and not trained")
    return lines + [f"stopped: {run}: {run.stopped}" for run in stopped]
