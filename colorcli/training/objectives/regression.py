"""Regression: the network's ab against the true ab."""

from __future__ import annotations

from torch import Tensor

from colorcli.training.batch import Batch
from colorcli.training.losses import PIXEL
from colorcli.training.objectives.base import Objective
from colorcli.training.targets import ab_like


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
