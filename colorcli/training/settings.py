"""What a training run is made of. Importing this imports no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """Defaults are made for photos: hours on a CPU, minutes on a GPU.

    epochs: passes over the photos, of which pretrain_epochs on the pixel loss alone, before the adversary.
    size: side of the training crops in px. lr, discriminator_lr: at their highest. l1_weight: of L1 beside the
    adversarial loss (lambda of paper 000 section 3.2). aged: share of the photos that are aged. average: decay of
    the moving average of the weights, which is what gets saved.
    """

    epochs: float = 12.0
    pretrain_epochs: float = 10.0
    batch_size: int = 32
    size: int = 96
    lr: float = 6e-4
    discriminator_lr: float = 2e-4
    l1_weight: float = 100.0
    aged: float = 0.5
    average: float = 0.999
    warmup_steps: int = 200
    seed: int = 0
    checkpoint_minutes: float = 5.0
    log_every: int = 50
