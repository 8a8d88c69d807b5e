"""`global-local`: local features joined with one vector for the whole picture, trained with a classification head.

After Iizuka et al., Let there be Color!, SIGGRAPH 2016 (paper 002 section 4). A low-level network, which shrinks by
strided convolutions and never pools, feeds two others: a mid-level network, and a global network that ends in a
vector. A fusion layer joins the vector to every place of the mid-level map; a colour network grows the result to ab at
half the size of L. The vector is also classified, which teaches it what the picture shows.

Scaled to 32x32 by default: two strides in the low-level network where the paper has three (which would leave 4x4
places), four convolutions there instead of six and two in the global network instead of four, and about a third of
the channels: 1.8 million parameters. The recipe "paper" has the paper's own layers. In both, the global map is
averaged to a fixed size before the fully connected layers, so that pictures of any size can be coloured; there is no
batch normalisation after those layers.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorcli.models.base import ColorModel

Layers = Sequence[Sequence[int]]  # (channels, stride) of one convolution after the other


class GlobalLocal(ColorModel):
    """L -> ab, and what the picture shows.

    low, global_: (channels, stride) of each convolution of the two networks that shrink; `low` starts with a stride
    of 2. pool: side of the map that the fully connected layers see. full: their features, the last being the global
    vector's. mid: channels of the mid-level network. colour: channels of the colour network's convolutions, a
    sequence for each stage, of which every one but the first starts by doubling the size; as many stages as `low` has
    strides. classes: of the head. width: channels of the finest level (the first convolution), all other convolutions
    in proportion.
    """

    ab_scale = 110.0  # what tanh at 1 stands for; sRGB ends at 108

    def __init__(
        self,
        low: Layers = ((64, 2), (128, 1), (128, 2), (160, 1)),
        global_: Layers = ((160, 2), (160, 2)),
        pool: int = 2,
        full: Sequence[int] = (256, 128),
        mid: Sequence[int] = (160, 128),
        colour: Layers = ((128,), (64, 64)),
        classes: int = 10,
        width: int | None = None,
    ) -> None:
        scale = 1.0 if width is None else width / low[0][0]
        low, global_ = ([[_scaled(channels, scale), stride] for channels, stride in part] for part in (low, global_))
        mid = [_scaled(channels, scale) for channels in mid]
        colour = [[_scaled(channels, scale) for channels in stage] for stage in colour]
        super().__init__(
            low=low, global_=global_, pool=pool, full=list(full), mid=mid, colour=colour, classes=classes
        )  # fmt: skip
        self.multiple = 2 ** len(colour)
        self.low = _convolutions(1, low)
        self.mid = _convolutions(low[-1][0], [(channels, 1) for channels in mid])
        self.global_ = nn.Sequential(_convolutions(low[-1][0], global_), nn.AdaptiveAvgPool2d(pool), nn.Flatten())
        self.full = _fully_connected(global_[-1][0] * pool**2, full)
        self.classify = nn.Sequential(*_fully_connected(full[-1], full[-1:]), nn.Linear(full[-1], classes))
        self.fuse_local = nn.Conv2d(mid[-1], mid[-1], 1)
        self.fuse_global = nn.Linear(full[-1], mid[-1], bias=False)
        self.colour = _colour_network(mid[-1], colour)

    def forward(self, L: Tensor) -> tuple[Tensor, Tensor]:
        """L (B, 1, H, W) in 0..100, sides multiples of `multiple` -> ab / ab_scale (B, 2, H/2, W/2) in -1..1, and
        logits (B, classes)."""
        low = self.low((L - 50) / 50)
        vector = self.full(self.global_(low))
        return torch.tanh(self.colour(self.fuse(self.mid(low), vector))), self.classify(vector)

    def fuse(self, local: Tensor, vector: Tensor) -> Tensor:
        """Mid-level features (B, C, h, w) and the global vector (B, V) -> (B, C, h, w): a 1x1 convolution of each
        place's features with the vector beside them, without as many copies of the vector."""
        return F.relu(self.fuse_local(local) + self.fuse_global(vector)[:, :, None, None])

    def predict_ab(self, L: Tensor) -> Tensor:
        """L (B, 1, H, W) in 0..100, sides multiples of `multiple` -> ab (B, 2, H, W) in Lab units."""
        ab = self(L)[0] * self.ab_scale
        return F.interpolate(ab, size=L.shape[-2:], mode="bilinear", align_corners=False)


def _scaled(channels: int, scale: float) -> int:
    return max(8, round(channels * scale / 8) * 8)


def _convolutions(channels: int, layers: Layers) -> nn.Sequential:
    """3x3 convolutions with batch normalisation and ReLU."""
    stages: list[nn.Module] = []
    for wanted, stride in layers:
        stages += [
            nn.Conv2d(channels, wanted, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(wanted),
            nn.ReLU(inplace=True),
        ]
        channels = wanted
    return nn.Sequential(*stages)


def _fully_connected(features: int, layers: Sequence[int]) -> nn.Sequential:
    stages: list[nn.Module] = []
    for wanted in layers:
        stages += [nn.Linear(features, wanted), nn.ReLU(inplace=True)]
        features = wanted
    return nn.Sequential(*stages)


def _colour_network(channels: int, stages: Layers) -> nn.Sequential:
    """(B, channels, h, w) -> (B, 2, H, W), doubled in size between the stages."""
    layers: list[nn.Module] = []
    for number, stage in enumerate(stages):
        layers += [nn.Upsample(scale_factor=2, mode="nearest")] if number else []
        layers.append(_convolutions(channels, [(wanted, 1) for wanted in stage]))
        channels = stage[-1]
    return nn.Sequential(*layers, nn.Conv2d(channels, 2, 3, padding=1))
