"""Train one model on one cell with one seed: history.csv, predictions.csv.gz, settings.yaml and the weights.

    pixels.npy + split.csv --train--> one row per epoch, with checkpoints --finish--> runs/.../seed-k/

A run with the present settings (data, parameters, code) in its settings.yaml is finished and is never trained again.
An interrupted run resumes from its last checkpoint and ends with the same bytes.
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
from safetensors import torch as safetensors
from torch import nn

from lib.data.files import write, write_csv
from lib.models.pretrained import inputs
from lib.strict import StudyError
from lib.study import Run, load_study
from lib.study.settings import is_finished, settings
from lib.training.build import build
from lib.training.fit import Diverged, fit, predict, start
from lib.training.frozen import fit_frozen
from lib.training.images import Images, open_images
from lib.training.processes import end_with_parent, spawn, start_fabric


def train(run: Run) -> Iterator[dict]:
    """Train or resume a run on the processes that its study asks for, unless it is finished; yields its history.

    A row: fold (if the split has folds), epoch, train_loss, train_accuracy (both with dropout and augmentation),
    validation_loss, validation_accuracy. Losses are mean cross-entropies in nats, accuracies fractions. In history.csv
    the last row also has final_train_accuracy (in evaluation mode, without augmentation; older runs lack it). With
    several learning rates, yields every rate's rows; a finished run yields the best rate's.
    """
    several = run.study.devices * run.study.nodes > 1
    yield from spawn(run) if several and not is_finished(run) else train_here(run)


def train_here(run: Run) -> Iterator[dict]:
    """`train` in this process, which may be one of several that Fabric starts."""
    run.weights.parent.mkdir(parents=True, exist_ok=True)  # an output of the stage, even if all seeds were stopped
    if not is_finished(run):
        yield from finish_training(run)
    elif run.stopped is None:
        yield from pd.read_csv(run.history).drop(columns="final_train_accuracy", errors="ignore").to_dict("records")
    for checkpoint in run.weights.parent.glob(f"seed-{run.seed}.*checkpoint"):
        checkpoint.unlink(missing_ok=True)


def finish_training(run: Run) -> Iterator[dict]:
    """Train the rest of a run and write its files; yields its history."""
    values = settings(run)
    fabric = start_fabric(run.study)
    outcomes = []
    try:
        for fold in run.cell.folds:
            outcomes.append((yield from train_fold(fabric, values, run, fold)))
    except (RuntimeError, MemoryError) as error:
        if isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "allocate memory" in str(error):
            raise StudyError(out_of_memory(run, values)) from error
        raise
    except Diverged as error:
        if fabric.is_global_zero:
            stop(run, values, str(error))
    else:
        if fabric.is_global_zero:
            finish(run, values, outcomes)
            seconds = sum((outcome.trial.seconds for outcome in outcomes), [])
            write_csv(pd.DataFrame({"seconds": seconds}).assign(**machine(fabric)), run.timing)
    fabric.barrier()  # the first process has written the files


class Trial(NamedTuple):
    """A training at one learning rate: the network, its history, and the seconds of every epoch."""

    network: nn.Module
    history: list[dict]
    seconds: list[float]


class Outcome(NamedTuple):
    """The result of a run, or of one of its folds: the best trial, and the predictions of the test part."""

    fold: int | None
    trial: Trial
    predictions: pd.DataFrame


def train_fold(fabric, values: dict, run: Run, fold: int | None) -> Iterator[dict]:
    """Train on the parts of one fold, or of a split without folds; yields its history, returns its Outcome.

    Raises:
        Diverged: at every learning rate; the message names the fold.
    """
    images, keys = open_images(run.cell, fabric.device, fold), {} if fold is None else {"fold": fold}
    rows = tune(fabric, images, values, run, fold)
    try:
        trial = yield from labelled(rows, keys)
        table = predictions(trial.network, images)  # on all processes, which exchange batch norm's buffers
        learned = final_train_accuracy(trial.network, images)
    except Diverged as error:
        if fold is None:
            raise
        raise Diverged(f"{error}, fold {fold}") from None
    history = [{**keys, **row} for row in trial.history]
    history[-1]["final_train_accuracy"] = learned
    return Outcome(fold, trial._replace(history=history), table.assign(**keys))


def labelled(rows: Iterator[dict], keys: dict) -> Iterator[dict]:
    """Add keys to each row of a generator; returns what the generator returns."""
    while True:
        try:
            row = next(rows)
        except StopIteration as end:
            return end.value
        yield {**keys, **row}


def by_validation(trial: Trial) -> tuple[float, float]:
    """The key by which trials are ranked: final validation accuracy, then lower validation loss."""
    last = trial.history[-1]
    return last["validation_accuracy"], -last["validation_loss"]


def tune(fabric, images: Images, values: dict, run: Run, fold: int | None) -> Iterator[dict]:
    """Train at the learning rate, or at each of several from the same start; yields the rows of all.

    Returns the Trial with the best validation accuracy, with the seconds of all trials.

    Args:
        values: the settings of the run.

    Raises:
        Diverged: at every learning rate.
    """
    several = isinstance(values["learning_rate"], list)
    make: Callable[[], nn.Module] = partial(build, run.study, run.model, len(images.classes))
    if values["model"].get("frozen"):
        network = make().to(fabric.device)
        history, seconds = fit_frozen(network, inputs(values["model"]["architecture"]).head, images)
        yield from history
        return Trial(network, history, seconds)
    trials, diverged = [], []
    for rate in values["learning_rate"] if several else [values["learning_rate"]]:
        weights = run.weights_of(fold)
        checkpoint = weights.with_suffix(f".{rate:g}.checkpoint" if several else ".checkpoint")
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
    """One row per test image: its label, the predicted one, one probability per class.

    Raises:
        Diverged: a probability is NaN.
    """
    # validation is predicted again, since randomly drawn heads of the test part depend on the draws before
    predict(network, images, images.rows("validation"))
    rows = images.rows("test")
    probabilities = predict(network, images, rows).numpy()
    if np.isnan(probabilities).any():
        raise Diverged("the probabilities of the test part are nan")
    table = images.table.loc[rows.numpy(), ["part", "path", "group", "label"]]
    table["predicted"] = images.kind.names(probabilities, images.classes)
    labels = images.labels[rows]
    if labels.ndim == 2:  # several labels per image
        table[[f"t_{name}" for name in images.classes]] = labels.int().numpy()
    table[[f"p_{name}" for name in images.classes]] = probabilities
    return table


def final_train_accuracy(network: nn.Module, images: Images) -> float:
    """Accuracy, 0 to 1, on the training part after the last epoch, in evaluation mode without augmentation."""
    rows = images.rows("train")
    return images.kind.right(predict(network, images, rows), images.labels[rows], 0.5).double().mean().item()


def finish(run: Run, values: dict, outcomes: list[Outcome]) -> None:
    """Write the run's files; settings.yaml is deleted first and written last, since it means that the run is complete.

    Args:
        values: the settings of the run. outcomes: one per fold.
    """
    # an older run's predictions.csv would be that of another training
    for path in [run.settings, run.folder / "stopped.txt", run.predictions]:
        path.unlink(missing_ok=True)
    for fold, trial, _ in outcomes:
        tensors = {name: tensor.contiguous() for name, tensor in trial.network.state_dict().items()}
        content = safetensors.save(tensors)  # safetensors' own writing hides that a disk is full
        write(run.weights_of(fold), lambda part, content=content: part.write_bytes(content))
    write_csv(pd.DataFrame([row for outcome in outcomes for row in outcome.trial.history]), run.history)
    write_csv(pd.concat([outcome.predictions for outcome in outcomes]), run.predictions)
    write(run.settings, lambda path: path.write_text(yaml.safe_dump(values)))


def stop(run: Run, values: dict, reason: str) -> None:
    """Write why a run has no result, instead of its files; other seeds go on."""
    for path in [run.settings, run.predictions, run.history, *map(run.weights_of, run.cell.folds)]:
        path.unlink(missing_ok=True)
    write(run.folder / "stopped.txt", lambda path: path.write_text(f"{reason}\n"))
    write(run.settings, lambda path: path.write_text(yaml.safe_dump(values)))


def out_of_memory(run: Run, values: dict) -> str:
    """The message, with cures, for a training that does not fit into memory."""
    return (
        f"a step of {values['batch_size']} images does not fit into memory; set a smaller batch_size in"
        f" params/{run.study.study}/params.yaml (the learning rate may have to go down with it), or free memory,"
        " and run this again: finished seeds are kept"
    )


def load_trained(run: Run, fold: int | None = None) -> nn.Module:
    """Load a finished run's network, on the CPU in eval mode; with folds, that of `fold` or the first.

    StudyError: its weights are not on this machine.
    """
    weights = run.weights_of(fold or run.cell.folds[0])
    if not weights.exists():
        run.kept_settings()  # StudyError: it was not trained at all
        raise StudyError(
            f"the weights of {run} are not here (they are not in Git): delete {run.folder} to train it again"
        )
    network = build(run.study, run.model, len(run.cell.classes))
    network.load_state_dict(safetensors.load_file(weights))
    return network.eval()


def machine(fabric) -> dict:
    """The machine of a timing: device, number of processes and threads, and the version of torch."""
    name = torch.cuda.get_device_name(fabric.device) if fabric.device.type == "cuda" else "CPU"
    used = {"device": name, "processes": fabric.world_size, "threads": torch.get_num_threads()}
    return {**used, "torch": torch.__version__}


def launch(study_name: str, *names: str) -> None:
    """Train one run of a study (dataset, split, model, seed), or all; prints one row per epoch as JSON.

    `spawn` starts it, or a user on each of several nodes; every process of the training runs it, and the first prints.
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
