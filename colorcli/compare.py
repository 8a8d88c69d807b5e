"""The picture that --compare writes: a photo as it went in and its result, side by side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from colorcli.color import lab_to_rgb, rgb_to_L
from colorcli.photo import Photo

BAND = 256  # rows converted at a time: memory stays small for any photo


def side_by_side(photo: Photo, result: Photo, *others: Photo) -> Photo:
    """Grey | colour in one picture: `photo` without its colours, if it had any, left of `result`, then the others.

    Everything else a file carries (EXIF, format, notes) is the result's.
    """
    results = [result, *others]
    grey = np.repeat(grey_of(photo.pixels)[:, :, None], 3, axis=2)
    row = np.concatenate([grey, *(each.pixels for each in results)], axis=1)
    alpha = None if result.alpha is None else np.concatenate([result.alpha] * (1 + len(results)), axis=1)
    return replace(result, pixels=row, alpha=alpha)


def grey_of(pixels: np.ndarray) -> np.ndarray:
    """Pixels of a Photo, uint8 or uint16 (H, W) or sRGB uint8 (H, W, 3), -> uint8 (H, W) of the same L."""
    if pixels.ndim == 3:
        return np.concatenate([_grey_band(pixels[y : y + BAND]) for y in range(0, len(pixels), BAND)])
    if pixels.dtype == np.uint16:
        return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    return pixels


def _grey_band(rgb: np.ndarray) -> np.ndarray:
    L = rgb_to_L(torch.from_numpy(np.ascontiguousarray(rgb)).movedim(-1, 0) / 255)
    grey = lab_to_rgb(torch.cat([L, torch.zeros_like(L), torch.zeros_like(L)]))
    return (grey[1] * 255).round().to(torch.uint8).numpy()
