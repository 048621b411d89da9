"""A file's bytes -> 8-bit RGB at the size that models see, whatever its format, mode or depth."""

import io

import numpy as np
from PIL import Image, ImageOps

from lib.strict import StudyError

# what counts as an image in a folder
SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".gif", ".webp", ".dcm")


def decode(content: bytes, size: int, crop: bool = False) -> tuple[int, int, np.ndarray]:
    """The bytes of a file -> its width and height in px, and pixels (size, size, 3) uint8.

    The picture is turned upright by its EXIF tag, squeezed to a square (with `crop`: its middle square), and resized
    by bilinear interpolation with antialiasing. Of several pages or frames the first is taken.

    StudyError: a DICOM file, and no pydicom to read it.
    """
    is_dicom = content[128:132] == b"DICM"
    with open_dicom(content) if is_dicom else Image.open(io.BytesIO(content)) as image:
        ImageOps.exif_transpose(image, in_place=True)
        square = ImageOps.fit(image, (min(image.size),) * 2) if crop else image
        width, height = image.size
        return width, height, np.asarray(to_rgb(square).resize((size, size), Image.Resampling.BILINEAR))


def to_rgb(image: Image.Image) -> Image.Image:
    """Any mode as 8-bit RGB: palettes are looked up, alpha is dropped, deep grey values are scaled to 8 bits."""
    if image.mode.startswith(("I", "F")):
        return scaled_grey(image).convert("RGB")
    if image.mode in ("P", "LA"):
        return image.convert("RGBA").convert("RGB")
    return image.convert("RGB")


def scaled_grey(image: Image.Image) -> Image.Image:
    """Grey of more than 8 bits (modes I, I;16 and F) as 8 bits.

    The file does not say which value is white: the smallest usual one that is not below the largest value in the
    image, 1 (floats only), 255 (floats and 32-bit integers), 4095 (12 bits) or 65535 (16 bits).
    """
    values = np.asarray(image, dtype=np.float64)
    if image.mode.startswith("I;16"):
        whites = [4095, 65535]
    elif image.mode == "F":
        whites = [1, 255, 4095, 65535]
    else:
        whites = [255, 4095, 65535]
    largest = values.max()
    white = next((value for value in whites if largest <= value), whites[-1])
    return Image.fromarray(np.uint8(np.clip(values * 255 / white, 0, 255)))


def open_dicom(content: bytes) -> Image.Image:
    """A DICOM file as a picture: through its own window if it has one, else from its smallest value to its largest."""
    try:
        import pydicom
        from pydicom.pixels import apply_modality_lut, apply_voi_lut
    except ImportError:
        cure = "python -m pip install -r requirements-dicom.txt, and run this again"
        raise StudyError(f"these are DICOM files: {cure}") from None
    file = pydicom.dcmread(io.BytesIO(content))
    values = file.pixel_array[0] if int(file.get("NumberOfFrames") or 1) > 1 else file.pixel_array
    if values.ndim == 3:
        return Image.fromarray(np.uint8(values))
    values = np.float64(apply_modality_lut(values, file))
    low, high = values.min(), values.max()
    has_window = all(file.get(name) not in (None, "") for name in ["WindowCenter", "WindowWidth"])
    if has_window or file.get("VOILUTSequence"):
        values = apply_voi_lut(values, file)
        # the ends of the window: what the smallest and the largest 16-bit value are shown as
        low, high = apply_voi_lut(np.array([-32768.0, 65535.0]), file)
    values = (values - low) / max(high - low, 1e-9)
    if file.PhotometricInterpretation == "MONOCHROME1":
        values = 1 - values
    return Image.fromarray(np.uint8(255 * values))
