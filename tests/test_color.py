"""Colour conversion against scikit-image, and what `merge` promises."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage import color as reference

from colorcli.color import (
    lab_to_f,
    lab_to_rgb,
    linear_to_srgb,
    merge,
    merge_steps,
    rgb_to_L,
    rgb_to_lab,
    saturated,
    srgb_to_linear,
)


@pytest.fixture
def rgb() -> torch.Tensor:
    """Random colours with the corners and the greys among them."""
    values = torch.rand(1, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    values[..., 0, :8] = torch.tensor([[i >> k & 1 for i in range(8)] for k in range(3)], dtype=torch.float32)
    values[..., 1, :] = torch.linspace(0, 1, 40)
    return values


def test_rgb_to_lab_agrees_with_skimage(rgb):
    expected = reference.rgb2lab(rgb[0].permute(1, 2, 0).double().numpy())
    assert np.abs(rgb_to_lab(rgb)[0].permute(1, 2, 0).numpy() - expected).max() < 1e-3


def test_lab_to_rgb_agrees_with_skimage():
    generator = torch.Generator().manual_seed(1)
    L, ab = (
        100 * torch.rand(1, 1, 30, 30, generator=generator),
        30 * torch.randn(1, 2, 30, 30, generator=generator),
    )
    L, ab = 20 + 0.7 * L, ab.clamp(-40, 40)  # where no XYZ is negative, of which skimage would warn
    lab = torch.cat([L, ab], 1)
    expected = reference.lab2rgb(lab[0].permute(1, 2, 0).double().numpy())
    inside = (expected > 0).all(-1) & (expected < 1).all(-1)
    assert inside.sum() > 100
    assert np.abs(lab_to_rgb(lab)[0].permute(1, 2, 0).numpy() - expected)[inside].max() < 1e-4


def test_conversions_are_inverses(rgb):
    assert torch.allclose(lab_to_rgb(rgb_to_lab(rgb)), rgb, atol=1e-4)
    assert torch.allclose(linear_to_srgb(srgb_to_linear(rgb)), rgb, atol=1e-5)


def test_L_alone_is_the_L_of_lab(rgb):
    assert torch.equal(rgb_to_L(rgb), rgb_to_lab(rgb)[:, :1])


def test_greys_have_no_chroma(rgb):
    grey = rgb[:, :1].expand(1, 3, 40, 40)
    assert rgb_to_lab(grey)[:, 1:].abs().max() < 0.02


@given(st.integers(0, 2**32 - 1), st.floats(0, 128))
@settings(max_examples=50, deadline=None)
def test_merge_keeps_L_to_the_8_bit_level_whatever_the_chroma(seed, chroma):
    generator = torch.Generator().manual_seed(seed)
    L = torch.linspace(0, 100, 101)[None, None, None].expand(1, 1, 8, 101)
    ab = chroma * (2 * torch.rand(1, 2, 8, 101, generator=generator) - 1)
    shown = (merge(L, ab) * 255).round() / 255
    assert (rgb_to_L(shown) - L).abs().max() < 0.4


def test_merge_leaves_colours_inside_srgb_alone(rgb):
    lab = rgb_to_lab(rgb)
    assert torch.allclose(merge(lab[:, :1], lab[:, 1:]), rgb, atol=1e-3)


def test_merge_in_steps_gives_what_merge_gives():
    L, ab = torch.linspace(0, 100, 101).expand(1, 64, 101), torch.empty(2, 64, 101)
    angle = torch.arange(64)[:, None] * (2 * torch.pi / 64)
    ab[0], ab[1] = 500 * angle.cos(), 40 * angle.sin()
    steps = merge_steps(lab_to_f(L, ab), 2**14)
    assert (int(steps.min()), int(steps.max())) == (0, 2**14 - 2)
    shown = linear_to_srgb((steps + 0.5) / (2**14 - 1.5))
    assert (shown - merge(L, ab)).abs().max() < 1 / 255


def test_merge_reduces_chroma_at_constant_hue():
    L, ab = torch.full((1, 1, 1, 64), 55.0), torch.empty(1, 2, 1, 64)
    angle = torch.arange(64) * (2 * torch.pi / 64)
    ab[0, 0, 0], ab[0, 1, 0] = 120 * angle.cos(), 120 * angle.sin()
    shown = rgb_to_lab(merge(L, ab))[:, 1:]
    cosine = torch.nn.functional.cosine_similarity(shown, ab, dim=1)
    assert cosine.min() > 0.9995
    assert shown.norm(dim=1).min() > 25  # as much as fits, not grey


def test_saturated_by_hand():
    ab = torch.tensor([[3.0, 4.0], [0.0, 0.0]]).T.reshape(1, 2, 2, 1)  # chroma 5 and 0, 2.5 in the mean
    torch.testing.assert_close(saturated(ab, 0.5), ab / 2)
    torch.testing.assert_close(saturated(ab, 1.3), ab * (1 + 4.8 / 6.75))


def test_a_strong_colour_gains_less_than_a_pale_one():
    pale, strong = (torch.full((1, 2, 4, 4), value) for value in (2.0, 20.0))
    assert (saturated(pale, 1.5) / pale).min() > 1.5 > (saturated(strong, 1.5) / strong).max() > 1
