"""What a person gives beside a photo for its colours to follow."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

    from colorcli.guidance.hints import Hints
    from colorcli.guidance.palette import Palette
    from colorcli.guidance.reference import Reference


@dataclass(frozen=True)
class Guidance:
    """All of it; each immutable and in shares of the photo, so that it holds at any size."""

    hints: Hints | None = None  # colours at places
    reference: Reference | None = None  # another photo to take colours from
    palette: Palette | None = None  # which colours, and how much of each

    @property
    def given(self) -> list[str]:
        """The names of what is there, as in models.facts.CONDITIONS."""
        return [field.name for field in fields(self) if getattr(self, field.name) is not None]

    def maps(self, height: int, width: int) -> dict[str, Tensor]:
        """Named tensors (1, C, height, width) for a picture of that size: they are padded and mirrored as it is."""
        found: dict[str, Tensor] = {}
        for guide in (self.hints, self.reference):
            if guide is not None:
                found |= guide.maps(height, width)
        return found

    def beside(self, height: int, width: int) -> dict[str, Tensor]:
        """Named tensors for a picture of that size that have sizes of their own, and stay as they are: (1, ...)."""
        found: dict[str, Tensor] = {}
        for guide in (self.reference, self.palette):
            if guide is not None:
                found |= guide.beside(height, width)
        return found
