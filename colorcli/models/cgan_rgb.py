"""`cgan-rgb` and the rungs below it: from grey and noise to RGB, trained against a discriminator (Wan, paper 004).

The paper climbs from an encoder-decoder over a loss on its grey to a U-Net and a discriminator that sees the grey
too; the last two steps are matters of training (see training/objectives/rgb.py). Its network is in a figure that is
lost: the text leaves convolution, batch normalisation and LeakyReLU on the way down, transposed convolution, batch
normalisation and ReLU on the way up, tanh, and a noise vector joined at the bottleneck. Here that is three levels of
4x4 convolutions of stride 2, and one 3x3 convolution more on every level.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from colorcli.color import lab_to_rgb, rgb_to_lab
from colorcli.models.base import ColorModel
from colorcli.models.unet import scaled

LUMA = (0.2125, 0.7154, 0.0721)


def luma(rgb: Tensor) -> Tensor:
    """The paper's grey (equation 4): sRGB (B, 3, H, W) -> (B, 1, H, W) in the same range."""
    red, green, blue = rgb.split(1, -3)
    return LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue


class CganRgb(ColorModel):
    """Grey and noise -> RGB; 2.0 million parameters as configured by default, 1.8 without skips.

    widths: channels of each level, finest (half the size of the picture) first; width: of the finest, the others in
    proportion. skips: whether the way up sees the levels of the way down (a U-Net) or only the coarsest (an
    encoder-decoder). noise: length of the noise vector. Sides are multiples of 2 ** len(widths).
    """

    predicts_rgb = True

    def __init__(
        self, widths: Sequence[int] = (64, 128, 192), skips: bool = True, noise: int = 16, width: int | None = None
    ) -> None:
        widths = scaled(widths, width)
        super().__init__(widths=widths, skips=skips, noise=noise)
        self.multiple = 2 ** len(widths)
        self.skips, self.noise = skips, noise
        self.down = nn.ModuleList()
        for finer, level in pairwise([1, *widths]):
            self.down.append(_shrink(finer, level, more=len(self.down) < len(widths) - 1))
        self.join = _normalised(nn.Conv2d(widths[-1] + noise, widths[-1], 3, padding=1, bias=False), nn.ReLU())
        self.grow, self.mix = nn.ModuleList(), nn.ModuleList()
        for fine, coarse in reversed(list(pairwise(widths))):
            up = nn.ConvTranspose2d(coarse, fine, 4, stride=2, padding=1, bias=False)
            self.grow.append(_normalised(up, nn.ReLU()))
            seen = 2 * fine if skips else fine
            self.mix.append(_normalised(nn.Conv2d(seen, fine, 3, padding=1, bias=False), nn.ReLU()))
        self.head = nn.ConvTranspose2d(widths[0], 3, 4, stride=2, padding=1)

    def forward(self, grey: Tensor, noise: Tensor) -> Tensor:
        """grey (B, 1, H, W) in 0..1 and noise (B, self.noise) of variance 1 -> RGB (B, 3, H, W) in -1..1."""
        x, features = grey * 2 - 1, []
        for stage in self.down:
            x = stage(x)
            features.append(x)
        places = noise.to(x.dtype)[..., None, None].expand(-1, -1, *x.shape[-2:])
        x = self.join(torch.cat([x, places], 1))
        for grow, mix, skip in zip(self.grow, self.mix, features[-2::-1], strict=True):
            x = grow(x)
            x = mix(torch.cat([x, skip], 1) if self.skips else x)
        return torch.tanh(self.head(x))

    def predict_rgb(self, L: Tensor, noise: Tensor | None = None) -> Tensor:
        """L (B, 1, H, W) in 0..100 -> RGB (B, 3, H, W) in 0..1. noise (B, self.noise), else drawn from torch's
        generator.

        The network sees the sRGB grey of luminance L. Of a grey picture that is the paper's grey; of a colourful one
        it is a little brighter, the paper's being weighted after the encoding and not before.
        """
        if noise is None:
            noise = torch.randn(len(L), self.noise, device=L.device)
        lab = torch.cat([L.float(), L.new_zeros(len(L), 2, *L.shape[-2:], dtype=torch.float32)], 1)
        return (self(lab_to_rgb(lab)[:, 1:2].to(L.dtype), noise) + 1) / 2

    def predict_ab(self, L: Tensor, noise: Tensor | None = None) -> Tensor:
        """L (B, 1, H, W) in 0..100 -> ab (B, 2, H, W) of `predict_rgb`'s picture, in Lab units. No gradients."""
        return rgb_to_lab(self.predict_rgb(L, noise).detach().float())[:, 1:].to(L.dtype)


def _normalised(convolution: nn.Module, activation: nn.Module) -> nn.Sequential:
    return nn.Sequential(convolution, nn.BatchNorm2d(convolution.out_channels), activation)  # type: ignore[arg-type]


def _shrink(finer: int, level: int, *, more: bool) -> nn.Sequential:
    """(B, finer, h, w) -> (B, level, h/2, w/2). more: with the 3x3 convolution; the coarsest level's is the one that
    joins the noise."""
    stages = [_normalised(nn.Conv2d(finer, level, 4, stride=2, padding=1, bias=False), nn.LeakyReLU(0.2))]
    if more:
        stages.append(_normalised(nn.Conv2d(level, level, 3, padding=1, bias=False), nn.LeakyReLU(0.2)))
    return nn.Sequential(*stages)
