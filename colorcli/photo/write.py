"""A Photo -> a file that says what it is, whole or not at all."""

import io
import os
import sys
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, PngImagePlugin

from colorcli.errors import PhotoError
from colorcli.files import atomic_write
from colorcli.photo import icc, tiff
from colorcli.photo.formats import LONGEST_SIDE, READABLE, WRITABLE, heif_available
from colorcli.photo.packing import Packed, pack
from colorcli.photo.photo import Photo, Provenance

_NO_ALPHA = {"JPEG", "BMP", "PPM"}

# Luminance is the photo's own, so none of it may be lost for the sake of a smaller file. WebP has no 4:4:4.
_LOSSY: dict[str, dict[str, Any]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95, "method": 2},
    "AVIF": {"quality": 90, "subsampling": "4:4:4", "speed": 8},
    "HEIF": {"quality": 90, "chroma": 444},
}
_PNG_LEVEL = 1  # level 6 takes four times as long for a fifth fewer bytes


def write_photo(
    photo: Photo,
    target: str | Path | BinaryIO,
    *,
    format: str | None = None,
    quality: int | None = None,
    provenance: Provenance | None = None,
) -> list[str]:
    """Write a photo to a path (atomically: temporary file, flushed to disk, renamed) or to a binary stream.

    format: one of WRITABLE; by default what the target's suffix names, else the photo's own format.
    quality: 1..100, of JPEG, WebP, AVIF and HEIC; the others are lossless.
    provenance: EXIF Software and XMP DigitalSourceType say what made the colours; None leaves both alone.
    Returns notes for the user: what the format could not hold. Raises PhotoError naming the target; whatever
    goes wrong, a file that was there is as it was. BrokenPipeError of a stream passes through.
    """
    target = Path(target) if isinstance(target, str) else target
    name = str(target) if isinstance(target, Path) else str(getattr(target, "name", "output"))
    format = format or _format_of(target, photo)
    notes: list[str] = []
    try:
        data = _encode(photo, format, quality, provenance, notes)
    except (OSError, ValueError, RuntimeError, MemoryError, KeyError) as error:
        raise PhotoError(f"{name}: cannot be written as {format}: {error}") from error
    if isinstance(target, Path):
        try:
            with atomic_write(target) as file:
                file.write(data)
        except OSError as error:
            raise PhotoError(f"{name}: cannot be written: {error.strerror or error}") from error
    else:
        target.write(data)
        target.flush()
    return notes


def _format_of(target: Path | BinaryIO, photo: Photo) -> str:
    named = READABLE.get(target.suffix.lower(), "") if isinstance(target, Path) else ""
    return next((name for name in (named, photo.format) if name in WRITABLE), "PNG")


# ------------------------------------------------------------------------------------------- encoding


def _encode(
    photo: Photo, format: str, quality: int | None, provenance: Provenance | None, notes: list[str]
) -> memoryview:
    if format not in WRITABLE:
        raise ValueError(f"not a format that colorcli writes ({', '.join(WRITABLE)})")
    if format == "HEIF" and not heif_available():
        raise ValueError("HEIC needs the extra `heic`: pip install 'colorcli[heic]'")
    longest = max(photo.pixels.shape[:2])
    if longest > (limit := LONGEST_SIDE.get(format, longest)):
        raise ValueError(f"{longest} pixels on a side, and {format} holds at most {limit}; use PNG or TIFF")
    pixels, has_alpha = _flattened(photo, format, notes)
    profile = icc.srgb_bytes() if pixels.ndim == 3 and pixels.shape[2] >= 3 else None
    packed = pack(photo, format, provenance, notes)
    if format == "TIFF":
        encoded = tiff.encode(pixels, alpha=has_alpha, exif=packed.exif, xmp=packed.xmp, icc=profile, dpi=photo.dpi)
        return memoryview(encoded)
    options = _options(format, packed, profile, photo.dpi)
    if quality is not None and "quality" in options:
        options["quality"] = quality
    with _memory_file() as file:
        _image(pixels).save(file, format, **options)
        file.seek(0)
        return memoryview(file.read())


def _memory_file() -> BinaryIO:
    """A file in memory, where the system can with a descriptor: other threads run on while Pillow encodes to one."""
    if sys.platform == "linux":
        return os.fdopen(os.memfd_create("photo"), "w+b")
    return io.BytesIO()


def _image(pixels: np.ndarray) -> Image.Image:
    if pixels.ndim == 3 and pixels.shape[2] == 2:
        return Image.merge("LA", [Image.fromarray(np.ascontiguousarray(pixels[..., i])) for i in (0, 1)])
    return Image.fromarray(np.ascontiguousarray(pixels))


def _flattened(photo: Photo, format: str, notes: list[str]) -> tuple[np.ndarray, bool]:
    """The channels that the format can hold: (H, W), or (H, W, C) with alpha last; whether there is alpha."""
    pixels, alpha = photo.pixels, photo.alpha
    if pixels.dtype == np.uint16 and (alpha is not None or format not in ("PNG", "TIFF")):
        pixels = ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
        notes.append("16-bit grey written with 8 bits")
    if alpha is None:
        return pixels, False
    colours = pixels.reshape(*alpha.shape, -1)
    if format not in _NO_ALPHA:
        return np.concatenate([colours, alpha[..., None]], axis=2), True
    notes.append(f"{format} holds no transparency: the photo lies on white")
    flat = np.empty_like(colours)
    for row, (colour, cover) in enumerate(zip(colours, alpha, strict=True)):
        weight = cover[:, None].astype(np.uint16)
        flat[row] = (colour * weight + 255 * (255 - weight) + 127) // 255
    return flat.reshape(pixels.shape), False


def _options(format: str, packed: Packed, profile: bytes | None, dpi: tuple[float, float] | None) -> dict[str, Any]:
    """What Pillow's encoder of the format is told."""
    options = dict(_LOSSY.get(format, {}))
    if format == "PNG":
        options["compress_level"] = _PNG_LEVEL
        options["pnginfo"] = chunks = PngImagePlugin.PngInfo()
        for chunk in packed.chunks:
            chunks.add(*chunk)
    elif format == "JPEG":
        options["extra"] = packed.segments
    elif packed.xmp:
        options["xmp"] = packed.xmp
    given = {"exif": packed.exif, "icc_profile": profile, "dpi": dpi}
    return options | {key: value for key, value in given.items() if value}
