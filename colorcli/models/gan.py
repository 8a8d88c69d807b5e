"""`gan`: the generator that colours photos, trained with L1 and against a PatchGAN.

After Petre et al. (paper 001 section 3) and Isola et al. 2017 (paper 002 section 3). Where the papers run a plain
U-Net at the full size of L, this one folds 2x2 pixels of L into four channels first and gives ab at half the size
of L: chroma needs no more (broadcast video carries no more), and the same time buys twice the context.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor

from colorcli.models.base import ColorModel
from colorcli.models.blocks import PatchDiscriminator, ResidualUNet


class GanGenerator(ColorModel):
    """L -> ab through a residual U-Net; 11.1 million parameters as configured by default.

    widths: channels of each level, finest first; width: of the finest, the others in proportion. Sides of L are multiples of 2 ** len(widths). encoder_blocks,
    decoder_blocks: see blocks.ResidualUNet.
    """

    def __init__(
        self,
        widths: Sequence[int] = (32, 64, 128, 256, 384),
        encoder_blocks: Sequence[int] = (1, 1, 2, 2, 2),
        decoder_blocks: Sequence[int] = (1, 1, 1, 1),
        width: int | None = None,
    ) -> None:
        if width is not None:
            widths = [max(8, round(width * level / widths[0] / 8) * 8) for level in widths]
        super().__init__(widths=list(widths), encoder_blocks=list(encoder_blocks), decoder_blocks=list(decoder_blocks))
        self.multiple = 2 ** len(widths)
        self.unet = ResidualUNet(4, 2, widths, encoder_blocks, decoder_blocks)

    def forward(self, L: Tensor) -> Tensor:
        """L (B, 1, H, W) in 0..100, sides multiples of `multiple` -> ab / ab_scale (B, 2, H/2, W/2)."""
        return self.unet(F.pixel_unshuffle((L - 50) / 50, 2))

    def predict_ab(self, L: Tensor) -> Tensor:
        """L (B, 1, H, W) in 0..100, sides multiples of `multiple` -> ab (B, 2, H, W) in Lab units."""
        ab = self(L) * self.ab_scale
        return F.interpolate(ab, size=L.shape[-2:], mode="bilinear", align_corners=False)

    def discriminator(self) -> PatchDiscriminator:
        """The 34x34 PatchGAN of paper 001 section 3."""
        return PatchDiscriminator(in_channels=3, width=32, layers=2)
