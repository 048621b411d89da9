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
    """Any mode as 8-bit RGB: 12- and 16-bit grey keeps its 8 high bits; palettes are looked up; alpha is dropped."""
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, dtype=np.float64)
        most = values.max()
        full = 255 if most <= 255 and not image.mode.startswith("I;16") else 4095 if most < 4096 else 65535
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
    values = file.pixel_array[0] if int(file.get("NumberOfFrames", 1)) > 1 else file.pixel_array
    if values.ndim == 3:
        return Image.fromarray(np.uint8(values))
    values = np.float64(apply_voi_lut(apply_modality_lut(values, file), file))
    values = (values - values.min()) / max(np.ptp(values), 1e-9)
    values = 1 - values if file.PhotometricInterpretation == "MONOCHROME1" else values
    return Image.fromarray(np.uint8(255 * values))
