"""YUV of BT.601 against scikit-image."""

import numpy as np
import pytest
import torch
from skimage import color as reference

from colorcli.color import rgb_to_yuv, yuv_to_rgb


@pytest.fixture
def rgb() -> torch.Tensor:
    """(2, 3, 20, 30) with the corners of the cube among them."""
    values = torch.rand(2, 3, 20, 30, generator=torch.Generator().manual_seed(0))
    values[0, :, 0, :8] = torch.tensor([[i >> k & 1 for i in range(8)] for k in range(3)], dtype=torch.float32)
    return values


def test_rgb_to_yuv_agrees_with_skimage(rgb):
    expected = reference.rgb2yuv(rgb.double().numpy(), channel_axis=1)
    assert np.abs(rgb_to_yuv(rgb).numpy() - expected).max() < 1e-6


def test_yuv_to_rgb_agrees_with_skimage_even_beyond_srgb():
    yuv = (
        torch.rand(1, 3, 9, 9, generator=torch.Generator().manual_seed(1)) - torch.tensor([0, 0.5, 0.5])[:, None, None]
    )
    expected = reference.yuv2rgb(yuv.double().numpy(), channel_axis=1)
    assert expected.min() < 0 and expected.max() > 1
    assert np.abs(yuv_to_rgb(yuv).numpy() - expected).max() < 1e-5


def test_there_and_back(rgb):
    assert torch.allclose(yuv_to_rgb(rgb_to_yuv(rgb)), rgb, atol=1e-6)


def test_ranges(rgb):
    y, u, v = rgb_to_yuv(rgb).unbind(1)
    assert (y.min(), y.max()) == (0, pytest.approx(1))
    assert u.abs().max().item() == pytest.approx(0.436, abs=1e-4)
    assert v.abs().max().item() == pytest.approx(0.615, abs=1e-4)
