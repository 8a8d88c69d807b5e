"""Regression: the network's ab against the true ab."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from colorcli.training.losses import PIXEL, ab_like, mse
from colorcli.training.objectives.base import Objective
from colorcli.training.pictures.batches import Batch


class Regression(Objective):
    """A pixel loss on ab (paper 003; paper 002 section 4.2 with MSE).

    The network's `forward` gives ab / ab_scale (B, 2, h, w); the truth is averaged down to its size.
    """

    LOSSES = ("pixel",)

    def step(self, number: int, batch: Batch) -> dict[str, Tensor]:
        with self.place.autocast():
            prediction = self.call(batch.seen_L)
        loss = PIXEL[self.settings.loss](prediction.float(), ab_like(prediction, batch.ab) / self.model.ab_scale)
        self.update("model", loss)
        return {"pixel": loss.detach()}


class Joint(Objective):
    """MSE on ab + `label_weight` * cross entropy of the labels (Iizuka et al. 2016, section 3.3; paper 002 section 4).

    The network's `forward` gives ab / ab_scale (B, 2, h, w) and logits (B, classes); the true ab is averaged down to
    its size. The data must have labels.
    """

    LOSSES = ("mse", "labels")

    def step(self, number: int, batch: Batch) -> dict[str, Tensor]:
        if batch.labels is None:
            raise ValueError("joint training needs labels")
        with self.place.autocast():
            prediction, logits = self.call(batch.seen_L)
        colours = mse(prediction.float(), ab_like(prediction, batch.ab) / self.model.ab_scale)
        labels = F.cross_entropy(logits.float(), batch.labels)
        self.update("model", colours + self.settings.label_weight * labels)
        return {"mse": colours.detach(), "labels": labels.detach()}
