"""What can be said of a system without building it. Importing this imports no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Spec:
    """What can be said of a system without building it.

    factory: "module:Class" of its network. takes: conditions, of CONDITIONS, that its colours can follow; needs: those
    of them without which it has no colours. weights: whether it has any; a system without is ready at once. samples:
    whether noise gives it other colours for the same photo. colours: whether it is a colorizer; what is not is there to
    measure with.
    """

    factory: str
    summary: str
    paper: str
    takes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    weights: bool = True
    samples: bool = False
    colours: bool = True


CONDITIONS = {
    "hints": "--hints STROKES.png or --hint X,Y,#RRGGBB",
    "reference": "--reference PHOTO",
    "palette": "--palette PHOTO",
}
