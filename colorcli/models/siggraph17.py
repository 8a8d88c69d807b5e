"""`siggraph17`: colours that follow a user's hints where there are any (Zhang et al. 2017).

Names of parameters are those of the published weights, which load unchanged.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from colorcli.models.base import ColorModel
from colorcli.models.eccv16 import AB_SCALE
from colorcli.models.zhang import conv_block

CLASSES = 529  # ab bins of the classification head that the network was first trained with


class SIGGRAPH17(ColorModel):
    """L and hints -> ab through a U-Net; 34.2 million parameters, the classification head included."""

    multiple = 8
    default_size = 256
    evens_tone = False  # as published

    def __init__(self) -> None:
        super().__init__()
        self.model1 = conv_block((4, 64, 64))
        self.model2 = conv_block((64, 128, 128))
        self.model3 = conv_block((128, 256, 256, 256))
        self.model4 = conv_block((256, 512, 512, 512))
        self.model5 = conv_block((512, 512, 512, 512), dilation=2)
        self.model6 = conv_block((512, 512, 512, 512), dilation=2)
        self.model7 = conv_block((512, 512, 512, 512))
        self.model8up = _doubled(512, 256)
        self.model3short8 = _shortcut(256, 256)
        self.model8 = nn.Sequential(nn.ReLU(), *conv_block((256, 256, 256)))
        self.model9up = _doubled(256, 128)
        self.model2short9 = _shortcut(128, 128)
        self.model9 = nn.Sequential(nn.ReLU(), *conv_block((128, 128)))
        self.model10up = _doubled(128, 128)
        self.model1short10 = _shortcut(64, 128)
        self.model10 = nn.Sequential(nn.ReLU(), nn.Conv2d(128, 128, 3, padding=1), nn.LeakyReLU(0.2))
        self.model_class = nn.Sequential(nn.Conv2d(256, CLASSES, 1))  # part of the weights, not needed to colour
        self.model_out = nn.Sequential(nn.Conv2d(128, 2, 1), nn.Tanh())

    def forward(self, L: Tensor, hint_ab: Tensor, hint_mask: Tensor) -> Tensor:
        """L (B, 1, H, W) in 0..100, hint_ab (B, 2, H, W) in Lab units, hint_mask (B, 1, H, W) of 0 and 1, sides
        multiples of 8 -> ab / 110 (B, 2, H, W) in -1..1."""
        x1 = self.model1(torch.cat([(L - 50) / 100, hint_ab / AB_SCALE, hint_mask], dim=1))
        x2 = self.model2(_halved(x1))
        x3 = self.model3(_halved(x2))
        x = self.model7(self.model6(self.model5(self.model4(_halved(x3)))))
        x = self.model8(self.model8up(x) + self.model3short8(x3))
        x = self.model9(self.model9up(x) + self.model2short9(x2))
        x = self.model10(self.model10up(x) + self.model1short10(x1))
        return self.model_out(x)

    def predict_ab(self, L: Tensor, hint_ab: Tensor | None = None, hint_mask: Tensor | None = None) -> Tensor:
        """L (B, 1, H, W) in 0..100, sides multiples of 8 -> ab (B, 2, H, W) in Lab units.

        hint_ab (B, 2, H, W) in Lab units counts where hint_mask (B, 1, H, W) is 1, which is 0 elsewhere; the two
        are given together or not at all, else ValueError.
        """
        if (hint_ab is None) != (hint_mask is None):
            raise ValueError("hint_ab and hint_mask go together")
        if hint_ab is None or hint_mask is None:
            hint_ab, hint_mask = torch.zeros_like(L).expand(-1, 2, -1, -1), torch.zeros_like(L)
        return self(L, hint_ab * hint_mask, hint_mask) * AB_SCALE


def _halved(x: Tensor) -> Tensor:
    """Every second pixel of every second row."""
    return x[..., ::2, ::2]


def _doubled(wide: int, narrow: int) -> nn.Sequential:
    return nn.Sequential(nn.ConvTranspose2d(wide, narrow, 4, stride=2, padding=1))


def _shortcut(narrow: int, wide: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(narrow, wide, 3, padding=1))
