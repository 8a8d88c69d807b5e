"""A Photo of whatever a caller has: a path, bytes, a PIL image, an array."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from colorcli.errors import UsageError
from colorcli.photo.photo import Photo
from colorcli.photo.read import read_photo

PNG_MODES = {"1", "L", "LA", "P", "RGB", "RGBA", "I;16"}
TIFF_MODES = {"CMYK", "F", "LAB", "I;16B", "I;16L"}


def as_photo(source: Any, name: str | None = None) -> Photo:
    """The Photo of a path, of a file's bytes or binary stream, of a PIL image (upright by its EXIF, to sRGB by its
    profile), or of an array uint8 or uint16 (H, W) or uint8 (H, W, 3); a Photo as it is. `name` stands for it in
    messages.

    PhotoError for a file or an image that cannot be read, UsageError for an array of another kind or anything else.
    """
    if isinstance(source, Photo):
        return source
    if isinstance(source, Image.Image):
        return read_photo(_encoded(source), name=name or "the image")
    if isinstance(source, np.ndarray):
        try:
            return Photo(np.ascontiguousarray(source))
        except ValueError as error:
            raise UsageError(str(error)) from error
    if isinstance(source, str | Path | bytes) or hasattr(source, "read"):
        return read_photo(source, name=name)
    raise UsageError(f"a photo is a path, bytes, a PIL image, an array or a Photo, not {type(source).__name__}")


def _encoded(image: Image.Image) -> bytes:
    """A PIL image as a file without loss, with its EXIF and profile: one way to read them all."""
    format = "PNG" if image.mode in PNG_MODES else "TIFF" if image.mode in TIFF_MODES else ""
    if not format:
        image, format = image.convert("RGBA" if "A" in image.getbands() else "RGB"), "PNG"
    buffer = io.BytesIO()
    beside = {name: image.info[name] for name in ("exif", "icc_profile", "transparency") if name in image.info}
    image.save(buffer, format, **beside)
    return buffer.getvalue()
