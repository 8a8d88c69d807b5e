"""Bins of a run's own pictures, for systems that see colours as classes."""

from __future__ import annotations

import torch

from colorcli.bins import Bins
from colorcli.bins.count import COLOURS, bins_of
from colorcli.bins.planes import PLANES
from colorcli.data.census import CIFAR_CHUNK, Census
from colorcli.errors import UsageError
from colorcli.training.pictures.batches import TrainingSet

FINER = (1.0, 0.5, 0.25)  # of the plane's grid, for pictures of few colours


def count_bins(data: TrainingSet, size: int, space: str, colours: int = COLOURS) -> Bins:
    """The bins that `colorcli quantize-bins` would find in the middle squares, of `size` px, of a run's pictures.

    UsageError for pictures without as many colours.
    """
    census = Census(PLANES[space], "the training pictures")
    for index in torch.arange(len(data)).split(CIFAR_CHUNK):
        census.add(data.crops(index, size).mul(255).round().byte().cpu())
    for part in FINER:
        try:
            return bins_of(census, grid=census.plane.grid * part, colours=colours)
        except UsageError:
            continue
    raise UsageError(f"--data: fewer than {colours} colours in it; give more pictures, or --bins FILE")
