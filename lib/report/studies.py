"""Make the table of all studies: data, training budget, whether it was run, and its cost.

params/<study>/params.yaml, reports/<study>/{splits,timing}/*.csv --overview--> one row per study
"""

from statistics import median

import pandas as pd

from lib import strict
from lib.data.splits import PROTOCOLS
from lib.study import Study, load_study


def committed() -> list[Study]:
    """All studies except the demo, which every user makes anew, and studies of users' own images."""
    names = [path.parent.name for path in sorted((strict.ROOT / "params").glob("*/params.yaml"))]
    studies = [load_study(name) for name in names if name != "demo"]
    return [study for study in studies if not any(study.entry(dataset).folder for dataset in study.datasets)]


def overview(study: Study, *, own_setting: bool) -> dict[str, str]:
    """A row of the table, as text; `own_setting`: the study has the document's own setting."""
    finished, trainings = sum(run.settings.exists() for run in study.runs), len(study.runs)
    return {
        "data (images)": "; ".join(data(study, name) for name in study.datasets),
        "size": f"{study.training.image_size}\u00a0px",
        "models": str(len(study.models)),
        "seeds": str(len(study.seeds)),
        "budget": "; ".join(dict.fromkeys(budget(study, name) for name in study.datasets)),
        "the document's own setting": "yes" if own_setting else "no",
        "trainings run": f"{finished} of {trainings}" if finished else f"none of {trainings}",
        "cost": cost(study) if finished else expected(study),
    }


def data(study: Study, dataset: str) -> str:
    """The title of a data set, and its number of images if a committed split gives it."""
    number = images(study, dataset)
    return study.entry(dataset).title + (f" ({number:,})" if number else "")


def images(study: Study, dataset: str) -> int | None:
    """The number of images of a data set, from a committed split of this or another study; None: there is none."""
    folders = [study.report]
    if study.entry(dataset).draw is None:
        folders += sorted((strict.ROOT / "reports").glob("*"))
    paths = [folder / "splits" / f"{dataset}-{split}.csv" for folder in folders for split in PROTOCOLS]
    for path in paths:
        if path.exists():
            table = pd.read_csv(path)
            if "fold" in table:
                table = table[table.fold == table.fold.min()]
            return int(table.images.sum())
    return None


def budget(study: Study, dataset: str) -> str:
    """Say how long a training on a data set is: epochs, and images per epoch if that is set."""
    settings = study.datasets[dataset]
    epochs = f"{settings.epochs}\u00a0epochs"
    return f"{epochs} of {settings.epoch_images:,}\u00a0images" if settings.epoch_images else epochs


def cost(study: Study) -> str:
    """Say the time of all epochs, summed over trainings, from timing/*.csv.

    A training counts its number of epochs times their median, since a pause of the machine makes single epochs long.
    """
    timed, seconds = [run for run in study.runs if run.timing.exists()], 0.0
    for run in timed:
        # without pandas, which takes ten times as long for hundreds of files of a few lines
        lines = run.timing.read_text().splitlines()[1:]
        epochs = [float(line.split(",")[0]) for line in lines]
        seconds += len(epochs) * median(epochs) if epochs else 0
    if not seconds:
        return "not recorded"
    minutes = round(seconds / 60)
    time = f"{minutes // 60}\u00a0h {minutes % 60}\u00a0min" if minutes >= 60 else f"{minutes}\u00a0min"
    finished = sum(run.settings.exists() for run in study.runs)
    return time if len(timed) >= finished else f"{time} for {len(timed)} of {finished} trainings, others not recorded"


def expected(study: Study) -> str:
    """Say the expected hours of a study's trainings, from timed steps (studies.csv); empty if it is not listed."""
    path = strict.ROOT / "reports" / "bench" / "studies.csv"
    costs = pd.read_csv(path).query("study == @study.study") if path.exists() else pd.DataFrame()
    if costs.empty:
        return ""
    hours = {"one CPU thread": "cpu_hours", "a T4": "t4_hours", "an A100": "a100_hours"}
    return "estimated: " + ", ".join(f"{costs[column].sum():.3g} hours on {name}" for name, column in hours.items())
