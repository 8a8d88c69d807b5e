"""Between Pillow's images and arrays, in bands of rows: no second copy of a large photo is ever made."""

from collections.abc import Iterator

import numpy as np
from PIL import Image

from colorcli.photo import icc

_BAND = 1 << 20  # values in a band: small enough for the processor's cache, large enough to be worth a call

# Orientation 1..8 of EXIF -> that turn on an array view. 6 and 8 undo each other, the rest undo themselves.
_TURNS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a.swapaxes(0, 1)[:, ::-1],
    7: lambda a: a.swapaxes(0, 1)[::-1, ::-1],
    8: lambda a: a.swapaxes(0, 1)[::-1],
}


def _bands(image: Image.Image) -> Iterator[tuple[int, np.ndarray]]:
    rows = max(1, _BAND // (image.width * len(image.getbands())))
    for top in range(0, image.height, rows):
        bottom = min(image.height, top + rows)
        yield top, np.asarray(image.crop((0, top, image.width, bottom)))


def exactly_grey(image: Image.Image) -> bool:
    """Whether every pixel of an RGB or RGBA image has R = G = B. The first coloured band ends the search."""
    for _, band in _bands(image):
        red, green, blue = band[..., 0], band[..., 1], band[..., 2]
        if not (np.array_equal(red, green) and np.array_equal(green, blue)):
            return False
    return True


def to_arrays(image: Image.Image, turned: int = 1) -> tuple[np.ndarray, np.ndarray | None]:
    """An image of EXIF orientation `turned` -> its upright values (H, W) or (H, W, 3), alpha (H, W) or None.

    Values keep their width: uint8 for L, LA, RGB, RGBA; uint16, int32, float32 for I;16*, I, F.
    """
    size = (image.width, image.height) if turned >= 5 else (image.height, image.width)
    channels = len(image.getbands())
    undo = _TURNS[{6: 8, 8: 6}.get(turned, turned)]
    deep = {"I": np.dtype(np.int32), "F": np.dtype(np.float32)}
    dtype = deep.get(image.mode, np.dtype(np.uint16 if image.mode.startswith("I;16") else np.uint8))
    pixels = np.empty((*size, 3) if channels >= 3 else size, dtype)
    alpha = np.empty(size, np.uint8) if channels in (2, 4) else None
    pixels_as_stored = undo(pixels)
    alpha_as_stored = None if alpha is None else undo(alpha)
    for top, band in _bands(image):
        rows = slice(top, top + len(band))
        if alpha_as_stored is None:
            pixels_as_stored[rows] = band
        else:
            pixels_as_stored[rows] = band[..., 0] if channels == 2 else band[..., :3]
            alpha_as_stored[rows] = band[..., -1]
    if alpha is not None and alpha.min() == 255:
        alpha = None
    return pixels, alpha


def to_uint16(values: np.ndarray, full: int | None, notes: list[str]) -> np.ndarray:
    """Grey values (H, W) of any type to uint16 over 0..65535, in place where the type allows.

    `full` is the value of white where the format defines it. Else the range that the values seem to be in is
    taken (0..1, 0..255, 0..65535, or their own minimum..maximum), and a note says which.
    """
    if full == 65535:
        return values if values.dtype == np.uint16 else values.clip(0, 65535).astype(np.uint16)
    if full is not None:
        low, high = 0.0, float(full)
    else:
        low, high = _likely_range(values)
        notes.append(f"grey values {low:g}..{high:g} scaled to the full range")
    scale = 65535.0 / (high - low)
    pixels = np.empty(values.shape, np.uint16)
    rows = max(1, _BAND // values.shape[1])
    for top in range(0, len(values), rows):
        band = values[top : top + rows].astype(np.float64 if values.dtype == np.int32 else np.float32)
        band = np.nan_to_num((band - low) * scale, nan=0.0, posinf=65535.0, neginf=0.0)
        pixels[top : top + rows] = band.round().clip(0, 65535)
    return pixels


def _likely_range(values: np.ndarray) -> tuple[float, float]:
    finite = values if values.dtype == np.int32 else values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    if low >= 0:
        for nominal in (1.0, 255.0, 65535.0):
            if high <= nominal:
                return 0.0, nominal
    return low, high if high > low else low + 1.0


def colour_note(pixels: np.ndarray) -> str | None:
    """A note when the photo is in colour already or toned (sepia, cyanotype); None when it looks grey.

    In a toned photo chroma follows from lightness: ab varies little among pixels of one L.
    """
    if pixels.ndim == 2:
        return None
    step = max(1, -(-max(pixels.shape[:2]) // 256))
    lightness, ab = icc.chroma(pixels[::step, ::step])
    level = lightness >> 4
    counts = np.maximum(np.bincount(level, minlength=16), 1)
    means = np.stack([np.bincount(level, ab[:, i], minlength=16) / counts for i in (0, 1)], axis=1)
    spread = float(np.sqrt(np.square(ab - means[level]).sum(axis=1).mean()))
    if spread > 4:
        return "already in colour: its luminance is used"
    if float(np.hypot(*ab.mean(axis=0))) > 4:
        return "toned (sepia or the like): its luminance is used"
    return None
