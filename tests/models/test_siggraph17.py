import pytest
import torch
from parity import TOLERANCE, case, difference, fill

from colorcli.models.siggraph17 import SIGGRAPH17

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
