"""colorcli: colour black-and-white photos, train and measure colorizers.

    import colorcli
    colorcli.colorize("grandma.jpg", "grandma-color.jpg")            # one photo, from file to file

    colorizer = colorcli.Colorizer("gan")                            # many: load once
    photo = colorcli.read_photo("grandma.jpg")
    colour = colorizer(photo)                                        # Photo -> Photo; .pixels is uint8 (H, W, 3)
    colour = colorizer(photo, hints=colorcli.Hints.from_points([(120, 80, (192, 58, 43))], photo))

Importing colorcli imports no torch; the names below are loaded when they are first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from colorcli.models.catalog import DEFAULT_MODEL
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
    source: Any,
    target: str | Path | None = None,
    model: Any = DEFAULT_MODEL,
    *,
    overwrite: bool = False,
    hints: Hints | None = None,
    reference: Reference | None = None,
    palette: Palette | None = None,
    **options: Any,
) -> Photo:
    """Colour a photo, write it to the file `target`, if one is given, and return it.

    source: a path, the bytes of a file, a PIL image, an array uint8 or uint16 (H, W) or uint8 (H, W, 3), or a Photo.
    model: NAME, NAME@WEIGHTS, a weights file, or a loaded model. hints, reference, palette: what the colours shall
    follow. options: those of Colorizer (device, precision, size, saturation). UsageError for a `target` that is there
    already, unless `overwrite`; ColorcliError where the photo or the weights cannot be used.
    """
    from pathlib import Path

    from colorcli.engine import Colorizer
    from colorcli.errors import UsageError
    from colorcli.photo import Provenance, as_photo, write_photo

    if target is not None and Path(target).exists() and not overwrite:
        raise UsageError(f"{target}: is there already: overwrite=True replaces it")
    photo = as_photo(source)
    colorizer = Colorizer(model, **options)
    coloured = colorizer(photo, hints=hints, reference=reference, palette=palette)
    if target is not None:
        write_photo(coloured, Path(target), provenance=Provenance(colorizer.name, colorizer.weights_sha256))
    return coloured


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'colorcli' has no attribute '{name}'")
