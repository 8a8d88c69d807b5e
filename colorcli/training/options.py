"""What a user asks of a training run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class TrainingOptions:
    """What a user asks for.

    model: a system of `recipes.RECIPES`. data: "cifar10" or folders of photos. preset: its name, or None for the
    default. settings: what shall differ from the preset. init: weights to start from instead of random ones; of
    several files their mean (a model soup: Wortsman et al., ICML 2022). width: channels of the network's finest
    level instead of the preset's. encoder: for `gan`, a network on this one of catalog.encoders, with its published
    weights. bins: a file of `colorcli quantize-bins`, instead of bins counted in the data; where rare colours weigh
    more, its lambda says how much. saturation: kept in the weights, the factor on the chroma that colouring with
    them applies by default; so is detail (see catalog.base.ColorModel), by default that of `init`. interpolate: what
    is written is so far from `init` to what was learned, weight by weight (network interpolation: Wang et al.,
    ESRGAN, 2018, section 3.4): after a run against a discriminator, less gives fewer inventions. download: get
    CIFAR-10 if it is not there. command: the words that a user gave, kept in the weights.
    """

    model: str
    data: Sequence[str]
    out: Path
    preset: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    width: int | None = None
    encoder: str | None = None
    validation: Path | None = None
    data_root: Path | None = None
    limit: int | None = None
    download: bool = False
    init: Sequence[Path] = ()
    bins: Path | None = None
    saturation: float = 1.0
    detail: float | None = None
    interpolate: float = 1.0
    device: str = "auto"
    precision: str = "auto"
    resume: bool = False
    command: Sequence[str] = ()
