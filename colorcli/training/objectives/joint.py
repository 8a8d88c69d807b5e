"""Joint training: the colours, and what the picture shows."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from colorcli.training.batch import Batch
from colorcli.training.losses import mse
from colorcli.training.objectives.base import Objective
from colorcli.training.targets import ab_like


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
