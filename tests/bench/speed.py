"""Images per second: our training loop against the bare loop, ViT-B/16 against timm's, and what dropout costs.

The bare loop has the same model, optimiser and batches, ready in memory; no Fabric, cache, augmentation, schedule,
checkpoint or running accuracy. timm (requirements-bench.txt) is asked for the model alone.

The rows of a loop give images per second, so a larger ratio is better; those of a step give seconds.
"""

import tempfile
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.nn import functional as F

from lib.models import MODELS
from lib.probes.costs import in_turns
from lib.probes.ties import threads
from lib.study import load_study
from lib.training.dropout import make_fast
from lib.training.fit import SECONDS, save, start, train_epoch
from lib.training.images import Images
from tests.bench import row, timed

CPU, THREADS, CLASSES = torch.device("cpu"), (1, 2), 4
BATCH, BATCHES, SIZE = 32, 8, 64  # of the small models
ROUNDS, ROUNDS_LARGE = 15, 7
LOOP, TIMM = 0.97, 1.0  # goals, as shares of the other's images per second
SMALL_VIT = dict(patch=8, dim=96, mlp_dim=384, depth=4, heads=3)
MODELS_OF_A_STUDY = {"vit": SMALL_VIT, "cnn": {}, "resnet18": {}}
LARGE, LARGE_BATCH = 128, 16  # px and images of ViT-B/16, as in the paper's released code


def random_images() -> Images:
    """As many random images as an epoch has, and their labels."""
    generator = np.random.default_rng(0)
    pixels = generator.integers(0, 255, (BATCH * BATCHES, SIZE, SIZE, 3)).astype("uint8")
    classes = [str(number) for number in range(CLASSES)]
    table = pd.DataFrame({"label": generator.choice(classes, len(pixels)), "part": "train"})
    return Images(table, pixels, classes, load_study("demo"), CPU)


def our_epoch(name: str, images: Images):
    """An epoch as a study trains one, ready to be called; without checkpoints, which `checkpoints` measures."""
    fabric = Fabric(accelerator="cpu", devices=1)
    settings = dict(batch_size=BATCH, epochs=1, learning_rate=1e-3, weight_decay=0.01, schedule="constant")
    settings |= dict(optimizer="adamw", epoch_images=None, flips="both", seed=0)
    network, optimizer = start(fabric, settings, partial(MODELS[name], CLASSES, SIZE, **MODELS_OF_A_STUDY[name]))
    return lambda: train_epoch(fabric, network, optimizer, images, settings, 0, {"epoch": None}, lambda: None)


def bare_epoch(name: str, images: Images):
    """The same as few lines of torch."""
    torch.manual_seed(0)
    network = MODELS[name](CLASSES, SIZE, **MODELS_OF_A_STUDY[name]).train()
    optimizer = torch.optim.AdamW(network.parameters(), 1e-3, weight_decay=0.01, fused=True)
    batches = [images.batch(rows) for rows in torch.arange(BATCH * BATCHES).split(BATCH)]

    def epoch() -> None:
        for pixels, labels in batches:
            loss = F.cross_entropy(network(pixels), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return epoch


def per_second(what: str, against: str, images: int, seconds: pd.DataFrame, goal: float) -> dict:
    """A comparison of images per second; `seconds`: one row per round, columns ours and theirs."""
    ours, theirs = images / seconds.ours, images / seconds.theirs
    ratio = (ours / theirs).median()
    met = bool(ratio >= goal)
    return row(what, against, "cpu", ours.median(), theirs.median(), ratio, f">= {goal:.2f}x", met)


def loops() -> list[dict]:
    """Images per second of our training loop against the bare loop."""
    images, compared = random_images(), []
    for name in MODELS_OF_A_STUDY:
        for number in THREADS:
            with threads(number):
                calls = {"ours": our_epoch(name, images), "theirs": bare_epoch(name, images)}
                seconds = in_turns(calls, ROUNDS)
            what = f"images per second while training, {name}, {SIZE} px, batch of {BATCH}, {number} threads"
            compared.append(per_second(what, "the bare loop", BATCH * BATCHES, seconds, LOOP))
    return compared


def train_step(network: nn.Module, optimizer, pixels: Tensor, labels: Tensor) -> None:
    """Forward, backward, Adam."""
    loss = F.cross_entropy(network(pixels), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def timms(dropout: float) -> nn.Module:
    """timm's ViT-B/16, with dropout where the paper's has it: on probabilities, after attention and after the MLP."""
    import timm

    rates = dict(attn_drop_rate=dropout, proj_drop_rate=dropout)
    network = timm.create_model("vit_base_patch16_224", img_size=LARGE, num_classes=CLASSES, **rates)
    for block in network.blocks:
        block.mlp.drop1 = nn.Identity()
    return network


def large(dropout: float) -> dict[str, nn.Module]:
    """ViT-B/16 with each attention, with fast dropout, and timm's."""
    size = dict(dropout=dropout)
    networks = {"plain": MODELS["vit"](CLASSES, LARGE, **size)}
    networks["paper"] = MODELS["vit"](CLASSES, LARGE, attention="paper", **size)
    networks["timm"] = timms(dropout)
    if dropout:
        networks["plain, fast dropout"] = MODELS["vit"](CLASSES, LARGE, **size)
        make_fast(networks["plain, fast dropout"])
    return networks


def steps(networks: dict[str, nn.Module], size: int, batch: int, number: int, rounds: int) -> pd.DataFrame:
    """Seconds of a training step of each network."""
    pixels, labels = torch.randn(batch, 3, size, size), torch.randint(0, CLASSES, (batch,))
    calls = {}
    for name, network in networks.items():
        optimizer = torch.optim.Adam(network.train().parameters(), 1e-5, fused=True)
        calls[name] = partial(train_step, network, optimizer, pixels, labels)
    with threads(number):
        return in_turns(calls, rounds)


def against_timm() -> list[dict]:
    """ViT-B/16 of this project against timm's, with and without dropout."""
    what = f"images per second while training, ViT-B/16, {LARGE} px, batch of {LARGE_BATCH}"
    if not find_spec("timm"):
        no_timm = "no timm here: pip install -r requirements-bench.txt"
        return [row(what, "timm's vit_base_patch16_224", no_timm, None, None, None, f">= {TIMM:.2f}x")]
    compared = []
    for dropout in (0.0, 0.1):
        for number in THREADS:
            seconds = steps(large(dropout), LARGE, LARGE_BATCH, number, ROUNDS_LARGE)
            for name in seconds.columns.drop("timm"):
                both = pd.DataFrame({"ours": seconds[name], "theirs": seconds.timm})
                how = f"{what}, `{name}`, dropout {dropout}, {number} threads"
                compared.append(per_second(how, "timm's vit_base_patch16_224", LARGE_BATCH, both, TIMM))
    return compared


def small(attention: str) -> dict[str, nn.Module]:
    """The small ViT with torch's dropout, with fast dropout, and without any."""
    build = partial(MODELS["vit"], CLASSES, SIZE, attention=attention, **SMALL_VIT)
    networks = {"dropout": build(dropout=0.1), "fast": build(dropout=0.1), "none": build(dropout=0.1)}
    make_fast(networks["fast"])
    for module in networks["none"].modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return networks


def dropouts() -> list[dict]:
    """What dropout costs in a step of the small ViT, with torch's masks and with fast ones."""
    compared = []
    for attention in ["plain", "paper", "released"]:
        for number in THREADS:
            seconds = steps(small(attention), SIZE, BATCH, number, ROUNDS)
            what = f"training step, small ViT, `{attention}`, {number} threads"
            for name, title in [("dropout", "torch's dropout of 0.1"), ("fast", "fast_dropout of 0.1")]:
                compared.append(timed(f"{what}, {title}", "the same without dropout", CPU, seconds[name], seconds.none))
    return compared


def checkpoints() -> list[dict]:
    """Seconds of writing a checkpoint, against the time between two: what the loops above leave out."""
    networks = {name: MODELS[name](CLASSES, SIZE, **kwargs) for name, kwargs in MODELS_OF_A_STUDY.items()}
    networks["ViT-B/16"] = MODELS["vit"](CLASSES, LARGE)
    compared = []
    with tempfile.TemporaryDirectory() as folder:
        for name, network in networks.items():
            optimizer, size = torch.optim.Adam(network.parameters(), fused=True), LARGE if "B/16" in name else SIZE
            train_step(network, optimizer, torch.randn(2, 3, size, size), torch.tensor([0, 1]))
            call = partial(save, Path(folder) / name.replace("/", "-"), {}, network, optimizer, {})
            seconds = in_turns({"save": call}, ROUNDS_LARGE).save.median()
            what, share = f"writing a checkpoint, {name}", seconds / SECONDS
            compared.append(row(what, "the time between two", "cpu", seconds, SECONDS, share, "none set"))
    return compared


def rows() -> list[dict]:
    """Every comparison."""
    return loops() + checkpoints() + dropouts() + against_timm()
