"""Palette: which colours a photo shall have, and how much of each; where, the network chooses."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from colorcli.errors import UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from colorcli.bins import Bins
    from colorcli.photo import Photo

GRID = 20.0  # Lab units between the colours of a palette: coarse, as small pictures have few pixels to share out
SIDE = 128  # px of the longer side at which a photo's colours are counted


@cache
def palette_bins() -> Bins:
    """The 101 colours of a palette."""
    from colorcli.bins import ab_bins

    return ab_bins(grid=GRID)


def shares(ab: Tensor) -> Tensor:
    """ab (B, 2, H, W) in Lab units -> float32 (B, 101): the share of each colour of `palette_bins` in each picture."""
    return palette_bins().encode(ab).mean((2, 3))


@dataclass(frozen=True)
class Palette:
    """The share of each of the colours of `palette_bins`: float32 (101,), sums to 1."""

    shares: np.ndarray

    @classmethod
    def from_photo(cls, photo: Photo, name: str = "the palette") -> Palette:
        """The colours of a photo; UsageError, naming it, for one without any."""
        import torch

        from colorcli.color import rgb_to_lab

        if photo.pixels.ndim == 2:
            raise UsageError(f"{name}: has no colours to take: give a photo in colour")
        scale = min(1.0, SIDE / max(photo.pixels.shape[:2]))
        size = max(1, round(photo.pixels.shape[1] * scale)), max(1, round(photo.pixels.shape[0] * scale))
        small = Image.fromarray(photo.pixels).resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
        rgb = torch.from_numpy(np.array(small)).permute(2, 0, 1)[None]
        return cls(shares(rgb_to_lab(rgb / 255)[:, 1:])[0].numpy())

    def beside(self, height: int, width: int) -> dict[str, Tensor]:
        """palette (1, 101), the same for pictures of every size."""
        import torch

        return {"palette": torch.from_numpy(self.shares)[None]}
