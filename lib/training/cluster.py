"""Run the training stages of a study on a Ray cluster, as many at a time as there is room for.

    stages before training --dvc repro--> train@... --one Ray task each: dvc repro -s--> `dvc repro` makes the rest

`python -m lib cluster demo auto`, or `make report RAY=auto`, on any machine of the cluster. All machines share the
project's folder under the same path. docs/machines.md says how to start a cluster, and when it is worth it.
"""

import os
import subprocess
from itertools import takewhile

from lib import strict
from lib.data.files import alone
from lib.strict import StudyError
from lib.study import Study, load_study
from lib.training.jobs import dvc, pipeline

# no usage statistics; show every line of a training
SETTINGS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "0"}


def train(stage: str) -> None:
    """Run one training stage on this machine; it resumes where a killed worker left it.

    Ray ends the processes of a killed worker, unless its node is lost. DVC therefore holds the stage's lock, so that
    the next worker waits for a training that still runs.
    """
    with alone(strict.ROOT / "build" / f"{stage.replace('/', '-')}.lock") as lock:
        dvc("repro", "-s", stage, pass_fds=[lock.fileno()], check=True)


def spread(study: Study, address: str) -> list[str]:
    """Run every training stage of a study as a task of the Ray cluster at an address; returns those that failed."""
    os.environ.update(SETTINGS | os.environ)
    import ray

    ray.init(address)
    listed = dvc("stage", "list", "--name-only", pipeline(study), capture_output=True, text=True, check=True)
    stages = listed.stdout.split()
    dvc("repro", *takewhile(lambda stage: "train@" not in stage, stages), check=True)
    gpus = study.devices if study.training.device != "cpu" and "GPU" in ray.cluster_resources() else 0
    task = ray.remote(num_cpus=study.devices, num_gpus=gpus, max_retries=3)(train)
    results, failed = {stage: task.remote(stage) for stage in stages if "train@" in stage}, []
    for stage, result in results.items():
        try:
            ray.get(result)
        except ray.exceptions.RayError:
            failed.append(stage)
    return failed


def main(study_name: str, address: str) -> None:
    """Train all runs of a study. StudyError: Ray is not installed, no cluster answers, or stages failed."""
    try:
        failed = spread(load_study(study_name), address)
    except ImportError as error:
        raise StudyError("Ray is not installed: python -m pip install -r requirements-ray.txt") from error
    except ConnectionError as error:
        raise StudyError(
            f"no Ray cluster answers at {address!r} ({error}): docs/machines.md says how to start one"
        ) from None
    except subprocess.CalledProcessError as error:
        raise StudyError("a stage before the trainings failed: its output is above") from error
    if failed:
        raise StudyError(f"these stages failed (their output is above; finished seeds are kept): {', '.join(failed)}")
