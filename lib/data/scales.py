"""One grey scale for all images of a data set: the same value is equally bright in each.

    range of each image's values --common_scales--> kind of values -> the values shown as black and white

A file with values far outside the others' (a mark for "no value", a hot pixel, another unit) makes all others black.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from lib.data.spelling import visible
from lib.strict import StudyError

SHADES = 8  # of 256; an image with no more than so many has lost what it showed
NEARLY_ALL = 0.9  # share of such images at which no scale is made
SAMPLE = 10_000  # values of an image among which different ones are counted


class Deep(NamedTuple):
    """The values of a file that is shown on the scale of the whole data set.

    kept: share of its different values (256 count at most) that 256 shades from `low` to `high` tell apart.
    """

    kind: str
    low: float
    high: float
    kept: float
    not_numbers: int


def range_of(kind: str, values: np.ndarray) -> Deep:
    """Describe the values of an image, of any shape; from 0 to 1 if none of them is finite."""
    numbers = values[np.isfinite(values)]
    low, high = ends(values)
    kept = 1.0
    if numbers.size and low < high:
        shown = np.uint8(np.round(255 * on_scale(numbers, low, high)))
        different = np.unique(numbers[:: max(1, numbers.size // SAMPLE)]).size
        kept = min(1.0, np.unique(shown).size / min(different, 256))
    return Deep(kind, low, high, kept, values.size - numbers.size)


def ends(values: np.ndarray) -> tuple[float, float]:
    """The smallest and the largest finite value; 0 and 1 if there is none."""
    numbers = values[np.isfinite(values)]
    return (float(numbers.min()), float(numbers.max())) if numbers.size else (0.0, 1.0)


def on_scale(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Brightness of values, from 0 (`low` and below, and what is not finite) to 1 (`high` and above)."""
    # halves, since the difference of two large numbers may be infinite
    width = (high / 2 - low / 2) or 1.0
    return np.clip((np.where(np.isfinite(values), values, low) / 2 - low / 2) / width, 0, 1)


def common_scales(paths: pd.Series, deep: list[Deep], tell) -> dict[str, tuple[float, float]]:
    """One scale (black, white) per kind of deep values; `tell` is called with a sentence on each.

    paths: of the images of `deep`.

    StudyError: on its scale, nearly all images of a kind would be of a few shades, because of the values of some files.
    """
    table = pd.DataFrame(deep).assign(path=list(paths))
    scales = {}
    for kind, part in table.groupby("kind"):
        low, high = scale_of(kind, part.low.min(), part.high.max())
        scales[kind] = (low, high)
        tell(f"{len(part)} images have deep values ({kind}): {low:g} is shown as black and {high:g} as white in all")
        told_of_lost(part[part.low < part.high], low, high, tell)
    if wrong := (table.not_numbers > 0).sum():
        tell(f"{wrong} images have values that are no numbers, or infinite: shown as black")
    return scales


def told_of_lost(part: pd.DataFrame, low: float, high: float, tell) -> None:
    """Tell how many images have SHADES shades or fewer on the scale from `low` to `high`. StudyError: nearly all.

    part: path and the columns of Deep, of images of one kind that are not of one value alone.
    """
    shades = 256 * part.kept * (part.high / 2 - part.low / 2) / (high / 2 - low / 2)
    lost = shades <= SHADES
    if not lost.any():
        return
    smallest, largest = part.low.min(), part.high.max()
    lowest, highest = named(part.path[part.low == smallest]), named(part.path[part.high == largest])
    problem = (
        f"{lost.sum()} of {len(part)} images have {SHADES} shades of grey or fewer on one scale for all, for example"
        f" {visible(part.path[lost].iat[0])}, since values go from {smallest:g} ({lowest}) to {largest:g} ({highest}),"
        f" and those of the median image from {part.low.median():g} to {part.high.median():g}"
    )
    if lost.mean() >= NEARLY_ALL:
        raise StudyError(
            f"{problem}. Are these hot pixels, marks for values that were not measured, or of another unit? Correct"
            " these files (floats may be NaN where nothing was measured) or move them away, and run this again"
        )
    tell(problem)


def named(paths: pd.Series) -> str:
    """The first of some paths and the number of the others, for a message: a/1.tif and 3 more."""
    return visible(paths.iat[0]) + (f" and {len(paths) - 1} more" if len(paths) > 1 else "")


def scale_of(kind: str, low: float, high: float) -> tuple[float, float]:
    """The values shown as black and as white in a data set with values from `low` to `high`.

    Non-negative integers, if one is above 127: 0 and the largest value of their number of bits (255, 511, ... 65535).
    Floats whose largest value is in the upper half of 0 to 1 or of 0 to 255: these ends. All others: `low` and `high`.
    """
    if low >= 0 and kind.startswith(("integer", "DICOM")) and high > 127:
        return 0.0, float(2 ** max(8, int(high).bit_length()) - 1)
    if low >= 0 and kind.startswith("float"):
        for white in (1.0, 255.0):
            if white / 2 < high <= white:
                return 0.0, white
    return low, high
