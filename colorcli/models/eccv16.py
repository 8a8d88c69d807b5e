"""`eccv16`: colours as a distribution over 313 bins of ab (Zhang et al. 2016; paper 001 section 2.1).

Names of parameters are those of the published weights, which load unchanged.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorcli.models.zhang import SHRINK, ZhangNetwork

BINS = 313  # of a grid of 10 Lab units, those inside sRGB
AB_SCALE = 110.0  # one unit of the networks' ab in Lab units
WIDTH = 64


class ECCV16(ZhangNetwork):
    """L -> 313 logits a pixel at a quarter of the size -> ab as the mean of the bins; 32.2 million parameters.

    temperature: of the annealed mean (paper 001 section 2.1). The published PyTorch weights are used at 1, their
    authors' paper takes 0.38 for its own: lower is more saturated and less even.
    """

    default_size = 256
    evens_tone = False  # as published

    def __init__(self, temperature: float = 1.0) -> None:
        super().__init__(WIDTH, BINS, temperature=temperature)
        if not temperature > 0:
            raise ValueError(f"temperature must be above 0, not {temperature}")
        self.temperature = temperature
        self.model_out = nn.Conv2d(BINS, 2, 1, bias=False)  # its weights are the centres of the bins / AB_SCALE

    def predict_ab(self, L: Tensor) -> Tensor:
        """L (B, 1, H, W) in 0..100, sides multiples of 8 -> ab (B, 2, H, W) in Lab units."""
        logits = self(L)
        # in float32: 313 small probabilities do not add up to 1 in half precision
        probabilities = torch.softmax(logits.float() / self.temperature, dim=1)
        ab = F.conv2d(probabilities, self.model_out.weight.float()) * AB_SCALE
        return F.interpolate(ab, scale_factor=SHRINK, mode="bilinear", align_corners=False).to(logits.dtype)
