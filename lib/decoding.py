"""A file's bytes -> 8-bit RGB at the size that models see, whatever its format, mode or depth."""

import io

import numpy as np
from PIL import Image, ImageOps

from lib.errors import StudyError

SUFFIXES = (
    ".jpg",
    ".jpeg",
    ".png",
    ".tif",
    ".tiff",
    ".bmp",
    ".gif",
    ".webp",
    ".dcm",
)  # what counts as an image in a folder


def decode(content: bytes, size: int, crop: bool = False) -> tuple[int, int, np.ndarray]:
    """Bytes -> width, height, and (size, size, 3) uint8: upright, squeezed to a square (`crop`: its middle square), bilinear, antialiased.

    Of several pages or frames the first is taken. StudyError: a DICOM file, and no pydicom to read it.
    """
    with open_dicom(content) if content[128:132] == b"DICM" else Image.open(io.BytesIO(content)) as image:
        ImageOps.exif_transpose(image, in_place=True)
        box = ImageOps.fit(image, (min(image.size),) * 2) if crop else image
        return *image.size, np.asarray(to_rgb(box).resize((size, size), Image.Resampling.BILINEAR))


def to_rgb(image: Image.Image) -> Image.Image:
    """Any mode as 8-bit RGB: palettes are looked up; alpha is dropped.

    Grey of more bits keeps its 8 high ones: of 12 where the largest value is below 4096, else of 16. Integers of 32 bits count as of 8 too
    where none is larger than 255, and so do floats, which are taken from 0 to 1 where none is larger than 1.
    """
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, dtype=np.float64)
        most = values.max()
        ends = [1, 255, 4095, 65535][0 if image.mode == "F" else 2 if image.mode.startswith("I;16") else 1 :]
        full = next((end for end in ends if most <= end), ends[-1])
        return Image.fromarray(np.uint8(np.clip(values * 255 / full, 0, 255))).convert("RGB")
    return image.convert("RGBA").convert("RGB") if image.mode in ("P", "LA") else image.convert("RGB")


def open_dicom(content: bytes) -> Image.Image:
    """A DICOM file as a picture: its own window if it names one, else from the smallest value to the largest."""
    try:
        import pydicom
        from pydicom.pixels import apply_modality_lut, apply_voi_lut
    except ImportError:
        raise StudyError(
            "these are DICOM files: python -m pip install -r requirements-dicom.txt, and run this again"
        ) from None
    file = pydicom.dcmread(io.BytesIO(content))
    values = file.pixel_array[0] if int(file.get("NumberOfFrames") or 1) > 1 else file.pixel_array
    if values.ndim == 3:
        return Image.fromarray(np.uint8(values))
    values = np.float64(apply_modality_lut(values, file))
    low, high = values.min(), values.max()
    window = [file.get(name) not in (None, "") for name in ["WindowCenter", "WindowWidth"]]
    if all(window) or file.get("VOILUTSequence"):
        values, (low, high) = (apply_voi_lut(v, file) for v in (values, np.array([-32768.0, 65535.0])))
    values = (values - low) / max(high - low, 1e-9)
    values = 1 - values if file.PhotometricInterpretation == "MONOCHROME1" else values
    return Image.fromarray(np.uint8(255 * values))
