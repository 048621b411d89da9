"""Own images show what their files mean: format x depth x mode x orientation x background, on one scale for all."""

import io
import json
from itertools import product

import numpy as np
import pytest
from conftest import png
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lib.data import datasets, decoding
from lib.data.catalogue import Dataset
from lib.strict import StudyError

SIDE = 16
ENTRY = Dataset(title="t", folder="x", images="{label}/**", classes={"a": "a", "b": "b"}, one_scale=True)
RAMP = np.linspace(0, 1, SIDE * SIDE).reshape(SIDE, SIDE)  # the truth: 0 is black, 1 is white


def encoded(values: np.ndarray, kind: str, **how) -> bytes:
    """An array as a file, by OpenCV where Pillow cannot write it."""
    if values.ndim == 3 and values.dtype != np.uint8:
        import cv2

        order = [2, 1, 0, 3][: values.shape[2]]
        return cv2.imencode(f".{kind.lower()}", values[..., order])[1].tobytes()
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, kind, **how)
    return buffer.getvalue()


def expected(truth: np.ndarray) -> np.ndarray:
    return np.repeat(np.round(255 * truth)[..., None], 3, -1)


KINDS = {  # depth: (white, type)
    8: (255, np.uint8),
    10: (1023, np.uint16),
    12: (4095, np.uint16),
    14: (16383, np.uint16),
    16: (65535, np.uint16),
    "int32": (2**20 - 1, np.int32),
    "float of 1": (1, np.float32),
    "float of 255": (255, np.float32),
}
CASES = [
    (depth, mode, kind, turned)
    for depth, mode, kind, turned in product(KINDS, ["L", "RGB", "RGBA"], ["PNG", "TIFF"], [False, True])
    if not (kind == "PNG" and isinstance(depth, str)) and not (depth == "int32" and mode != "L")
    if not (turned and mode != "L" and depth != 8)  # OpenCV writes no orientation
]


@pytest.mark.parametrize("depth, mode, kind, turned", CASES)
def test_the_values_of_a_file_are_shown_as_they_are_meant(depth, mode, kind, turned):
    white, dtype = KINDS[depth]
    truth, alpha = RAMP, np.ones_like(RAMP)
    if mode == "RGBA":
        alpha[:4] = 0
    values = (
        (truth * white).astype(dtype) if mode == "L" else np.repeat((truth * white).astype(dtype)[..., None], 3, -1)
    )
    if mode == "RGBA":
        top = 1 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max
        values = np.dstack([values, (alpha * top).astype(dtype)])
    exif = Image.Exif()
    if turned:
        exif[0x0112] = 6  # the first row is the right-hand side
        values = np.rot90(values, 1).copy()
    content = encoded(values, kind, **({"exif": exif} if turned else {}))
    *_, pixels = decoding.decode(content, SIDE, scales={})
    shown = np.where(alpha > 0, truth, 1)
    assert np.abs(pixels - expected(shown)).max() <= 2


@pytest.mark.parametrize("mode", ["LA", "PA", "P", "RGB"])
def test_what_lies_under_transparency_is_white_in_every_mode(mode):
    picture = Image.new("RGBA", (SIDE, SIDE), (10, 200, 30, 255))
    picture.paste((90, 10, 10, 0), (0, 0, SIDE, 4))
    buffer = io.BytesIO()
    if mode in ("P", "RGB"):
        image = picture.convert("RGB").convert(mode)
        key = image.getpixel((0, 0))
        image.save(buffer, "PNG", transparency=key)
    else:
        picture.convert("LA").save(buffer, "PNG") if mode == "LA" else picture.quantize(8).save(buffer, "PNG")
    *_, pixels = decoding.decode(buffer.getvalue(), SIDE, scales={})
    assert (pixels[0] == 255).all() and pixels[-1].max() < 255


def folder_of(tmp_path, arrays, kind="TIFF"):
    for number, values in enumerate(arrays):
        path = tmp_path / "ab"[number % 2] / f"{number}.{kind.lower()}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(values if isinstance(values, bytes) else encoded(values, kind))
    return tmp_path


@settings(max_examples=25)
@given(
    tops=st.lists(st.integers(300, 60_000), min_size=2, max_size=5, unique=True),
    shift=st.sampled_from([0, -1000, -32768 // 2]),
)
def test_one_value_has_one_brightness_in_all_images_of_a_data_set(tmp_path_factory, tops, shift):
    arrays = []
    for top in tops:
        values = np.full((SIDE, SIDE), 300 + shift, np.int32)  # the same value in the middle of all
        values[:4], values[-4:] = shift, top + shift
        arrays.append(values)
    said, scales = [], {}
    top = folder_of(tmp_path_factory.mktemp("one"), arrays)
    _, pixels, _ = datasets.read_images(top, ENTRY, SIDE, tell=said.append, scales=scales)
    middle = pixels[:, SIDE // 2, SIDE // 2, 0]
    assert len(set(middle)) == 1 and pixels[:, 0].max() == 0
    assert [line for line in said if "deep values (integer)" in line] and set(scales) == {"integer"}


def test_a_new_image_is_read_on_the_scale_of_the_data_set(tmp_path):
    arrays = [np.full((SIDE, SIDE), value, np.uint16) for value in (0, 4000, 100, 200)]
    scales = {}
    datasets.read_images(folder_of(tmp_path, arrays), ENTRY, SIDE, scales=scales)
    datasets.keep_scales(tmp_path, scales)
    kept = datasets.kept_scales(tmp_path, ENTRY)
    *_, pixels = decoding.decode(encoded(arrays[2], "TIFF"), SIDE, scales=kept)
    assert json.loads((tmp_path / "scales.json").read_text()) and pixels.max() == round(100 * 255 / 4095)


@settings(max_examples=60)
@given(
    top=st.floats(1e-6, 1e4),
    size=st.floats(1.5, 38),
    sign=st.sampled_from([1, -1]),
    pixels=st.integers(1, 5),
    files=st.integers(1, 12),
    seed=st.integers(0, 99),
)
def test_a_value_far_outside_the_others_stops_with_its_file_or_is_told_or_leaves_the_others_their_shades(
    tmp_path_factory, top, size, sign, pixels, files, seed
):
    rng, far = np.random.default_rng(seed), np.float32(sign * min(top * 10**size, 3e38))
    arrays = [np.float32(top * rng.random((SIDE, SIDE))) for _ in range(12)]
    for number in range(files):
        arrays[number].flat[:pixels] = far * np.linspace(1, 0.5, pixels)
    folder, said = folder_of(tmp_path_factory.mktemp("far"), arrays), []
    try:
        _, shown, _ = datasets.read_images(folder, ENTRY, SIDE, tell=said.append)
    except StudyError as error:
        assert f"{far:g} (a/0.tiff" in str(error) and "Correct these files" in str(error)
        return
    told = any("8 shades of grey or fewer" in line for line in said)
    assert size < 3 and (told or min(len(np.unique(one)) for one in shown) > 4)


@given(top=st.floats(1e-12, 1e6), over=st.floats(1, 1.2), offset=st.sampled_from([0, 0, -1, 3]))
def test_floats_of_any_unit_use_at_least_half_of_the_shades(top, over, offset):
    values = np.float32(top * (RAMP + offset))
    values.flat[-1] *= np.float32(over)  # interpolation overshoots
    *_, pixels = decoding.decode(encoded(values, "TIFF"), SIDE, scales={})
    assert len(np.unique(pixels)) > (100 if offset < 3 else 25)


@given(top=st.integers(1, 2**31 - 1))
def test_integers_of_any_size_use_at_least_half_of_the_shades(top):
    *_, pixels = decoding.decode(encoded(np.int32(top * RAMP), "TIFF"), SIDE, scales={})
    assert len(np.unique(pixels)) > min(top, 100)


@settings(max_examples=30)
@given(st.floats(1e-3, 1e3), st.floats(3, 30), st.sampled_from("ab"))
def test_a_class_in_another_unit_is_told_with_one_of_its_files(tmp_path_factory, top, orders, dark):
    units = [top * (1 if label == dark else 10**orders) for label in "abababab"]
    arrays = [np.float32(unit * (RAMP * 0.9 + number / 100)) for number, unit in enumerate(units)]
    said = []
    datasets.read_images(folder_of(tmp_path_factory.mktemp("unit"), arrays), ENTRY, SIDE, tell=said.append)
    said = [line for line in said if line.startswith("4 of 8 images have 8 shades of grey or fewer")]
    assert len(said) == 1 and f"for example {dark}/{'ab'.index(dark)}.tiff, since" in said[0]


def test_an_image_lost_among_others_is_told_and_no_reason_to_stop(tmp_path):
    said, dark, masks = [], np.uint16(RAMP * 9), [np.uint16(60_000 * (RAMP > share / 9)) for share in range(1, 8)]
    _, pixels, _ = datasets.read_images(folder_of(tmp_path, [dark, *masks]), ENTRY, SIDE, tell=said.append)
    assert [line for line in said if line.startswith("1 of 8 images have 8 shades of grey or fewer")], said
    assert pixels[1].max() > 230


def test_values_that_are_no_numbers_and_bands_beyond_colour_are_told(tmp_path):
    holes = RAMP.astype(np.float32)
    holes[0, :3] = np.nan, np.inf, -np.inf
    said = []
    _, pixels, _ = datasets.read_images(
        folder_of(tmp_path, [holes, RAMP.astype(np.float32)]), ENTRY, SIDE, tell=said.append
    )
    assert any("1 images have values that are no numbers" in line for line in said)
    assert pixels[0, 0, :3].max() == 0 and pixels[0, -1, -1, 0] == 255


STAND_INS = {
    b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n": "a pointer of Git LFS",
    b"/annex/objects/MD5E-s1--0.png\n": "a pointer of git-annex",
    b" <!DOCTYPE html><html>404": "a web page",
    b"\x02\0\0\0UL\4\0": "without its preamble",
    b"": "the file is empty",
    b"nothing": "no image of a kind",
}


@pytest.mark.parametrize("content, why", STAND_INS.items())
def test_a_file_that_is_no_image_is_named_with_the_reason(tmp_path, content, why):
    folder_of(tmp_path, [png(seed=1), content])
    with pytest.raises(Exception, match=rf"has no image of b that can be read; 1 files do not decode:\n.*{why}"):
        datasets.read_images(tmp_path, ENTRY, SIDE, skip_broken=True)


def dicom_file(values, photometric, **tags) -> bytes:
    """A DICOM file of these values in memory."""
    pydicom = pytest.importorskip("pydicom")
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, generate_uid

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = "1.2.840.10008.5.1.4.1.1.7", generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    file = FileDataset(None, {}, file_meta=meta, preamble=bytes(128))
    file.Rows, file.Columns, file.SamplesPerPixel = *values.shape, 1
    file.PhotometricInterpretation, file.BitsAllocated = photometric, values.dtype.itemsize * 8
    file.BitsStored, file.HighBit = file.BitsAllocated, file.BitsAllocated - 1
    file.PixelRepresentation, file.PixelData = int(values.dtype.kind == "i"), values.tobytes()
    for name, value in tags.items():
        setattr(file, name, value)
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, file, enforce_file_format=True)
    return buffer.getvalue()


def test_dicom_padding_is_no_value_and_palettes_are_looked_up():
    values = np.int16(1000 * RAMP)
    values[:4] = -32768
    *_, pixels = decoding.decode(dicom_file(values, "MONOCHROME2", PixelPaddingValue=-32768), SIDE, scales={})
    assert pixels[0].max() == 0 and pixels[4:].max() == 1000 * 255 // 1023
    names = ["Red", "Green", "Blue"]
    ramp = np.arange(256, dtype=np.uint16) * 257
    tags = {f"{name}PaletteColorLookupTableDescriptor": [256, 0, 16] for name in names}
    tags |= {
        f"{name}PaletteColorLookupTableData": table.tobytes()
        for name, table in zip(names, [ramp, ramp[::-1], 0 * ramp])
    }
    *_, pixels = decoding.decode(dicom_file(np.uint8(255 * RAMP), "PALETTE COLOR", **tags), SIDE, scales={})
    assert np.abs(pixels[..., 0] - expected(RAMP)[..., 0]).max() <= 1 and pixels[..., 2].max() == 0
    assert (np.int16(pixels[..., 0]) + pixels[..., 1] == 255).all()


@pytest.mark.parametrize("photometric", ["MONOCHROME1", "MONOCHROME2"])
def test_dicom_slices_without_a_window_share_one_scale(tmp_path, photometric):
    slices = [np.uint16(np.full((SIDE, SIDE), 500)) for _ in range(4)]
    for number, values in enumerate(slices):
        values[0], values[-1] = 0, 1000 * (number + 1)
    contents = [dicom_file(values, photometric, Modality="CT") for values in slices]
    _, pixels, _ = datasets.read_images(folder_of(tmp_path, contents, "dcm"), ENTRY, SIDE)
    assert len(set(pixels[:, SIDE // 2, 0, 0])) == 1
