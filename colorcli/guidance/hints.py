"""Hints: colours that a user wants at places of a photo, drawn as strokes or given as points."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from colorcli.errors import UsageError
from colorcli.photo import Photo

if TYPE_CHECKING:
    from torch import Tensor

POINT_SIDE = 0.01  # of the square that a point becomes, as a share of the photo's short side
OPAQUE = 128  # alpha from here on is a stroke: soft rims of strokes hold mixed colours


@dataclass(frozen=True)
class Hints:
    """Colours at places, for a photo at any resolution; of several at one place the last counts.

    places: float32 (N, 4), boxes by their middle x and y and their width and height, in 0..1 of the upright photo's
    width and height. colours: uint8 (N, 3) sRGB, of which only the chroma counts, for the luminance is the photo's.
    `a + b` is all of both.
    """

    places: np.ndarray
    colours: np.ndarray

    @classmethod
    def from_points(cls, points: Iterable[tuple[int, int, tuple[int, int, int]]], photo: Photo) -> Hints:
        """Points (x, y, sRGB levels), x and y in pixels of the upright photo from its upper left corner.

        Each becomes a small square. UsageError for a point outside the photo.
        """
        points = list(points)
        height, width = photo.pixels.shape[:2]
        for x, y, _ in points:
            if not (0 <= x < width and 0 <= y < height):
                raise UsageError(f"hint at {x},{y}: outside the photo, which is {width} x {height} px (upright)")
        pixels = np.array([(x, y) for x, y, _ in points]).reshape(-1, 2)
        colours = np.array([colour for *_, colour in points], np.uint8).reshape(-1, 3)
        return cls._of_pixels(pixels, colours, photo, side=max(1.0, POINT_SIDE * min(height, width)))

    @classmethod
    def from_strokes(cls, strokes: Photo, photo: Photo, name: str = "strokes") -> Hints:
        """What is drawn on a picture that is transparent elsewhere, of the upright photo's size or in proportion to it.

        UsageError, which calls the picture `name`, if it has no transparency, no strokes or another aspect ratio.
        """
        size, wanted = strokes.pixels.shape[1::-1], photo.pixels.shape[1::-1]
        if not _same_shape(size, wanted):
            turned = " (the photo is taken upright, as viewers show it)" if _same_shape(size[::-1], wanted) else ""
            raise UsageError(
                f"{name}: {size[0]} x {size[1]} px, but the photo is {wanted[0]} x {wanted[1]}{turned}:"
                " draw on a transparent layer of the photo's size"
            )
        if strokes.alpha is None:
            raise UsageError(f"{name}: has no transparency: draw the strokes on a transparent layer over the photo")
        y, x = np.nonzero(strokes.alpha >= OPAQUE)
        if not len(x):
            raise UsageError(f"{name}: is all transparent: no strokes on it")
        colours = strokes.pixels[y, x]
        if colours.dtype == np.uint16:
            colours = (colours >> 8).astype(np.uint8)
        if colours.ndim == 1:
            colours = np.repeat(colours[:, None], 3, axis=1)
        return cls._of_pixels(np.stack([x, y], 1), colours, strokes)

    @classmethod
    def _of_pixels(cls, pixels: np.ndarray, colours: np.ndarray, picture: Photo, side: float = 1.0) -> Hints:
        """Squares of `side` px around pixels of `picture`, whose x and y are in `pixels` (N, 2)."""
        middles, sides = pixels + 0.5, np.full(pixels.shape, side)
        width, height = picture.pixels.shape[1::-1]
        return cls((np.concatenate([middles, sides], 1) / (width, height, width, height)).astype(np.float32), colours)

    def __add__(self, other: Hints) -> Hints:
        return Hints(np.concatenate([self.places, other.places]), np.concatenate([self.colours, other.colours]))

    def maps(self, height: int, width: int) -> dict[str, Tensor]:
        """For a picture of that size: hint_ab (1, 2, height, width) in Lab units, 0 where there is no hint, and
        hint_mask (1, 1, height, width) of 0 and 1."""
        import torch

        from colorcli.color import rgb_to_lab

        x, y, place = self._covered(height, width)
        canvas, mask = np.zeros((height, width, 3), np.uint8), torch.zeros(1, 1, height, width)
        canvas[y, x] = self.colours[place]
        mask[0, 0, y, x] = 1
        ab = rgb_to_lab(torch.from_numpy(canvas).permute(2, 0, 1)[None] / 255)[:, 1:]
        return {"hint_ab": ab * mask, "hint_mask": mask}

    def _covered(self, height: int, width: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """x, y and the number of the place of every pixel that a place covers, at least one each, in their order."""
        size = np.array([width, height])
        sides = np.maximum(self.places[:, 2:] * size, 1)
        corners = np.floor(self.places[:, :2] * size - sides / 2 + 0.5).astype(np.int64)
        across, down = np.ceil(sides - 1e-3).astype(np.int64).T
        place = np.repeat(np.arange(len(corners)), across * down)
        nth = np.arange(len(place)) - np.repeat(np.cumsum(across * down) - across * down, across * down)
        x, y = corners[place, 0] + nth % across[place], corners[place, 1] + nth // across[place]
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        return x[inside], y[inside], place[inside]


def _same_shape(a: tuple[int, ...], b: tuple[int, ...]) -> bool:
    """Whether two sizes (width, height) are in proportion, but for the rounding to whole pixels."""
    return abs(a[0] * b[1] - a[1] * b[0]) <= max(*a, *b)
