"""The planes of chroma that bins lie in, and the points of a grid that are bins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from scipy.spatial import ConvexHull
from torch import Tensor

from colorcli.color import merge, rgb_to_lab, rgb_to_yuv, yuv_to_rgb

CELLS = 256  # a side of the lattice on which chroma is counted; 0 lies where four cells meet


@dataclass(frozen=True)
class Plane:
    """A chroma plane. cell: side of a lattice cell; grid: default step of the bins. Both in the plane's own units.

    to_chroma: sRGB (B, 3, H, W) in 0..1 -> chroma (B, 2, H, W). to_rgb: its way back at middle lightness, clipped.
    """

    name: str
    axes: tuple[str, str]
    cell: float
    grid: float
    to_chroma: Callable[[Tensor], Tensor]
    to_rgb: Callable[[Tensor], Tensor]

    @property
    def extent(self) -> float:
        """The lattice covers -extent..extent on both axes: all of sRGB, and more."""
        return self.cell * CELLS / 2

    def lattice(self) -> np.ndarray:
        """Centres of the lattice's cells, float64 (CELLS, CELLS, 2)."""
        centres = (np.arange(CELLS) - (CELLS - 1) / 2) * self.cell
        return np.stack(np.meshgrid(centres, centres, indexing="ij"), -1)


def _ab_to_rgb(ab: Tensor) -> Tensor:
    """ab (B, 2, H, W) -> sRGB (B, 3, H, W) at L = 60, with less chroma where sRGB cannot show it."""
    return merge(torch.full_like(ab[:, :1], 60.0), ab)


def _uv_to_rgb(uv: Tensor) -> Tensor:
    """UV (B, 2, H, W) -> sRGB (B, 3, H, W) at Y = 0.5."""
    return yuv_to_rgb(torch.cat([torch.full_like(uv[:, :1], 0.5), uv], 1)).clamp(0, 1)


PLANES = {
    "ab": Plane("ab", ("a", "b"), 1.0, 10.0, lambda rgb: rgb_to_lab(rgb)[:, 1:], _ab_to_rgb),
    "yuv": Plane("yuv", ("U", "V"), 0.005, 0.08, lambda rgb: rgb_to_yuv(rgb)[:, 1:], _uv_to_rgb),
}


@cache
def grid_in_gamut(grid: float) -> np.ndarray:
    """The points of the ab grid that stand for colours of sRGB: float32 (Q, 2), by a, then by b, both ascending.

    A multiple of `grid` is one if the square that reaches one step to each side of it touches the convex hull of
    what sRGB covers in ab, over all L. For a step of 10 these are the 313 points, in the order, that Zhang et al.
    2016 (section 2.2) published with their weights.
    """
    corners = np.array([(-grid, -grid), (-grid, grid), (grid, -grid), (grid, grid)])
    # inside the hull that a square at each of its points makes wider = a square that touches the hull
    wider = ConvexHull((_srgb_surface()[:, None] + corners).reshape(-1, 2))
    steps = np.arange(-np.ceil(128 / grid), np.ceil(128 / grid) + 1) * grid
    points = np.stack(np.meshgrid(steps, steps, indexing="ij"), -1).reshape(-1, 2)
    outside = points @ wider.equations[:, :2].T + wider.equations[:, 2]
    return points[outside.max(1) <= 0].astype(np.float32)


def _srgb_surface(levels: int = 33) -> np.ndarray:
    """ab of colours on the faces of the RGB cube, `levels` an edge: float64 (N, 2)."""
    v = torch.linspace(0, 1, levels, dtype=torch.float64)
    rgb = torch.stack(torch.meshgrid(v, v, v, indexing="ij"))
    on_face = ((rgb == 0) | (rgb == 1)).any(0)
    return rgb_to_lab(rgb[:, on_face][None, ..., None])[0, 1:, :, 0].T.numpy()
