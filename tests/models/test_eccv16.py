import pytest
import torch
from parity import TOLERANCE, case, difference, fill

from colorcli.models.eccv16 import AB_SCALE, ECCV16

pytestmark = pytest.mark.usefixtures("inference")


@pytest.fixture(scope="module")
def model():
    return fill(ECCV16(), "eccv16")


def test_computes_what_the_published_network_does(model):
    expected = case("eccv16")
    assert difference(model.predict_ab(expected["L"]), expected["ab"]) < TOLERANCE


def test_has_the_published_number_of_parameters(model):
    assert sum(p.numel() for p in model.parameters()) == 32_236_011


def test_keeps_a_picture_that_is_not_square(model):
    assert model.predict_ab(torch.full((1, 1, 24, 40), 50.0)).shape == (1, 2, 24, 40)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 0.02), (torch.float16, 0.002)])
def test_holds_in_half_precision(model, dtype, tolerance):
    L = case("eccv16")["L"][:1, :, :16, :16]
    ab = fill(ECCV16(), "eccv16").to(dtype).predict_ab(L.to(dtype))
    assert ab.dtype == dtype
    assert difference(ab, model.predict_ab(L)) < tolerance


def test_a_low_temperature_takes_the_likeliest_bin(model):
    L = torch.full((1, 1, 8, 8), 30.0)
    cold = fill(ECCV16(temperature=1e-4), "eccv16")
    likeliest = model(L)[0, :, 0, 0].argmax()
    colour = model.model_out.weight[:, likeliest, 0, 0] * AB_SCALE
    assert torch.allclose(cold.predict_ab(L)[0, :, 0, 0], colour, atol=1e-3)


@pytest.mark.parametrize("temperature", [0, -1, float("nan")])
def test_refuses_a_temperature_that_is_not_positive(temperature):
    with pytest.raises(ValueError, match="temperature must be above 0"):
        ECCV16(temperature=temperature)
