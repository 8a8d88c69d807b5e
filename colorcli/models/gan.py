"""`gan`: a generator that colours, trained with L1 and against a discriminator.

Two networks. "residual": after Petre et al. (paper 001 section 3) and Isola et al. 2017 (paper 002 section 3). Where
the papers run a plain U-Net at the full size of L, it folds 2x2 pixels of L into four channels first and gives ab at
half the size of L: chroma needs no more (broadcast video carries no more), and the same time buys twice the context.
"strided": C-DCGAN, the plain U-Net of paper 000 section 3.2 with its discriminator.
With an encoder: see pretrained_unet.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from colorcli.models.base import ColorModel
from colorcli.models.blocks import PatchDiscriminator, ResidualUNet
from colorcli.models.pretrained_unet import PretrainedUNet
from colorcli.models.unet import TANH_AB, ContractingDiscriminator, StridedUNet, scaled


def generator(encoder: str | None = None, **config: Any) -> ColorModel:
    """The network that a config stands for: with an encoder pretrained_unet.PretrainedUNet, else GanGenerator."""
    if encoder is None:
        return GanGenerator(**config)
    return PretrainedUNet(encoder, **config)


class GanGenerator(ColorModel):
    """L -> ab through a U-Net; 8.4 million parameters as configured by default.

    widths: channels of each level, finest first; width: of the finest, the others in proportion. network: "strided"
    (see unet.StridedUNet) or "residual", to which the others belong: encoder_blocks and decoder_blocks, see
    blocks.ResidualUNet; fine: ab at the full size of L instead of half of it; classes: how many it tells apart, from
    the mean of its coarsest features, as Iizuka et al. 2016 (section 3.3) train theirs jointly. Sides of L are
    multiples of 2 ** len(widths), of the strided one of half of that.
    """

    takes = ()

    def __init__(
        self,
        widths: Sequence[int] = (32, 64, 128, 256, 384),
        encoder_blocks: Sequence[int] = (1, 1, 2, 2, 1),
        decoder_blocks: Sequence[int] = (1, 1, 1, 1),
        width: int | None = None,
        network: str = "residual",
        fine: bool = False,
        classes: int = 0,
    ) -> None:
        widths = scaled(widths, width)
        self.strided, self.fine = network == "strided", fine
        if self.strided:
            super().__init__(widths=widths, network=network)
            self.unet: StridedUNet | ResidualUNet = StridedUNet(1, 2, widths)
            self.ab_scale = TANH_AB
        elif network == "residual":
            blocks = {"encoder_blocks": list(encoder_blocks), "decoder_blocks": list(decoder_blocks)}
            super().__init__(widths=widths, **blocks, fine=fine, classes=classes)
            self.unet = ResidualUNet(4, 8 if fine else 2, widths, **blocks)
        else:
            raise ValueError(f"network is {network!r}, neither 'residual' nor 'strided'")
        self.multiple = 2 ** (len(widths) - self.strided)
        self.labels = nn.Linear(widths[-1], classes) if classes else None

    def forward(self, L: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """L (B, 1, H, W) in 0..100, sides multiples of `multiple` -> ab / ab_scale (B, 2, h, w): H/2 x W/2 of the
        residual network, H x W of the strided and the fine one. With classes also their logits (B, classes)."""
        light = (L - 50) / 50
        features = self.unet.encode(light if self.strided else F.pixel_unshuffle(light, 2))
        ab = self.unet.decode(features)
        if self.fine:
            ab = F.pixel_shuffle(ab, 2)
        return ab if self.labels is None else (ab, self.labels(features[-1].mean((2, 3))))

    def predict_ab(self, L: Tensor) -> Tensor:
        """L (B, 1, H, W) in 0..100, sides multiples of `multiple` -> ab (B, 2, H, W) in Lab units."""
        out = self(L)
        ab = (out[0] if isinstance(out, tuple) else out) * self.ab_scale
        if ab.shape[-2:] == L.shape[-2:]:
            return ab
        return F.interpolate(ab, size=L.shape[-2:], mode="bilinear", align_corners=False)

    def discriminator(self) -> nn.Module:
        """Of the residual network the 34x34 PatchGAN of paper 001 section 3, of the fine one that of 70x70, which is as
        much of the photo; of the strided one its contracting part down to 4x4 px of 32x32, with channels that double
        (paper 000 section 3.2)."""
        if self.strided:
            return ContractingDiscriminator(in_channels=3, width=self.config["widths"][0], levels=3)
        return PatchDiscriminator(in_channels=3, width=32, layers=3 if self.fine else 2)
