"""Decode a file of any format, mode or depth to 8-bit RGB at the size that models see.

    bytes --extent--> range of its deep values --decode, on one scale for a data set--> (size, size, 3) uint8

The committed data sets are read without scales: each image has its own, and transparency is ignored.
"""

import io
from functools import cache

import numpy as np
from PIL import Image, ImageOps

from lib.data import dicom
from lib.data.scales import Deep, ends, on_scale, range_of, scale_of

# suffixes of files that count as images in a folder
SUFFIXES = (".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".tif", ".tiff", ".bmp", ".dib", ".gif", ".webp")
SUFFIXES += (".avif", ".heic", ".heif", ".jp2", ".j2k", ".pgm", ".ppm", ".pbm", ".pnm", ".tga", ".dcm", ".dicom")
MAGIC = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"GIF8", b"\0\0\0\x0cjP  ")
HEIF = (b"ftypheic", b"ftypheix", b"ftyphevc", b"ftypmif1", b"ftypmsf1")  # photographs of phones; Pillow reads none
# Pillow's kinds of pictures, without programs that draw one (PostScript)
KINDS = "PNG JPEG TIFF BMP DIB GIF WEBP AVIF JPEG2000 PPM TGA PCX ICO SGI".split()
WHITE = 255  # shown where an image is transparent


def looks_like_an_image(head: bytes) -> bool:
    """Whether the first 132 bytes of a file are those of an image, whatever its name."""
    is_webp = head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    return head.startswith(MAGIC) or is_webp or head[4:12] in (*HEIF, b"ftypavif") or dicom.is_dicom(head)


@cache
def kinds() -> list[str]:
    """List the KINDS that Pillow reads on this machine."""
    Image.init()
    return [kind for kind in KINDS if kind in Image.OPEN]


def open_picture(content: bytes) -> Image.Image:
    """Open a file as Pillow's image, if it is of one of KINDS. UnidentifiedImageError: it is not."""
    return Image.open(io.BytesIO(content), formats=kinds())


def decode(content: bytes, size: int, crop: bool = False, scales: dict | None = None) -> tuple[int, int, np.ndarray]:
    """Decode a file: its width and height in px, and its pixels, (size, size, 3) uint8.

    The picture is turned upright by its EXIF tag, squeezed to a square (with `crop`: its middle square), and resized
    by bilinear interpolation with antialiasing. A file of several pages or frames gives its first.

    Args:
        scales: kind of `extent` -> the values shown as black and white; a kind without a scale is shown from the
            smallest value of the file to its largest, and transparent parts are white. None: a scale per image, and
            transparency is ignored.

    StudyError: this is a DICOM file, and pydicom is not installed.
    """
    with opened(content, scales) as image:
        ImageOps.exif_transpose(image, in_place=True)
        square = ImageOps.fit(image, (min(image.size),) * 2) if crop else image
        width, height = image.size
        rgb = to_rgb(square) if scales is None else on_white(square)
        return width, height, np.asarray(rgb.resize((size, size), Image.Resampling.BILINEAR))


def opened(content: bytes, scales: dict | None) -> Image.Image:
    """Open a file as Pillow's image; with `scales`, deep values become 8 bits."""
    if dicom.is_dicom(content):
        return dicom.picture(content, scales, scale_of)
    if scales is None:
        return open_picture(content)
    deep = deep_values(content)
    if deep is None:
        return open_picture(content)
    kind, values, alpha, image = deep
    low, high = scales.get(kind) or scale_of(kind, *ends(values))
    shown = on_scale(values, low, high)
    if alpha is not None:
        shown = shown * alpha[..., None] + (1 - alpha[..., None])
    picture = Image.fromarray(np.uint8(np.round(255 * shown)))
    if image and 0x0112 in image.getexif():
        exif = Image.Exif()
        exif[0x0112] = image.getexif()[0x0112]
        picture.info["exif"] = exif.tobytes()
    return picture


def deep_values(content: bytes):
    """Read an image of more than 8 bits: its kind, values, alpha (0 to 1, or None), and Pillow's image (or None).

    Values are (height, width), or (height, width, 3) for colours. None: the image has 8 bits.
    """
    try:
        image = open_picture(content)
    except OSError:
        if content.startswith(MAGIC[2:4]):  # TIFF files that Pillow does not know, as floats of three bands
            return deep_colours(content, None)
        raise
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, dtype=np.float64)
        if image.mode != "F" and image.format == "TIFF" and image.tag_v2.get(262) == 0:  # white is zero
            values = 2.0 ** image.tag_v2[258][0] - 1 - values
        return ("float" if image.mode == "F" else "integer"), values, None, image
    if is_deep_colour(image, content):
        return deep_colours(content, image)
    return None


def is_deep_colour(image: Image.Image, content: bytes) -> bool:
    """Whether Pillow would cut the colours of an image to 8 bits: PNG and TIFF with more."""
    if image.format == "PNG":
        return content[24] == 16
    return image.format == "TIFF" and max(image.tag_v2.get(258, (8,))) > 8


def deep_colours(content: bytes, image: Image.Image | None):
    """`deep_values` of colours, by OpenCV. OSError: OpenCV cannot read the file."""
    import cv2

    # of a file that it cannot read, an exception says enough
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    values = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if values is None:
        raise OSError("cannot identify image file")
    kind = "float" if values.dtype.kind == "f" else "integer"
    whole = np.iinfo(values.dtype).max if kind == "integer" else 1.0
    values = np.float64(values)
    if values.ndim == 2:
        return kind, values, None, image
    alpha = values[..., 3] / whole if values.shape[2] == 4 else None
    return f"{kind} colour", values[..., 2::-1], alpha, image


def extent(content: bytes) -> Deep | None:
    """Describe a file's deep values. None: it needs no scale, since it has 8 bits or is DICOM with its own window."""
    found = dicom.extent(content) if dicom.is_dicom(content) else deep_values(content)
    return range_of(*found[:2]) if found else None


def bands(content: bytes) -> int:
    """Count the bands of a TIFF file besides red, green, blue and alpha, which are not shown; 0 for other files."""
    if not content.startswith(MAGIC[2:4]):
        return 0
    try:
        with open_picture(content) as image:
            unnamed = sum(kind == 0 for kind in image.tag_v2.get(338, ()))
            return max(unnamed, image.tag_v2.get(277, 1) - 4, 0)
    except (OSError, ValueError, SyntaxError):
        return 0


def frames(content: bytes) -> int:
    """Count the pages of a TIFF file, or the frames of a DICOM, GIF or WebP file; 1 for other files."""
    if dicom.is_dicom(content):
        return int(dicom.read(content).get("NumberOfFrames") or 1)
    if not content.startswith((*MAGIC[2:5], b"RIFF")):
        return 1
    try:
        with open_picture(content) as image:
            return getattr(image, "n_frames", 1)
    except (OSError, ValueError, SyntaxError, EOFError):
        return 1


def patient(content: bytes) -> str:
    """The patient that a DICOM file names; empty for other files."""
    return str(dicom.read(content).get("PatientID") or "").strip() if dicom.is_dicom(content) else ""


def on_white(image: Image.Image) -> Image.Image:
    """Convert to 8-bit RGB, with white where the image is transparent."""
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (WHITE,) * 4)
        return Image.alpha_composite(white, image).convert("RGB")
    return to_rgb(image)


def to_rgb(image: Image.Image) -> Image.Image:
    """Convert any mode to 8-bit RGB: palettes are looked up, alpha is dropped, deep grey values are scaled."""
    if image.mode.startswith(("I", "F")):
        return scaled_grey(image).convert("RGB")
    if image.mode in ("P", "LA"):
        return image.convert("RGBA").convert("RGB")
    return image.convert("RGB")


def scaled_grey(image: Image.Image) -> Image.Image:
    """Scale grey of more than 8 bits (modes I, I;16 and F) to 8 bits, each image by itself.

    The file does not say which value is white. White is the first of these that no value of the image exceeds: 1
    (floats only), 255 (floats and 32-bit integers), 4095 (12 bits), 65535 (16 bits).
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
