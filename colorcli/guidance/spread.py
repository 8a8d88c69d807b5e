"""Values at some pixels of a photo, spread along even luminance."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from scipy import sparse
from torch import Tensor

from colorcli.guidance.multigrid import Multigrid

VARIANCE_SHARE = 0.6  # of the variance around a pixel: how unlike a neighbour may be, as in the authors' own code
VARIANCE_MOST, VARIANCE_LEAST = 4.0, 0.02  # of that, in L units squared: an edge must not excuse itself
WEIGHT_LEAST = 1e-4  # keeps every pixel tied to the others
NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))  # rows down, columns right; the other four are these seen from there


def spread(L: Tensor, hint_ab: Tensor, hint_mask: Tensor, fading: float = 0.0) -> Tensor:
    """One picture: L (1, H, W) in 0..100, hint_ab (2, H, W), kept where hint_mask (1, H, W) is 1 -> ab (2, H, W).

    Elsewhere each value is the mean of its neighbours, weighted by how like their luminance is (Levin et al. 2004,
    section 2). fading: the weight of 0 beside its neighbours: with it values fade with distance.
    """
    given = hint_mask.flatten().numpy() > 0.5
    ab = np.where(given, hint_ab.flatten(1).numpy(), 0.0).astype(np.float64)
    free, fixed = np.flatnonzero(~given), np.flatnonzero(given)
    if len(free) and len(fixed):
        ties = _laplacian(L[0])
        if fading:
            ties = (ties + fading * sparse.identity(ties.shape[0])).tocsr()
        ties = ties[free]
        solver = Multigrid(ties[:, free], np.stack(np.divmod(free, L.shape[-1]), 1))
        known = ties[:, fixed]
        for channel in ab:
            channel[free] = solver.solve(-(known @ channel[fixed]))
    return torch.from_numpy(ab).float().view_as(hint_ab)


def _laplacian(L: Tensor) -> sparse.csr_matrix:
    """The graph Laplacian of L (H, W) with eight neighbours a pixel: (H W, H W), rows sum to 0."""
    height, width = L.shape
    variance = _variance(L)
    index = torch.arange(height * width).view(height, width)
    ends, weights = [], []
    for down, right in NEIGHBOURS:
        here = slice(0, height - down), slice(max(0, -right), width - max(0, right))
        there = slice(down, height), slice(max(0, right), width + min(0, right))
        spread = VARIANCE_SHARE * torch.minimum(variance[here], variance[there])
        spread = spread.clamp_max(VARIANCE_MOST) + VARIANCE_LEAST
        weight = torch.exp(-((L[here] - L[there]) ** 2) / spread) + WEIGHT_LEAST
        ends.append(torch.stack([index[here].flatten(), index[there].flatten()]))
        weights.append(weight.flatten())
    one, other = torch.cat(ends, 1).numpy()
    values = torch.cat(weights).double().numpy()
    half = sparse.coo_matrix((values, (one, other)), shape=(index.numel(), index.numel())).tocsr()
    ties = half + half.T
    return sparse.csr_matrix(sparse.diags(np.asarray(ties.sum(1)).ravel()) - ties)


def _variance(L: Tensor) -> Tensor:
    """Variance of L (H, W) in the 3 x 3 window around each pixel, edges repeated."""
    window = F.pad(L[None, None], (1, 1, 1, 1), mode="replicate").double()
    mean = F.avg_pool2d(window, 3, stride=1)
    return (F.avg_pool2d(window * window, 3, stride=1) - mean * mean)[0, 0].clamp_min(0).to(L)
