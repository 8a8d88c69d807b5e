"""The U-Net of `gan` on an encoder that has seen the world before.

A U-Net whose contracting half is an image classifier trained on ImageNet (Iglovikov and Shvets, TernausNet, 2018,
arXiv:1801.05746; as a colorizer's generator: Antic, DeOldify, 2018). Its decoder tells ab twice: as one colour a pixel,
and as a distribution over the bins of Zhang et al. 2016 (section 2), from which vivid colours come where it is sure.
It follows hints, given as planes as by Zhang et al. 2017 (section 3.2), which reach every level.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorcli.bins import ab_bins, annealed_mean
from colorcli.color import merge
from colorcli.models.base import ColorModel
from colorcli.models.blocks import PatchDiscriminator
from colorcli.models.encoders import build_encoder

AB_SCALE = 110.0  # Lab units that 1 stands for; sRGB ends at 108
BINS_LEVEL, BINS_STRIDE = 1, 4  # the decoder's level, from the finest on, that tells the bins


class PretrainedUNet(ColorModel):
    """L and hints -> ab. 6.3 million parameters as configured by default.

    encoder: of encoders.base. widths: channels of the decoder's levels, finest first, one for each of the encoder's.
    vivid: how far ab goes from the colour told by itself (0) to the annealed mean of the bins (1); temperature: of that
    mean (Zhang et al. 2016, section 2.3).
    """

    takes = ("hints",)
    hint_share = 0.3  # nearest to the truth, for 1, 10 and 100 hints
    centres: Tensor  # (Q, 2): ab of the bins in Lab units

    def __init__(
        self,
        encoder: str = "efficientnet-lite2",
        widths: Sequence[int] = (32, 64, 128, 224, 320),
        vivid: float = 0.0,
        temperature: float = 0.38,
    ) -> None:
        super().__init__(encoder=encoder, widths=list(widths), vivid=vivid, temperature=temperature)
        self.vivid, self.temperature, self.ab_scale = vivid, temperature, AB_SCALE
        self.encoder = build_encoder(encoder)
        self.multiple = self.encoder.strides[-1]
        channels = self.encoder.channels
        self.top = _normed(channels[-1], widths[-1], 1)
        self.scene = nn.Linear(channels[-1], widths[-1])
        self.up = nn.ModuleList(
            _Up(widths[level + 1], channels[level], widths[level]) for level in reversed(range(len(widths) - 1))
        )
        self.head = nn.Conv2d(widths[0], 2, 1)
        self.register_buffer("centres", torch.from_numpy(ab_bins().centres.copy()))
        self.bins_head = nn.Conv2d(widths[BINS_LEVEL], len(self.centres), 1)
        self.hint_stem = nn.Conv2d(3, self.encoder.stem_channels, 4, stride=2, padding=1, bias=False)
        self.hints = nn.ModuleList(nn.Conv2d(3, width, 3, padding=1, bias=False) for width in widths)
        for conv in (self.hint_stem, *self.hints):
            nn.init.zeros_(conv.weight)

    def forward(
        self,
        L: Tensor,
        hint_ab: Tensor | None = None,
        hint_mask: Tensor | None = None,
        places: tuple[slice, slice] = (slice(None), slice(None)),
    ) -> tuple[Tensor, Tensor]:
        """L (B, 1, H, W) in 0..100, sides multiples of `multiple`; hints as `predict_ab` -> ab / 110 (B, 2, H / 2,
        W / 2) and logits of the bins (B, Q, H / 4, W / 4), of these only the rows and columns `places`."""
        planes = None
        if hint_ab is not None and hint_mask is not None:
            planes = torch.cat([hint_ab * hint_mask / AB_SCALE, hint_mask], 1).to(self.head.weight.dtype)
        *skips, coarsest = self.encoder.features(_grey(L), None if planes is None else self.hint_stem(planes))
        x = self.top(coarsest) + self.scene(coarsest.mean((2, 3)))[..., None, None]
        x = self._hinted(x, planes, len(skips))
        logits = None
        for level, up in zip(reversed(range(len(skips))), self.up, strict=True):
            x = self._hinted(up(x, skips[level]), planes, level)
            if level == BINS_LEVEL:
                logits = self.bins_head(x[..., places[0], places[1]])
        assert logits is not None
        return self.head(x), logits

    def predict_ab(self, L: Tensor, hint_ab: Tensor | None = None, hint_mask: Tensor | None = None) -> Tensor:
        """L (B, 1, H, W) in 0..100, sides multiples of `multiple` -> ab (B, 2, H, W) in Lab units.

        hint_ab (B, 2, H, W) in Lab units counts where hint_mask (B, 1, H, W) is 1, which is 0 elsewhere; the two
        are given together or not at all, else ValueError.
        """
        if (hint_ab is None) != (hint_mask is None):
            raise ValueError("hint_ab and hint_mask go together")
        one, logits = self(L, hint_ab, hint_mask)
        ab = _grown(one * AB_SCALE, L)
        if self.vivid:
            ab = ab.lerp(_grown(annealed_mean(logits, self.centres, self.temperature).to(ab), L), self.vivid)
        return ab

    def learning_rates(self) -> list[tuple[float, list[nn.Parameter]]]:
        """The encoder, which knows much, learns a quarter as fast as what begins at random; hints five times as
        fast."""
        hints = [*self.hint_stem.parameters(), *self.hints.parameters()]
        encoder = list(self.encoder.parameters())
        known = {id(parameter) for parameter in (*hints, *encoder)}
        rest = [parameter for parameter in self.parameters() if id(parameter) not in known]
        return [(1.0, rest), (0.25, encoder), (5.0, hints)]

    def discriminator(self) -> nn.Module:
        """The 34x34 PatchGAN of paper 001 section 3, at half the size of L."""
        return PatchDiscriminator(in_channels=3, width=32, layers=2)

    def _hinted(self, x: Tensor, planes: Tensor | None, level: int) -> Tensor:
        """x of a level with the hints' planes added: the mean colour of those in each place, and whether any is."""
        if planes is None:
            return x
        shares = F.adaptive_avg_pool2d(planes, (x.shape[-2], x.shape[-1]))
        share = shares[:, 2:]
        return x + self.hints[level](torch.cat([shares[:, :2] / share.clamp_min(1e-6), (share > 0).to(x)], 1))


class _Up(nn.Module):
    """Twice the size, joined with the encoder's feature, two 3x3 convolutions (one on narrow levels).

    (B, wide, h, w) and (B, beside, 2h, 2w) -> (B, narrow, 2h, 2w)."""

    def __init__(self, wide: int, beside: int, narrow: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(wide, narrow, 1, bias=False)
        more = [_normed(narrow, narrow, 3)] if narrow > 32 else []
        self.convs = nn.Sequential(_normed(narrow + beside, narrow, 3), *more)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        grown = F.interpolate(self.reduce(x), scale_factor=2, mode="bilinear", align_corners=False)
        return self.convs(torch.cat([grown, skip], 1))


def _normed(narrow: int, wide: int, kernel: int) -> nn.Sequential:
    conv = nn.Conv2d(narrow, wide, kernel, padding=kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(wide), nn.ReLU())


def _grey(L: Tensor) -> Tensor:
    """L (B, 1, H, W) in 0..100 -> the grey picture, sRGB (B, 3, H, W) in 0..1."""
    light = L.float()
    return merge(light, light.new_zeros(len(L), 2, *L.shape[-2:])).to(L)


def _grown(ab: Tensor, L: Tensor) -> Tensor:
    return F.interpolate(ab, size=L.shape[-2:], mode="bilinear", align_corners=False)
