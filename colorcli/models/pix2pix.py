"""`pix2pix`: the U-Net of Isola et al. 2017 against a PatchGAN (paper 002 section 3; arXiv:1611.07004)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorcli.models.base import ColorModel
from colorcli.models.blocks import PatchDiscriminator
from colorcli.models.unet import TANH_AB, scaled


class Pix2PixUNet(nn.Module):
    """The U-Net of Isola et al. 2017, appendix 6.1. (B, in, H, W) -> (B, out, H, W) in -1..1, H and W multiples of
    2**levels.

    Down: 4x4 convolutions of stride 2, LeakyReLU 0.2 before all but the first. Up: ReLU, a 4x4 transposed convolution
    of stride 2, concatenation with its mirror. Batch normalisation after all but the first, the coarsest and the
    last. widths: channels of each level, finest first. dropout: after how many of the coarsest transposed
    convolutions half of the features are dropped, in training.
    """

    def __init__(self, in_channels: int, out_channels: int, widths: Sequence[int], dropout: int) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            nn.Conv2d(fine, coarse, 4, stride=2, padding=1) for fine, coarse in pairwise([in_channels, *widths])
        )
        self.down_norm = nn.ModuleList(
            [nn.Identity(), *(nn.BatchNorm2d(width) for width in widths[1:-1]), nn.Identity()]
        )
        self.up, self.up_norm = nn.ModuleList(), nn.ModuleList()
        for number, (fine, coarse) in enumerate(reversed(list(pairwise(widths)))):
            both = coarse if number == 0 else 2 * coarse
            self.up.append(nn.ConvTranspose2d(both, fine, 4, stride=2, padding=1))
            dropped = nn.Dropout(0.5) if number < dropout else nn.Identity()
            self.up_norm.append(nn.Sequential(nn.BatchNorm2d(fine), dropped))
        self.head = nn.ConvTranspose2d(2 * widths[0], out_channels, 4, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        skips: list[Tensor] = []
        for conv, norm in zip(self.down, self.down_norm, strict=True):
            x = norm(conv(F.leaky_relu(x, 0.2) if skips else x))
            skips.append(x)
        skips.pop()  # the coarsest is x itself
        for conv, norm in zip(self.up, self.up_norm, strict=True):
            x = torch.cat([norm(conv(F.relu(x))), skips.pop()], 1)
        return torch.tanh(self.head(F.relu(x)))


class Pix2Pix(ColorModel):
    """L -> ab through the U-Net of Isola et al., judged in patches.

    widths: channels of each level, finest first; width: of the finest, the others in proportion. Sides of L are
    multiples of 2 ** len(widths): the paper's 256 px take eight levels, 32 px at most five. dropout: see Pix2PixUNet;
    it is the only noise, as in the paper, which drops features when it colours too, while here a photo gets the same
    colours every time. discriminator_width, layers: see blocks.PatchDiscriminator. The paper's patches have 70x70 px
    (three layers), a quarter of its pictures' sides; of 32x32 px one layer sees 16x16, the smallest that the paper
    tried beside single pixels.
    """

    ab_scale = TANH_AB

    def __init__(
        self,
        widths: Sequence[int] = (64, 128, 256, 512, 512),
        dropout: int = 3,
        discriminator_width: int = 64,
        layers: int = 1,
        width: int | None = None,
    ) -> None:
        widths = scaled(widths, width)
        super().__init__(widths=widths, dropout=dropout, discriminator_width=discriminator_width, layers=layers)
        self.multiple = 2 ** len(widths)
        self.unet = Pix2PixUNet(1, 2, widths, dropout)

    def forward(self, L: Tensor) -> Tensor:
        """L (B, 1, H, W) in 0..100, sides multiples of `multiple` -> ab / ab_scale (B, 2, H, W) in -1..1."""
        return self.unet((L - 50) / 50)

    def predict_ab(self, L: Tensor) -> Tensor:
        """L (B, 1, H, W) in 0..100, sides multiples of `multiple` -> ab (B, 2, H, W) in Lab units."""
        return self(L) * self.ab_scale

    def discriminator(self) -> PatchDiscriminator:
        return PatchDiscriminator(3, self.config["discriminator_width"], self.config["layers"])
