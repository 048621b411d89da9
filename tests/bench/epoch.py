"""A whole epoch, as this project trains, against a loop that does what is known of the released training loop.

That loop decodes every image in every epoch, has anomaly detection on, and sends each batch through the model once more
for the running accuracy. The same model (`released` ViT-B/16 at 128 px), batch, optimiser and precision.
"""

import io
import tempfile
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from lightning_fabric import Fabric
from PIL import Image
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from lib.data import catalogue, datasets
from lib.data.phantoms.smears import write_blood_archive
from lib.models import vit
from lib.probes.costs import in_turns, whole
from lib.study import load_study
from lib.training.fit import train_epoch
from lib.training.images import Images
from tests.bench import DEVICES, no_cuda, row, timed

BATCH, SIZE, PHOTOGRAPHS = 16, 128, {"cpu": 10, "cuda": 160}  # four classes: 2 or 40 batches without the TEST folder
GOALS, UTILISATION = {"cpu": 1 / 1.4, "cuda": 1 / 5}, 0.4
AGAINST = "decoding each epoch, anomaly detection, one more forward pass a step"
# dense bf16 (T4: fp16) FLOP/s, from data sheets
PEAK = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L4": 121e12, "T4": 65e12}


def drawn(folder: Path, photographs: int) -> tuple[zipfile.ZipFile, pd.DataFrame, np.ndarray]:
    """An archive of drawn cells, its training images as a table, and their pixels as this project caches them."""
    entry, path = catalogue.entry("phantom-blood"), folder / "phantom-blood.zip"
    write_blood_archive(path, seed=2, photographs=photographs, views=1)
    table, pixels, _ = datasets.read_images(path, entry, SIZE)
    train = table.published_part == "TRAIN"
    return zipfile.ZipFile(path), table[train].assign(part="train").reset_index(drop=True), pixels[train]


def slow_epoch(network, optimizer, archive, table, classes, device) -> None:
    """An epoch as the released code trains, by what is known of it (params/published/res-vit/differs.md)."""
    order = torch.randperm(len(table)).split(BATCH)
    with torch.autograd.set_detect_anomaly(True, check_nan=True):
        for rows in order:
            decoded = []
            for name in table.path.iloc[rows.tolist()]:
                image = Image.open(io.BytesIO(archive.read(name))).convert("RGB").resize((SIZE, SIZE), Image.BILINEAR)
                decoded.append(torch.from_numpy(np.array(image)).permute(2, 0, 1).float() / 255 - 1)
            pixels = torch.stack(decoded).to(device)
            labels = torch.tensor([classes.index(label) for label in table.label.iloc[rows.tolist()]], device=device)
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(pixels), labels).backward()
            optimizer.step()
            (network(pixels).argmax(1) == labels).float().mean().item()


def project_epoch(device, precision, table, pixels, classes, compiled=False):
    """An epoch as this project trains, ready to be called."""
    study = load_study("paper")
    fabric = Fabric(accelerator=device.type, devices=1, precision=precision)
    network = vit(len(classes), SIZE, attention="released", hidden=256).to(device)
    network = torch.compile(network) if compiled else network
    network, optimizer = fabric.setup(network, torch.optim.Adam(network.parameters(), 1e-5, fused=True))
    images = Images(table, pixels, classes, study, fabric.device)
    settings = dict(batch_size=BATCH, epochs=1, learning_rate=1e-5, schedule="constant")
    settings |= dict(epoch_images=None, flips="none")
    return lambda: train_epoch(fabric, network, optimizer, images, settings, 0, {"epoch": None}, None)


def utilisation(device) -> dict:
    """Model FLOPs utilisation: FLOPs of a step per second, as a share of the GPU's peak (Chowdhery et al. 2022)."""
    model, images = whole("paper", 384).to(device).train(), torch.randn(64, 3, 384, 384, device=device)
    optimizer = torch.optim.Adam(model.parameters(), 1e-5, fused=True)

    def train_step():
        with torch.autocast("cuda", torch.bfloat16):
            loss = model(images).float().logsumexp(1).mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()

    with FlopCounterMode(display=False) as counter:
        train_step()
    seconds = in_turns({"step": train_step}, 10).step.median()
    name = torch.cuda.get_device_name(device)
    peak = next((flops for gpu, flops in PEAK.items() if gpu in name), float("nan"))
    reached = counter.get_total_flops() / seconds
    what = "model FLOPs utilisation (FLOP/s), `paper` ViT-B/16, bf16, 384 px"
    share = reached / peak
    return row(what, f"the peak of {name}", device, reached, peak, share, f">= {UTILISATION:.0%}", share >= UTILISATION)


def rows() -> list[dict]:
    """One comparison per device; mixed precision and compilation as further rows; utilisation on CUDA."""
    compared = []
    for device in DEVICES:
        compared += on(device)
        if device.type == "cuda":
            compared.append(utilisation(device))
    if len(DEVICES) == 1:
        what = "model FLOPs utilisation, `paper` ViT-B/16, bf16, 384 px"
        compared.append(no_cuda(f"epoch, `released` ViT-B/16, {SIZE} px", AGAINST, f"<= {GOALS['cuda']:.2f}x"))
        compared.append(no_cuda(what, "the GPU's peak", f">= {UTILISATION:.0%}"))
    return compared


def on(device: torch.device) -> list[dict]:
    """The epochs of this project on a device, in three ways, against that loop."""
    classes, compared = list(catalogue.entry("phantom-blood").classes.values()), []
    with tempfile.TemporaryDirectory() as folder:
        archive, table, pixels = drawn(Path(folder), PHOTOGRAPHS[device.type])
        network = vit(len(classes), SIZE, attention="released", hidden=256).to(device)
        optimizer = torch.optim.Adam(network.parameters(), 1e-5)
        made = partial(project_epoch, device, table=table, pixels=pixels, classes=classes)
        calls = {"slow": partial(slow_epoch, network, optimizer, archive, table, classes, device)}
        calls["fp32"], calls["bf16-mixed"] = made(precision="32-true"), made(precision="bf16-mixed")
        calls["compiled"] = made(precision="32-true", compiled=True)
        seconds = in_turns(calls, 3)
        archive.close()
    what = f"epoch of {len(table)} images, `released` ViT-B/16, {SIZE} px"
    for name in ["fp32", "bf16-mixed", "compiled"]:
        most = GOALS[device.type] if name == "fp32" else None
        compared.append(timed(f"{what}, {name}", f"{AGAINST}, fp32", device, seconds[name], seconds.slow, most))
    return compared
