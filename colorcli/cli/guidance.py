"""The options of `colorize` that say what the colours shall follow: read, checked, and turned into conditions."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from colorcli.errors import UsageError
from colorcli.models.catalog import DEFAULT_MODEL, MODELS, check_conditions

if TYPE_CHECKING:
    from colorcli.guidance.reference import Box
    from colorcli.photo import Photo

_POINT = re.compile(r"\s*(\d{1,6})\s*,\s*(\d{1,6})\s*,\s*#?([0-9a-fA-F]{6})\s*")
_BOX = r"\s*(\d{1,6})\s*,\s*(\d{1,6})\s*,\s*(\d{1,6})\s*,\s*(\d{1,6})\s*"
_SWATCH = re.compile(f"{_BOX}={_BOX}")


@dataclass(frozen=True)
class GuidanceOptions:
    """What a user gave, as text and paths, which `conditions` turns into the engine's."""

    strokes: Path | None = None
    points: Sequence[str] = ()
    reference: Path | None = None
    swatches: Sequence[str] = ()
    palette: Path | None = None

    @property
    def given(self) -> list[str]:
        """Names of the conditions, as in models.CONDITIONS."""
        there = {
            "hints": self.strokes is not None or bool(self.points),
            "reference": self.reference is not None,
            "palette": self.palette is not None,
        }
        return [name for name in there if there[name]]

    def check(self, inputs: Sequence[str], model: str | None, weights: Path | None) -> None:
        """UsageError for what can be known wrong before any file is read."""
        for point in self.points:
            _point(point)
        for swatch in self.swatches:
            _swatch(swatch)
        if self.swatches and self.reference is None:
            raise UsageError("--swatch names parts of a reference: give --reference PHOTO too")
        files = {"--hints": self.strokes, "--reference": self.reference, "--palette": self.palette}
        for option, path in files.items():
            if path is not None and not path.is_file():
                raise UsageError(f"{option} {path}: no such file")
        self._check_inputs(inputs)
        name = (model or DEFAULT_MODEL).partition("@")[0]
        if weights is None and name in MODELS:  # a file says only once it is read what it holds
            check_conditions(name, MODELS[name].takes, MODELS[name].needs, self.given)

    def _check_inputs(self, inputs: Sequence[str]) -> None:
        options = {"--hints": self.strokes, "--hint": self.points, "--swatch": self.swatches}
        places = [option for option, value in options.items() if value]
        if places and (len(inputs) != 1 or os.path.isdir(inputs[0])):  # noqa: PTH112 - text, as in plan
            raise UsageError(f"{places[0]} names places of one photo: give one photo, not several or a folder")

    def conditions(self, photo: Photo | None) -> dict[str, Any]:
        """Named arguments for a Colorizer. photo: the only one of the run, which places refer to, None for several.

        UsageError for places outside the photo and strokes that do not fit it, PhotoError for unreadable files.
        """
        found: dict[str, Any] = {}
        if photo is not None and "hints" in self.given:
            found["hints"] = self._hints(photo)
        if self.reference is not None:
            from colorcli.guidance.reference import Reference
            from colorcli.photo import read_photo

            pairs = [_swatch(swatch) for swatch in self.swatches]
            name = str(self.reference)
            found["reference"] = Reference.from_photo(read_photo(self.reference), pairs, photo, name=name)
        if self.palette is not None:
            from colorcli.guidance.palette import Palette
            from colorcli.photo import read_photo

            found["palette"] = Palette.from_photo(read_photo(self.palette), name=str(self.palette))
        return found

    def _hints(self, photo: Photo) -> Any:
        from colorcli.guidance.hints import Hints
        from colorcli.photo import read_photo

        points = Hints.from_points([_point(point) for point in self.points], photo)
        if self.strokes is None:
            return points
        return Hints.from_strokes(read_photo(self.strokes), photo, name=str(self.strokes)) + points


def _point(text: str) -> tuple[int, int, tuple[int, int, int]]:
    """X,Y,#RRGGBB -> x, y and the levels of sRGB."""
    match = _POINT.fullmatch(text)
    if not match:
        raise UsageError(f"--hint {text}: not X,Y,#RRGGBB, such as 120,80,#c03a2b (quote it: # starts a comment)")
    r, g, b = bytes.fromhex(match[3])
    return int(match[1]), int(match[2]), (r, g, b)


def _swatch(text: str) -> tuple[Box, Box]:
    """X,Y,W,H=X,Y,W,H -> the box in the photo and the one in the reference."""
    match = _SWATCH.fullmatch(text)
    if not match:
        raise UsageError(f"--swatch {text}: not X,Y,W,H=X,Y,W,H (in the photo = in the reference, px)")
    x, y, w, h, rx, ry, rw, rh = map(int, match.groups())
    return (x, y, w, h), (rx, ry, rw, rh)
