import numpy as np
import pytest
import torch
from parity import TOLERANCE, case, difference, fill

from colorcli.engine import Colorizer
from colorcli.guidance.hints import Hints
from colorcli.models.catalog import build
from colorcli.models.siggraph17 import SIGGRAPH17
from colorcli.photo import Photo

pytestmark = pytest.mark.usefixtures("inference")


@pytest.fixture(scope="module")
def model():
    return fill(SIGGRAPH17(), "siggraph17")


@pytest.fixture
def expected():
    return case("siggraph17")


def test_computes_what_the_published_network_does(model, expected):
    assert difference(model.predict_ab(expected["L"]), expected["ab"]) < TOLERANCE


def test_follows_hints_as_the_published_network_does(model, expected):
    ab = model.predict_ab(expected["L"], expected["hint_ab"], expected["hint_mask"])
    assert difference(ab, expected["ab_with_hints"]) < TOLERANCE


def test_has_the_published_number_of_parameters(model):
    assert sum(p.numel() for p in model.parameters()) == 34_187_027


def test_colours_outside_the_mask_do_not_count(model, expected):
    noise = expected["hint_ab"] + 50 * (1 - expected["hint_mask"])
    ab = model.predict_ab(expected["L"], noise, expected["hint_mask"])
    assert difference(ab, expected["ab_with_hints"]) < TOLERANCE


@pytest.mark.parametrize("given", ["hint_ab", "hint_mask"])
def test_a_hint_needs_both_colour_and_place(model, expected, given):
    with pytest.raises(ValueError, match="go together"):
        model.predict_ab(expected["L"], **{given: expected[given]})


def test_keeps_a_picture_that_is_not_square(model):
    assert model.predict_ab(torch.full((1, 1, 24, 40), 50.0)).shape == (1, 2, 24, 40)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 0.05), (torch.float16, 0.005)])
def test_holds_in_half_precision(model, expected, dtype, tolerance):
    inputs = [expected[key][:1, :, :16, :16] for key in ("L", "hint_ab", "hint_mask")]
    ab = fill(SIGGRAPH17(), "siggraph17").to(dtype).predict_ab(*(x.to(dtype) for x in inputs))
    assert ab.dtype == dtype
    assert difference(ab, model.predict_ab(*inputs)) < tolerance


@pytest.fixture(scope="module")
def colorizer():
    stand_in = fill(build("siggraph17"), "siggraph17")
    stand_in.default_size = 64
    return Colorizer(stand_in, device="cpu", saturation=0.2)


def red_at(x, y, photo):
    return Hints.from_points([(x, y, (220, 30, 30))], photo)


def grey_photo():
    levels = np.random.default_rng(0).integers(90, 160, (8, 12)).astype(np.uint8)
    return Photo(np.kron(levels, np.ones((8, 8), np.uint8)))


def test_a_hint_changes_the_photo_where_it_lies(colorizer):
    photo = grey_photo()
    without, hinted = colorizer(photo), colorizer(photo, hints=red_at(72, 20, photo))
    change = np.abs(hinted.pixels.astype(int) - without.pixels).sum(2)
    assert change[12:28, 64:80].mean() > 3 * change[:, :24].mean() > 0  # like greys take some of it too


def test_hints_on_the_mirror_image_give_the_mirrored_colours(colorizer):
    photo = grey_photo()
    mirrored = Photo(photo.pixels[:, ::-1].copy())
    one = colorizer(photo, hints=red_at(72, 20, photo)).pixels
    other = colorizer(mirrored, hints=red_at(95 - 72, 20, mirrored)).pixels[:, ::-1]
    assert np.abs(one.astype(int) - other).max() <= 2


def test_hints_are_for_each_photo_of_a_batch(colorizer):
    photo = grey_photo()
    hints = red_at(72, 20, photo)
    together = colorizer.many([photo, photo], hints=hints)
    for found in together:
        assert np.abs(found.pixels.astype(int) - colorizer(photo, hints=hints).pixels).max() <= 1
