"""Adversarial training of a generator of RGB from grey and noise."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from colorcli.models.base import ColorModel
from colorcli.models.blocks import PatchDiscriminator
from colorcli.models.cgan_rgb import luma
from colorcli.training.losses import PIXEL, diversity, l1, mse
from colorcli.training.objectives.base import AgainstDiscriminator, Place
from colorcli.training.pictures.batches import Batch
from colorcli.training.settings import Settings

GREY_NOISE = 0.1  # standard deviation, of 0..1, of what is added to the grey that the discriminator sees


class Rgb(AgainstDiscriminator):
    """BCE against a discriminator that sees RGB alone (paper 004 sections 3.1 to 3.3).

    Beside it `luma_weight` * MSE between the grey of the output and the input (section 3.2). The paper has no more;
    l1_weight * L1 on RGB, `pretrain_epochs` on the pixel loss `loss` alone, and `diversity_weight` * the diversity
    loss are what makes short runs useful. Noise is fresh at every step. With a diversity loss, half of the batch goes
    through the network twice, each picture with two noises. Grey and truth come from the batch's RGB.
    """

    LOSSES = ("pixel", "l1", "luma", "diversity", "fool", "discriminator")
    CHANNELS: ClassVar[int] = 3  # that the discriminator sees

    def __init__(self, model: ColorModel, settings: Settings, place: Place, steps_per_epoch: int) -> None:
        discriminator = PatchDiscriminator(in_channels=self.CHANNELS, width=32, layers=2)
        super().__init__(model, settings, place, steps_per_epoch, discriminator)

    def step(self, number: int, batch: Batch) -> dict[str, Tensor]:
        chance = torch.Generator().manual_seed((self.settings.seed * 1_000_003 + number) * 64 + self.place.rank)
        truth = batch.rgb
        pretrains = number < self.pretrain_steps
        if self.settings.diversity_weight and not pretrains:
            truth = truth[: len(truth) // 2].repeat(2, 1, 1, 1)
        grey = luma(truth)
        noise = torch.randn(len(truth), self.model.noise, generator=chance).to(truth.device)
        with self.place.autocast():
            prediction = (self.call(grey, noise).float() + 1) / 2
        if pretrains:
            pixel = PIXEL[self.settings.loss](prediction, truth)
            self.update("model", pixel)
            return {"pixel": pixel.detach(), "l1": l1(prediction, truth).detach()}
        return self._play(prediction, truth, grey, noise, chance)

    def _play(
        self, prediction: Tensor, truth: Tensor, grey: Tensor, noise: Tensor, chance: torch.Generator
    ) -> dict[str, Tensor]:
        """One step of both networks."""
        judged = self.discriminate(self._shown(truth, grey, chance), self._shown(prediction.detach(), grey, chance))
        fool = self.fooling(self._shown(prediction, grey, chance))
        seen = luma(prediction)
        losses = {"l1": l1(prediction, truth), "luma": mse(seen, grey)}
        if self.settings.diversity_weight:
            losses["diversity"] = diversity(prediction - seen, noise)
        weights = {name: getattr(self.settings, f"{name}_weight") for name in losses}
        self.update("model", fool + sum(weights[name] * loss for name, loss in losses.items()))
        return {name: loss.detach() for name, loss in losses.items()} | {"fool": fool.detach(), "discriminator": judged}

    def _shown(self, rgb: Tensor, grey: Tensor, chance: torch.Generator) -> Tensor:
        """What the discriminator sees (B, CHANNELS, H, W) of RGB and grey in 0..1, in -1..1."""
        return rgb * 2 - 1


class RgbConditioned(Rgb):
    """The discriminator sees the grey too, with noise lest it become too strong (paper 004 section 3.4)."""

    CHANNELS = 4

    def _shown(self, rgb: Tensor, grey: Tensor, chance: torch.Generator) -> Tensor:
        noisy = grey + GREY_NOISE * torch.randn(grey.shape, generator=chance).to(grey.device)
        return torch.cat([rgb, noisy], 1) * 2 - 1
