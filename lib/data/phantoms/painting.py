"""Drawing tools of smears and slices: wobbly ellipses with soft edges, smooth noise, and the zip of pictures."""

import io
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter

from lib.data.files import write


def edge_share(y, x, centre, radii, rng, *, angle: float = 0.0, wobble: float = 0.1) -> np.ndarray:
    """Distance from `centre` (row, column) relative to the edge of a wobbly ellipse: below 1 is inside.

    Args:
        y, x: row and column numbers that broadcast (np.ogrid).
        radii: px along the direction `angle` (radians) and across it.
        wobble: how far the edge departs from the ellipse, as a share.
    """
    # complex numbers as vectors: the real part lies along `angle`, the imaginary part across it
    offset = np.complex64(x - centre[1]) + np.complex64(1j * (y - centre[0]))
    offset = offset * np.complex64(np.exp(-1j * angle))
    offset = offset.real / np.float32(radii[0]) + 1j * (offset.imag / np.float32(radii[1]))
    distance = np.maximum(abs(offset), 1e-6)
    # of length 1, so that the k-th power makes k waves per turn; Horner's scheme sums the powers 2 to 5
    direction = offset / distance
    wave = 0
    for k, phase in zip((5, 4, 3, 2), rng.uniform(0, 2 * np.pi, 4)):
        wave = direction * (wave + complex(wobble / k * np.exp(1j * phase)))
    return distance / (1 + (direction * wave).real)


def lay(image, share, value, softness=0.05, amount=1.0) -> None:
    """Paint `value` into `image`, in place, where `share` is below 1; the edge is a ramp, `softness` wide."""
    image += amount * np.clip((1 - share) / softness + 0.5, 0, 1) * (value - image)


def texture(shape: tuple[int, int], sigma: float, rng) -> np.ndarray:
    """Smooth noise of mean 0 and standard deviation about 1; `sigma` in px."""
    return gaussian_filter(rng.standard_normal(shape, np.float32), sigma) * (2 * np.pi**0.5 * sigma)


def encode(picture: np.ndarray, form: str = "JPEG") -> bytes:
    """Encode a picture, uint8 (H, W) or (H, W, 3), as the bytes of a file."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, form, quality=90)
    return buffer.getvalue()


def write_zip(path: Path, members: dict[str, bytes], truth: list[tuple[str, str]]) -> None:
    """Write members (name -> bytes) and truth.csv (pairs, the first is the header).

    All are dated 1980 and sorted by name, so that dates and order do not give the truth away.
    """
    lines = "".join(f"{name},{origin}\n" for name, origin in truth)
    contents = {**members, "truth.csv": lines}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in sorted(contents):
            archive.writestr(zipfile.ZipInfo(name), contents[name])
    write(path, lambda part: part.write_bytes(buffer.getvalue()))
