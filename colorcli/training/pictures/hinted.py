"""Hints as a user would give them, for networks that learn to follow them (Zhang et al. 2017, section 3.2)."""

from __future__ import annotations

import math

import torch
from torch import Tensor

FEW = 1 / 8  # of the geometric distribution of how many hints a picture gets
MANY, MANY_SHARE = 200, 0.3  # the largest number, and how often it is drawn log-uniformly up to it instead
WIDEST = 9  # px, side of a hint
CENTRED = 0.5  # share of the hints around the middle, with a deviation of a quarter of the side; others anywhere


def hints(ab: Tensor, generator: torch.Generator, share: float) -> tuple[Tensor, Tensor]:
    """ab (B, 2, H, W) in Lab units -> hint_ab (B, 2, H, W), 0 where there is no hint, and hint_mask (B, 1, H, W) of 0
    and 1: squares of up to WIDEST px in `share` of the pictures, each of the mean true colour within it. The generator
    lies where ab does."""
    count, _, height, width = ab.shape

    def uniform(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator, device=ab.device).cpu()

    many = torch.exp(uniform(count) * math.log(MANY))
    few = 1 + torch.log(uniform(count).clamp_min(1e-9)) / math.log(1 - FEW)
    number = torch.where(uniform(count) < MANY_SHARE, many, few).int() * (uniform(count) < share)
    hint_ab, mask = torch.zeros_like(ab), torch.zeros_like(ab[:, :1])
    total = int(number.sum())
    sides = (1 + uniform(total) * WIDEST).int()
    anywhere, spread = uniform(total, 2), torch.randn(total, 2, generator=generator, device=ab.device).cpu() / 4 + 0.5
    places = torch.where(uniform(total, 1) < CENTRED, spread, anywhere).clamp(0, 0.999)
    picture = torch.repeat_interleave(torch.arange(count), number)
    for which, side, (y, x) in zip(picture.tolist(), sides.tolist(), places.tolist(), strict=True):
        top, left = (max(0, round(place * size - side / 2)) for place, size in ((y, height), (x, width)))
        square = (which, slice(None), slice(top, top + side), slice(left, left + side))
        hint_ab[square] = ab[square].mean((1, 2), keepdim=True)
        mask[square] = 1
    return hint_ab, mask
