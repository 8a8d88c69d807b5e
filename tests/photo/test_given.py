import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorcli.errors import PhotoError, UsageError
from colorcli.photo import Photo, as_photo, read_photo

RAMP = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20


@pytest.fixture
def file(tmp_path) -> Path:
    Image.fromarray(RAMP).save(tmp_path / "ramp.png")
    return tmp_path / "ramp.png"


def test_all_forms_of_one_photo_are_the_same(file):
    given = [file, str(file), file.read_bytes(), io.BytesIO(file.read_bytes()), Image.open(file), RAMP, Photo(RAMP)]
    assert all(np.array_equal(as_photo(one).pixels, RAMP) for one in given)
    assert as_photo(given[-1]) is given[-1]


def test_a_turned_image_comes_upright():
    exif = Image.Exif()
    exif[0x0112] = 6
    buffer = io.BytesIO()
    Image.fromarray(np.repeat(RAMP[..., None], 3, 2)).save(buffer, "JPEG", exif=exif, quality=100)
    image = Image.open(buffer)
    assert as_photo(image).pixels.shape[:2] == (4, 3)
    assert np.abs(as_photo(image).pixels.astype(int) - read_photo(buffer.getvalue()).pixels).max() <= 1


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "HSV", "I;16"])
def test_images_of_every_mode(mode):
    colour = Image.fromarray(np.repeat(RAMP[..., None], 3, 2))
    image = colour.convert("L").convert("I;16") if mode == "I;16" else colour.convert(mode)
    assert as_photo(image).pixels.shape[:2] == (3, 4)


@pytest.mark.parametrize("array", [RAMP.astype(float), RAMP[:0], np.zeros((3, 4, 4), np.uint8)])
def test_other_arrays_are_refused_in_one_line(array):
    with pytest.raises(UsageError, match="pixels are uint8"):
        as_photo(array)


def test_other_things_are_named():
    with pytest.raises(UsageError, match="not int"):
        as_photo(3)
    with pytest.raises(PhotoError):
        as_photo(b"no photo")
