"""Adversarial training of a generator that follows a palette."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from colorcli.guidance.palette import shares
from colorcli.models.palette import PaletteGenerator
from colorcli.training.objectives.adversarial import Adversarial
from colorcli.training.pictures.batches import Batch

OWN = 0.5  # of the pictures see their own palette, the others that of their predicted classes


class PaletteAdversarial(Adversarial):
    """As `Adversarial`, + `label_weight` * cross entropy of the labels (paper 004 section 4.1).

    A share OWN of the pictures, another one every step, is given its own palette, so that the network learns to follow
    one; the others get the class-weighted palette that they will get in use. The data must have labels.
    """

    model: PaletteGenerator

    def generate(self, number: int, batch: Batch) -> tuple[Tensor, Tensor | float, dict[str, Tensor]]:
        if batch.labels is None:
            raise ValueError("palettes of classes need labels")
        palette = shares(batch.ab[..., ::2, ::2])  # every fourth pixel tells enough
        self.model.learn_classes(palette, batch.labels)
        seed = (self.settings.seed * 1_000_003 + number) * self.place.world + self.place.rank  # resumes alike
        chance = torch.Generator().manual_seed(seed)
        given = torch.rand(len(palette), 1, generator=chance).to(palette.device) < OWN
        with self.place.autocast():
            prediction, logits = self.call(batch.seen_L, palette * given)
        labels = F.cross_entropy(logits.float(), batch.labels)
        return prediction.float(), self.settings.label_weight * labels, {"labels": labels.detach()}
