import numpy as np
import pytest
import torch

from colorcli.color import rgb_to_lab
from colorcli.errors import UsageError
from colorcli.guidance.hints import Hints
from colorcli.photo import Photo

RED, BLUE = (200, 30, 20), (20, 40, 180)


def photo(height: int, width: int) -> Photo:
    return Photo(np.zeros((height, width), np.uint8))


def strokes(height: int, width: int, **drawn) -> Photo:
    """Transparent but for what is drawn: red=(rows, columns), slices."""
    pixels, alpha = np.zeros((height, width, 3), np.uint8), np.zeros((height, width), np.uint8)
    for name, place in drawn.items():
        pixels[place], alpha[place] = {"red": RED, "blue": BLUE}[name], 255
    return Photo(pixels, alpha)


def ab_of(colour) -> torch.Tensor:
    return rgb_to_lab(torch.tensor(colour).view(3, 1, 1) / 255)[1:, 0, 0]


def test_a_point_is_a_colour_at_its_pixel_and_nothing_elsewhere():
    found = Hints.from_points([(30, 7, RED)], photo(20, 40)).maps(20, 40)
    assert found["hint_mask"].nonzero().tolist() == [[0, 0, 7, 30]]
    assert torch.allclose(found["hint_ab"][0, :, 7, 30], ab_of(RED))
    assert (found["hint_ab"] != 0).sum() == 2


def test_a_point_is_a_square_of_a_hundredth_of_the_photo():
    found = Hints.from_points([(1000, 600, RED)], photo(1100, 2000))
    ys, xs = found.maps(1100, 2000)["hint_mask"][0, 0].nonzero(as_tuple=True)
    assert (int(xs.min()), int(xs.max()), int(ys.min()), int(ys.max())) == (995, 1005, 595, 605)
    assert len(xs) == 11 * 11
    assert found.maps(275, 500)["hint_mask"].sum() == 9


@pytest.mark.parametrize("at", [(0, 0), (1999, 1199)])
def test_a_square_in_a_corner_is_cut_off(at):
    assert 30 <= Hints.from_points([(*at, RED)], photo(1200, 2000)).maps(1200, 2000)["hint_mask"].sum() <= 49


def test_a_larger_picture_has_strokes_without_gaps():
    drawn = strokes(20, 40, red=np.s_[3:5, 10:30])
    mask = Hints.from_strokes(drawn, photo(20, 40)).maps(64, 128)["hint_mask"][0, 0]
    ys, xs = mask.nonzero(as_tuple=True)
    assert (int(xs.min()), int(ys.min())) == (32, 10)
    assert mask[ys.min() : ys.max() + 1, xs.min() : xs.max() + 1].all()
    assert (int(xs.max()), int(ys.max())) == (96, 16)  # 95 and 15 where whole pixels allowed it


@pytest.mark.parametrize("at", [(40, 0), (0, 20), (-1, 0), (0, -1)])
def test_a_point_outside_is_refused(at):
    with pytest.raises(UsageError, match="outside the photo, which is 40 x 20 px"):
        Hints.from_points([(*at, RED)], photo(20, 40))


def test_a_smaller_picture_has_hints_at_the_same_place():
    found = Hints.from_points([(30, 10, RED), (2, 19, BLUE)], photo(20, 40)).maps(5, 10)
    assert found["hint_mask"][0, 0].nonzero().tolist() == [[2, 7], [4, 0]]


def test_the_last_of_two_colours_at_one_place_counts():
    both = Hints.from_points([(5, 5, RED)], photo(9, 9)) + Hints.from_points([(5, 5, BLUE)], photo(9, 9))
    assert torch.allclose(both.maps(9, 9)["hint_ab"][0, :, 5, 5], ab_of(BLUE))


def test_strokes_are_where_the_picture_is_opaque():
    drawn = strokes(20, 40, red=np.s_[3:5, 10:30], blue=np.s_[15, 2:9])
    drawn.alpha[0, :] = 100  # the soft rim of a brush
    found = Hints.from_strokes(drawn, photo(20, 40)).maps(20, 40)
    assert torch.equal(found["hint_mask"][0, 0].bool(), torch.from_numpy(drawn.alpha == 255))
    assert torch.allclose(found["hint_ab"][0, :, 4, 20], ab_of(RED))
    assert torch.allclose(found["hint_ab"][0, :, 15, 5], ab_of(BLUE))


def test_strokes_at_half_the_size_fall_on_the_same_places():
    full = Hints.from_strokes(strokes(40, 80, red=np.s_[6:10, 20:60]), photo(40, 80))
    half = Hints.from_strokes(strokes(20, 40, red=np.s_[3:5, 10:30]), photo(40, 80))
    for name, tensor in full.maps(20, 40).items():
        assert torch.equal(tensor, half.maps(20, 40)[name])


def test_rounding_of_a_scaled_picture_is_no_other_aspect_ratio():
    assert len(Hints.from_strokes(strokes(667, 1000, red=np.s_[3, 3]), photo(2001, 2999)).places)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_grey_strokes_keep_a_place_grey(dtype):
    drawn = Photo(np.full((4, 4), np.iinfo(dtype).max // 2, dtype), np.eye(4, dtype=np.uint8) * 255)
    found = Hints.from_strokes(drawn, photo(4, 4)).maps(4, 4)
    assert found["hint_mask"].sum() == 4
    assert found["hint_ab"].abs().max() < 0.01


@pytest.mark.parametrize(
    ("drawn", "message"),
    [
        (strokes(20, 45, red=np.s_[1, 1]), "s.png: 45 x 20 px, but the photo is 80 x 40: draw on"),
        (strokes(80, 40, red=np.s_[1, 1]), "taken upright"),
        (strokes(20, 40), "no strokes on it"),
        (Photo(np.zeros((20, 40, 3), np.uint8)), "has no transparency"),
    ],
    ids=["another shape", "on its side", "empty", "opaque"],
)
def test_strokes_that_cannot_be_meant_are_refused(drawn, message):
    with pytest.raises(UsageError, match=message):
        Hints.from_strokes(drawn, photo(40, 80), name="s.png")
