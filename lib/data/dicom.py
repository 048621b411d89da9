"""Read a DICOM file as grey values or as a picture, through its own tables and window if it has them.

Values outside a window are shown as its ends. Padding, which was not scanned, is shown as black.
"""

import io
from collections.abc import Callable

import numpy as np
from PIL import Image

from lib.strict import StudyError


def is_dicom(content: bytes) -> bool:
    """Whether a file is DICOM by its first bytes."""
    return content[128:132] == b"DICM"


def has_lost_its_preamble(content: bytes) -> bool:
    """Whether a file begins with elements of DICOM's groups 2 or 8, as files without the first 132 bytes do."""
    return content[:2] in (b"\x02\x00", b"\x08\x00") and content[2:4] in (
        b"\x00\x00",
        b"\x01\x00",
        b"\x05\x00",
        b"\x10\x00",
    )


def read(content: bytes):
    """Read a file by pydicom. StudyError: pydicom is not installed."""
    try:
        import pydicom
    except ImportError:
        cure = "python -m pip install -r requirements-dicom.txt, and run this again"
        raise StudyError(f"these are DICOM files: {cure}") from None
    return pydicom.dcmread(io.BytesIO(content))


def first_frame(file) -> np.ndarray:
    """The stored values of a file's first frame, (height, width) or (height, width, 3)."""
    return file.pixel_array[0] if int(file.get("NumberOfFrames") or 1) > 1 else file.pixel_array


def has_window(file) -> bool:
    """Whether the file has a window or a table that says how its values are to be shown."""
    named = all(file.get(name) not in (None, "") for name in ["WindowCenter", "WindowWidth"])
    return named or bool(file.get("VOILUTSequence"))


def grey_values(file) -> tuple[np.ndarray, np.ndarray]:
    """Grey values in the modality's unit (CT: Hounsfield), and a mask of padding; both (height, width)."""
    from pydicom.pixels import apply_modality_lut

    stored = first_frame(file)
    padding = np.zeros(stored.shape, bool)
    first = file.get("PixelPaddingValue")
    if isinstance(first, int):
        last = file.get("PixelPaddingRangeLimit")
        low, high = sorted([first, last if isinstance(last, int) else first])
        padding = (stored >= low) & (stored <= high)
    return np.float64(apply_modality_lut(stored, file)), padding


def extent(content: bytes) -> tuple[str, np.ndarray] | None:
    """The name of the scale of a file's grey values, one per modality, and the values without padding.

    None: the file says how to show them.
    """
    file = read(content)
    if is_colour(file) or has_window(file):
        return None
    values, padding = grey_values(file)
    return f"DICOM {file.get('Modality') or ''}".strip(), values[~padding]


def is_colour(file) -> bool:
    """Whether a file has colours, by three samples or a palette."""
    return int(file.get("SamplesPerPixel") or 1) > 1 or file.get("PhotometricInterpretation") == "PALETTE COLOR"


def picture(content: bytes, scales: dict | None, scale_of: Callable) -> Image.Image:
    """Show a file as 8-bit grey or RGB.

    Args:
        scales: name of a scale -> the values shown as black and white; None: the smallest and the largest value of the
            file, with padding and palettes taken as grey values.
        scale_of: (name, smallest, largest) -> black and white, for a scale that is not among `scales`.
    """
    from pydicom.pixels import apply_color_lut, apply_voi_lut

    file = read(content)
    if scales is not None and file.get("PhotometricInterpretation") == "PALETTE COLOR":
        return eight_bit(apply_color_lut(first_frame(file), file), file.RedPaletteColorLookupTableDescriptor[2])
    if first_frame(file).ndim == 3:
        frame = first_frame(file)
        return Image.fromarray(np.uint8(frame)) if scales is None else eight_bit(frame, int(file.BitsStored))
    values, padding = grey_values(file)
    if scales is None:
        padding[:] = False
    inside = values[~padding] if not padding.all() else values
    low, high = inside.min(), inside.max()
    if has_window(file):
        values = apply_voi_lut(values, file)
        # the ends of the window: what the smallest and the largest 16-bit value are shown as
        low, high = apply_voi_lut(np.array([-32768.0, 65535.0]), file)
    elif scales is not None:
        kind = f"DICOM {file.get('Modality') or ''}".strip()
        low, high = scales.get(kind) or scale_of(kind, low, high)
    values = (values - low) / ((high - low) or 1.0)
    if file.PhotometricInterpretation == "MONOCHROME1":
        values = 1 - values
    if scales is not None:
        values = np.clip(np.where(padding, 0, values), 0, 1)
    return Image.fromarray(np.uint8(255 * values))


def eight_bit(values: np.ndarray, bits: int) -> Image.Image:
    """Scale colours of `bits` bits, (height, width, 3), to 8-bit RGB."""
    return Image.fromarray(np.uint8(values if bits <= 8 else np.clip(values / (2**bits - 1), 0, 1) * 255))
