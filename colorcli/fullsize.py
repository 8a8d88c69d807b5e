"""Colours at the network's size and the full-size luminance -> the picture."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from colorcli.color import linear_to_L, linear_to_srgb, merge_steps, srgb_to_linear

GUIDE_SIDE = 256  # px, the short side at which ab is fitted to L: finer changes nothing that shows
GUIDE_PIXELS = 24 * GUIDE_SIDE**2  # of that copy, at most
GUIDE_RADIUS = 2.5  # of the guided filter, in pixels of the network's ab
GUIDE_SMOOTHNESS = 4.0  # in L units: edges of L above this carry edges of colour
LINEAR_STEPS = 2**14  # of linear light: a fifth of an 8-bit level where those are narrowest
BAND_ROWS = 4096  # at most, for the weights of a band's rows grow with the square of their number
BAND_PIXELS = {"cpu": 256_000, "cuda": 16_000_000, "mps": 4_000_000}  # full-size pixels worked on at once


def _side_by_side(work: Callable[[int], None], tops: range, device: torch.device) -> None:
    """work(top) for every band: on a CPU one thread a core takes whole bands, each of its operations on one core.

    Sharing out each operation instead costs a wait per operation, a hundred times the work on a busy machine.
    """
    threads = torch.get_num_threads()
    if device.type != "cpu" or threads == 1 or len(tops) == 1:
        for top in tops:
            work(top)
        return
    try:
        with ThreadPoolExecutor(threads, "band", initializer=torch.set_num_threads, initargs=(1,)) as pool:
            list(pool.map(work, tops))
    finally:
        torch.set_num_threads(threads)  # threads begun from now on are not of the pool


@cache
def _tables(levels: int) -> tuple[np.ndarray, np.ndarray]:
    """Of every grey level: linear light in 0..1 and L in 0..100, each float32 (levels,)."""
    linear = srgb_to_linear(torch.linspace(0, 1, levels, dtype=torch.float64))
    L = linear_to_L(linear.expand(3, 1, levels))
    return linear.float().numpy(), L.flatten().float().numpy()


def luminance(pixels: np.ndarray) -> Tensor:
    """Pixels uint8 (h, w), uint8 (h, w, 3) or uint16 (h, w) -> L float32 (1, 1, h, w) in 0..100."""
    linear, L = _tables(2 ** (8 * pixels.itemsize))
    if pixels.ndim == 2:
        return torch.from_numpy(np.take(L, pixels, mode="clip"))[None, None]  # clip: no bounds to check
    return linear_to_L(torch.from_numpy(np.take(linear, pixels.transpose(2, 0, 1), mode="clip"))[None])


def _encode(f: Tensor, out: np.ndarray) -> None:
    """f of X, Y and Z (3, h, W) -> sRGB in `out`, uint8 (h, W, 3)."""
    linear = merge_steps(f, LINEAR_STEPS)
    levels = _encoding(f.device).index_select(0, linear.flatten()).view(linear.shape)
    for channel, plane in enumerate(levels.cpu().numpy()):
        out[..., channel] = plane


@cache
def _encoding(device: torch.device) -> Tensor:
    """The 8-bit sRGB level of the middle of each step of linear light: uint8 (LINEAR_STEPS,)."""
    linear = (torch.arange(LINEAR_STEPS, dtype=torch.float64) + 0.5) / (LINEAR_STEPS - 1.5)
    return (linear_to_srgb(linear) * 255).round().clamp_(0, 255).to(device, torch.uint8)


def resized(pixels: np.ndarray, shape: tuple[int, int], gap: float = 3.0) -> np.ndarray:
    """The photo resized to `shape` (height, width) in sRGB, as the training copies are: uint8."""
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    image = Image.fromarray(pixels)
    return np.asarray(image.resize((shape[1], shape[0]), Image.Resampling.LANCZOS, reducing_gap=gap))


def shrunken(pixels: np.ndarray) -> np.ndarray:
    """A copy with a short side of at most GUIDE_SIDE, uint8: its luminance guides ab to full size."""
    height, width = pixels.shape[:2]
    scale = min(1.0, GUIDE_SIDE / min(height, width))
    return resized(pixels, bounded((height * scale, width * scale), 1, GUIDE_PIXELS), gap=1.5)


def bounded(sides: tuple[float, float], multiple: int, most: int) -> tuple[int, int]:
    """Height and width as whole numbers, at least 1; the longer one shortened where the picture, its sides brought up
    to the multiple, would have more than `most` pixels: thin pictures cost no more than their area."""
    height, width = (max(1, round(side)) for side in sides)
    limit = max(1, most // max(multiple, min(height, width)))
    return min(height, max(width, limit)), min(width, max(height, limit))


class GuidedChroma:
    """ab as a local linear function of L, fitted at the guide's size, evaluated band by band at full size."""

    def __init__(
        self, guide: Tensor, ab: Tensor, full: tuple[int, int], asked: tuple[Tensor, Tensor] | None = None
    ) -> None:
        """guide L (1, 1, h, w); ab (1, 2, h', w') of any size; full: height and width of the photo. asked: ab (1, 2,
        h, w), and where it is kept as it is (1, 1, h, w), of 0 and 1."""
        shape = guide.shape[-2:]
        radius = max(1, round(GUIDE_RADIUS * min(shape) / min(ab.shape[-2:])))
        ab = F.interpolate(ab, size=shape, mode="bilinear", align_corners=False)
        products = torch.cat([guide, ab, guide * guide, guide * ab], 1)
        mean_L, mean_ab, mean_LL, mean_Lab = _box(products, radius).split((1, 2, 1, 2), 1)
        slope = (mean_Lab - mean_L * mean_ab) / ((mean_LL - mean_L * mean_L).clamp_min(0) + GUIDE_SMOOTHNESS**2)
        slope, offset = _box(torch.cat([slope, mean_ab - slope * mean_L], 1), radius).split(2, 1)
        if asked is not None:
            slope, offset = slope * (1 - asked[1]), torch.where(asked[1] > 0, asked[0], offset)
        # of f(X) and f(Z) over L instead of a and b: nothing is left to be scaled at full size
        unit = torch.tensor([1 / 500, -1 / 200], device=ab.device)[:, None, None]
        coefficients = torch.cat([slope * unit + 1 / 116, offset * unit + 16 / 116], 1)
        # widened once for all bands; the bands then only mix two rows each
        self.wide = F.interpolate(coefficients, size=(shape[0], full[1]), mode="bilinear", align_corners=False)[0]
        rows = torch.arange(full[0], device=ab.device)
        self.at = ((rows + 0.5) * (shape[0] / full[0]) - 0.5).clamp(0, shape[0] - 1)  # in rows of the guide

    def band(self, top: int, L: Tensor) -> Tensor:
        """f (3, h, W) of the rows from `top` on, whose luminance is L (1, 1, h, W)."""
        height, width = L.shape[-2:]
        at = self.at[top : top + height, None]
        first, last = int(at[0]), min(int(at[-1]) + 2, self.wide.shape[1])
        weights = (1 - (at - torch.arange(first, last, device=L.device)).abs()).clamp_min(0)  # two a row not 0
        slope, offset = (weights @ self.wide[:, first:last]).split(2)
        f = L.new_empty((3, height, width))
        torch.addcmul(offset, slope, L[0], out=f[::2])
        torch.mul(L[0, 0], 1 / 116, out=f[1]).add_(16 / 116)
        return f


def _box(x: Tensor, radius: int) -> Tensor:
    """Mean over a window of 2 radius + 1, edges repeated: (B, C, H, W) -> the same."""
    for axis, sides in ((-1, (radius, radius, 0, 0)), (-2, (0, 0, radius, radius))):
        padded, x = F.pad(x, sides, mode="replicate"), torch.zeros_like(x)
        for shift in range(2 * radius + 1):  # five times as quick as avg_pool2d
            x += padded.narrow(axis, shift, x.shape[axis])
        x /= 2 * radius + 1
    return x
