"""What generators trained against a discriminator share: gan (its strided network), patchgan, pix2pix, palette."""

from pathlib import Path

import numpy as np
import pytest
import torch
from gans import NARROW, filled, luminance

from colorcli.models.catalog import build
from colorcli.training.recipes import RECIPES
from colorcli.weights.load import load_model
from colorcli.weights.weightsfile import save_weights

GOLDEN = Path(__file__).parents[1] / "golden" / "gans.npz"
systems = pytest.mark.parametrize("name", NARROW)


@systems
def test_golden_colours(name, inference):
    with np.load(GOLDEN) as golden:
        expected = torch.from_numpy(golden[name])
    torch.testing.assert_close(filled(name).predict_ab(luminance()), expected, atol=0.02, rtol=1e-3)


@systems
@pytest.mark.parametrize(("height", "width"), [(16, 16), (48, 80)])
def test_colours_pictures_of_every_size_within_the_scale_of_tanh(name, height, width, inference):
    model = filled(name)
    assert height % model.multiple == width % model.multiple == 0
    ab = model.predict_ab(luminance(height, width))
    assert ab.shape == (2, 2, height, width)
    assert 0 < ab.abs().max() <= 110


@systems
def test_each_picture_of_a_batch_is_coloured_alone(name, inference):
    model, L = filled(name), luminance()
    torch.testing.assert_close(model.predict_ab(L)[1:], model.predict_ab(L[1:]), atol=1e-3, rtol=1e-3)


@systems
def test_half_precision_gives_about_the_same(name, inference):
    model, L = filled(name), luminance()
    exact = model.predict_ab(L)
    rough = model.bfloat16().predict_ab(L.bfloat16())
    assert rough.dtype == torch.bfloat16
    assert (rough.float() - exact).abs().mean() < 0.05 * exact.abs().mean() + 0.5


@systems
def test_weights_come_back_from_their_file(name, tmp_path, inference):
    model = filled(name)
    save_weights(tmp_path / "a.safetensors", model, {"model": name})
    again = load_model(weights=tmp_path / "a.safetensors")
    torch.testing.assert_close(again.predict_ab(luminance()), model.predict_ab(luminance()), atol=0.5, rtol=1e-2)


@systems
def test_width_widens_all_levels(name):
    assert build(name, **NARROW[name], width=16).config["widths"] == [16, 32, 32]


@systems
def test_the_discriminator_judges_lightness_and_colour(name, inference):
    judge = filled(name).discriminator().eval()
    picture = torch.rand(1, 3, 32, 32)
    seen = [judge(picture.index_fill(1, torch.tensor([channel]), 0.5)) for channel in range(3)]
    assert all(not torch.allclose(judge(picture), other) for other in seen)


@systems
@pytest.mark.parametrize("preset", ["paper", "fast"])
def test_presets_build_networks_for_32_px(name, preset):
    chosen = RECIPES[name].presets[preset]
    with torch.device("meta"):
        model = build(name, **chosen.config)
    assert chosen.settings.size % model.multiple == 0
    if preset == "fast":
        assert sum(p.numel() for p in model.parameters()) <= 2.01e6


def test_channel_dropout_is_off_until_it_is_set_and_never_on_in_use():
    torch.manual_seed(0)
    model = build("gan", widths=[8, 8, 8], encoder_blocks=[1, 1, 1], decoder_blocks=[1, 1]).eval()
    L = torch.rand(1, 1, 16, 16) * 100
    plain = model(L)
    model.unet.dropout.p = 0.9
    torch.testing.assert_close(model(L), plain)
    model.unet.dropout.train()
    assert not torch.allclose(model(L), plain)
