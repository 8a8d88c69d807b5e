"""Bins of chroma: soft and hard encoding, the annealed mean, class weights (Zhang et al. 2016, section 2.2, 2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from colorcli.bins.planes import PLANES, Plane, grid_in_gamut
from colorcli.errors import UsageError

NEIGHBOURS = 5  # bins among which a soft-encoded colour is shared
TEMPERATURE = 0.38  # of the annealed mean
BALANCE = 0.5  # lambda: the share of the uniform distribution in the class weights
SIGMA = 0.5  # of the Gaussian, in steps of the grid: 5 Lab units for a grid of 10
GRID_RANGE = {"ab": (5.0, 60.0), "yuv": (0.02, 0.3)}  # of the steps that make sense
LOOKUP_CELLS = 128  # a side of the table of neighbours
FAR = 1e6  # a centre that is no one's neighbour


@dataclass(frozen=True, eq=False)
class Bins:
    """Q bins of a chroma plane.

    centres: float32 (Q, 2), in Lab units ("ab") or U and V for RGB in 0..1 ("yuv"). prior: float64 (Q,), the
    smoothed share of each, sums to 1. space: "ab" or "yuv". grid: the step of the grid that the bins come
    from. sigma: of the Gaussian of encoding and smoothing. lambda_: of the class weights. All but lambda_ in the
    plane's units. source: what was counted; pixels: how many of it.
    """

    centres: np.ndarray
    prior: np.ndarray
    space: str = "ab"
    grid: float = 10.0
    sigma: float = 5.0
    lambda_: float = BALANCE
    source: str = "uniform"
    pixels: int = 0

    def __post_init__(self) -> None:
        for name in ("centres", "prior"):  # copies: the caller's own arrays stay writable
            array = np.array(getattr(self, name))
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        # not a field: what was put on each device
        object.__setattr__(self, "_tables", {})

    def __len__(self) -> int:
        return len(self.centres)

    @property
    def plane(self) -> Plane:
        return PLANES[self.space]

    @property
    def neighbours(self) -> int:
        return min(NEIGHBOURS, len(self))

    def encode(self, chroma: Tensor) -> Tensor:
        """Soft encoding: chroma (B, 2, H, W) -> float32 (B, Q, H, W), a distribution over the bins for each pixel.

        What `encode_sparse` gives, and 0 for all other bins.
        """
        index, shares = (x.movedim(-1, 1) for x in self.encode_sparse(chroma))
        out = shares.new_zeros(len(chroma), len(self), *chroma.shape[2:])
        return out.scatter_(1, index, shares)

    def encode_sparse(self, chroma: Tensor) -> tuple[Tensor, Tensor]:
        """Soft encoding: chroma (B, 2, H, W) -> bins int64 (B, H, W, 5) and their shares float32 (B, H, W, 5).

        The 5 nearest bins (of fewer: all), in any order, share a pixel in proportion to a Gaussian of their distance.
        Exact to float32 (where a fifth and a sixth bin are equally near, either may be taken) for chroma inside the
        plane's extent (128 Lab units, 0.64 of U and V); what lies beyond is taken at its edge. Chroma must be finite.
        """
        nearest, distance = self._nearest(chroma, self.neighbours)
        shares = torch.softmax(distance / (-2 * self.sigma**2), dim=-1)
        shape = (len(chroma), *chroma.shape[2:], self.neighbours)
        return nearest.view(shape), shares.view(shape)

    def encode_hard(self, chroma: Tensor) -> Tensor:
        """chroma (B, 2, H, W) -> the nearest bin of each pixel, int64 (B, H, W). Exactness as `encode`."""
        nearest, _ = self._nearest(chroma, 1)
        return nearest.view(len(chroma), *chroma.shape[2:])

    def annealed_mean(self, logits: Tensor, temperature: float = TEMPERATURE) -> Tensor:
        """logits (B, Q, H, W) -> chroma (B, 2, H, W) float32: the mean of softmax(logits / temperature).

        Temperature 1 is the plain mean; towards 0 it becomes the most likely bin.
        """
        return annealed_mean(logits, self._table(logits.device)[0][:-1], temperature)

    def class_weights(self, lambda_: float | None = None) -> Tensor:
        """Weights against rarity, float32 (Q,): w ~ 1 / ((1 - lambda) p + lambda / Q), with sum p w = 1.

        lambda_: above 0, at most 1 (no rebalancing); the bins' own if not given.
        """
        share = self.lambda_ if lambda_ is None else lambda_
        weights = 1 / ((1 - share) * self.prior + share / len(self))
        return torch.from_numpy((weights / (self.prior * weights).sum()).astype(np.float32))

    def _nearest(self, chroma: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """chroma (B, 2, H, W) -> index int64 and squared distance float32 (B * H * W, count) of the nearest bins."""
        centres, table = self._table(chroma.device)
        extent = self.plane.extent
        points = chroma.detach().float().movedim(1, -1).reshape(-1, 2).clamp(-extent, extent)
        cell = ((points + extent) * (LOOKUP_CELLS / (2 * extent))).long().clamp_(0, LOOKUP_CELLS - 1)
        candidates = table[cell[:, 0] * LOOKUP_CELLS + cell[:, 1]]  # (N, K)
        near = centres[candidates]
        distance = (near[..., 0] - points[:, :1]) ** 2 + (near[..., 1] - points[:, 1:]) ** 2
        distance, order = distance.topk(count, dim=-1, largest=False, sorted=False)
        return candidates.gather(1, order), distance

    def _table(self, device: torch.device) -> tuple[Tensor, Tensor]:
        """On `device`: centres float32 (Q + 1, 2), the last FAR away; candidates int64 (LOOKUP_CELLS^2, K)."""
        tables: dict[torch.device, tuple[Tensor, Tensor]] = self._tables  # type: ignore[attr-defined]
        if device not in tables:
            centres = np.concatenate([self.centres, np.full((1, 2), FAR, np.float32)])
            tables[device] = torch.from_numpy(centres).to(device), torch.from_numpy(self._candidates).to(device)
        return tables[device]

    @cached_property
    def _candidates(self) -> np.ndarray:
        """For each cell of a square table, every bin that is among the nearest of any point in the cell.

        A bin may be one if its least distance to the cell is at most the fifth of the bins' greatest distances.
        int64 (LOOKUP_CELLS^2, K), rows filled up with Q.
        """
        extent = self.plane.extent
        side = 2 * extent / LOOKUP_CELLS
        middle = (np.arange(LOOKUP_CELLS) + 0.5) * side - extent
        rows = []
        for a in middle:  # a row of cells at a time, or fine grids would need gigabytes
            cells = np.stack([np.full(LOOKUP_CELLS, a), middle], -1)
            offset = np.abs(cells[:, None] - self.centres[None].astype(np.float64))
            least = np.hypot(*np.moveaxis(np.maximum(offset - side / 2, 0), -1, 0))
            most = np.hypot(*np.moveaxis(offset + side / 2, -1, 0))
            reach = np.partition(most, self.neighbours - 1, axis=1)[:, self.neighbours - 1, None]
            rows.append(least <= reach * (1 + 1e-6))
        wanted = np.concatenate(rows)
        width = int(wanted.sum(1).max())
        order = np.argsort(~wanted, axis=1, kind="stable")[:, :width]
        return np.where(np.take_along_axis(wanted, order, 1), order, len(self)).astype(np.int64)


def annealed_mean(logits: Tensor, centres: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    """`Bins.annealed_mean` with the centres (Q, 2) alone, as a model carries them."""
    # in float32: hundreds of small probabilities do not add up to 1 in half precision
    probabilities = torch.softmax(logits.float() / temperature, dim=1)
    return torch.einsum("bqhw,qc->bchw", probabilities, centres.float())


def ab_bins(
    grid: float = 10.0, sigma: float | None = None, lambda_: float = BALANCE, prior: np.ndarray | None = None
) -> Bins:
    """The bins of an ab grid, 313 for a step of 10 (see `planes.grid_in_gamut`), with a uniform prior if none is given.

    UsageError for numbers that make no sense.
    """
    check_numbers("ab", grid, sigma, lambda_)
    centres = grid_in_gamut(grid).copy()
    shares = np.full(len(centres), 1 / len(centres)) if prior is None else prior
    return Bins(centres, shares, "ab", grid, grid * SIGMA if sigma is None else sigma, lambda_)


def check_numbers(space: str, grid: float, sigma: float | None, lambda_: float) -> None:
    """UsageError, under the names of the command's options, for numbers that make no sense."""
    low, high = GRID_RANGE[space]
    if not low <= grid <= high:
        raise UsageError(f"--grid {grid:g}: give a step from {low:g} to {high:g} for --space {space}")
    if sigma is not None and not grid / 100 <= sigma <= 10 * grid:
        raise UsageError(f"--sigma {sigma:g}: give {grid / 100:g} to {10 * grid:g} (half a step of the grid is usual)")
    if not 0 < lambda_ <= 1:
        raise UsageError(f"--lambda {lambda_:g}: give a share above 0 and at most 1")
