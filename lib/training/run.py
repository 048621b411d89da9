"""One model, one cell, one seed -> history.csv, predictions.csv, settings.yaml and the weights.

    pixels.npy + split.csv --train--> one row per epoch, with checkpoints --finish--> runs/.../seed-k/

A run whose settings.yaml says what is asked for (data, parameters, code) is finished and never trained again. A run
that was interrupted resumes from its last checkpoint and ends with the same bytes.
"""

import json
from collections.abc import Callable, Iterator
from functools import partial
from threading import Thread
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
import yaml
from safetensors.torch import load_file, save_file
from torch import nn

from lib.data.files import write, write_csv
from lib.models import MODELS
from lib.strict import StudyError
from lib.study import Run, Study, load_study
from lib.study.settings import is_finished, settings, start_file
from lib.training.fit import Diverged, fit, predict, start
from lib.training.images import Images, open_images
from lib.training.processes import end_with_parent, spawn, start_fabric


def build(study: Study, model: str, classes: int) -> nn.Module:
    """A model of the study with that many outputs, from random or from pre-trained weights."""
    chosen = study.models[model]
    return MODELS[chosen.architecture](classes, study.training.image_size, start_file(study, model), **chosen.settings)


def train(run: Run) -> Iterator[dict]:
    """Train a run, on as many processes as its study asks for; resume it, or find it finished; yields its history.

    A row: epoch, train_loss, train_accuracy (while training: with dropout and augmentation), validation_loss,
    validation_accuracy. Losses are mean cross-entropies in nats. With several learning rates, yields every rate's
    rows; a finished run yields the best rate's.
    """
    several = run.study.devices * run.study.nodes > 1
    yield from spawn(run) if several and not is_finished(run) else train_here(run)


def train_here(run: Run) -> Iterator[dict]:
    """`train`, of which this process is the only one, or one of those that Fabric starts."""
    run.weights.parent.mkdir(parents=True, exist_ok=True)  # an output of its stage, also where all seeds were stopped
    if not is_finished(run):
        yield from finish_training(run)
    elif run.stopped is None:
        yield from pd.read_csv(run.history).to_dict("records")
    for checkpoint in run.weights.parent.glob(f"{run.weights.stem}.*checkpoint"):
        checkpoint.unlink(missing_ok=True)


def finish_training(run: Run) -> Iterator[dict]:
    """Train what is left of a run and write its files; yields its history."""
    values = settings(run)
    fabric = start_fabric(run.study)
    images = open_images(run.cell, fabric.device)
    try:
        network, history, seconds = yield from tune(fabric, images, values, run)
        table = predictions(network, images)  # by all processes: batch norm's buffers pass between them
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "allocate memory" in str(error):
            raise StudyError(out_of_memory(run, values)) from error
        raise
    except Diverged as error:
        if fabric.is_global_zero:
            stop(run, values, str(error))
    else:
        if fabric.is_global_zero:
            finish(run, values, network, table, history)
            write_csv(pd.DataFrame({"seconds": seconds}).assign(**machine(fabric)), run.timing)
    fabric.barrier()  # the first process has written the files


class Trial(NamedTuple):
    """A training at one learning rate: the network, its history, and the seconds of every epoch."""

    network: nn.Module
    history: list[dict]
    seconds: list[float]


def by_validation(trial: Trial) -> tuple[float, float]:
    """Accuracy on the validation part after the last epoch; of equal ones, the lower loss is better."""
    last = trial.history[-1]
    return last["validation_accuracy"], -last["validation_loss"]


def tune(fabric, images: Images, values: dict, run: Run) -> Iterator[dict]:
    """Train at the learning rate, or at each of several from the same start; yields the rows of all.

    Returns the best Trial on the validation part, with the seconds of all.

    Args:
        values: the settings of the run.

    Raises:
        Diverged: at every learning rate.
    """
    several = isinstance(values["learning_rate"], list)
    make: Callable[[], nn.Module] = partial(build, run.study, run.model, len(images.classes))
    trials, diverged = [], []
    for rate in values["learning_rate"] if several else [values["learning_rate"]]:
        checkpoint = run.weights.with_suffix(f".{rate:g}.checkpoint" if several else ".checkpoint")
        one = {**values, "learning_rate": rate}
        network, optimizer = start(fabric, one, make)
        try:
            history, seconds = yield from fit(fabric, network, optimizer, images, one, checkpoint)
        except Diverged as error:
            diverged.append(f"{error} at the learning rate {rate:g}")
            continue
        if several:
            history = [{**row, "learning_rate": rate} for row in history]
        trials.append(Trial(network, history, seconds))
    if not trials:
        raise Diverged("; ".join(diverged))
    return max(trials, key=by_validation)._replace(seconds=sum((trial.seconds for trial in trials), []))


def predictions(network: nn.Module, images: Images) -> pd.DataFrame:
    """One row per validation and test image: its label, the predicted one, one probability per class.

    Raises:
        Diverged: a probability is NaN.
    """
    tables = []
    for part in ["validation", "test"]:
        rows = images.rows(part)
        probabilities = predict(network, images, rows).numpy()
        if np.isnan(probabilities).any():
            raise Diverged(f"the probabilities of the {part} part are nan")
        table = images.table.loc[rows.numpy(), ["path", "group", "label"]]
        table.insert(0, "part", part)
        table["predicted"] = images.kind.names(probabilities, images.classes)
        labels = images.labels[rows]
        if labels.ndim == 2:  # several labels per image
            table[[f"t_{name}" for name in images.classes]] = labels.int().numpy()
        table[[f"p_{name}" for name in images.classes]] = probabilities
        tables.append(table)
    return pd.concat(tables)


def finish(run: Run, values: dict, network: nn.Module, table: pd.DataFrame, history: list[dict]) -> None:
    """Write the run's files; settings.yaml is deleted first and written last, since it says that the others are there.

    Args:
        values: the settings of the run. table: its predictions.
    """
    for path in [run.settings, run.folder / "stopped.txt"]:
        path.unlink(missing_ok=True)
    tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    write(run.weights, lambda path: save_file(tensors, path))
    write_csv(pd.DataFrame(history), run.history)
    write_csv(table, run.predictions)
    write(run.settings, lambda path: path.write_text(yaml.safe_dump(values)))


def stop(run: Run, values: dict, reason: str) -> None:
    """Write that a run has no result, and why, instead of its files; other seeds go on."""
    for path in [run.settings, run.predictions, run.history, run.weights]:
        path.unlink(missing_ok=True)
    write(run.folder / "stopped.txt", lambda path: path.write_text(f"{reason}\n"))
    write(run.settings, lambda path: path.write_text(yaml.safe_dump(values)))


def out_of_memory(run: Run, values: dict) -> str:
    """What to do when a training does not fit into memory."""
    return (
        f"a step of {values['batch_size']} images does not fit into memory; set a smaller batch_size in"
        f" params/{run.study.study}/params.yaml (the learning rate may have to go down with it), or free memory,"
        " and run this again: finished seeds are kept"
    )


def load_trained(run: Run) -> nn.Module:
    """A finished run's network, on the CPU, in eval mode. StudyError: its weights are not on this machine."""
    if not run.weights.exists():
        run.kept_settings()  # a StudyError if it was not trained at all
        raise StudyError(
            f"the weights of {run} are not here (they are not in Git): delete {run.folder} to train it again"
        )
    network = build(run.study, run.model, len(run.cell.classes))
    network.load_state_dict(load_file(run.weights))
    return network.eval()


def machine(fabric) -> dict:
    """What a timing was measured on."""
    name = torch.cuda.get_device_name(fabric.device) if fabric.device.type == "cuda" else "CPU"
    used = {"device": name, "processes": fabric.world_size, "threads": torch.get_num_threads()}
    return {**used, "torch": torch.__version__}


def launch(study_name: str, *names: str) -> None:
    """Train one run of a study (dataset, split, model, seed), or all; prints one row per epoch as JSON.

    Started by `spawn`, or by hand on each of several nodes; every process of the training runs it, the first prints.
    """
    from lightning_fabric.utilities.rank_zero import rank_zero_only

    study, say = load_study(study_name), rank_zero_only(print)
    if not names:
        runs = study.runs
    elif len(names) == 4 and names[-1].isdecimal():
        dataset, split, model, seed = names
        runs = [study.cell(dataset, split).run(model, int(seed))]
        Thread(target=end_with_parent, daemon=True).start()
    else:
        raise StudyError(f"{' '.join(names)!r} names no run: give a data set, a split, a model and a seed")
    try:
        for run in runs:
            say(run)
            for row in train_here(run):
                say(json.dumps(row), flush=True)
    except StudyError as error:
        if names:
            print(json.dumps({"error": str(error)}), flush=True)  # `spawn` raises it again
        raise
