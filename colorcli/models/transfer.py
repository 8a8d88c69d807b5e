"""`transfer`: colours of the best matching samples of another photo (Welsh, Ashikhmin, Mueller 2002; paper 002
section 2.1). No network, no weights.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from colorcli.errors import UsageError
from colorcli.models.base import ColorModel

SAMPLES = 200  # of the whole reference
SWATCH_SAMPLES = 50  # of one swatch
WINDOW = 5  # px, the side of a pixel's neighbourhood
CHUNK = 65_536  # pixels that are matched at once


class Transfer(ColorModel):
    """Every pixel takes a and b of the sample most like it in luminance and in the deviation around it, in equal parts.

    The reference's luminance is first remapped to the mean and deviation of the photo's. With swatches that happens
    within each pair of them, and the rest of the photo takes its colours from the photo's own swatches, by the
    neighbourhoods' luminance. Lab stands in for the paper's l-alpha-beta space.
    """

    evens_tone = False
    averages_mirror = False  # it treats left and right alike
    default_size = 256

    def predict_ab(
        self,
        L: Tensor,
        reference: Tensor | None = None,
        swatches: Tensor | None = None,
        reference_swatches: Tensor | None = None,
    ) -> Tensor:
        """L (B, 1, H, W) in 0..100 and reference Lab (B, 3, H', W') -> ab (B, 2, H, W) in Lab units.

        swatches (B, 1, H, W) and reference_swatches (B, 1, H', W') hold 1, 2, ... for the pixels of each pair and 0 for
        the rest; a number that only one of the two has is passed over. UsageError without a reference.
        """
        if reference is None:
            raise UsageError("transfer needs a reference: a photo whose colours it takes")
        if swatches is None or reference_swatches is None:
            return torch.stack([_matched(*pair) for pair in zip(L[:, 0], reference, strict=True)])
        pictures = zip(L[:, 0], reference, swatches[:, 0], reference_swatches[:, 0], strict=True)
        return torch.stack([_by_swatches(*picture) for picture in pictures])


def _matched(L: Tensor, reference: Tensor) -> Tensor:
    """L (H, W), reference Lab (3, H', W') -> ab (2, H, W)."""
    everywhere, anywhere = torch.ones_like(L, dtype=torch.bool), torch.ones_like(reference[0], dtype=torch.bool)
    return _transfer(L, reference, everywhere, anywhere, SAMPLES).T.reshape(2, *L.shape)


def _by_swatches(L: Tensor, reference: Tensor, swatches: Tensor, reference_swatches: Tensor) -> Tensor:
    """As `_matched`, with swatches (H, W) and reference_swatches (H', W') that hold the numbers of pairs."""
    ab = L.new_zeros(2, *L.shape)
    coloured, samples = torch.zeros_like(L, dtype=torch.bool), []
    for number in range(1, int(swatches.max()) + 1):
        ours, theirs = swatches == number, reference_swatches == number
        if bool(ours.any()) and bool(theirs.any()):
            ab[:, ours] = _transfer(L, reference, ours, theirs, SWATCH_SAMPLES).T
            coloured |= ours
            samples.append(_jittered(ours, SWATCH_SAMPLES))
    if not samples:
        return _matched(L, reference)
    if not bool(coloured.all()):
        sources = torch.cat(samples)
        patches = _patches(L)
        nearest = _nearest(patches[~coloured.flatten()], patches[sources], p=2)
        ab[:, ~coloured] = ab.flatten(1)[:, sources[nearest]]
    return ab


def _transfer(L: Tensor, reference: Tensor, ours: Tensor, theirs: Tensor, samples: int) -> Tensor:
    """ab (N, 2) for the N pixels of the photo that `ours` (H, W) holds, of samples in `theirs` (H', W')."""
    light = _remapped(reference[0], reference[0][theirs], L[ours])
    sources = _jittered(theirs, samples)
    features = _features(L)[ours.flatten()]
    nearest = _nearest(features, _features(light)[sources], p=1)
    return reference[1:].flatten(1).T[sources[nearest]]


def _remapped(L: Tensor, present: Tensor, wanted: Tensor) -> Tensor:
    """L with the mean and deviation that `present` has made those of `wanted`."""
    gain = wanted.std(correction=0) / present.std(correction=0).clamp_min(1e-3)
    return (L - present.mean()) * gain + wanted.mean()


def _features(L: Tensor) -> Tensor:
    """L (H, W) -> luminance and its deviation in the window around each pixel, (H W, 2)."""
    window = F.pad(L[None, None], (WINDOW // 2,) * 4, mode="replicate")
    mean = F.avg_pool2d(window, WINDOW, stride=1)
    # of the difference to the middle: squares of L itself would lose small deviations
    centred = F.unfold(window, WINDOW).view(WINDOW**2, *L.shape) - mean[0]
    return torch.stack([L.flatten(), centred.square().mean(0).sqrt().flatten()], 1)


def _patches(L: Tensor) -> Tensor:
    """L (H, W) -> the luminance of the window around each pixel, (H W, WINDOW^2)."""
    return F.unfold(F.pad(L[None, None], (WINDOW // 2,) * 4, mode="replicate"), WINDOW)[0].T


def _nearest(features: Tensor, samples: Tensor, p: float) -> Tensor:
    """Of each row of `features` (N, K): the number of the row of `samples` (S, K) that is nearest in the p-norm."""
    return torch.cat([torch.cdist(rows, samples, p=p).argmin(1) for rows in features.split(CHUNK)])


def _jittered(region: Tensor, count: int) -> Tensor:
    """Numbers of about `count` pixels of a region (H, W) of True: one at random in each cell of a grid, the same at
    every call."""
    rows, columns = region.any(1).nonzero().flatten(), region.any(0).nonzero().flatten()
    (top, left), (bottom, right) = (int(rows[0]), int(columns[0])), (int(rows[-1]) + 1, int(columns[-1]) + 1)
    down = min(bottom - top, max(1, round(math.sqrt(count * (bottom - top) / (right - left)))))
    across = min(right - left, max(1, round(count / down)))
    random = torch.Generator().manual_seed(0)
    y = top + (torch.arange(down)[:, None] + torch.rand(down, across, generator=random)) * ((bottom - top) / down)
    x = left + (torch.arange(across) + torch.rand(down, across, generator=random)) * ((right - left) / across)
    chosen = y.long().clamp_max(bottom - 1) * region.shape[1] + x.long().clamp_max(right - 1)
    chosen = chosen.flatten().to(region.device)
    chosen = chosen[region.flatten()[chosen]]
    return chosen if len(chosen) else region.flatten().nonzero()[:1, 0]
