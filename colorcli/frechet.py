"""The Fréchet distance between two sets of features, as of two Gaussians (Heusel et al. 2017, equation 6)."""

from __future__ import annotations

import numpy as np
from torch import Tensor


class Moments:
    """Mean and covariance of features that come batch by batch, summed in float64."""

    def __init__(self) -> None:
        self.count, self._sum, self._products = 0, np.zeros(()), np.zeros(())

    def add(self, features: Tensor) -> None:
        """Features (B, D) of one batch."""
        x = features.cpu().double().numpy()
        self.count += len(x)
        self._sum = self._sum + x.sum(0)
        self._products = self._products + x.T @ x

    @property
    def mean(self) -> np.ndarray:
        """(D,)"""
        return self._sum / self.count

    @property
    def covariance(self) -> np.ndarray:
        """(D, D), that of a sample (over count - 1); NaN for fewer than two."""
        if self.count < 2:
            return np.full_like(self._products, np.nan)
        return (self._products - self.count * np.outer(self.mean, self.mean)) / (self.count - 1)


def frechet_distance(one: Moments, other: Moments) -> float:
    """|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), at least 0; NaN for fewer than two features on either side.

    It shrinks as images are added (its bias goes with D^2 / count): only those over the same images compare.
    """
    if min(one.count, other.count) < 2:
        return float("nan")
    apart = float(np.sum((one.mean - other.mean) ** 2))
    root = _root(one.covariance)
    # the same trace as of (C1 C2)^(1/2), of a matrix that is symmetric
    shared = np.sqrt(np.linalg.eigvalsh(root @ other.covariance @ root).clip(0)).sum()
    spread = float(np.trace(one.covariance) + np.trace(other.covariance) - 2 * shared)
    return max(0.0, apart + spread)


def _root(covariance: np.ndarray) -> np.ndarray:
    """The square root of a symmetric matrix that has no negative eigenvalues but by rounding."""
    values, vectors = np.linalg.eigh(covariance)
    return (vectors * np.sqrt(values.clip(0))) @ vectors.T
