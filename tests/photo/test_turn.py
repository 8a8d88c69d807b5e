import numpy as np
import pytest
from PIL import Image, ImageOps

from colorcli.photo.turn import turned_area, turned_point


@pytest.mark.parametrize("turned", range(1, 9))
def test_a_point_goes_where_pillow_puts_its_pixel(turned):
    pixels = np.zeros((4, 6), np.uint8)
    pixels[1, 4] = 255
    image, exif = Image.fromarray(pixels), Image.Exif()
    exif[0x0112] = turned
    image.info["exif"] = exif.tobytes()
    upright = np.asarray(ImageOps.exif_transpose(image))
    row, column = np.argwhere(upright == 255)[0]
    x, y = turned_point(4.5, 1.5, turned, 6, 4)
    assert (int(x), int(y)) == (column, row)


def test_areas_and_what_is_none():
    assert turned_area([10, 20], (48, 72), 6) == [52, 10]
    assert turned_area([10, 20, 5], (48, 72), 6) == [52, 10, 5]
    assert turned_area([10, 20, 8, 6], (48, 72), 6) == [52, 10, 6, 8]
    assert turned_area([10, 20, 8, 6], (48, 72), 3) == [38, 52, 8, 6]
    assert turned_area([100, 20], (48, 72), 6) == turned_area([1], (48, 72), 6) == turned_area([], (48, 72), 6) == []
