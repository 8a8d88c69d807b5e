"""What time and cameras do to old photographs, done to the luminance that the network sees."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def age(L: Tensor, generator: torch.Generator, share: float = 0.5) -> Tensor:
    """L (B, 1, H, W) in 0..100 -> the same, with `share` of the photos aged: tone, fading, blur, grain.

    The generator lies on the CPU; the same state gives the same result.
    """

    def uniform(low: float, high: float) -> Tensor:
        return (low + (high - low) * torch.rand(len(L), 1, 1, 1, generator=generator)).to(L.device)

    aged = 100 * (L / 100).clamp(0, 1) ** torch.exp(uniform(-0.5, 0.5))  # another emulsion's tone curve
    black, white = uniform(-8, 20), uniform(75, 108)  # faded, or of hard contrast
    aged = black + aged * (white - black) / 100
    soft = F.avg_pool2d(F.pad(aged, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    aged = torch.lerp(aged, soft, uniform(-0.3, 1.0).clamp_min(0))
    grain = torch.randn(L.shape, generator=generator).to(L.device)
    aged = (aged + grain * uniform(-3, 6).clamp_min(0)).clamp(0, 100)
    chosen = torch.rand(len(L), 1, 1, 1, generator=generator).to(L.device) < share
    return torch.where(chosen, aged, L)
