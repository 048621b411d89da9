"""What the pipeline costs, measured on the demo: `make bench` (after `make report`). Medians; one machine, one run."""

import statistics
import subprocess
import sys
import time

import torch

from lib import datasets
from lib.study import ROOT, load_study
from lib.training import OPTIMIZERS, Images, build, settings, start_fabric, train_epoch

STUDY, DATASET, SPLIT = load_study("demo"), "phantom-blood", "published"


def median_seconds(call, repeats: int) -> float:
    """Median wall-clock seconds of `call()`, after one call to warm up."""
    call()
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        call()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def shell(*command: str) -> None:
    subprocess.run([sys.executable, "-m", *command], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def loading_and_step(model: str) -> tuple[float, float]:
    """Seconds to make a batch, and to train on it, loading included."""
    fabric = start_fabric(STUDY)
    images = Images(STUDY, DATASET, SPLIT, fabric.device)
    wanted = {**settings(STUDY, DATASET, SPLIT, model, 0), "epoch_images": STUDY.batch_size * 4}
    network = build(STUDY, model, len(images.classes))
    optimizer = OPTIMIZERS[STUDY.optimizer](network.parameters(), lr=1e-3, fused=True)
    network, optimizer = fabric.setup(network, optimizer)
    rows = images.rows("train")[: STUDY.batch_size]
    step = median_seconds(lambda: train_epoch(fabric, network, optimizer, images, wanted, 0), 5) / 4
    return median_seconds(lambda: images.batch(rows), 50), step


def main() -> None:
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; study {STUDY.study}, {STUDY.image_size} px\n")
    archive = datasets.open_archive(STUDY.images(DATASET) / "archive.zip")
    names = [name for name in archive.namelist() if "/TRAIN/" in name][:200]
    contents = [archive.read(name) for name in names]
    decode = median_seconds(lambda: [datasets.decode(c, STUDY.image_size) for c in contents], 3) / len(contents)
    images = Images(STUDY, DATASET, SPLIT, torch.device("cpu"))
    rows = torch.arange(200)
    cached = median_seconds(lambda: images.pixels[rows.numpy()], 20) / 200
    print(f"decode and resize an image   {1e6 * decode:8.0f} µs")
    print(f"read it from the cache       {1e6 * cached:8.1f} µs   {decode / cached:.0f} times faster\n")
    for model in STUDY.models:
        load, step = loading_and_step(model)
        print(
            f"{model:14} a step {1e3 * step:7.1f} ms, of which loading {1e3 * load:5.2f} ms   {load / step:6.2%}   (goal: under 5 %)"
        )
    print()
    print(
        f"`dvc repro` with nothing to do      {median_seconds(lambda: shell('dvc', 'repro', '-q'), 5):5.2f} s   (goal: under 3 s)"
    )
    notebooks = {
        "02_groups": [f"dataset={DATASET}"],
        "05_train": [f"dataset={DATASET}", f"split={SPLIT}", "model=cnn"],  # finished: nothing is trained
        "06_evaluate": [],
    }
    for notebook, parameters in notebooks.items():
        seconds = median_seconds(lambda n=notebook, p=parameters: shell("lib.pages", n, STUDY.study, *p), 3)
        print(f"{notebook:11} with next to no work      {seconds:5.2f} s   (goal: under 6 s)")


if __name__ == "__main__":
    main()
