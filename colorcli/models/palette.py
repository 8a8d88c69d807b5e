"""`palette`: colours that follow a colour histogram, joined to the bottleneck of a U-Net (paper 004 section 4.1).

The paper proposes it without building it: a classifier beside the generator, and "a weighted colour histogram among
the classes predicted by the classifier" concatenated with the bottleneck. Here the classifier is a linear layer on the
mean of the bottleneck, and the histogram of each class, learned in training, is kept in the weights. A photo's own
histogram, a palette, can take the place of the predicted one.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from colorcli.guidance.palette import palette_bins
from colorcli.models.base import ColorModel
from colorcli.models.blocks import PatchDiscriminator
from colorcli.models.unet import TANH_AB, StridedUNet, scaled


class PaletteGenerator(ColorModel):
    """L and, if given, a palette -> ab through a U-Net, and the class of what the picture shows.

    widths: channels of each level, finest first; width: of the finest, the others in proportion. Sides of L are
    multiples of 2 ** (len(widths) - 1). classes: of the data. discriminator_width, layers: see
    blocks.PatchDiscriminator. The buffer `class_shares` (classes, 101) holds the palette of each class.
    """

    ab_scale = TANH_AB
    class_shares: Tensor

    def __init__(
        self,
        widths: Sequence[int] = (64, 128, 256, 512, 512),
        classes: int = 10,
        discriminator_width: int = 64,
        layers: int = 2,
        width: int | None = None,
    ) -> None:
        widths = scaled(widths, width)
        super().__init__(widths=widths, classes=classes, discriminator_width=discriminator_width, layers=layers)
        self.multiple = 2 ** (len(widths) - 1)
        colours = len(palette_bins())
        self.unet = StridedUNet(1, 2, widths, joined=colours)
        self.classify = nn.Linear(widths[-1], classes)
        self.register_buffer("class_shares", torch.full((classes, colours), 1 / colours))

    def forward(self, L: Tensor, palette: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """L (B, 1, H, W) in 0..100, sides multiples of `multiple`; palette (B, 101), shares of `palette_bins`, or all
        0 where a picture has none -> ab / ab_scale (B, 2, H, W) in -1..1, and logits (B, classes)."""
        features = self.unet.encode((L - 50) / 50)
        logits = self.classify(features[-1].mean((2, 3)))
        wanted = torch.softmax(logits.float(), 1) @ self.class_shares.float()
        if palette is not None:
            wanted = torch.where(palette.sum(1, keepdim=True) > 0, palette.float(), wanted)
        # the root: common colours are tens of times as common as others that matter as much
        return self.unet.decode(features, wanted.sqrt()), logits

    def predict_ab(self, L: Tensor, palette: Tensor | None = None) -> Tensor:
        """L (B, 1, H, W) in 0..100, sides multiples of `multiple`; palette (B, 101), or
        none: that of the predicted classes -> ab (B, 2, H, W) in Lab units."""
        return self(L, palette)[0] * self.ab_scale

    @torch.no_grad()
    def learn_classes(self, shares: Tensor, labels: Tensor, rate: float = 0.01) -> None:
        """Move the palette of each class among `labels` (B,) by `rate` towards the mean of its `shares` (B, 101)."""
        member = nn.functional.one_hot(labels, len(self.class_shares)).T.float()  # (classes, B)
        count = member.sum(1, keepdim=True)
        self.class_shares.lerp_(member @ shares / count.clamp_min(1), rate * (count > 0))

    def discriminator(self) -> PatchDiscriminator:
        """Of L with ab: the discriminator that paper 004 section 3.4 found stable sees the grey picture too."""
        return PatchDiscriminator(3, self.config["discriminator_width"], self.config["layers"])
