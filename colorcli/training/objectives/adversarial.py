"""Adversarial training of a generator of ab."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from colorcli.bins import ab_bins
from colorcli.models.base import ColorModel
from colorcli.models.pretrained_unet import BINS_STRIDE, PretrainedUNet
from colorcli.training.losses import (
    PIXEL,
    PSNR,
    ab_like,
    dissimilarity,
    l1,
    log_mse,
    paleness,
    shown,
    soft_cross_entropy,
)
from colorcli.training.objectives.base import AgainstDiscriminator, Place
from colorcli.training.pictures.batches import Batch
from colorcli.training.settings import Settings


class Adversarial(AgainstDiscriminator):
    """A pixel loss first, then pixel loss and discriminator together (paper 000 section 3.2; paper 001 section 3;
    paper 002 section 3).

    For `pretrain_epochs` the generator learns by the pixel loss `loss` + `ssim_weight` * (1 - SSIM) alone. From then on
    it learns by BCE against its discriminator + `l1_weight` * L1, with each network's own learning rate. Beside either
    pixel loss stands `colourfulness_weight` * (1 - colourfulness / 100). A network that tells classes learns them too,
    from data that have labels, by `label_weight` * cross entropy; one that tells bins
    learns those by `bins_weight` * cross entropy (Zhang et al. 2016, section 2). The model's `discriminator()` makes
    the network that judges L / 100 with ab / ab_scale, three channels of the size of `forward`'s ab.
    """

    LOSSES: ClassVar[tuple[str, ...]] = (
        "pixel",
        "l1",
        "ssim",
        "colourfulness",
        "fool",
        "discriminator",
        "labels",
        "bins",
    )
    PIXEL_LOSSES: ClassVar[tuple[str, ...]] = (*PIXEL, PSNR)

    def __init__(self, model: ColorModel, settings: Settings, place: Place, steps_per_epoch: int) -> None:
        super().__init__(model, settings, place, steps_per_epoch, model.discriminator())
        self.tells_bins, self.bins = isinstance(model, PretrainedUNet), ab_bins()
        self.compares_pictures = settings.loss == PSNR or settings.ssim_weight > 0  # before the adversary

    def generate(self, number: int, batch: Batch) -> tuple[Tensor, Tensor | float, dict[str, Tensor]]:
        """The generator's ab / ab_scale in float32, a loss to add to all others of the generator, and what to tell
        of that."""
        if self.tells_bins:
            return self._generate_with_bins(number, batch)
        with self.place.autocast():
            out = self.call(batch.seen_L)
        if not isinstance(out, tuple):
            return out.float(), 0.0, {}
        if batch.labels is None:
            return out[0].float(), 0.0 * out[1].sum(), {}
        labels = F.cross_entropy(out[1].float(), batch.labels, reduction="sum")
        labels = labels / (batch.labels >= 0).sum().clamp_min(1)  # 0 where no picture has one
        return out[0].float(), self.settings.label_weight * labels, {"labels": labels.detach()}

    def _generate_with_bins(self, number: int, batch: Batch) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """As `generate`; the loss to add is the cross entropy with the soft-encoded truth, at every second place of
        every second row, in turn: neighbours teach the same."""
        places = slice(number % 2, None, 2), slice(number // 2 % 2, None, 2)
        with self.place.autocast():
            ab, logits = self.call(batch.seen_L, batch.hint_ab, batch.hint_mask, places)
        truth = F.avg_pool2d(batch.ab, BINS_STRIDE)[..., places[0], places[1]]
        index, shares = self.bins.encode_sparse(truth)
        entropy = soft_cross_entropy(logits.float(), index, shares)
        return ab.float(), self.settings.bins_weight * entropy, {"bins": entropy.detach()}

    def step(self, number: int, batch: Batch) -> dict[str, Tensor]:
        prediction, beside, told = self.generate(number, batch)
        truth = ab_like(prediction, batch.ab) / self.model.ab_scale
        distance = l1(prediction, truth)
        L = F.interpolate(batch.L, size=prediction.shape[-2:], mode="area")
        alone = number < self.pretrain_steps
        shows = self.settings.colourfulness_weight > 0 or (alone and self.compares_pictures)
        picture = shown(L, prediction * self.model.ab_scale) if shows else None
        pale, colourful = self.pale(picture)
        told = {"l1": distance.detach(), **colourful, **told}
        if alone:
            pixel, unlike = self.pixel(L, prediction, truth, picture)
            if unlike is not None:
                beside, told = beside + self.settings.ssim_weight * unlike, {"ssim": 1 - unlike.detach(), **told}
            self.update("model", pixel + pale + beside)
            return {"pixel": pixel.detach(), **told}
        light = L / 100
        fake = torch.cat([light, prediction], 1)
        judged = self.discriminate(torch.cat([light, truth], 1), fake)
        fool = self.fooling(fake)
        self.update("model", fool + self.settings.l1_weight * (distance + pale) + beside)
        return {"fool": fool.detach(), "discriminator": judged, **told}

    def pale(self, picture: Tensor | None) -> tuple[Tensor | float, dict[str, Tensor]]:
        """What the picture of the generator loses for a lack of colour, where that has a weight, and what to tell."""
        if picture is None or not self.settings.colourfulness_weight:
            return 0.0, {}
        lack = paleness(picture)
        return self.settings.colourfulness_weight * lack, {"colourfulness": 100 * (1 - lack.detach())}

    def pixel(
        self, L: Tensor, prediction: Tensor, truth: Tensor, picture: Tensor | None
    ) -> tuple[Tensor, Tensor | None]:
        """Of prediction and truth (B, 2, h, w), ab / ab_scale, and the prediction's picture, if pictures are compared:
        the loss `loss`; 1 - SSIM where that has a weight."""
        loss = self.settings.loss
        if picture is None or not self.compares_pictures:
            return PIXEL[loss](prediction, truth), None
        real = shown(L, truth * self.model.ab_scale)
        pixel = log_mse(picture, real) if loss == PSNR else PIXEL[loss](prediction, truth)
        return pixel, dissimilarity(picture, real) if self.settings.ssim_weight else None
