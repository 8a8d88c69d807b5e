"""The network of Zhang et al. 2016, at any width, for what is made of its output (paper 000 section 5; paper 001
section 2.1; paper 003).

Names of parameters are those of the weights that its authors published (see eccv16.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from colorcli.models.base import ColorModel

SHRINK = 4  # the output is so many times smaller than L


def conv_block(widths: Sequence[int], *, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """3x3 convolutions with ReLU from widths[0] channels to widths[-1], then batch normalisation.

    The last convolution has the stride, all have the dilation.
    """
    layers: list[nn.Module] = []
    for i in range(1, len(widths)):
        last = stride if i == len(widths) - 1 else 1
        conv = nn.Conv2d(widths[i - 1], widths[i], 3, stride=last, padding=dilation, dilation=dilation)
        layers += [conv, nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.BatchNorm2d(widths[-1]))


class ZhangNetwork(ColorModel):
    """L -> `outputs` channels at a quarter of the size; eight blocks, the narrowest features an eighth of the size.

    width: channels of the first block, 64 as published and 16 in paper 000; the others in proportion (2, 4 and 8
    times). At 32x32 the strides leave 4x4 features and an output of 8x8, in paper 000 too. The rest is the subclass's
    config.
    """

    multiple = 8

    def __init__(self, width: int, outputs: int, /, **config: object) -> None:
        super().__init__(**config)
        w1, w2, w4, w8 = width, 2 * width, 4 * width, 8 * width
        self.model1 = conv_block((1, w1, w1), stride=2)
        self.model2 = conv_block((w1, w2, w2), stride=2)
        self.model3 = conv_block((w2, w4, w4, w4), stride=2)
        self.model4 = conv_block((w4, w8, w8, w8))
        self.model5 = conv_block((w8, w8, w8, w8), dilation=2)
        self.model6 = conv_block((w8, w8, w8, w8), dilation=2)
        self.model7 = conv_block((w8, w8, w8, w8))
        self.model8 = nn.Sequential(
            nn.ConvTranspose2d(w8, w4, 4, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(w4, w4, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(w4, w4, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(w4, outputs, 1),
        )

    def forward(self, L: Tensor) -> Tensor:
        """L (B, 1, H, W) in 0..100, sides multiples of 8 -> (B, outputs, H/4, W/4)."""
        x = (L - 50) / 100
        for block in (self.model1, self.model2, self.model3, self.model4):
            x = block(x)
        for block in (self.model5, self.model6, self.model7, self.model8):
            x = block(x)
        return x
