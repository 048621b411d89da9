"""What the attention costs at full size (section 4.7): blocks and whole models of ViT-B/16. Page 04 shows it.

blocks.csv   one block, 64 to 512 px         growth.csv   exponents of its FLOPs and seconds against the tokens
wholes.csv   the whole model, 64 and 128 px, and on CUDA 384 px
"""

import pandas as pd
import torch

from lib import strict
from lib.data.files import write_csv
from lib.probes import costs
from tests.bench import DEVICES, row

BLOCKS, WHOLES = [64, 128, 192, 256, 384, 512], {"cpu": [64, 128], "cuda": [64, 128, 384]}  # image sizes in px
COMPARED = 384  # px, the image size of the comparisons with the plain block


def wholes(device: torch.device) -> pd.DataFrame:
    """Costs of the whole ViT-B/16 with each kind of attention, one after the other: three at once take gigabytes."""
    tables = []
    for image_size in WHOLES[device.type]:
        image = torch.randn(1, 3, image_size, image_size, device=device)
        for kind in costs.KINDS:
            alone = {kind: (costs.whole(kind, image_size).to(device), image)}
            tables.append(costs.costs(alone).assign(image_size=image_size))
    return pd.concat(tables)


def rows() -> list[dict]:
    """Write the tables, measured on the GPU if there is one; then every preset's block against the plain block."""
    device, folder = DEVICES[-1], strict.ROOT / "reports" / "bench"
    blocks = costs.blocks(BLOCKS, device)
    write_csv(blocks, folder / "blocks.csv")
    write_csv(costs.exponents(blocks).reset_index(), folder / "growth.csv")
    write_csv(wholes(device), folder / "wholes.csv")
    at = blocks[blocks.image_size == COMPARED].set_index("attention")
    compared = []
    for kind in costs.KINDS[1:]:
        for column in costs.UNITS:
            measured, base = float(at[column][kind]), float(at[column]["plain"])
            what = f"{column.replace('_', ' ')}, one block of ViT-B/16, {COMPARED} px, `{kind}`"
            compared.append(row(what, "the plain block", device, measured, base, measured / base, "none set"))
    return compared
