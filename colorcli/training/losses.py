"""One function a loss, named as in its paper. Every one returns a scalar: the mean over the batch."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from colorcli.color import LAB_SLOPE, lab_to_f, rgb_matrix
from colorcli.evaluation.metrics import opponent_spread, ssim_map


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


def log_mse(prediction: Tensor, truth: Tensor, floor: float = 1e-6) -> Tensor:
    """Mean over the pictures of the logarithm of each one's mean squared difference, which is the negative of its PSNR
    but for a factor: a picture counts by the share, not the amount, that its error shrinks. (B, C, H, W) twice.

    floor: of ab / ab_scale, a tenth of a Lab unit, which no 8-bit picture shows."""
    return (prediction - truth).square().mean((1, 2, 3)).add(floor).log().mean()


def distance(prediction: Tensor, truth: Tensor) -> Tensor:
    """Mean distance in ab, of the pixels: what the AuC of Zhang et al. 2016 (section 3.1) counts."""
    return (prediction - truth).square().sum(1).add(1e-6).sqrt().mean()


def dissimilarity(prediction: Tensor, truth: Tensor) -> Tensor:
    """1 - SSIM of pictures (B, 3, H, W), as `metrics.ssim` has it (Zhao et al., Loss Functions for Image Restoration,
    2017, section III.B)."""
    return 1 - ssim_map(prediction, truth).mean()


def paleness(rgb: Tensor) -> Tensor:
    """1 less a hundredth of the colourfulness of pictures (B, 3, H, W), as `metrics.colourfulness` has it: the
    colorfulness loss of DDColor (Kang et al., ICCV 2023). Values beyond 0..1 count as 0 and 1; for the gradient, grey
    pictures count as slightly coloured."""
    return 1 - opponent_spread(rgb.clamp(0, 1), floor=1e-3).mean() / 100


def shown(L: Tensor, ab: Tensor) -> Tensor:
    """L (B, 1, H, W) in 0..100 and ab (B, 2, H, W) in Lab units -> sRGB (B, 3, H, W), beyond 0..1 where it cannot show
    a colour; as color.lab_to_rgb, which knows no gradients. Their `log_mse` is the mean PSNR itself, but for a factor
    and what lies outside sRGB."""
    f = lab_to_f(L, ab)
    high = f.clamp_min(6 / 29)
    xyz = high**3 + (f - high) / LAB_SLOPE
    linear = torch.einsum("kc,bchw->bkhw", rgb_matrix().to(xyz), xyz)
    high = linear.clamp_min(0.0031308)
    return 1.055 * high ** (1 / 2.4) - 0.055 + (linear - high) * 12.92


PIXEL = {"l1": l1, "huber": huber, "mse": mse, "log-mse": log_mse, "distance": distance}
PSNR = "psnr"  # the pixel loss that needs L too, for `gan` and its kind: `log_mse` of what is `shown`


def rebalanced_cross_entropy(logits: Tensor, classes: Tensor, weights: Tensor) -> Tensor:
    """Cross entropy of logits (B, Q, H, W) with the true classes (B, H, W), each pixel weighted by weights (Q,) of its
    class (Billaut et al. 2018, paper 001 section 2.2)."""
    return (F.cross_entropy(logits, classes, reduction="none") * weights[classes]).mean()


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


def diversity(pictures: Tensor, noise: Tensor, enough: float = 0.02) -> Tensor:
    """Less the more the second half of a batch differs from the first, which shows the same with other noise: how far
    the mean |difference| of pictures (B, C, H, W) over that of noise (B, n) falls short of `enough` (Yang et al.,
    Diversity-Sensitive Conditional GANs, ICLR 2019, equation 2; there each picture has its own limit)."""
    (one, other), (z_one, z_other) = pictures.chunk(2), noise.chunk(2)
    return (enough - (one - other).abs().mean() / (z_one - z_other).abs().mean()).clamp_min(0)


def soft_cross_entropy(logits: Tensor, index: Tensor, shares: Tensor, weights: Tensor | None = None) -> Tensor:
    """Cross entropy of logits (B, Q, H, W), float32, with a truth that is 0 but for K classes a pixel: int64 index and
    shares (B, H, W, K) (paper 000 section 3.1); weights: of the pixels, (B, H, W) (Zhang et al. 2016, equation 2)."""
    return _SparseCrossEntropy.apply(logits.movedim(1, -1), index, shares, weights)


class _SparseCrossEntropy(torch.autograd.Function):
    """Of logits (..., Q), index and shares (..., K), weights (...) or None, with its gradient in one pass.

    Hundreds of classes at every pixel make the largest tensors of a step; autograd would need four more of them.
    """

    @staticmethod
    def forward(ctx: Any, logits: Tensor, index: Tensor, shares: Tensor, weights: Tensor | None) -> Tensor:
        log_probabilities = torch.log_softmax(logits, -1)
        entropy = -(log_probabilities.gather(-1, index) * shares).sum(-1)
        each = torch.ones_like(entropy) if weights is None else weights
        ctx.save_for_backward(log_probabilities, index, shares, each)
        return (entropy * each).mean()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        log_probabilities, index, shares, each = ctx.saved_tensors
        # in place: a second backward would be refused, not wrong
        difference = log_probabilities.exp_().scatter_add_(-1, index, -shares)
        return difference.mul_((each * (gradient / each.numel()))[..., None]), None, None, None


def ab_like(prediction: Tensor, ab: Tensor) -> Tensor:
    """ab (B, 2, H, W) averaged down to the height and width of `prediction` (B, C, h, w)."""
    if prediction.shape[-2:] == ab.shape[-2:]:
        return ab
    return F.interpolate(ab, size=prediction.shape[-2:], mode="area")
