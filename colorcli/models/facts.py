"""What can be said of a system without building it. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Facts:
    """Of one system, as the catalog lists it."""

    factory: str
    # "module:Class" of its network, or of a function that makes it
    summary: str
    # a line for lists
    paper: str
    # where it is described
    config: Mapping[str, Any] = field(default_factory=dict)
    # default arguments of the factory: a variant of a network is an entry with others
    takes: tuple[str, ...] = ()
    # guidance, of CONDITIONS, that its colours follow
    needs: tuple[str, ...] = ()
    # of those, what it has no colours without
    trained: bool = True
    # whether it has weights at all; a system without is ready at once
    samples: bool = False
    # whether noise gives it other colours for the same photo
    colours: bool = True
    # whether it is a colorizer; what is not is there to measure with


# What can be given beside the photo, and the options of `colorcli colorize` that give it
CONDITIONS = {
    "hints": "--hints STROKES.png or --hint X,Y,#RRGGBB",
    "reference": "--reference PHOTO",
    "palette": "--palette PHOTO",
}
