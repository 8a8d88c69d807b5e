"""What a user asks of a training run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from colorcli.bins import Bins, load_bins
from colorcli.errors import UsageError
from colorcli.training.loop import objective_class
from colorcli.training.pictures.sources import is_cifar10
from colorcli.training.recipes import RECIPES, Preset, preset
from colorcli.training.settings import Settings


@dataclass(frozen=True)
class TrainingOptions:
    """What a user asks for.

    model: a system of `recipes.RECIPES`. data: "cifar10" or folders of photos. preset: its name, or None for the
    default. settings: what shall differ from the preset. init: weights to start from instead of random ones; of
    several files their mean (a model soup: Wortsman et al., ICML 2022). width: channels of the network's finest
    level instead of the preset's. encoder: for `gan`, a network on this one of catalog.encoders, with its published
    weights. bins: a file of `colorcli quantize-bins`, instead of bins counted in the data; where rare colours weigh
    more, its lambda says how much. sees: kept in the weights, the short side in px that the network sees when it
    colours, by default that of the crops. saturation: kept in the weights, the factor on the chroma that colouring
    with them applies by default; so is detail (see catalog.base.ColorModel), by default that of `init`.
    interpolate: what is written is so far from `init` to what was learned, weight by weight (network interpolation:
    Wang et al., ESRGAN, 2018, section 3.4): after a run against a discriminator, less gives fewer inventions.
    download: get CIFAR-10 if it is not there. command: the words that a user gave, kept in the weights.
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
    sees: int | None = None
    detail: float | None = None
    interpolate: float = 1.0
    device: str = "auto"
    precision: str = "auto"
    resume: bool = False
    command: Sequence[str] = ()


def settled(options: TrainingOptions) -> tuple[Preset, Settings, Bins | None]:
    """The preset, the settings and the bins of a run: all that can be checked before data and network are made.

    UsageError for a system that cannot be trained, for settings that its objective does not know, for data without
    the classes that it learns from, and for bins that it cannot take; errors of `bins.load_bins`.
    """
    chosen = preset(options.model, options.preset, photos=not is_cifar10(options.data))
    settings = replace(chosen.settings, **options.settings)
    recipe = RECIPES[options.model]
    objective = objective_class(recipe.objective)
    if settings.loss not in objective.PIXEL_LOSSES:
        raise UsageError(f"--loss {settings.loss}: {options.model} has {', '.join(objective.PIXEL_LOSSES)}")
    for loss, weight in {"ssim": settings.ssim_weight, "colourfulness": settings.colourfulness_weight}.items():
        if weight and loss not in objective.LOSSES:
            raise UsageError(f"--{loss}-weight {weight:g}: {options.model} does not learn by it")
    if settings.diversity_weight and settings.batch_size < 2:
        raise UsageError(f"--batch-size {settings.batch_size}: {options.model} compares pictures of a batch: give 2")
    if recipe.needs_labels and not is_cifar10(options.data):
        raise UsageError(f"{options.model} learns from classes too, which {', '.join(options.data)} does not have")
    bins = _given_bins(options)
    if bins is not None and settings.rebalance:
        settings = replace(settings, rebalance=1 - bins.lambda_)
    return chosen, settings, bins


def _given_bins(options: TrainingOptions) -> Bins | None:
    """What --bins holds. UsageError where the system takes none of their space."""
    if options.bins is None:
        return None
    space = RECIPES[options.model].bins
    if space is None:
        raise UsageError(f"--bins {options.bins}: {options.model} does not tell colours in bins")
    bins = load_bins(options.bins)
    if bins.space != space:
        raise UsageError(f"--bins {options.bins}: bins of {bins.space}; {options.model} takes those of {space}")
    return bins
