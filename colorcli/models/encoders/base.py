"""The one contract of every encoder."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor, nn


class Encoder(nn.Module):
    """A classifier of photos without its head: pictures -> features, from the finest level to the coarsest.

    strides: how many pixels of the picture a place of each level stands for; channels: of each level. Both finest
    first. Sides of the picture are multiples of the last stride.
    stem_channels: of the first convolution.
    """

    strides: ClassVar[tuple[int, ...]]
    channels: tuple[int, ...]
    stem_channels: int

    def features(self, rgb: Tensor, beside: Tensor | None = None) -> list[Tensor]:
        """sRGB (B, 3, H, W) in 0..1, a grey picture as three equal channels -> (B, channels[i], H / strides[i],
        W / strides[i]) of each level, finest first.

        beside: (B, stem_channels, H / 2, W / 2), added to what the first convolution gives, before its activation.
        """
        raise NotImplementedError
