import numpy as np
import pytest

from colorcli.errors import UsageError
from colorcli.guidance.reference import Reference
from colorcli.photo import Photo

GREY = Photo(np.zeros((20, 40), np.uint8))
COLOUR = Photo(np.full((60, 30, 3), (200, 30, 20), np.uint8))


def test_it_has_about_as_many_pixels_as_the_picture_and_its_own_shape():
    Lab = Reference.from_photo(COLOUR).beside(50, 100)["reference"]
    assert Lab.shape == (1, 3, 100, 50)
    assert Lab[0, :, 7, 7].tolist() == pytest.approx([43.2, 62.8, 49.8], abs=1)


def test_pairs_of_swatches_are_numbered_in_both():
    pairs = [((0, 0, 4, 4), (0, 0, 30, 10)), ((20, 10, 20, 10), (15, 59, 15, 1))]
    reference = Reference.from_photo(COLOUR, pairs, GREY)
    found = reference.maps(10, 20) | reference.beside(10, 20)
    ours, theirs = found["swatches"][0, 0], found["reference_swatches"][0, 0]
    assert ours.shape == (10, 20) and theirs.shape == (20, 10)
    assert [int((ours == n).sum()) for n in (1, 2)] == [4, 50]
    assert (ours[:2, :2] == 1).all() and (ours[5:, 10:] == 2).all()
    assert (theirs[:3] == 1).all() and (theirs[19, 5:] == 2).all()


@pytest.mark.parametrize("box", [(0, 0, 31, 5), (0, 56, 5, 5), (3, 3, 0, 5)])
def test_a_swatch_outside_is_refused(box):
    with pytest.raises(UsageError, match=r"not inside other\.jpg, which is 30 x 60 px"):
        Reference.from_photo(COLOUR, [((0, 0, 1, 1), box)], GREY, name="other.jpg")
    with pytest.raises(UsageError, match="not inside the photo, which is 40 x 20 px"):
        Reference.from_photo(COLOUR, [((39, 0, 2, 2), (0, 0, 1, 1))], GREY)


def test_a_reference_without_colours_is_refused():
    with pytest.raises(UsageError, match=r"grey\.jpg: has no colours"):
        Reference.from_photo(GREY, name="grey.jpg")
