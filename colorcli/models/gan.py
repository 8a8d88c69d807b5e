"""`gan`: a generator that colours, trained with L1 and against a discriminator.

Two networks. "residual": after Petre et al. (paper 001 section 3) and Isola et al. 2017 (paper 002 section 3). Where
the papers run a plain U-Net at the full size of L, it folds 2x2 pixels of L into four channels first and gives ab at
half the size of L: chroma needs no more (broadcast video carries no more), and the same time buys twice the context.
"strided": C-DCGAN, the plain U-Net of paper 000 section 3.2 with its discriminator.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from colorcli.models.base import ColorModel
from colorcli.models.blocks import PatchDiscriminator, ResidualUNet
from colorcli.models.unet import TANH_AB, ContractingDiscriminator, StridedUNet, scaled


class GanGenerator(ColorModel):
    """L -> ab through a U-Net; 8.4 million parameters as configured by default.

    widths: channels of each level, finest first; width: of the finest, the others in proportion. network: "residual",
    to which encoder_blocks and decoder_blocks belong (see blocks.ResidualUNet), or "strided" (see unet.StridedUNet).
    Sides of L are multiples of 2 ** len(widths), of the strided one of half of that.
    """

    def __init__(
        self,
        widths: Sequence[int] = (32, 64, 128, 256, 384),
        encoder_blocks: Sequence[int] = (1, 1, 2, 2, 1),
        decoder_blocks: Sequence[int] = (1, 1, 1, 1),
        width: int | None = None,
        network: str = "residual",
    ) -> None:
        widths = scaled(widths, width)
        self.strided = network == "strided"
        if self.strided:
            super().__init__(widths=widths, network=network)
            self.unet: nn.Module = StridedUNet(1, 2, widths)
            self.ab_scale = TANH_AB
        elif network == "residual":
            super().__init__(widths=widths, encoder_blocks=list(encoder_blocks), decoder_blocks=list(decoder_blocks))
            self.unet = ResidualUNet(4, 2, widths, encoder_blocks, decoder_blocks)
        else:
            raise ValueError(f"network is {network!r}, neither 'residual' nor 'strided'")
        self.multiple = 2 ** (len(widths) - self.strided)

    def forward(self, L: Tensor) -> Tensor:
        """L (B, 1, H, W) in 0..100, sides multiples of `multiple` -> ab / ab_scale (B, 2, h, w): H/2 x W/2 of the
        residual network, H x W of the strided one."""
        light = (L - 50) / 50
        return self.unet(light if self.strided else F.pixel_unshuffle(light, 2))

    def predict_ab(self, L: Tensor) -> Tensor:
        """L (B, 1, H, W) in 0..100, sides multiples of `multiple` -> ab (B, 2, H, W) in Lab units."""
        ab = self(L) * self.ab_scale
        return ab if self.strided else F.interpolate(ab, size=L.shape[-2:], mode="bilinear", align_corners=False)

    def discriminator(self) -> nn.Module:
        """Of the residual network the 34x34 PatchGAN of paper 001 section 3; of the strided one its contracting part
        down to 4x4 px of 32x32, with channels that double (paper 000 section 3.2)."""
        if self.strided:
            return ContractingDiscriminator(in_channels=3, width=self.config["widths"][0], levels=3)
        return PatchDiscriminator(in_channels=3, width=32, layers=2)
