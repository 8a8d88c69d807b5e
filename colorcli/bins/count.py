"""Photos -> a histogram of their chroma -> bins. Memory does not grow with the number of photos."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from scipy.spatial.distance import cdist
from torch import Tensor

from colorcli.bins.bins import BALANCE, SIGMA, Bins, check_numbers
from colorcli.bins.planes import CELLS, Plane, grid_in_gamut
from colorcli.errors import UsageError

COLOURS = 32  # of ColorUNet's palette


@dataclass
class Census:
    """counts: int64 (CELLS, CELLS), pixels in each cell of the plane's lattice. images: how many were counted.

    skipped: a line for each file that could not be read; colourless: photos left out as grey.
    """

    plane: Plane
    source: str
    counts: np.ndarray = field(default_factory=lambda: np.zeros((CELLS, CELLS), np.int64))
    images: int = 0
    skipped: list[str] = field(default_factory=list)
    colourless: int = 0

    @property
    def pixels(self) -> int:
        return int(self.counts.sum())

    def add(self, rgb: Tensor) -> None:
        """Count the pixels uint8 (B, 3, H, W)."""
        chroma = self.plane.to_chroma(rgb.float() / 255)
        cell = torch.floor(chroma / self.plane.cell).long().add_(CELLS // 2).clamp_(0, CELLS - 1)
        index = (cell[:, 0] * CELLS + cell[:, 1]).flatten()
        self.counts += torch.bincount(index, minlength=CELLS**2).view(CELLS, CELLS).numpy()


def bins_of(
    census: Census,
    *,
    grid: float | None = None,
    colours: int = COLOURS,
    sigma: float | None = None,
    lambda_: float = BALANCE,
) -> Bins:
    """Bins and their smoothed prior: of the ab grid for "ab", of the `colours` commonest colours for "yuv".

    The prior is the share of the pixels whose nearest bin it is, smoothed by a Gaussian over the bins (Zhang et al.
    2016, section 2.2). grid: the plane's own step if not given; sigma: half the grid. UsageError for numbers that
    make no sense.
    """
    plane = census.plane
    grid = plane.grid if grid is None else grid
    check_numbers(plane.name, grid, sigma, lambda_)
    sigma = grid * SIGMA if sigma is None else sigma
    centres = grid_in_gamut(grid).copy() if plane.name == "ab" else palette(census, colours, grid)
    prior = smoothed(_shares(census, centres), centres, sigma)
    return Bins(centres, prior, plane.name, grid, sigma, lambda_, census.source, census.pixels)


def palette(census: Census, colours: int, grid: float) -> np.ndarray:
    """The commonest colours, float32 (colours, 2), the commonest first (Billaut et al. 2018; paper 001 section 2.2).

    The plane is cut into squares of side `grid`, one of them around grey; a colour is the mean of the pixels in a
    square. UsageError if fewer squares than `colours` have any.
    """
    lattice = census.plane.lattice().reshape(-1, 2)
    counts = census.counts.ravel()
    lattice, counts = lattice[counts > 0], counts[counts > 0]
    _, square = np.unique(np.rint(lattice / grid), axis=0, return_inverse=True)
    square = square.ravel()  # a column in one release of numpy
    pixels = np.bincount(square, counts)
    if len(pixels) < colours:
        raise UsageError(f"--colors {colours}: only {len(pixels)} are there; ask for fewer or give a smaller --grid")
    means = np.stack([np.bincount(square, counts * axis) for axis in lattice.T], 1) / pixels[:, None]
    return means[np.argsort(-pixels, kind="stable")[:colours]].astype(np.float32)


def _shares(census: Census, centres: np.ndarray) -> np.ndarray:
    """Share of the pixels whose nearest bin it is, float64 (Q,); to the precision of the lattice."""
    used = np.flatnonzero(census.counts)
    points = census.plane.lattice().reshape(-1, 2)[used]
    nearest = np.concatenate(
        [cdist(part, centres).argmin(1) for part in np.array_split(points, len(points) // 4096 + 1)]
    )
    counts = np.bincount(nearest, census.counts.ravel()[used], len(centres))
    return counts / counts.sum()


def smoothed(shares: np.ndarray, centres: np.ndarray, sigma: float) -> np.ndarray:
    """Shares (Q,) of bins -> shares (Q,), each bin's spread over all bins by a Gaussian of their distance."""
    kernel = np.exp(cdist(centres, centres, "sqeuclidean") / (-2 * sigma**2))
    spread = kernel / kernel.sum(0) @ shares
    return spread / spread.sum()
