"""`regression`: the network of Zhang et al. 2016 with ab as its output and the mean squared error as its loss (paper
003; the L2 baseline of Zhang et al. 2016, section 3.1).

Paper 003 passes through 313 channels on the way to its two; here the last convolution gives the two. As for
`classification`, a quarter of the channels are for 32x32 px (paper 000 section 5).
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from colorcli.models.zhang import SHRINK, ZhangNetwork


class RegressionNetwork(ZhangNetwork):
    """L -> ab, grown to full size by bilinear interpolation; 2.0 million parameters as configured by default.

    width: channels of the first block.
    """

    ab_scale = 110.0

    def __init__(self, width: int = 16) -> None:
        super().__init__(width, 2, width=width)

    def forward(self, L: Tensor) -> Tensor:
        """L (B, 1, H, W) in 0..100, sides multiples of 8 -> ab / ab_scale (B, 2, H, W)."""
        return F.interpolate(super().forward(L), scale_factor=SHRINK, mode="bilinear", align_corners=False)

    def predict_ab(self, L: Tensor) -> Tensor:
        """L (B, 1, H, W) in 0..100, sides multiples of 8 -> ab (B, 2, H, W) in Lab units."""
        return self(L) * self.ab_scale
