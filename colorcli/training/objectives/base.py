"""What all ways of training share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from colorcli.models.base import ColorModel
from colorcli.training.losses import PIXEL, discriminator_bce, generator_bce
from colorcli.training.pictures.batches import Batch, TrainingSet
from colorcli.training.processes import Place
from colorcli.training.settings import Settings
from colorcli.training.validation import MEASURES, pictures, validate


class Objective:
    """One way of training: `step` learns from a batch and returns its named losses.

    modules: the networks that learn, by name; "model" is the one to be saved. optimizers: under the same names.
    LOSSES: what `step` may return. PIXEL_LOSSES: what its settings' `loss` may be. MEASURES: what `validate` returns;
    the higher the first, the better the model. A subclass adds to modules and optimizers in its own __init__.
    """

    LOSSES: ClassVar[tuple[str, ...]] = ()
    PIXEL_LOSSES: ClassVar[tuple[str, ...]] = tuple(PIXEL)
    MEASURES: ClassVar[tuple[str, ...]] = MEASURES

    def __init__(self, model: ColorModel, settings: Settings, place: Place, steps_per_epoch: int) -> None:
        self.model, self.settings, self.place = model, settings, place
        self.call = place.shared(model)
        self.modules: dict[str, nn.Module] = {"model": model}
        groups = [{"params": group, "lr": settings.lr * factor} for factor, group in model.learning_rates()]
        self.optimizers = {"model": self.adam(groups, settings.lr)}

    def adam(self, parameters: Iterable[Any], lr: float) -> torch.optim.Optimizer:
        """Adam with the settings' betas and decoupled weight decay (0: plain Adam)."""
        return torch.optim.AdamW(
            parameters, lr=lr, betas=self.settings.betas, weight_decay=self.settings.weight_decay, fused=True
        )

    def step(self, number: int, batch: Batch) -> dict[str, Tensor]:
        """Learn from one batch, the number-th of the run from 0 on; scalars, detached, under names of LOSSES."""
        raise NotImplementedError

    def validate(self, averaged: ColorModel, data: TrainingSet) -> dict[str, float]:
        """MEASURES of the averaged model on held-out pictures."""
        return validate(averaged, data, self.settings.size)

    def pictures(self, averaged: ColorModel, data: TrainingSet) -> Tensor | None:
        """A grid (3, H, W) of held-out pictures and what the averaged model makes of them, where it makes pictures."""
        return pictures(averaged, data, self.settings.size)

    def update(self, name: str, loss: Tensor) -> None:
        """One step of the optimizer `name` down the gradient of `loss`."""
        optimizer = self.optimizers[name]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()


class AgainstDiscriminator(Objective):
    """What a generator and its discriminator need, whatever the discriminator sees: the network `discriminator`, with
    an Adam of its own, judges alternately (Goodfellow et al. 2014; paper 000 section 3.2)."""

    def __init__(
        self, model: ColorModel, settings: Settings, place: Place, steps_per_epoch: int, discriminator: nn.Module
    ) -> None:
        super().__init__(model, settings, place, steps_per_epoch)
        self.pretrain_steps = round(settings.pretrain_epochs * steps_per_epoch)
        discriminator = discriminator.to(place.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.modules["discriminator"] = discriminator
        self.judge = place.shared(discriminator)
        self.optimizers["discriminator"] = torch.optim.Adam(
            discriminator.parameters(), lr=settings.discriminator_lr, betas=(0.5, 0.999)
        )

    def discriminate(self, real: Tensor, fake: Tensor) -> Tensor:
        """Train the discriminator on what it sees of true and of made pictures (B, C, h, w); its loss."""
        with self.place.autocast():
            logits = self.judge(real).float(), self.judge(fake.detach()).float()
        loss = discriminator_bce(*logits, self.settings.real_label)
        self.update("discriminator", loss)
        return loss.detach()

    def fooling(self, fake: Tensor) -> Tensor:
        """The generator's loss for what the discriminator, which does not learn from this, says of made pictures."""
        discriminator = self.modules["discriminator"].requires_grad_(False)
        with self.place.autocast():
            loss = generator_bce(discriminator(fake).float())
        discriminator.requires_grad_(True)
        return loss
