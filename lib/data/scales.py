"""One grey scale for all images of a data set: the same value is equally bright in each.

ranges of values per image --common_scales--> kind of values -> the values shown as black and white
"""

from typing import NamedTuple

import pandas as pd


class Deep(NamedTuple):
    """What decoding.extent says of a file that is shown on the scale of the whole data set."""

    kind: str
    low: float
    high: float
    not_numbers: int


def common_scales(deep: list[Deep], tell) -> dict[str, tuple[float, float]]:
    """One scale (black, white) per kind of deep values; `tell` is called with a sentence on each."""
    table = pd.DataFrame(deep)
    scales = {}
    for kind, part in table.groupby("kind"):
        low, high = scale_of(kind, part.low.min(), part.high.max())
        scales[kind] = (low, high)
        tell(f"{len(part)} images have deep values ({kind}): {low:g} is shown as black and {high:g} as white in all")
    if wrong := (table.not_numbers > 0).sum():
        tell(f"{wrong} images have values that are no numbers: shown as black")
    return scales


def scale_of(kind: str, low: float, high: float) -> tuple[float, float]:
    """The values shown as black and as white in a data set with values from `low` to `high`.

    Non-negative integers, and DICOM above 127: 0 and the largest value of their number of bits (255, 511, ... 65535).
    Floats from 0: 0 and 1, or 0 and 255. All others: `low` and `high`.
    """
    if low >= 0 and (kind.startswith("integer") or (kind.startswith("DICOM") and high > 127)):
        return 0.0, float(2 ** max(8, int(high).bit_length()) - 1)
    if low >= 0 and kind.startswith("float") and high <= 255:
        return 0.0, 1.0 if high <= 1 else 255.0
    return low, high
