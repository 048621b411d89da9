"""Files of other kinds than the studies hold: they are shown as their makers meant them."""

import io

import pytest
from PIL import Image

from lib import decoding


def test_a_dicom_file_is_shown_through_its_own_window(tmp_path):
    pydicom = pytest.importorskip("pydicom")
    from pydicom.data import get_testdata_file

    path = get_testdata_file("CT_small.dcm")
    with open(path, "rb") as file:
        width, height, pixels = decoding.decode(file.read(), 64)
    assert (height, width) == pydicom.dcmread(path).pixel_array.shape
    assert pixels.std() > 20 and (pixels[..., 0] == pixels[..., 2]).all()


def test_an_upright_picture_is_upright(tmp_path):
    picture, buffer, exif = Image.new("L", (20, 10)), io.BytesIO(), Image.Exif()
    exif[0x0112] = 6  # the camera was held upright
    picture.save(buffer, "JPEG", exif=exif)
    assert decoding.decode(buffer.getvalue(), 8)[:2] == (10, 20)
