"""Measure where a ViT looks: how much attention falls on each patch and, for drawings, inside the tumour.

images --record--> probabilities --looks--> (images, side, side) --share_inside(masks)--> one number per image
run --attention_inside--> one row per image and map --shares--> mean and 95 % interval
"""

import io

import numpy as np
import pandas as pd
import torch
from PIL import Image
from scipy.stats import bootstrap
from torch import Tensor, nn

from lib.data.archives import open_archive
from lib.study import Cell, Run
from lib.surgery import Record, recorded
from lib.training.images import Images
from lib.training.run import load_trained


def class_token_attention(record: Record) -> Tensor:
    """The class token's probabilities on the patches, (batch, heads, side, side), scaled to sum to 1 per head.

    Its probability on itself is left out.
    """
    patches = record.probabilities[:, :, 0, 1:]
    side = int(patches.shape[-1] ** 0.5)
    return (patches / patches.sum(-1, keepdim=True)).unflatten(-1, (side, side))


def looks(record: Record) -> dict[str, Tensor]:
    """Maps (batch, side, side): `all heads`, the mean over heads; and `chosen head`, if a head is chosen."""
    maps = class_token_attention(record)
    # the rules `mean` and `none` choose no head
    if record.weights is None or not (record.weights == 1).any():
        return {"all heads": maps.mean(1)}
    # the class token's choice, if every token has its own
    head_weights = record.weights[:, :, 0]
    chosen = (maps * head_weights[..., None, None]).sum(1)
    return {"all heads": maps.mean(1), "chosen head": chosen}


@torch.no_grad()
def record(network: nn.Module, pixels: Tensor) -> list[Record]:
    """Record the attention of every block for a batch of images, (batch, 3, size, size), in eval mode."""
    network.eval()
    with recorded(network) as records:
        network(pixels)
    return records


def tumours(images: Images) -> pd.DataFrame:
    """The test images with a tumour (the first class), one per group; the index is the row of the image."""
    table = images.table
    return table[(table.part == "test") & (table.label == images.classes[0])].drop_duplicates("group")


def read_masks(cell: Cell, paths: list[str]) -> np.ndarray:
    """Read masks of the tumour, (images, image_size, image_size), 0 to 1; only drawn data sets have masks.

    Args:
        paths: images with a tumour, as in images.csv; the catalogue's `masks` names their masks.
    """
    size, masks = (cell.study.training.image_size,) * 2, []
    with open_archive(cell.images / "archive.zip") as archive:
        for path in paths:
            name = path.rsplit("/", 1)[1].rsplit(".", 1)[0]
            with Image.open(io.BytesIO(archive.read(cell.entry.masks.format(name=name)))) as mask:
                # resized as the image was
                grey = mask.convert("L").resize(size, Image.Resampling.BILINEAR)
            masks.append(np.asarray(grey, dtype=np.float32) / 255)
    return np.stack(masks)


def share_inside(maps: Tensor, masks: np.ndarray) -> np.ndarray:
    """The share of each map inside its mask, (images,); a patch counts by the share of it that the mask covers.

    Args:
        maps: (images, side, side), each sums to 1. masks: (images, size, size), 0 to 1.
    """
    covered = nn.functional.adaptive_avg_pool2d(torch.from_numpy(masks), maps.shape[-2:])
    return (maps.cpu() * covered).sum((1, 2)).numpy()


def looks_of(run: Run, images: Images, rows: list[int]) -> dict[str, Tensor]:
    """`looks` of a trained model's last block for some images, named by the model's title and its heads."""
    network = load_trained(run).to(images.device)
    last = record(network, images.batch(torch.tensor(rows))[0])[-1]
    return {f"{run.study.titles[run.model]}, {heads}": look for heads, look in looks(last).items()}


def attention_inside(run: Run, images: Images, masks: np.ndarray) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """The share of the class token's attention in the last block inside the tumour, for every image of `tumours`.

    Returns:
        A table: dataset, looks, seed, path, area (the tumour's share of the image), inside.
        The maps: looks -> (images, side, side). `looks` names the model and which heads are meant.
    """
    cases = tumours(images)
    tables, maps = [], {}
    for label, look in looks_of(run, images, cases.index.tolist()).items():
        maps[label] = look.cpu().numpy()
        keys = {"dataset": run.cell.dataset, "looks": label, "seed": run.seed, "path": cases.path}
        tables.append(pd.DataFrame({**keys, "area": masks.mean((1, 2)), "inside": share_inside(look, masks)}))
    return pd.concat(tables), maps


def shares(inside: list[pd.DataFrame]) -> pd.DataFrame:
    """Tables of `attention_inside` -> dataset, looks, images, inside (mean over images), low, high, area.

    low, high: 95 % interval, bootstrap over images (BCa) of their means over seeds.
    """
    rows = []
    for table in [pd.concat(inside)] if inside else []:
        for keys, part in table.groupby(["dataset", "looks"], sort=False):
            per_image = part.groupby("path")[["inside", "area"]].mean()
            low, high = bootstrap([per_image.inside], np.mean, rng=np.random.default_rng(0)).confidence_interval
            rows.append([*keys, len(per_image), per_image.inside.mean(), low, high, per_image.area.mean()])
    return pd.DataFrame(rows, columns=["dataset", "looks", "images", "inside", "low", "high", "area"])
