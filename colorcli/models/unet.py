"""The plain U-Net of strided convolutions of the GAN papers (paper 000 figure 3; paper 001 section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TANH_AB = 110.0  # Lab units that tanh at 1 stands for; sRGB ends at 108


def scaled(widths: Sequence[int], width: int | None) -> list[int]:
    """Channels of each level, finest first, in proportion so that the finest has `width`; multiples of 8."""
    if width is None:
        return list(widths)
    return [max(8, round(width * level / widths[0] / 8) * 8) for level in widths]


def contracting(in_channels: int, widths: Sequence[int]) -> nn.ModuleList:
    """A 3x3 convolution at full size, then 4x4 ones of stride 2, each with batch normalisation and LeakyReLU 0.2."""
    stages = [nn.Conv2d(in_channels, widths[0], 3, padding=1, bias=False)]
    stages += [nn.Conv2d(fine, coarse, 4, stride=2, padding=1, bias=False) for fine, coarse in pairwise(widths)]
    return nn.ModuleList(
        nn.Sequential(stage, nn.BatchNorm2d(width), nn.LeakyReLU(0.2))
        for stage, width in zip(stages, widths, strict=True)
    )


class StridedUNet(nn.Module):
    """The U-Net of paper 000 figure 3. (B, in, H, W) -> (B, out, H, W) in -1..1, H and W multiples of
    2**(levels - 1).

    Down: see `contracting`. Up: a 4x4 transposed convolution of stride 2, concatenation with its mirror, a 3x3
    convolution that halves the channels, batch normalisation, ReLU. Then 1x1 and tanh. widths: channels of each
    level, finest first. joined: channels that `decode` is given beside the coarsest features.
    """

    def __init__(self, in_channels: int, out_channels: int, widths: Sequence[int], joined: int = 0) -> None:
        super().__init__()
        self.down = contracting(in_channels, widths)
        self.up, self.halve = nn.ModuleList(), nn.ModuleList()
        for fine, coarse in reversed(list(pairwise(widths))):
            beside = 0 if self.up else joined
            self.up.append(nn.ConvTranspose2d(coarse + beside, fine, 4, stride=2, padding=1))
            conv = nn.Conv2d(2 * fine, fine, 3, padding=1, bias=False)
            self.halve.append(nn.Sequential(conv, nn.BatchNorm2d(fine), nn.ReLU()))
        self.head = nn.Conv2d(widths[0], out_channels, 1)

    def encode(self, x: Tensor) -> list[Tensor]:
        """The features of each level, finest first."""
        features = []
        for stage in self.down:
            x = stage(x)
            features.append(x)
        return features

    def decode(self, features: Sequence[Tensor], joined: Tensor | None = None) -> Tensor:
        """features: as `encode` gives them. joined: (B, joined), the same at every place of the coarsest level."""
        *skips, x = features
        if joined is not None:
            x = torch.cat([x, joined.to(x.dtype)[..., None, None].expand(-1, -1, *x.shape[-2:])], 1)
        for up, halve, skip in zip(self.up, self.halve, reversed(skips), strict=True):
            x = halve(torch.cat([up(x), skip], 1))
        return torch.tanh(self.head(x))

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))


class ContractingDiscriminator(nn.Module):
    """The contracting part of the U-Net, its channels doubling at every level, then a 4x4 convolution of stride 1
    (paper 000 section 3.2). (B, in, H, W) -> logits (B, 1, h, w): one number where the coarsest level has 4x4 px, as
    three strided convolutions leave of 32x32; more for larger pictures, and smaller ones are padded with 0."""

    def __init__(self, in_channels: int = 3, width: int = 64, levels: int = 3) -> None:
        super().__init__()
        widths = [width * 2**level for level in range(levels + 1)]
        self.down = contracting(in_channels, widths)
        self.head = nn.Conv2d(widths[-1], 1, 4)

    def forward(self, x: Tensor) -> Tensor:
        for stage in self.down:
            x = stage(x)
        height, width = x.shape[-2:]
        return self.head(F.pad(x, (0, max(0, 4 - width), 0, max(0, 4 - height))))
