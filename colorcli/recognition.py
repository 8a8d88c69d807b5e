"""What the classifier makes of pictures: whether it tells them right, and how far their features are from the truth's.

There is no interval for the Fréchet distance: a bootstrap would not lie around it, as images that are drawn twice make
two sets look further apart.
"""

from __future__ import annotations

import torch
from torch import Tensor

from colorcli.classifier import load_classifier
from colorcli.frechet import Moments, frechet_distance
from colorcli.metrics import as_unit


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
