import math

import pytest
import torch
from parity import TOLERANCE, case, difference, fill, shapes

from colorcli.models import ddcolor
from colorcli.models.ddcolor import DDColor, SpectralConv2d, sine_positions

pytestmark = pytest.mark.usefixtures("inference")


@pytest.fixture(scope="module")
def model():
    return fill(DDColor("tiny"), "ddcolor_tiny")


def test_computes_what_the_published_network_does(model):
    expected = case("ddcolor_tiny")
    assert difference(model(expected["grey_rgb"]), expected["ab"]) < TOLERANCE


@pytest.mark.parametrize(("encoder", "parameters"), [("tiny", 55_006_640), ("large", 227_869_328)])
def test_has_the_published_names_and_shapes(encoder, parameters):
    with torch.device("meta"):
        model = DDColor(encoder)
    assert {key: tuple(t.shape) for key, t in model.state_dict().items()} == shapes(f"ddcolor_{encoder}")
    assert sum(p.numel() for p in model.parameters()) == parameters


def test_refuses_an_unknown_encoder():
    with pytest.raises(ValueError, match="encoder must be one of tiny, large"):
        DDColor("huge")


def test_sees_the_grey_of_L_in_a_picture_that_is_not_square(model):
    mid_grey = 0.46633  # sRGB of L 50
    L = torch.full((1, 1, 32, 96), 50.0)
    ab = model.predict_ab(L)
    assert ab.shape == (1, 2, 32, 96)
    assert torch.allclose(ab, model(torch.full((1, 3, 32, 96), mid_grey)), atol=1e-3)


def test_working_in_bands_changes_nothing(model, monkeypatch):
    monkeypatch.setattr(ddcolor, "BAND_PIXELS", 5 * 32)  # 32 rows of 32 pixels in bands of 5
    expected = case("ddcolor_tiny")
    assert difference(model(expected["grey_rgb"]), expected["ab"]) < TOLERANCE


def test_pictures_of_a_batch_do_not_mix(model):
    L = torch.linspace(0, 100, 2 * 32 * 64).reshape(2, 1, 32, 64)
    alone = torch.cat([model.predict_ab(picture[None]) for picture in L])
    assert difference(model.predict_ab(L), alone) < TOLERANCE


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.bfloat16, 0.06), (torch.float16, 0.006)])
def test_holds_in_half_precision(model, dtype, tolerance):
    rgb = case("ddcolor_tiny")["grey_rgb"][..., :64, :64]
    ab = fill(DDColor("tiny"), "ddcolor_tiny").to(dtype)(rgb.to(dtype))
    assert ab.dtype == dtype
    assert difference(ab, model(rgb)) < tolerance


def test_wild_colours_are_held_within_lab():
    wild = fill(DDColor("tiny"), "ddcolor_tiny")
    wild.refine_net[0][0].bias.fill_(1e4)
    assert wild.predict_ab(torch.full((1, 1, 32, 32), 50.0)).max() == 128


def test_a_spectral_convolution_divides_by_the_largest_singular_value():
    torch.manual_seed(0)
    conv = SpectralConv2d(3, 5, 1, bias=False)
    u, s, vh = torch.linalg.svd(conv.weight_orig.flatten(1), full_matrices=False)
    conv.weight_u.copy_(u[:, 0])
    conv.weight_v.copy_(vh[0])
    assert torch.allclose(conv.normalised() * s[0], conv.weight_orig, atol=1e-5)


def test_positions_tell_rows_in_the_first_half_and_columns_in_the_second():
    where = sine_positions(2, 4, 8, torch.zeros(1)).reshape(2, 4, 8)
    assert torch.equal(where[:, 0, :4], where[:, 3, :4])
    assert torch.equal(where[0, :, 4:], where[1, :, 4:])
    assert torch.allclose(where[0, 0, :2], torch.tensor([math.sin(math.pi), math.cos(math.pi)]), atol=1e-5)
    assert torch.allclose(where[0, 0, 4:6], torch.tensor([math.sin(math.pi / 2), math.cos(math.pi / 2)]), atol=1e-5)
