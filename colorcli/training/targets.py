"""What a network's output is compared with."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor


def ab_like(prediction: Tensor, ab: Tensor) -> Tensor:
    """ab (B, 2, H, W) averaged down to the height and width of `prediction` (B, C, h, w)."""
    if prediction.shape[-2:] == ab.shape[-2:]:
        return ab
    return F.interpolate(ab, size=prediction.shape[-2:], mode="area")
