"""What a training run is made of. Importing this imports no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Settings:
    """How to train. `recipes` has the values for each system; these are the ones they have in common.

    epochs: passes over the data, of which pretrain_epochs on the pixel loss alone, before the adversary. size: side of
    the training crops in px. schedule: "cosine" after a linear warm-up, or "constant". lr, discriminator_lr: at their
    highest. betas: of Adam; weight_decay: decoupled. loss: the pixel loss, of the objective's PIXEL_LOSSES. l1_weight:
    of the pixel loss beside the adversarial one (lambda of paper 000 section 3.2). ssim_weight: of 1 - SSIM beside the
    pixel loss, before the adversary (`losses.dissimilarity`). colourfulness_weight: of the lack of colour beside the
    pixel loss (`losses.paleness`). label_weight: of the classification beside the colour loss (alpha of Iizuka et al.
    2016). luma_weight: of the grey-consistency loss (paper 004 section 3.2). diversity_weight: of the loss against
    noise that changes nothing (`losses.diversity`). dropout: share of the channels dropped, where the network has
    layers for it. rebalance: how far rare colours weigh more, lambda of Zhang et al. 2016 (0: not at all; 1: by rarity
    alone). bins_weight: of the cross entropy of the bins beside the pixel loss, of a network that tells both. hinted:
    share of the pictures that get hints, of a network that follows them. aged: share of the photos that are aged;
    aged_chroma: how much of their colour is left to learn (`augment.muted`). cutmix: share of the pictures that get a
    part of another one (`augment.pasted`). average: decay of the moving average of the weights, which is
    what gets saved.
    """

    epochs: float = 10.0
    pretrain_epochs: float = 0.0
    batch_size: int = 64
    size: int = 32
    schedule: str = "cosine"
    warmup_steps: int = 200
    lr: float = 1e-3
    discriminator_lr: float = 2e-4
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.01
    loss: str = "huber"
    l1_weight: float = 100.0
    real_label: float = 0.9
    ssim_weight: float = 0.0
    colourfulness_weight: float = 0.0
    label_weight: float = 0.0
    luma_weight: float = 0.0
    diversity_weight: float = 0.0
    dropout: float = 0.0
    rebalance: float = 0.0
    bins_weight: float = 0.02
    hinted: float = 0.4
    aged: float = 0.0
    aged_chroma: float = 0.65
    cutmix: float = 0.0
    average: float = 0.999
    seed: int = 0
    checkpoint_minutes: float = 5.0
    log_every: int = 50
