"""ConvNeXt (Liu et al. 2022) as an encoder: the features of all four stages."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPS = 1e-6


class ConvNeXt(nn.Module):
    """rgb, ImageNet-normalised (B, 3, H, W) -> features (B, dims[i], H / 2**(i+2), W / 2**(i+2)), finest first.

    depths: blocks a stage. Sides are multiples of 32. `norm` belongs to a classifier's pooled features; it is part
    of the published weights and not used.
    """

    def __init__(self, depths: Sequence[int], dims: Sequence[int]) -> None:
        super().__init__()
        stem = nn.Sequential(nn.Conv2d(3, dims[0], 4, stride=4), _ChannelNorm(dims[0]))
        shrink = [
            nn.Sequential(_ChannelNorm(narrow), nn.Conv2d(narrow, wide, 2, stride=2)) for narrow, wide in pairwise(dims)
        ]
        self.downsample_layers = nn.ModuleList([stem, *shrink])
        self.stages = nn.ModuleList(
            nn.Sequential(*(_Block(dim) for _ in range(depth))) for depth, dim in zip(depths, dims, strict=True)
        )
        for i, dim in enumerate(dims):
            self.add_module(f"norm{i}", _ChannelNorm(dim))
        self.norm = nn.LayerNorm(dims[-1], eps=EPS)

    def forward(self, x: Tensor) -> list[Tensor]:
        features = []
        for i, (shrink, stage) in enumerate(zip(self.downsample_layers, self.stages, strict=True)):
            x = stage(shrink(x))
            features.append(self.get_submodule(f"norm{i}")(x))
        return features


class _Block(nn.Module):
    """Depthwise 7x7 convolution, then two linear layers a pixel, scaled and added. (B, C, H, W) -> the same."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.dwconv = nn.Conv2d(dim, dim, 7, padding=3, groups=dim)
        self.norm = nn.LayerNorm(dim, eps=EPS)
        self.pwconv1 = nn.Linear(dim, 4 * dim)
        self.pwconv2 = nn.Linear(4 * dim, dim)
        self.gamma = nn.Parameter(torch.full((dim,), 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.dwconv(x).permute(0, 2, 3, 1))
        y = self.gamma * self.pwconv2(F.gelu(self.pwconv1(y)))
        return x + y.permute(0, 3, 1, 2)


class _ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of (B, C, H, W)."""

    def __init__(self, dim: int) -> None:
        super().__init__(dim, eps=EPS)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
