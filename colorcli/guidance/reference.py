"""Reference: another photo whose colours a photo shall have, with pairs of swatches that belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from colorcli.errors import UsageError
from colorcli.photo import Photo

if TYPE_CHECKING:
    from torch import Tensor

Box = tuple[int, int, int, int]  # x, y, width, height in px of an upright photo


@dataclass(frozen=True)
class Reference:
    """A photo in colour, and pairs of swatches.

    pixels: uint8 (H, W, 3) sRGB. swatches: pairs of a box in the photo that is coloured and a box in this one, each x0,
    y0, x1, y1 in 0..1 of width and height.
    """

    pixels: np.ndarray
    swatches: tuple[tuple[tuple[float, ...], tuple[float, ...]], ...] = ()

    @classmethod
    def from_photo(
        cls,
        reference: Photo,
        swatches: Sequence[tuple[Box, Box]] = (),
        photo: Photo | None = None,
        name: str = "the reference",
    ) -> Reference:
        """swatches: pairs of a box in `photo`, which is coloured, and one in `reference`; `photo` is needed for these.

        UsageError for a reference without colours and for a box not inside its photo; `name` is the reference's.
        """
        if reference.pixels.ndim == 2:
            raise UsageError(f"{name}: has no colours to take: give a photo in colour")
        if photo is None:
            if swatches:
                raise ValueError("swatches are boxes of a photo: give it too")
            return cls(reference.pixels)
        pairs = [(_share(ours, photo, "the photo"), _share(theirs, reference, name)) for ours, theirs in swatches]
        return cls(reference.pixels, tuple(pairs))

    def maps(self, height: int, width: int) -> dict[str, Tensor]:
        """For a picture of that size: swatches (1, 1, height, width), if there are any: the number of each pair from 1
        on, where boxes overlap that of the last, and 0 elsewhere."""
        boxes = [ours for ours, _ in self.swatches]
        return {"swatches": _numbered(boxes, height, width)} if boxes else {}

    def beside(self, height: int, width: int) -> dict[str, Tensor]:
        """For a picture of that size: reference, Lab (1, 3, H, W) of about as many pixels, its aspect ratio kept; with
        swatches also reference_swatches (1, 1, H, W), numbered as in `maps`."""
        import torch

        from colorcli.color import rgb_to_lab

        scale = (height * width / (self.pixels.shape[0] * self.pixels.shape[1])) ** 0.5
        own = max(1, round(self.pixels.shape[0] * scale)), max(1, round(self.pixels.shape[1] * scale))
        small = Image.fromarray(self.pixels).resize(own[::-1], Image.Resampling.LANCZOS, reducing_gap=3.0)
        rgb = torch.from_numpy(np.array(small)).permute(2, 0, 1)[None]
        tensors = {"reference": rgb_to_lab(rgb / 255)}
        if self.swatches:
            tensors["reference_swatches"] = _numbered([theirs for _, theirs in self.swatches], *own)
        return tensors


def _share(box: Box, photo: Photo, name: str) -> tuple[float, ...]:
    """A box in px -> x0, y0, x1, y1 in 0..1."""
    width, height = photo.pixels.shape[1::-1]
    x, y, w, h = box
    if not (w > 0 and h > 0 and 0 <= x <= width - w and 0 <= y <= height - h):
        raise UsageError(
            f"swatch {','.join(map(str, box))} (x, y, width, height): not inside {name}, which is {width} x {height} px"
        )
    return x / width, y / height, (x + w) / width, (y + h) / height


def _numbered(boxes: Sequence[tuple[float, ...]], height: int, width: int) -> Tensor:
    """float32 (1, 1, height, width): the number of the box that a pixel is in, at least one pixel for each."""
    import torch

    numbers = torch.zeros(1, 1, height, width)
    for number, (x0, y0, x1, y1) in enumerate(boxes, start=1):
        left, top = min(width - 1, round(x0 * width)), min(height - 1, round(y0 * height))
        right, bottom = max(left + 1, round(x1 * width)), max(top + 1, round(y1 * height))
        numbers[..., top:bottom, left:right] = number
    return numbers
