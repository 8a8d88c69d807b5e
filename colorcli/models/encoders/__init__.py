"""Published image classifiers as encoders: features of a picture, coarse and fine."""

from __future__ import annotations

from colorcli.models.encoders.base import Encoder
from colorcli.models.encoders.efficientnet import VARIANTS, EfficientNetLite


def build_encoder(name: str) -> Encoder:
    """The untrained encoder called `name`; ValueError for another name."""
    if name not in VARIANTS:
        raise ValueError(f"unknown encoder {name!r}; known: {', '.join(VARIANTS)}")
    return EfficientNetLite(name)
