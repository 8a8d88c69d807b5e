"""`colorunet`: a U-Net that picks among the 32 commonest colours, in YUV.

After Billaut, de Rochemonteix and Thibault, ColorUNet, 2018 (paper 001 section 2.2): Y goes in, a distribution over a
palette of chroma colours comes out, and a temperature says how close a pixel's colour stays to the likeliest one.
The colours are given at half the size of Y, where the paper's network gives them at the full one: chroma needs no
more, and the loss over 32 colours costs a quarter. For the same reason the finest level has no decoder.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorcli.bins import Bins, annealed_mean
from colorcli.color import lab_to_rgb, rgb_to_lab, yuv_to_rgb
from colorcli.errors import UsageError
from colorcli.models.base import ColorModel
from colorcli.models.unet import scaled


class ColorUNet(ColorModel):
    """L -> logits over a palette of UV; 1.5 million parameters as configured by default.

    colours: of the palette, which `adopt` fills and the weights carry. widths: channels of each level, finest first;
    width: of the finest, the others in proportion. temperature: of the softmax that weighs the colours: 1 for their
    plain mean, towards 0 for the likeliest one.
    """

    palette: Tensor  # (colours, 2): U and V for RGB in 0..1
    prior: Tensor  # (colours,): share of the pixels

    def __init__(
        self,
        colours: int = 32,
        widths: Sequence[int] = (32, 64, 128, 192),
        temperature: float = 1.0,
        width: int | None = None,
    ) -> None:
        widths = scaled(widths, width)
        super().__init__(colours=colours, widths=widths, temperature=temperature)
        self.multiple = 2 ** (len(widths) - 1)
        self.temperature = temperature
        self.down = nn.ModuleList(_double(fine, coarse) for fine, coarse in pairwise([1, *widths]))
        steps = list(pairwise(reversed(widths[1:])))
        self.up = nn.ModuleList(nn.ConvTranspose2d(coarse, fine, 2, stride=2) for coarse, fine in steps)
        self.join = nn.ModuleList(_double(2 * fine, fine) for _, fine in steps)
        self.head = nn.Conv2d(widths[1], colours, 1)
        self.register_buffer("palette", torch.zeros(colours, 2))
        self.register_buffer("prior", torch.full((colours,), 1 / colours))

    @property
    def bins(self) -> Bins:
        """The palette and how common each of its colours is, as a training run needs them."""
        palette, prior = self.palette.float().cpu().numpy(), self.prior.double().cpu().numpy()
        return Bins(palette.copy(), prior / prior.sum(), space="yuv")

    def adopt(self, bins: Bins) -> None:
        """Take the palette and its prior. UsageError unless they are as many of space "yuv"."""
        colours = len(self.palette)
        if bins.space != "yuv" or len(bins) != colours:
            raise UsageError(
                f"--bins: {len(bins)} bins of {bins.space}; colorunet takes those of"
                f" 'colorcli quantize-bins --space yuv --colors {colours}'"
            )
        self.palette.copy_(torch.from_numpy(bins.centres.copy()))
        self.prior.copy_(torch.from_numpy(bins.prior.copy()))

    def forward(self, L: Tensor) -> Tensor:
        """L (B, 1, H, W) in 0..100, sides multiples of `multiple` -> logits (B, colours, H/2, W/2)."""
        x = (2 * grey(L.float()) - 1).to(L.dtype)
        skips = []
        for level, stage in enumerate(self.down):
            x = stage(F.max_pool2d(x, 2) if level else x)
            skips.append(x)
        skips.pop()  # the bottleneck is x itself
        for up, join in zip(self.up, self.join, strict=True):
            x = join(torch.cat([up(x), skips.pop()], 1))
        return self.head(x)

    def predict_uv(self, L: Tensor) -> Tensor:
        """L as for `forward` -> UV float32 (B, 2, H, W), the mean of softmax(logits / temperature)."""
        uv = annealed_mean(self(L), self.palette, self.temperature)
        return F.interpolate(uv, size=L.shape[-2:], mode="bilinear", align_corners=False)

    def predict_ab(self, L: Tensor) -> Tensor:
        """L (B, 1, H, W) in 0..100, sides multiples of `multiple` -> ab (B, 2, H, W) in Lab units."""
        return uv_to_ab(L.float(), self.predict_uv(L)).to(L.dtype)


def _double(in_channels: int, channels: int) -> nn.Sequential:
    """Two 3x3 convolutions with batch normalisation and ReLU."""
    layers: list[nn.Module] = []
    for before in (in_channels, channels):
        layers += [nn.Conv2d(before, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels), nn.ReLU()]
    return nn.Sequential(*layers)


def grey(L: Tensor) -> Tensor:
    """L (B, 1, H, W) in 0..100 -> Y (B, 1, H, W) in 0..1 of the grey of that lightness."""
    return lab_to_rgb(torch.cat([L, torch.zeros_like(L).expand(-1, 2, -1, -1)], 1))[:, :1]


def uv_to_ab(L: Tensor, uv: Tensor, steps: int = 2) -> Tensor:
    """L (B, 1, H, W) in 0..100 and UV (B, 2, H, W) -> ab (B, 2, H, W) of the colour in sRGB that has both.

    A colour's Y is not that of a grey of its lightness, so Y is moved until L fits. Where sRGB has no such colour,
    RGB is clipped.
    """
    wanted = grey(L)
    Y = wanted
    for step in range(steps):
        lab = rgb_to_lab(yuv_to_rgb(torch.cat([Y, uv], 1)).clamp(0, 1))
        if step < steps - 1:
            Y = (Y + wanted - grey(lab[:, :1])).clamp(0, 1)
    return lab[:, 1:]
