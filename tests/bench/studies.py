"""What a study that is not trained here would cost: real steps of each of its models at full size, and arithmetic.

study, data set, model --one_step--> processor seconds (one thread), FLOPs --cost--> hours on a CPU, and on GPUs

reports/bench/studies.csv has one row per model. Hours of a CPU are those of one thread of this machine, for the
training steps alone. Hours of a GPU are FLOPs over a share of what its data sheet states for the study's precision;
that share is an assumption, which small models do not reach.
"""

import time

import numpy as np
import pandas as pd
import torch
from lightning_fabric import Fabric
from torch.utils.flop_counter import FlopCounterMode

from lib import strict
from lib.data.files import read_csv, write_csv
from lib.probes.ties import threads
from lib.study import Study, load_study
from lib.study.model import ModelSettings
from lib.study.settings import declared
from lib.training.build import build
from lib.training.fit import start, train_step
from lib.training.images import Images
from tests.bench import scaling
from tests.medmnist_entries import info

STEPS = 3
# FLOP/s by precision, dense, from NVIDIA's data sheets of each GPU (nvidia.com, "T4", "L4", "A100 40GB")
PEAK = {
    "32-true": {"T4": 8.1e12, "L4": 30.3e12, "A100": 19.5e12},
    "bf16-mixed": {"T4": 65e12, "L4": 121e12, "A100": 312e12},
}
SHARE = 0.4  # of the peak that is taken to be reached
BEGIN = "<!-- made by: python -m tests.bench studies -->\n"
TEXT = """
Each row is one model of a study that is not trained here: {steps} steps at full size were timed on one thread
([studies.csv](../reports/bench/studies.csv)). The hours are computed: for the CPU from the steps of all trainings;
for GPUs from the FLOPs, at {share:.0%} of the peak that the data sheets of Colab's GPUs state for `{precision}`.
Networks as small as the CNN do not reach that share.
"""


def paper() -> list[tuple[Study, str, int]]:
    """(study, data set, training images) of the paper's study, whose images are those of `small`."""
    study, small = load_study("paper"), load_study("small")
    found = []
    for dataset in study.datasets:
        counted = read_csv(small.report / "splits" / f"{small.cell(dataset, 'published').name}.csv")
        found.append((study, dataset, int(counted.images[counted.part == "train"].sum())))
    return found


def blood_mnist() -> list[tuple[Study, str, int]]:
    """(study, data set, training images) of BloodMNIST with the models and settings of `pneumonia`."""
    study = load_study("pneumonia")
    (settings,) = study.datasets.values()
    images = info()["bloodmnist"]["n_samples"]["train"]
    return [(study.model_copy(update={"datasets": {"blood-mnist": settings}}), "blood-mnist", images)]


def network_of(study: Study, model: str, classes: int) -> torch.nn.Module:
    """A model of full size, with random weights: a step costs the same as with pre-trained ones."""
    chosen = study.models[model]
    if chosen.starts_from == "imagenet":
        random = ModelSettings(**{**chosen.model_dump(exclude_none=True), "weights": "none"})
        study = study.model_copy(update={"models": {model: random}})
    return build(study, model, classes)


def one_step(study: Study, dataset: str, model: str) -> tuple[float, int]:
    """(processor seconds, FLOPs) of one training step: the median of STEPS after one that warms up; random images."""
    cell = study.cell(dataset, study.splits[0])
    settings, size = declared(cell.runs(model)[0]), study.training.image_size
    rows, random = torch.arange(settings["batch_size"]), np.random.default_rng(0)
    table = pd.DataFrame({"label": random.choice(cell.classes, len(rows)), "part": "train"})
    pixels = random.integers(0, 256, (len(rows), size, size, 3)).astype("uint8")
    images = Images(table, pixels, cell.classes, study, torch.device("cpu"))
    fabric = Fabric(accelerator="cpu", devices=1)
    with threads(1):
        network, optimizer = start(fabric, settings, lambda: network_of(study, model, len(cell.classes)))
        with FlopCounterMode(display=False) as counter:
            train_step(fabric, network.train(), optimizer, images, rows, settings)
        seconds = []
        for _ in range(STEPS):
            began = time.process_time()
            train_step(fabric, network, optimizer, images, rows, settings)
            seconds.append(time.process_time() - began)
    return float(np.median(seconds)), counter.get_total_flops()


def cost(study: Study, dataset: str, images: int, model: str, seconds: float, flops: int) -> dict:
    """A row of studies.csv. images: of the training part."""
    settings, chosen = study.datasets[dataset], study.models[model]
    trainings = sum(len(study.cell(dataset, split).runs(model)) for split in study.splits)
    batch = chosen.batch_size or study.training.batch_size
    steps = trainings * settings.epochs * -(-min(images, settings.epoch_images or images) // batch)
    row = {"study": study.study, "dataset": dataset, "model": model, "trainings": trainings, "images": images}
    row |= {"batch": batch, "steps": steps, "seconds_per_step": seconds, "flops_per_step": flops}
    row["cpu_hours"] = steps * seconds / 3600
    for gpu, peak in PEAK[study.training.precision].items():
        row[f"{gpu.lower()}_hours"] = steps * flops / (SHARE * peak) / 3600
    return row


def hours(number: float) -> str:
    """Two digits, or whole hours."""
    return f"{number:.0f}" if number >= 10 else f"{number:.2g}"


def page(table: pd.DataFrame) -> str:
    """The table and what it says, as docs/machines.md has them."""
    columns = [name for name in table if name.endswith("_hours")]
    units = [f"{name.split('_')[0].upper()}, hours" for name in columns]
    heads = ["data set", "model", "trainings", *units]
    lines = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for dataset, part in table.groupby("dataset", sort=False):
        total = pd.DataFrame([{"model": "all", "trainings": part.trainings.sum(), **part[columns].sum()}])
        for row in pd.concat([part, total]).to_dict("records"):
            numbers = " | ".join(hours(row[name]) for name in columns)
            lines.append(f"| {dataset} | {row['model']} | {row['trainings']} | {numbers} |")
    precision = load_study("paper").training.precision
    text = TEXT.format(steps=STEPS, share=SHARE, precision=precision)
    return "\n".join(lines) + "\n" + text


def rows() -> list[dict]:
    """Write studies.csv and its page; there is no ratio to compare."""
    found, measured = [], {}
    for study, dataset, images in [*paper(), *blood_mnist()]:
        for model in (name for name, chosen in study.models.items() if not chosen.settings.get("frozen")):
            # on another data set the same network has another last layer, which costs nothing
            if (study.study, model) not in measured:
                measured[study.study, model] = one_step(study, dataset, model)
            found.append(cost(study, dataset, images, model, *measured[study.study, model]))
            print(found[-1], flush=True)
    table = pd.DataFrame(found)
    write_csv(table, strict.ROOT / "reports" / "bench" / "studies.csv")
    scaling.insert(BEGIN, page(table))
    return []
