"""`eccv16`: colours as a distribution over 313 bins of ab (Zhang et al. 2016; paper 001 section 2.1).

Names of parameters are those of the published weights, which load unchanged.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorcli.models.base import ColorModel

BINS = 313  # of a grid of 10 Lab units, those inside sRGB
AB_SCALE = 110.0  # one unit of the networks' ab in Lab units


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


class ECCV16(ColorModel):
    """L -> 313 logits a pixel at a quarter of the size -> ab as the mean of the bins; 32.2 million parameters.

    temperature: of the annealed mean (paper 001 section 2.1). The published PyTorch weights are used at 1, their
    authors' paper takes 0.38 for its own: lower is more saturated and less even.
    """

    multiple = 8
    default_size = 256

    def __init__(self, temperature: float = 1.0) -> None:
        super().__init__(temperature=temperature)
        if not temperature > 0:
            raise ValueError(f"temperature must be above 0, not {temperature}")
        self.temperature = temperature
        self.model1 = conv_block((1, 64, 64), stride=2)
        self.model2 = conv_block((64, 128, 128), stride=2)
        self.model3 = conv_block((128, 256, 256, 256), stride=2)
        self.model4 = conv_block((256, 512, 512, 512))
        self.model5 = conv_block((512, 512, 512, 512), dilation=2)
        self.model6 = conv_block((512, 512, 512, 512), dilation=2)
        self.model7 = conv_block((512, 512, 512, 512))
        self.model8 = nn.Sequential(
            nn.ConvTranspose2d(512, 256, 4, stride=2, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, 256, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(256, BINS, 1),
        )
        self.model_out = nn.Conv2d(BINS, 2, 1, bias=False)  # its weights are the centres of the bins / AB_SCALE

    def forward(self, L: Tensor) -> Tensor:
        """L (B, 1, H, W) in 0..100, sides multiples of 8 -> logits (B, 313, H/4, W/4)."""
        x = (L - 50) / 100
        for block in (self.model1, self.model2, self.model3, self.model4):
            x = block(x)
        for block in (self.model5, self.model6, self.model7, self.model8):
            x = block(x)
        return x

    def predict_ab(self, L: Tensor) -> Tensor:
        """L (B, 1, H, W) in 0..100, sides multiples of 8 -> ab (B, 2, H, W) in Lab units."""
        logits = self(L)
        # in float32: 313 small probabilities do not add up to 1 in half precision
        probabilities = torch.softmax(logits.float() / self.temperature, dim=1)
        ab = F.conv2d(probabilities, self.model_out.weight.float()) * AB_SCALE
        return F.interpolate(ab, scale_factor=4, mode="bilinear", align_corners=False).to(logits.dtype)
