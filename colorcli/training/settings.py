"""How a training run learns. Importing this imports no torch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


def _told(default: Any, help: str, **limits: Any) -> Any:
    """A field that `colorcli train` has an option for, with this help text and these limits (min, max)."""
    return field(default=default, metadata={"help": help, **limits})


@dataclass(frozen=True)
class Settings:
    """What systems have in common; `recipes` has the values for each of them."""

    epochs: float = _told(10.0, "Passes over the data.", min=0)
    pretrain_epochs: float = _told(0.0, "Of these, on the pixel loss alone, before the adversary.", min=0)
    batch_size: int = _told(64, "Pictures a step (and a process).", min=1)
    size: int = _told(32, "Side of the training crops in px.", min=8)
    schedule: str = "cosine"  # after a linear warm-up; or "constant"
    warmup_steps: int = 200
    lr: float = _told(1e-3, "Learning rate at its highest.", min=0)
    discriminator_lr: float = _told(2e-4, "Discriminator learning rate.", min=0)
    betas: tuple[float, float] = (0.9, 0.99)  # of Adam
    weight_decay: float = _told(0.01, "Weight decay of Adam, decoupled.", min=0)
    loss: str = _told(
        "huber",
        "The pixel loss: l1, huber, mse, log-mse, distance, or psnr itself for gan and its kind.",
        metavar="NAME",
    )
    # lambda of paper 000 section 3.2
    l1_weight: float = _told(100.0, "Weight of the pixel loss beside the adversarial one.", min=0)
    real_label: float = 0.9  # what the discriminator is to say of true pictures: one-sided label smoothing
    # `losses.dissimilarity`, before the adversary
    ssim_weight: float = _told(0.0, "Weight of 1 - SSIM beside the pixel loss, for gan and its kind.", min=0)
    # `losses.paleness`
    colourfulness_weight: float = _told(
        0.0, "Weight of 1 - colourfulness / 100 beside the pixel loss, for gan and its kind.", min=0
    )
    bins_weight: float = _told(
        0.02, "Weight of the cross entropy of ab's bins beside the colours, for gan on an encoder.", min=0
    )
    # alpha of Iizuka et al. 2016
    label_weight: float = _told(0.0, "Weight of telling classes beside colours, for systems that learn both.", min=0)
    luma_weight: float = 0.0  # of the grey-consistency loss (paper 004 section 3.2)
    diversity_weight: float = 0.0  # of the loss against noise that changes nothing (`losses.diversity`)
    hinted: float = _told(0.12, "Share of the pictures that get hints, for networks that follow them.", min=0, max=1)
    dropout: float = _told(0.0, "Share of the channels dropped at gan's two coarsest levels.", min=0, max=0.9)
    rebalance: float = 0.0  # how far rare colours weigh more: 1 - lambda of Zhang et al. 2016; 1: by rarity alone
    aged: float = _told(0.0, "Share of the photos that are aged as old prints are.", min=0, max=1)
    # `augment.muted`
    aged_chroma: float = _told(0.75, "How much of its colour is left to learn of an aged photo.", min=0, max=1)
    # `augment.pasted`
    cutmix: float = _told(0.0, "Share of the pictures that get a part of another, against overfitting.", min=0, max=1)
    average: float = 0.999  # decay of the moving average of the weights, which is what gets saved
    seed: int = _told(0, "Random seed of weights, order and crops.", min=0, max=2**31 - 1)
    checkpoint_minutes: float = _told(5.0, "Minutes between checkpoints: what a killed run loses at most.", min=0)
    log_every: int = 50  # steps between rows of the history
