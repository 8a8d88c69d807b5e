import numpy as np
import pytest

from colorcli.photo import Photo


@pytest.mark.parametrize(
    "pixels",
    [np.zeros((2, 3), np.uint8), np.zeros((2, 3), np.uint16), np.zeros((2, 3, 3), np.uint8)],
    ids=["grey", "16-bit", "colour"],
)
def test_pixels_that_a_photo_may_have(pixels):
    assert Photo(pixels, alpha=np.zeros((2, 3), np.uint8)).pixels is pixels


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((2, 3)),
        np.zeros((2, 3, 4), np.uint8),
        np.zeros((0, 3), np.uint8),
        np.zeros((2, 3, 3), np.uint16),
        np.zeros(3, np.uint8),
    ],
    ids=["float", "RGBA", "empty", "16-bit colour", "a row"],
)
def test_others_are_refused_in_one_line(pixels):
    with pytest.raises(ValueError, match=r"^a photo's pixels are uint8 .*, not .*$"):
        Photo(pixels)


def test_an_alpha_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"alpha is uint8 \(2, 3\)"):
        Photo(np.zeros((2, 3), np.uint8), alpha=np.zeros((3, 2), np.uint8))
