"""Files of other kinds than the studies hold: they are shown as their makers meant them."""

import io

import numpy as np
import pytest
from PIL import Image

from lib.data import decoding


def test_a_dicom_file_is_shown_through_its_own_window(tmp_path):
    pydicom = pytest.importorskip("pydicom")
    from pydicom.data import get_testdata_file

    path = get_testdata_file("CT_small.dcm")
    with open(path, "rb") as file:
        width, height, pixels = decoding.decode(file.read(), 64)
    assert (height, width) == pydicom.dcmread(path).pixel_array.shape
    assert pixels.std() > 20 and (pixels[..., 0] == pixels[..., 2]).all()


def test_a_dicom_window_that_says_nothing_is_none(tmp_path):
    pydicom = pytest.importorskip("pydicom")
    from pydicom.data import get_testdata_file

    file = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    file.WindowWidth, file.WindowCenter, file.NumberOfFrames = 300, None, None
    file.save_as(tmp_path / "half.dcm")
    *_, pixels = decoding.decode((tmp_path / "half.dcm").read_bytes(), 64)
    assert np.ptp(pixels) > 80


def test_an_upright_picture_is_upright(tmp_path):
    picture, buffer, exif = Image.new("L", (20, 10)), io.BytesIO(), Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    picture.save(buffer, "JPEG", exif=exif)
    assert decoding.decode(buffer.getvalue(), 8)[:2] == (10, 20)


@pytest.mark.parametrize("most, kept", [(1.0, 127), (255.0, 0), (65535.0, 0)])
def test_floats_are_taken_from_0_to_1_where_none_is_larger(most, kept):
    buffer = io.BytesIO()
    Image.fromarray(np.float32([[0.0, 0.5, most]])).save(buffer, "TIFF")
    assert decoding.to_rgb(Image.open(buffer)).getpixel((1, 0)) == (kept,) * 3
    assert decoding.to_rgb(Image.open(buffer)).getpixel((2, 0)) == (255,) * 3


def test_a_dicom_window_holds_for_all_images_of_a_series(tmp_path):
    pydicom = pytest.importorskip("pydicom")
    from pydicom.data import get_testdata_file

    file = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
    file.WindowCenter, file.WindowWidth = 0, 60_000  # wider than anything in it: all is grey
    file.save_as(tmp_path / "wide.dcm")
    *_, pixels = decoding.decode((tmp_path / "wide.dcm").read_bytes(), 64)
    assert 100 < pixels.min() and pixels.max() < 160
