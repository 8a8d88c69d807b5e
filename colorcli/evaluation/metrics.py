"""How near coloured images come to the true ones: batched, on any device, one value an image and metric.

`measure` gives the values of one batch, `MetricSums` gathers them and ends with means and bootstrap intervals.
Images are RGB (B, 3, H, W), uint8 or float in 0..1. Numbers depend on whether a prediction was rounded to 8
bits (CIFAR-10 left grey: pixel accuracy at 2% is 18.9% rounded, 17.5% as it comes); `evaluate` says what it
scores. Large images are worked through in bands of rows, in float32.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from colorcli.bins import Bins
from colorcli.color import rgb_to_lab

PIXELS_AT_ONCE = 1 << 18
THRESHOLDS = {"pixel_accuracy_2": 0.02, "pixel_accuracy_5": 0.05}
MSE_FLOOR = 1e-10  # equal images count as 100 dB: one infinity would be the mean of all
AUC_LAST = 150  # thresholds 0, 1, ... 150 in Lab units (Zhang et al. 2016, section 3.1)
SSIM_WINDOW, SSIM_C1, SSIM_C2 = 7, 0.01**2, 0.03**2

# What `measure` returns beside the metrics: the parts of what is no mean over images
PARTS = ("squared_error", "samples", "balanced_auc", "balance")


def measure(pred: Tensor, real: Tensor, bins: Bins | None = None) -> dict[str, Tensor]:
    """Predicted and real RGB (B, 3, H, W), uint8 or float in 0..1 -> float64 (B,) on the CPU for each name.

    pixel_accuracy_2, _5: share of pixels with |pred - real| < 2% (5%) in R, G and B at once (paper 000,
    section 4.1); with _r, _g, _b: in that channel. psnr: dB over R, G and B, data range 1, at most 100.
    ssim, ab_auc, colourfulness: see the functions; true_colourfulness is that of `real`. ab_error: mean distance
    in ab, Lab units. ciede2000: mean colour difference. PARTS are for `MetricSums`; of those, the balanced ones only
    with bins of ab. ValueError for shapes that differ or are below 7 x 7.
    """
    if pred.shape != real.shape:
        raise ValueError(f"shapes differ: {tuple(pred.shape)} and {tuple(real.shape)}")
    height, width = real.shape[-2:]
    sums: dict[str, Tensor] = {}
    for band in _bands(real):
        for name, value in _pixel_sums(as_unit(pred[:, :, band]), as_unit(real[:, :, band]), bins).items():
            sums[name] = sums.get(name, 0) + value
    values = {name: total if name in PARTS else total / (height * width) for name, total in sums.items()}
    values["samples"] = torch.full_like(sums["squared_error"], 3 * height * width)
    values["psnr"] = _decibel(values["squared_error"] / values["samples"])
    values["ssim"] = ssim(pred, real)
    values["colourfulness"] = colourfulness(pred)
    values["true_colourfulness"] = colourfulness(real)
    return values


def as_unit(rgb: Tensor) -> Tensor:
    """uint8 0..255 or float 0..1 -> float32 0..1."""
    return rgb.float().div_(255) if rgb.dtype == torch.uint8 else rgb.float()


def _bands(images: Tensor, overlap: int = 0) -> Iterator[slice]:
    """Rows of (B, C, H, W), some PIXELS_AT_ONCE of the batch at a time; each band repeats `overlap` rows."""
    batch, _, height, width = images.shape
    rows = max(1, PIXELS_AT_ONCE // (batch * width))
    for top in range(0, height - overlap, rows):
        yield slice(top, min(height, top + rows + overlap))


def _total(x: Tensor) -> Tensor:
    """(B, ...) -> float64 (B,) on the CPU: the sum over all but the batch."""
    return x.flatten(1).sum(1, dtype=torch.float32).cpu().double()


def _pixel_sums(pred: Tensor, real: Tensor, bins: Bins | None) -> dict[str, Tensor]:
    """Sums over pixels of all that is a mean over pixels, and PARTS; squared_error over R, G and B."""
    error = (pred - real).abs()
    sums = {"squared_error": _total(error * error)}
    for name, threshold in THRESHOLDS.items():
        near = error < threshold  # (B, 3, H, W)
        sums[name] = _total(near.all(1))
        for channel, letter in enumerate("rgb"):
            sums[f"{name}_{letter}"] = _total(near[:, channel])
    lab_pred, lab_real = rgb_to_lab(pred), rgb_to_lab(real)
    distance = (lab_pred - lab_real)[:, 1:].norm(dim=1)  # (B, H, W)
    sums["ab_error"] = _total(distance)
    covered = ab_auc(distance)
    sums["ab_auc"] = _total(covered)
    if bins is not None:
        weight = _rarity(bins, real.device)[bins.encode_hard(lab_real[:, 1:])]
        sums["balanced_auc"], sums["balance"] = _total(covered * weight), _total(weight)
    sums["ciede2000"] = _total(ciede2000(lab_pred, lab_real))
    return sums


def _decibel(mse: Tensor) -> Tensor:
    return -10 * mse.clamp_min(MSE_FLOOR).log10()


def ab_auc(distance: Tensor) -> Tensor:
    """Distances in ab (Lab units), any shape -> each pixel's part in the area under the curve, 0..1.

    The curve is the share of pixels whose distance is at most t, for t = 0, 1, ... 150; the area is its mean
    (Zhang et al. 2016, section 3.1). A pixel is counted by the thresholds from its distance up.
    """
    return (AUC_LAST + 1 - distance.ceil()).clamp_min(0) / (AUC_LAST + 1)


def _rarity(bins: Bins, device: torch.device) -> Tensor:
    """Weights (Q,) of the class-balanced AuC: one over how common a bin is (Zhang et al. 2016, section 3.1: lambda 0).

    In the prior of `bins` every colour then counts the same, however rare.
    """
    prior = torch.from_numpy(bins.prior.copy())
    return torch.where(prior > 0, 1 / (len(bins) * prior), 0).float().to(device)


def ssim(pred: Tensor, real: Tensor) -> Tensor:
    """Structural similarity, RGB (B, 3, H, W) -> float64 (B,) on the CPU, as skimage's structural_similarity.

    Its defaults with channel_axis and data_range 1: uniform 7 x 7 window, sample covariance, windows that lie
    wholly inside, mean over R, G and B. (Wang et al. 2004 have a Gaussian window: the third decimal differs.)
    ValueError below 7 x 7.
    """
    height, width = real.shape[-2:]
    edge = SSIM_WINDOW - 1
    if min(height, width) < SSIM_WINDOW:
        raise ValueError(f"SSIM needs images of at least 7 x 7 px, not {width} x {height}")
    total = torch.zeros(len(real), dtype=torch.float64)
    for band in _bands(real, overlap=edge):
        total += _total(ssim_map(as_unit(pred[:, :, band]), as_unit(real[:, :, band])))
    return total / (3 * (height - edge) * (width - edge))


def ssim_map(x: Tensor, y: Tensor) -> Tensor:
    """(B, C, H, W) in 0..1 twice -> the SSIM of each window and channel (B, C, H - 6, W - 6), with its gradient."""
    unbiased = SSIM_WINDOW**2 / (SSIM_WINDOW**2 - 1)
    mean_x, mean_y = _window_mean(x), _window_mean(y)
    var_x = unbiased * (_window_mean(x * x) - mean_x * mean_x)
    var_y = unbiased * (_window_mean(y * y) - mean_y * mean_y)
    covariance = unbiased * (_window_mean(x * y) - mean_x * mean_y)
    similarity = (2 * mean_x * mean_y + SSIM_C1) * (2 * covariance + SSIM_C2)
    return similarity / ((mean_x * mean_x + mean_y * mean_y + SSIM_C1) * (var_x + var_y + SSIM_C2))


def _window_mean(x: Tensor) -> Tensor:
    """Means over 7 x 7 windows, (..., H, W) -> (..., H - 6, W - 6)."""
    return _sum_of_seven(_sum_of_seven(x, -2), -1) / SSIM_WINDOW**2


def _sum_of_seven(x: Tensor, dim: int) -> Tensor:
    """Sums of 7 neighbours as 4 + 2 + 1: several times quicker than pooling on a CPU."""
    count = x.shape[dim] - (SSIM_WINDOW - 1)
    two = x.narrow(dim, 0, count + 5) + x.narrow(dim, 1, count + 5)
    four = two.narrow(dim, 0, count + 3) + two.narrow(dim, 2, count + 3)
    return four.narrow(dim, 0, count) + two.narrow(dim, 4, count) + x.narrow(dim, 6, count)


def colourfulness(rgb: Tensor) -> Tensor:
    """Hasler and Suesstrunk 2003, RGB (B, 3, H, W) -> float64 (B,) on the CPU, in 8-bit units.

    std(rg, yb) + 0.3 |mean(rg, yb)| with rg = R - G and yb = (R + G) / 2 - B, both signed: grey is 0,
    photos mostly 20 to 60.
    """
    return opponent_spread(rgb).cpu().double()


def opponent_spread(rgb: Tensor, floor: float = 0.0) -> Tensor:
    """`colourfulness` where RGB lies, float32 (B,), with gradients; floor: added below both roots, whose slope at 0 has
    no end."""
    scale = 1.0 if rgb.dtype == torch.uint8 else 255.0
    red, green, blue = rgb.unbind(1)
    rg_variance, rg_mean = _variance_mean((red.float() - green) * scale)
    yb_variance, yb_mean = _variance_mean(((red.float() + green) / 2 - blue) * scale)
    return (rg_variance + yb_variance + floor).sqrt() + 0.3 * (rg_mean**2 + yb_mean**2 + floor).sqrt()


def _variance_mean(x: Tensor) -> tuple[Tensor, Tensor]:
    return torch.var_mean(x.flatten(1), dim=1, correction=0)


def ciede2000(lab1: Tensor, lab2: Tensor) -> Tensor:
    """The CIEDE2000 colour difference, Lab (..., 3, H, W) twice -> (..., H, W), with k_L = k_C = k_H = 1.

    Symbols as in Sharma, Wu and Dalal 2005; equals skimage.color.deltaE_ciede2000.
    """
    (L1, a1, b1), (L2, a2, b2) = lab1.unbind(-3), lab2.unbind(-3)
    stretch = 1.5 - 0.5 * _chroma_weight((a1.hypot(b1) + a2.hypot(b2)) / 2)  # 1 + G
    C1, h1 = _chroma_hue(a1 * stretch, b1)
    C2, h2 = _chroma_hue(a2 * stretch, b2)
    mean_L, mean_C, mean_h, dh = (L1 + L2) / 2, (C1 + C2) / 2, *_mean_hue(C1, h1, C2, h2)
    off_grey = (mean_L - 50) ** 2
    S_L = 1 + 0.015 * off_grey / (20 + off_grey).sqrt()
    T = (
        1
        - 0.17 * torch.cos(mean_h - math.radians(30))
        + 0.24 * torch.cos(2 * mean_h)
        + 0.32 * torch.cos(3 * mean_h + math.radians(6))
        - 0.20 * torch.cos(4 * mean_h - math.radians(63))
    )
    term_L = (L2 - L1) / S_L
    term_C = (C2 - C1) / (1 + 0.045 * mean_C)
    term_H = 2 * (C1 * C2).sqrt() * torch.sin(dh / 2) / (1 + 0.015 * mean_C * T)
    turn = math.radians(60) * torch.exp(-(((mean_h - math.radians(275)) / math.radians(25)) ** 2))
    R_T = -2 * _chroma_weight(mean_C) * torch.sin(turn)
    return (term_L**2 + term_C**2 + term_H**2 + R_T * term_C * term_H).clamp_min(0).sqrt()


def _chroma_weight(C: Tensor) -> Tensor:
    """sqrt(C^7 / (C^7 + 25^7)), written so that float32 neither overflows nor divides by 0."""
    ratio = (C / 25) ** 7
    return (ratio / (ratio + 1)).sqrt()


def _chroma_hue(a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Chroma, and hue in 0..2 pi."""
    return a.hypot(b), torch.atan2(b, a) % math.tau


def _mean_hue(C1: Tensor, h1: Tensor, C2: Tensor, h2: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of two hues on the shorter arc, and h2 - h1 in -pi..pi; a grey's hue counts for nothing."""
    dh, total = h2 - h1, h1 + h2
    grey = C1 * C2 == 0
    far = (dh.abs() > math.pi) & ~grey
    across = torch.where(total < math.tau, total + math.tau, total - math.tau)
    mean = torch.where(grey, total, torch.where(far, across, total) / 2)
    return mean, torch.where(grey, 0.0, dh - far * dh.sign() * math.tau)


@dataclass(frozen=True)
class Score:
    """A metric over all images, with the ends of its 95% interval."""

    value: float
    low: float
    high: float


class MetricSums:
    """Gathers `measure`'s values batch by batch; `finish` gives each metric with its interval."""

    def __init__(self) -> None:
        self._batches: dict[str, list[np.ndarray]] = {}

    def add(self, values: Mapping[str, Tensor]) -> None:
        """(B,) for each name of one batch, the same names for every batch, in one call or several."""
        for name, value in values.items():
            self._batches.setdefault(name, []).append(value.cpu().double().numpy())

    def finish(self, resamples: int = 1000, seed: int = 0) -> dict[str, Score]:
        """The metrics over all images with their 95% percentile-bootstrap intervals over images.

        Besides the means over images: psnr_pooled (dB, of the MSE over all samples of all images),
        colourfulness_ratio (mean colourfulness over the truth's; NaN where the truth is grey) and, where measured with
        bins, ab_auc_balanced (AuC in which rare colours count as much as common ones). The same
        number of images and seed draw the same, so rows can be compared. ValueError without images.
        """
        if not self._batches:
            raise ValueError("no images were added")
        columns = {name: np.concatenate(parts) for name, parts in self._batches.items()}
        table = np.stack(list(columns.values()), axis=1)  # (N, metrics)
        values = _combine(dict(zip(columns, table.mean(0), strict=True)))
        drawn = _combine(dict(zip(columns, _resampled_means(table, resamples, seed).T, strict=True)))
        ends = {name: np.percentile(drawn[name], (2.5, 97.5)) for name in values}
        return {name: Score(float(v), *map(float, ends[name])) for name, v in values.items()}


def _combine(means: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Means over images -> metrics: the PARTS become psnr_pooled; colourfulness_ratio is added."""
    metrics = {name: value for name, value in means.items() if name not in PARTS}
    mse = means["squared_error"] / means["samples"]
    metrics["psnr_pooled"] = -10 * np.log10(np.maximum(mse, MSE_FLOOR))
    if "balance" in means:
        metrics["ab_auc_balanced"] = means["balanced_auc"] / means["balance"]
    truth = means["true_colourfulness"]
    metrics["colourfulness_ratio"] = np.where(truth > 0, means["colourfulness"] / np.where(truth > 0, truth, 1), np.nan)
    return metrics


def _resampled_means(table: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """(N, K) -> (resamples, K): means over N rows drawn with replacement."""
    generator, count = np.random.default_rng(seed), len(table)
    means = np.empty((resamples, table.shape[1]))
    for i in range(resamples):
        weights = np.bincount(generator.integers(count, size=count), minlength=count)
        means[i] = weights @ table / count
    return means
