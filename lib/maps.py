"""Where a ViT looks: how much of its attention falls on each patch, and, where the truth is known, inside the tumour.

images --recorded--> probabilities --looks--> (images, side, side) --share_inside(masks)--> a number an image
"""

import io

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from lib.archives import open_archive
from lib.study import Study
from lib.surgery import Record, recorded


def class_token_attention(record: Record) -> Tensor:
    """The class token's probabilities on the patches, (batch, heads, side, side), scaled to sum to 1 a head.

    What it gives to itself is left out.
    """
    patches = record.probabilities[:, :, 0, 1:]
    side = int(patches.shape[-1] ** 0.5)
    return (patches / patches.sum(-1, keepdim=True)).unflatten(-1, (side, side))


def looks(record: Record) -> dict[str, Tensor]:
    """`all heads`: the mean over heads, (batch, side, side); and, where one is chosen, `chosen head`: its own map."""
    maps = class_token_attention(record)
    if record.weights is None or not (record.weights == 1).any():  # `mean` and `none` choose no head
        return {"all heads": maps.mean(1)}
    weights = record.weights[:, :, 0]  # the class token's own choice, where every token has one
    chosen = (maps * weights[..., None, None]).sum(1)
    return {"all heads": maps.mean(1), "chosen head": chosen}


@torch.no_grad()
def record(network: nn.Module, pixels: Tensor) -> list[Record]:
    """What every block's attention does with a batch of images, in eval mode."""
    network.eval()
    with recorded(network) as records:
        network(pixels)
    return records


def read_masks(study: Study, dataset: str, paths: list[str]) -> np.ndarray:
    """Where the tumour is, (images, image_size, image_size), each pixel its share: drawn data sets know it.

    Args:
        paths: of images with a tumour, as in images.csv; the catalogue's `masks` says where their masks are.
    """
    pattern, size, masks = study.dataset(dataset).masks, (study.image_size,) * 2, []
    with open_archive(study.images(dataset) / "archive.zip") as archive:
        for path in paths:
            name = path.rsplit("/", 1)[1].rsplit(".", 1)[0]
            with Image.open(io.BytesIO(archive.read(pattern.format(name=name)))) as mask:
                grey = mask.convert("L").resize(size, Image.Resampling.BILINEAR)  # as the image itself was resized
            masks.append(np.asarray(grey, dtype=np.float32) / 255)
    return np.stack(masks)


def share_inside(maps: Tensor, masks: np.ndarray) -> np.ndarray:
    """How much of each map falls inside its mask, (images,): a patch counts by the share of it that the mask covers.

    Args:
        maps: (images, side, side), each sums to 1. masks: (images, size, size), between 0 and 1.
    """
    covered = nn.functional.adaptive_avg_pool2d(torch.from_numpy(masks), maps.shape[-2:])
    return (maps.cpu() * covered).sum((1, 2)).numpy()
