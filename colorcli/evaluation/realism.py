"""What the classifier makes of pictures: whether it tells them right, and how far their features are from the truth's.

There is no interval for the Fréchet distance: a bootstrap would not lie around it, as images that are drawn twice make
two sets look further apart.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from colorcli.data.cifar10 import CIFAR10
from colorcli.errors import VerificationError
from colorcli.evaluation.metrics import as_unit
from colorcli.models.classifier import Classifier
from colorcli.weights.load import load_entry
from colorcli.weights.manifest import find


class Recognition:
    """Shows sets of pictures, each under a name, to the bundled classifier. Errors as from `load_classifier`."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.classifier = load_classifier().to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self._features: dict[str, Moments] = {}

    @torch.inference_mode()
    def see(self, name: str, rgb: Tensor, labels: Tensor) -> Tensor:
        """More pictures of the set `name`, RGB (B, 3, H, W), uint8 or 0..1 -> float64 (B,): 1 if told right, else 0."""
        features = self.classifier.features(as_unit(rgb).to(self.device, memory_format=torch.channels_last))
        self._features.setdefault(name, Moments()).add(features)
        return (self.classifier.head(features).argmax(1).cpu() == labels).double()

    def frechet(self, name: str, other: str) -> float:
        """The Fréchet distance between the features of two sets; NaN for sets of one picture."""
        return frechet_distance(self._features[name], self._features[other])


def load_classifier() -> Classifier:
    """The bundled one, checked against its hash; VerificationError if it is missing or another."""
    model = load_entry(find("classifier", CIFAR10))
    if not isinstance(model, Classifier):
        raise VerificationError(f"{model.label}: not a classifier but a {type(model).__name__}")
    return model


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
