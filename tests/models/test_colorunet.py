from pathlib import Path

import numpy as np
import pytest
import torch
from parity import values

from colorcli.bins import Bins, ab_bins
from colorcli.color import merge, rgb_to_lab, rgb_to_yuv
from colorcli.errors import UsageError
from colorcli.models.catalog import build
from colorcli.models.colorunet import grey, uv_to_ab
from colorcli.training.recipes import RECIPES
from colorcli.weights.load import load_model
from colorcli.weights.weightsfile import save_weights

GOLDEN = Path(__file__).parents[1] / "golden" / "colorunet.npz"
CENTRES = np.array([[0, 0], [0.1, -0.1], [-0.2, 0.1], [0.05, 0.3]], np.float32)
PALETTE = Bins(CENTRES.copy(), np.array([0.6, 0.2, 0.1, 0.1]), space="yuv")


@pytest.fixture
def model():
    """A narrow network with weights made from the tensors' names."""
    network = build("colorunet", colours=4, widths=[8, 16, 16])
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    network.load_state_dict({name: torch.as_tensor(values(name, shape)) for name, shape in shapes.items()})
    network.adopt(PALETTE)
    return network.eval()


def luminance(height=16, width=24):
    return torch.linspace(0, 100, 2 * height * width).reshape(2, 1, height, width)


def test_golden_colours(model, inference):
    with np.load(GOLDEN) as golden:
        expected = torch.from_numpy(golden["ab"])
    torch.testing.assert_close(model.predict_ab(luminance()), expected, atol=0.02, rtol=1e-3)


@pytest.mark.parametrize(("height", "width"), [(4, 4), (16, 24), (68, 36)])
def test_logits_at_half_the_size(model, height, width, inference):
    assert model(luminance(height, width)).shape == (2, 4, height // 2, width // 2)
    ab = model.predict_ab(luminance(height, width))
    assert ab.shape == (2, 2, height, width)
    assert ab.isfinite().all()


def test_temperature_goes_from_the_mean_to_the_likeliest_colour(model, inference):
    L = luminance(8, 8)
    model.temperature = 1e4
    flat = torch.tensor(CENTRES.mean(0))[:, None, None].expand(2, 2, 8, 8)
    torch.testing.assert_close(model.predict_uv(L), flat, atol=1e-3, rtol=0)
    model.temperature = 1e-4
    likeliest = model.palette[model(L).argmax(1)].movedim(-1, 1)
    torch.testing.assert_close(torch.nn.functional.avg_pool2d(model.predict_uv(L), 8),
                               torch.nn.functional.avg_pool2d(likeliest, 4), atol=0.02, rtol=0)  # fmt: skip


def test_uv_at_a_given_lightness_is_the_colour_it_was(inference):
    rgb = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(0)) * 0.6 + 0.2
    lab = rgb_to_lab(rgb)
    ab = uv_to_ab(lab[:, :1], rgb_to_yuv(rgb)[:, 1:], steps=6)
    assert (ab - lab[:, 1:]).norm(dim=1).max() < 0.5
    assert (uv_to_ab(lab[:, :1], rgb_to_yuv(rgb)[:, 1:]) - lab[:, 1:]).norm(dim=1).mean() < 0.5


@pytest.mark.parametrize("uv", [(0.43, 0.0), (-0.4, 0.6), (0.0, -0.6)])
def test_uv_beyond_srgb_gives_colours_that_it_has(uv, inference):
    L = luminance()
    ab = uv_to_ab(L, torch.tensor(uv)[None, :, None, None].expand(2, 2, 16, 24))
    assert ab.isfinite().all()
    assert ab.abs().max() <= 110
    shown = merge(L, ab)
    assert ((shown >= 0) & (shown <= 1)).all()


def test_grey_is_the_value_of_a_grey_pixel(inference):
    values = torch.linspace(0, 1, 11).reshape(1, 1, 1, 11)
    torch.testing.assert_close(grey(rgb_to_lab(values.expand(1, 3, 1, 11))[:, :1]), values, atol=1e-4, rtol=0)


def test_half_precision_gives_about_the_same(model, inference):
    exact = model.predict_ab(luminance())
    rough = model.bfloat16().predict_ab(luminance().bfloat16())
    assert rough.dtype == torch.bfloat16
    assert (rough.float() - exact).abs().mean() < 0.05 * exact.abs().mean() + 0.5


def test_weights_come_back_with_their_palette(model, tmp_path, inference):
    save_weights(tmp_path / "a.safetensors", model, {"model": "colorunet"})
    again = load_model(weights=tmp_path / "a.safetensors")
    np.testing.assert_allclose(again.bins.centres, CENTRES, atol=1e-4)
    np.testing.assert_allclose(again.bins.prior, PALETTE.prior, atol=1e-3)
    torch.testing.assert_close(again.predict_ab(luminance()), model.predict_ab(luminance()), atol=0.5, rtol=1e-2)


@pytest.mark.parametrize("bins", [ab_bins(60), Bins(CENTRES[:3].copy(), np.full(3, 1 / 3), space="yuv")])
def test_other_bins_are_refused(model, bins):
    with pytest.raises(UsageError, match=r"--space yuv --colors 4"):
        model.adopt(bins)


def test_presets_have_32_colours_and_a_small_network():
    with torch.device("meta"):
        paper, fast = (build("colorunet", **RECIPES["colorunet"].presets[name].config) for name in ("paper", "fast"))
    assert len(paper.palette) == len(fast.palette) == 32
    assert sum(p.numel() for p in fast.parameters()) < 2e6
    assert build("colorunet", width=16).config["widths"] == [16, 32, 64, 96]
