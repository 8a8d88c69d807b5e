"""The convolutions and the U-Net that several models share."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions with batch normalisation around an identity. (B, C, H, W) -> (B, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm1(self.conv1(x)))
        return F.relu(x + self.norm2(self.conv2(y)))


class ResidualUNet(nn.Module):
    """A U-Net of residual blocks whose skips are added. (B, in, H, W) -> (B, out, H, W), H and W multiples of
    2**(levels - 1).

    widths: channels of each level, finest first. encoder_blocks, decoder_blocks: residual blocks a level; the
    decoder has one level fewer. dropout: after each of the two coarsest levels, of whole channels; off until training
    sets it.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        widths: Sequence[int],
        encoder_blocks: Sequence[int],
        decoder_blocks: Sequence[int],
    ) -> None:
        super().__init__()
        self.stem = nn.Conv2d(in_channels, widths[0], 3, padding=1)
        self.encoder = nn.ModuleList()
        for level, (width, blocks) in enumerate(zip(widths, encoder_blocks, strict=True)):
            shrink = [nn.Conv2d(widths[level - 1], width, 2, stride=2)] if level else []
            self.encoder.append(nn.Sequential(*shrink, *(ResidualBlock(width) for _ in range(blocks))))
        self.dropout = nn.Dropout2d(0.0)
        self.grow = nn.ModuleList()
        self.decoder = nn.ModuleList()
        for level in reversed(range(len(widths) - 1)):
            up = nn.Conv2d(widths[level + 1], 4 * widths[level], 1)
            self.grow.append(nn.Sequential(up, nn.PixelShuffle(2)))
            self.decoder.append(nn.Sequential(*(ResidualBlock(widths[level]) for _ in range(decoder_blocks[level]))))
        self.head = nn.Conv2d(widths[0], out_channels, 1)

    def encode(self, x: Tensor) -> list[Tensor]:
        """The features of each level, finest first."""
        x = self.stem(x)
        features = []
        for level, stage in enumerate(self.encoder):
            x = stage(x)
            if level >= len(self.encoder) - 2:
                x = self.dropout(x)
            features.append(x)
        return features

    def decode(self, features: Sequence[Tensor]) -> Tensor:
        """features: as `encode` gives them."""
        *skips, x = features
        for grow, stage, skip in zip(self.grow, self.decoder, reversed(skips), strict=True):
            x = stage(grow(x) + skip)
        return self.head(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))


class PatchDiscriminator(nn.Module):
    """PatchGAN: logits of "real" for overlapping patches (Isola et al. 2017, paper 002 section 3.1).

    (B, in, H, W) -> (B, 1, h, w). `layers` strided 4x4 convolutions and two more of stride 1: 1, 2 and 3 layers
    see patches of 16, 34 and 70 px (34: paper 001 section 3). Batch normalisation in all but first and last.
    """

    def __init__(self, in_channels: int = 3, width: int = 64, layers: int = 2) -> None:
        super().__init__()
        stages: list[nn.Module] = [nn.Conv2d(in_channels, width, 4, stride=2, padding=1), nn.LeakyReLU(0.2)]
        channels = width
        for layer in range(1, layers + 1):
            stride = 2 if layer < layers else 1
            wider = min(2 * channels, 8 * width)
            stages += [
                nn.Conv2d(channels, wider, 4, stride=stride, padding=1, bias=False),
                nn.BatchNorm2d(wider),
                nn.LeakyReLU(0.2),
            ]
            channels = wider
        stages.append(nn.Conv2d(channels, 1, 4, padding=1))
        self.patches = nn.Sequential(*stages)

    def forward(self, x: Tensor) -> Tensor:
        return self.patches(x)
