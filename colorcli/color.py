"""sRGB, linear RGB and CIE Lab (D65, 2 degrees) on torch tensors, batched, on any device.

Layout is (..., C, H, W) throughout. sRGB and linear RGB are in 0..1, L in 0..100, a and b in Lab units
(sRGB reaches about -86..98 and -108..94). Matrices and constants are those of scikit-image, so that numbers
agree with the field's usual scripts.
"""

from __future__ import annotations

import torch
from torch import Tensor

XYZ_FROM_RGB = ((0.412453, 0.357580, 0.180423), (0.212671, 0.715160, 0.072169), (0.019334, 0.119193, 0.950227))
WHITE_D65 = (0.95047, 1.0, 1.08883)
# CIE Lab's f(t) is a cube root above this t, a line below
LAB_CUT, LAB_SLOPE, LAB_OFFSET = 0.008856, 7.787, 16.0 / 116.0



def _xyz_matrix(like: Tensor) -> Tensor:
    """Linear RGB -> XYZ relative to the white point."""
    white = torch.tensor(WHITE_D65, dtype=torch.float64)
    return (torch.tensor(XYZ_FROM_RGB, dtype=torch.float64) / white[:, None]).to(like.device, like.dtype)


def _rgb_matrix(like: Tensor) -> Tensor:
    """XYZ relative to the white point -> linear RGB."""
    white = torch.tensor(WHITE_D65, dtype=torch.float64)
    inverse = torch.linalg.inv(torch.tensor(XYZ_FROM_RGB, dtype=torch.float64))
    return (inverse * white[None, :]).to(like.device, like.dtype)


def _mix(matrix: Tensor, x: Tensor) -> Tensor:
    """(K, C) times (..., C, H, W) -> (..., K, H, W), as sums of planes: no copy to channels-last."""
    planes = x.unbind(-3)
    return torch.stack([sum(float(w) * p for w, p in zip(row, planes, strict=True)) for row in matrix], dim=-3)


def srgb_to_linear(rgb: Tensor) -> Tensor:
    """sRGB in 0..1 -> linear RGB in 0..1 (IEC 61966-2-1), any shape."""
    return torch.where(rgb > 0.04045, ((rgb.clamp_min(0.04045) + 0.055) / 1.055) ** 2.4, rgb / 12.92)


def linear_to_srgb(linear: Tensor) -> Tensor:
    """Linear RGB -> sRGB (IEC 61966-2-1), any shape; values below 0 stay on the line through 0."""
    curve = 1.055 * linear.clamp_min(0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear > 0.0031308, curve, linear * 12.92)


def _lab_f(t: Tensor) -> Tensor:
    return torch.where(t > LAB_CUT, t.clamp_min(LAB_CUT) ** (1 / 3), LAB_SLOPE * t + LAB_OFFSET)


def rgb_to_lab(rgb: Tensor) -> Tensor:
    """sRGB (..., 3, H, W) in 0..1 -> Lab (..., 3, H, W)."""
    linear = srgb_to_linear(rgb)
    fx, fy, fz = _lab_f(_mix(_xyz_matrix(linear), linear)).unbind(-3)
    return torch.stack([116 * fy - 16, 500 * (fx - fy), 200 * (fy - fz)], dim=-3)


def rgb_to_L(rgb: Tensor) -> Tensor:
    """sRGB (..., 3, H, W) in 0..1 -> L (..., 1, H, W) in 0..100: `rgb_to_lab` without a and b."""
    linear = srgb_to_linear(rgb)
    return 116 * _lab_f(_mix(_xyz_matrix(linear)[1:2], linear)) - 16


def lab_to_linear(L: Tensor, ab: Tensor) -> Tensor:
    """L (..., 1, H, W) and ab (..., 2, H, W) -> linear RGB (..., 3, H, W), beyond 0..1 where outside sRGB."""
    fy = (L.squeeze(-3) + 16) / 116
    a, b = ab.unbind(-3)
    f = torch.stack([fy + a / 500, fy, fy - b / 200], dim=-3)
    xyz = torch.where(f > 6 / 29, f * f * f, (f - LAB_OFFSET) / LAB_SLOPE)
    return _mix(_rgb_matrix(xyz), xyz)


def lab_to_rgb(lab: Tensor) -> Tensor:
    """Lab (..., 3, H, W) -> sRGB (..., 3, H, W), clipped to 0..1 per channel.

    For colours that may lie outside sRGB, call `fit_gamut` first: clipping alone shifts L and hue.
    """
    return linear_to_srgb(lab_to_linear(lab[..., :1, :, :], lab[..., 1:, :, :])).clamp(0, 1)


# Linear RGB this far outside 0..1 still rounds to the right 8-bit level
GAMUT_LOW, GAMUT_HIGH = -1.5e-4, 1.001


def fit_gamut(L: Tensor, ab: Tensor, steps: int = 10) -> Tensor:
    """Less chroma where (L, ab) lies outside sRGB, at the same L and hue; elsewhere ab as it is.

    L (..., 1, H, W) in 0..100 and ab (..., 2, H, W) -> ab (..., 2, H, W). The largest factor in 0..1 that brings a
    pixel into sRGB is found by bisection (to 2**-steps); only the pixels outside are worked on.
    """
    linear = lab_to_linear(L, ab)
    outside = (linear.amin(-3) < GAMUT_LOW) | (linear.amax(-3) > GAMUT_HIGH)  # (..., H, W)
    if not bool(outside.any()):
        return ab
    channels_last = ab.movedim(-3, -1).clone()  # a copy: the caller's ab stays
    colour = channels_last[outside].T[:, None, :]  # (2, 1, N)
    light = L.squeeze(-3)[outside][None, None, :]  # (1, 1, N)
    low, high = torch.zeros_like(light), torch.ones_like(light)
    for _ in range(steps):
        middle = (low + high) / 2
        trial = lab_to_linear(light, colour * middle)
        inside = ((trial.amin(0) >= GAMUT_LOW) & (trial.amax(0) <= GAMUT_HIGH))[None]
        low, high = torch.where(inside, middle, low), torch.where(inside, high, middle)
    channels_last[outside] = (colour * low)[:, 0, :].T
    return channels_last.movedim(-1, -3)


def merge(L: Tensor, ab: Tensor) -> Tensor:
    """L (..., 1, H, W) in 0..100 and ab (..., 2, H, W) -> sRGB (..., 3, H, W) in 0..1 at that L.

    Chroma that sRGB cannot show is reduced at constant L and hue.
    """
    return linear_to_srgb(lab_to_linear(L, fit_gamut(L, ab))).clamp(0, 1)
