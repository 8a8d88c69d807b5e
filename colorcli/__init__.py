"""colorcli: colour black-and-white photos, train and measure colorizers.

    import colorcli
    colorcli.colorize("grandma.jpg", "grandma-color.jpg")            # one photo, from file to file

    colorizer = colorcli.Colorizer(colorcli.load_model("gan"))       # many: load once
    photo = colorcli.read_photo("grandma.jpg")
    colour = colorizer(photo)                                        # Photo -> Photo; .pixels is uint8 (H, W, 3)

    painter = colorcli.Colorizer(colorcli.load_model("scribbles"))   # or "siggraph17": colours that follow hints
    colour = painter(photo, hints=colorcli.Hints.from_points([(120, 80, (192, 58, 43))], photo))

Importing colorcli imports no torch; the names below are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from colorcli.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from colorcli.engine import Colorizer
    from colorcli.guidance.hints import Hints
    from colorcli.guidance.palette import Palette
    from colorcli.guidance.reference import Reference
    from colorcli.photo import Photo, read_photo, write_photo
    from colorcli.weights.load import load_model

_HOMES = {
    "Colorizer": "colorcli.engine",
    "Hints": "colorcli.guidance.hints",
    "Palette": "colorcli.guidance.palette",
    "Photo": "colorcli.photo",
    "Reference": "colorcli.guidance.reference",
    "read_photo": "colorcli.photo",
    "write_photo": "colorcli.photo",
    "load_model": "colorcli.weights.load",
}

__all__ = [
    "Colorizer",
    "Hints",
    "Palette",
    "Photo",
    "Reference",
    "__version__",
    "colorize",
    "load_model",
    "read_photo",
    "write_photo",
]


def colorize(
    source: str | Path,
    target: str | Path,
    model: str = "gan",
    *,
    hints: Hints | None = None,
    reference: Reference | None = None,
    palette: Palette | None = None,
    **options: Any,
) -> Photo:
    """Colour the photo in the file `source`, write it to `target` and return it.

    model: NAME, NAME@WEIGHTS or a weights file. hints, reference, palette: what the colours shall follow. options:
    those of Colorizer (device, precision, size, saturation). An existing `target` is replaced. ColorcliError where the
    photo or the weights cannot be used.
    """
    from pathlib import Path

    from colorcli.engine import Colorizer
    from colorcli.photo import Provenance, read_photo, write_photo
    from colorcli.weights.load import load_model

    colorizer = Colorizer(load_model(model), **options)
    photo = colorizer(read_photo(Path(source)), hints=hints, reference=reference, palette=palette)
    write_photo(photo, Path(target), provenance=Provenance(colorizer.name, colorizer.weights_sha256))
    return photo


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'colorcli' has no attribute '{name}'")
