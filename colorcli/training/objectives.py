"""One class per way of training: step(L, ab) trains on a batch and returns its named losses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorcli.models.base import ColorModel
from colorcli.models.gan import AB_SCALE, discriminator
from colorcli.training.losses import discriminator_bce, generator_bce, huber, l1

Autocast = Callable[[], Any]


class PixelThenAdversarial:
    """A pixel loss first, then pixel loss and PatchGAN together (paper 001 section 3; paper 002 section 3).

    Until step `pretrain_steps` the generator learns by the Huber loss on ab alone. From then on it learns by
    BCE against the discriminator + `l1_weight` * L1, with each network's own learning rate.
    """

    def __init__(
        self,
        model: ColorModel,
        *,
        lr: float,
        discriminator_lr: float,
        pretrain_steps: int,
        l1_weight: float,
        device: torch.device,
        autocast: Autocast,
    ) -> None:
        self.model, self.autocast = model, autocast
        self.discriminator = discriminator().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.pretrain_steps, self.l1_weight = pretrain_steps, l1_weight
        self.optimizers = {
            "generator": torch.optim.AdamW(model.parameters(), lr=lr, betas=(0.9, 0.99), weight_decay=0.01),
            "discriminator": torch.optim.Adam(self.discriminator.parameters(), lr=discriminator_lr, betas=(0.5, 0.999)),
        }

    def modules(self) -> dict[str, nn.Module]:
        return {"generator": self.model, "discriminator": self.discriminator}

    def step(self, number: int, seen_L: Tensor, L: Tensor, ab: Tensor) -> dict[str, Tensor]:
        """One step on a batch. seen_L: the luminance the network sees (aged); L (B, 1, H, W), ab (B, 2, H, W): true."""
        with self.autocast():
            prediction = self.model(seen_L).float()
        truth = F.interpolate(ab, size=prediction.shape[-2:], mode="area") / AB_SCALE
        if number < self.pretrain_steps:
            loss = huber(prediction, truth)
            self._update("generator", loss)
            return {"huber": loss.detach(), "l1": l1(prediction, truth).detach()}
        light = F.interpolate(L, size=prediction.shape[-2:], mode="area") / 100
        judged = self._discriminate(light, truth, prediction)
        with self.autocast():
            fool = generator_bce(self.discriminator(torch.cat([light, prediction], 1)).float())
        pixel = l1(prediction, truth)
        self._update("generator", fool + self.l1_weight * pixel)
        return {"l1": pixel.detach(), "fool": fool.detach(), "discriminator": judged}

    def _discriminate(self, light: Tensor, truth: Tensor, prediction: Tensor) -> Tensor:
        """Train the discriminator on the pair; its loss."""
        with self.autocast():
            real = self.discriminator(torch.cat([light, truth], 1)).float()
            fake = self.discriminator(torch.cat([light, prediction.detach()], 1)).float()
        loss = discriminator_bce(real, fake)
        self._update("discriminator", loss)
        return loss.detach()

    def _update(self, name: str, loss: Tensor) -> None:
        optimizer = self.optimizers[name]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
