"""Photos whose true colours are known, as a user would have them: without."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from colorcli.color import grey_of, rgb_to_lab
from colorcli.evaluation.metrics import ciede2000
from colorcli.photo import Photo, read_photo

DATA = Path(__file__).parents[1] / "data"
COLOURED = ["astronaut.jpg", "cat.png", "coffee.jpg", "rocket.webp"]


def true(name: str) -> Photo:
    return read_photo(DATA / name)


def grey(photo: Photo) -> Photo:
    return replace(photo, pixels=grey_of(photo.pixels))


def error(photo: Photo, truth: Photo) -> float:
    """Mean CIEDE2000."""
    pixels = photo.pixels if photo.pixels.ndim == 3 else np.repeat(photo.pixels[..., None], 3, 2)
    one, other = (rgb_to_lab(torch.from_numpy(p.copy()).permute(2, 0, 1)[None] / 255) for p in (pixels, truth.pixels))
    return float(ciede2000(one, other).mean())
