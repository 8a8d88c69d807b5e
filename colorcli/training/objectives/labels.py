"""Classification: what a picture shows, told from its true colours."""

from __future__ import annotations

import torch
from torch import Tensor

from colorcli.models.base import ColorModel
from colorcli.training.losses import smoothed_cross_entropy
from colorcli.training.objectives.base import Objective
from colorcli.training.pictures.batches import Batch, TrainingSet


class Labels(Objective):
    """Cross entropy with label smoothing. The network's `forward` takes RGB (B, 3, S, S) in 0..1 and gives logits (B,
    classes); the data must have labels."""

    LOSSES = ("cross_entropy", "top1")
    MEASURES = ("val_top1",)

    def step(self, number: int, batch: Batch) -> dict[str, Tensor]:
        if batch.labels is None:
            raise ValueError("classification needs labels")
        with self.place.autocast():
            logits = self.call(batch.rgb)
        loss = smoothed_cross_entropy(logits.float(), batch.labels)
        self.update("model", loss)
        return {"cross_entropy": loss.detach(), "top1": _right(logits, batch.labels).mean()}

    @torch.no_grad()
    def validate(self, averaged: ColorModel, data: TrainingSet) -> dict[str, float]:
        """The share of held-out pictures that are told right."""
        if data.labels is None:
            raise ValueError("classification needs labels")
        right = []
        for index in torch.arange(len(data)).split(100):
            rgb = data.crops(index, self.settings.size).to(self.place.device)
            right.append(_right(averaged(rgb).cpu(), data.labels[index].cpu()))
        return {"val_top1": float(torch.cat(right).mean())}

    def pictures(self, averaged: ColorModel, data: TrainingSet) -> Tensor | None:
        """None: logits are no pictures."""
        return None


def _right(logits: Tensor, labels: Tensor) -> Tensor:
    return (logits.detach().argmax(1) == labels).float()
