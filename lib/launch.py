"""A run on as many processes as its study asks for; each row of its history comes back as it is made.

    train --devices: 1--> lib.training.train
    train --devices: 4--> `python -m lib.launch STUDY DATASET SPLIT MODEL SEED`, which Fabric makes four of --a row a line--> back

`python -m lib.launch STUDY` trains all runs of a study; on several nodes each of them is started so: docs/machines.md.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from threading import Thread

from lib import training
from lib.errors import StudyError
from lib.runs import is_finished, settings
from lib.study import ROOT, Study, load_study


def train(study: Study, dataset: str, split: str, model: str, seed: int) -> Iterator[dict]:
    """lib.training.train, here or in processes of its own: a notebook's kernel cannot become one of several."""
    run = (dataset, split, model, seed)
    if study.devices * study.nodes == 1 or is_finished(study.run(*run), settings(study, *run)):
        yield from training.train(study, *run)
        return
    command = [sys.executable, "-m", "lib.launch", study.study, *map(str, run)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout:
            if not line.startswith("{"):
                print(line, end="", file=sys.stderr)
            elif "error" in (row := json.loads(line)):
                raise StudyError(row["error"])
            else:
                yield row
    if process.returncode:
        raise StudyError(f"a process of this training ended with code {process.returncode}; run this again to go on")


def end_with_parent() -> None:
    """End this process when its standard input ends: whoever started it is gone."""
    os.read(0, 1)
    os._exit(1)


def main(name: str, *run: str) -> None:
    """Train one run of a study, or all; the first of its processes prints a row an epoch."""
    from lightning_fabric.utilities.rank_zero import rank_zero_only

    study, say = load_study(name), rank_zero_only(print)
    if run:
        Thread(target=end_with_parent, daemon=True).start()
    for dataset, split, model, seed in [run] if run else [one.values() for one in study.runs]:
        say(dataset, split, model, "seed", seed)
        for row in training.train(study, dataset, split, model, int(seed)):
            say(json.dumps(row), flush=True)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except StudyError as error:
        print(json.dumps({"error": str(error)}), flush=True)
        sys.exit(f"error: {error}")
