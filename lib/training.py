"""One model, one split, one seed -> history.csv, predictions.csv, settings.yaml and the weights.

    pixels.npy + split.csv --train--> an epoch's row at a time, with checkpoints --finish--> runs/.../seed-k/

A run is finished when settings.yaml stands in its folder, and is never trained again while those settings
(data, parameters, code) are the ones asked for. A run that was cut off goes on from its last checkpoint and ends
with the same bytes.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml
from safetensors.torch import load_file, save_file
from torch import nn

from lib.errors import StudyError
from lib.files import write, write_csv
from lib.fitting import Diverged, fit, predict, start, start_fabric
from lib.images import Images, open_images
from lib.models import MODELS
from lib.runs import is_finished, settings, weights_path
from lib.study import ROOT, Study


def build(study: Study, model: str, classes: int) -> nn.Module:
    """A model of the study, new or pre-trained, with as many outputs as there are classes."""
    chosen = study.models[model]
    return MODELS[chosen.architecture](classes, study.image_size, weights_path(study, model), **chosen.settings)


def train(study: Study, dataset: str, split: str, model: str, seed: int) -> Iterator[dict]:
    """Train one run, or go on with it, or find it finished; yields its history, a row an epoch.

    Of several learning rates a training yields the rows of each, one after the other, and a finished run those of the best. A row: epoch, train_loss, train_accuracy (while training: dropout and flips on), validation_loss,
    validation_accuracy. Losses are mean cross-entropies in nats.
    """
    wanted = settings(study, dataset, split, model, seed)
    folder, weights = study.run(dataset, split, model, seed), study.weights(dataset, split, model, seed)
    weights.parent.mkdir(parents=True, exist_ok=True)
    if not is_finished(folder, wanted):
        fabric = start_fabric(study)
        images = open_images(study, dataset, split, fabric.device)
        make = partial(build, study, model, len(images.classes))
        try:
            network, history, seconds = yield from tune(fabric, images, wanted, make, weights)
            table = predictions(network, images)  # by all processes: batch norm's buffers pass between them
        except (RuntimeError, MemoryError) as error:
            if isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "allocate memory" in str(error):
                raise StudyError(memory(study, wanted)) from error
            raise
        except Diverged as error:
            if fabric.is_global_zero:
                stop(folder, weights, wanted, str(error))
        else:
            if fabric.is_global_zero:
                finish(folder, weights, wanted, network, table, history)
                timing = pd.DataFrame({"seconds": seconds}).assign(**machine(fabric))
                write_csv(timing, study.timing(dataset, split, model, seed))
        fabric.barrier()  # the first process has written the files
    elif study.stopped(dataset, split, model, seed) is None:
        yield from pd.read_csv(folder / "history.csv").to_dict("records")
    for checkpoint in weights.parent.glob(f"{weights.stem}.*checkpoint"):
        checkpoint.unlink(missing_ok=True)


def tune(fabric, images: Images, wanted: dict, make: Callable, weights: Path) -> Iterator[dict]:
    """Train at the learning rate, or at each of several, from the same start; yields the rows of all.

    Returns the network and the history with the best accuracy on the validation part after the last epoch (the lower loss
    where two are alike), and the seconds of every epoch of all. Diverged: the loss or a probability became NaN or infinite at every rate.
    """
    rates, tried, diverged = wanted["learning_rate"], [], []
    for rate in rates if isinstance(rates, list) else [rates]:
        checkpoint = weights.with_suffix(f".{rate:g}.checkpoint" if isinstance(rates, list) else ".checkpoint")
        one = {**wanted, "learning_rate": rate}
        network, optimizer = start(fabric, one, make)
        try:
            history, seconds = yield from fit(fabric, network, optimizer, images, one, checkpoint)
        except Diverged as error:
            diverged.append(f"{error} at the learning rate {rate:g}")
            continue
        history = [{**row, "learning_rate": rate} for row in history] if isinstance(rates, list) else history
        tried.append((network, history, seconds))
    if not tried:
        raise Diverged("; ".join(diverged))
    network, history, _ = max(tried, key=lambda t: (t[1][-1]["validation_accuracy"], -t[1][-1]["validation_loss"]))
    return network, history, [second for *_, seconds in tried for second in seconds]


def predictions(network: nn.Module, images: Images) -> pd.DataFrame:
    """A row an image of the validation and the test part: its label, the predicted one, a probability a class. Diverged: one of them is NaN."""
    tables = []
    for part in ["validation", "test"]:
        rows = images.rows(part)
        probabilities = predict(network, images, rows).numpy()
        if np.isnan(probabilities).any():
            raise Diverged(f"the probabilities of the {part} part are nan")
        table = images.table.loc[rows.numpy(), ["path", "group", "label"]].assign(
            predicted=images.kind.names(probabilities, images.classes)
        )
        table.insert(0, "part", part)
        truths = images.labels[rows].int().numpy().T if images.labels.ndim == 2 else []
        table = table.assign(**{f"t_{name}": column for name, column in zip(images.classes, truths)})
        tables.append(table.assign(**{f"p_{name}": column for name, column in zip(images.classes, probabilities.T)}))
    return pd.concat(tables)


def finish(
    folder: Path, weights: Path, wanted: dict, network: nn.Module, table: pd.DataFrame, history: list[dict]
) -> None:
    """Write the run's files; settings.yaml goes first and comes last, since it says that the others are there."""
    for name in ["settings.yaml", "stopped.txt"]:
        (folder / name).unlink(missing_ok=True)
    write(weights, lambda path: save_file({k: v.contiguous() for k, v in network.state_dict().items()}, path))
    write_csv(pd.DataFrame(history), folder / "history.csv")
    write_csv(table, folder / "predictions.csv")
    write(folder / "settings.yaml", lambda path: path.write_text(yaml.safe_dump(wanted)))


def memory(study: Study, wanted: dict) -> str:
    """What to do when a training does not fit into memory."""
    return (
        f"a step of {wanted['batch_size']} images does not fit into memory; set a smaller batch_size in params/{study.study}/params.yaml"
        " (the learning rate may have to go down with it), or free memory, and run this again: finished seeds are kept"
    )


def stop(folder: Path, weights: Path, wanted: dict, why: str) -> None:
    """Write that a run has no result, and why, in the place of its files; other seeds go on."""
    for path in [folder / "settings.yaml", folder / "predictions.csv", folder / "history.csv", weights]:
        path.unlink(missing_ok=True)
    write(folder / "stopped.txt", lambda path: path.write_text(f"{why}\n"))
    write(folder / "settings.yaml", lambda path: path.write_text(yaml.safe_dump(wanted)))


def load_trained(study: Study, dataset: str, split: str, model: str, seed: int) -> nn.Module:
    """A finished run's network, on the CPU, in eval mode; a StudyError where its weights are not on this machine."""
    weights = study.weights(dataset, split, model, seed)
    if not weights.exists():
        kept = study.run(dataset, split, model, seed)
        if not (kept / "settings.yaml").exists():
            raise StudyError(f"{kept.relative_to(ROOT)} was not trained: make report STUDY={study.study}")
        raise StudyError(
            f"the weights of {kept.relative_to(ROOT)} are not here (they are not in Git): delete that folder to train it again"
        )
    network = build(study, model, len(study.dataset(dataset).classes))
    network.load_state_dict(load_file(weights))
    return network.eval()


def machine(fabric) -> dict:
    """What a timing was measured on."""
    name = torch.cuda.get_device_name(fabric.device) if fabric.device.type == "cuda" else "CPU"
    used = {"device": name, "processes": fabric.world_size, "threads": torch.get_num_threads()}
    return {**used, "torch": torch.__version__}
