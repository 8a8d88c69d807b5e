"""One function a loss, named as in its paper. Every one returns a scalar: the mean over the batch."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def l1(prediction: Tensor, truth: Tensor) -> Tensor:
    """Mean absolute difference (Isola et al. 2017; paper 000 section 3.2, its lambda term)."""
    return F.l1_loss(prediction, truth)


def huber(prediction: Tensor, truth: Tensor, delta: float = 0.1) -> Tensor:
    """Squared below `delta`, linear above (siggraph17's regression loss); divided by delta, so that it is L1 for
    large errors and comparable with it."""
    return F.huber_loss(prediction, truth, delta=delta) / delta


def mse(prediction: Tensor, truth: Tensor) -> Tensor:
    """Mean squared difference (paper 002 section 4.2; paper 003)."""
    return F.mse_loss(prediction, truth)


PIXEL = {"l1": l1, "huber": huber, "mse": mse}


def smoothed_cross_entropy(logits: Tensor, labels: Tensor, smoothing: float = 0.1) -> Tensor:
    """Cross entropy of logits (B, K) with labels (B,) of which a part is spread evenly over all classes (label
    smoothing, Szegedy et al., Rethinking the Inception Architecture, 2016, section 7)."""
    return F.cross_entropy(logits, labels, label_smoothing=smoothing)


def generator_bce(fake_logits: Tensor) -> Tensor:
    """The generator's part of the game: -log D(G(x)) (paper 000 section 3.2)."""
    return F.binary_cross_entropy_with_logits(fake_logits, torch.ones_like(fake_logits))


def discriminator_bce(real_logits: Tensor, fake_logits: Tensor, real_label: float = 0.9) -> Tensor:
    """-log D(y) - log(1 - D(G(x))), halved, with one-sided label smoothing (paper 001 section 3)."""
    real = F.binary_cross_entropy_with_logits(real_logits, torch.full_like(real_logits, real_label))
    fake = F.binary_cross_entropy_with_logits(fake_logits, torch.zeros_like(fake_logits))
    return (real + fake) / 2
