"""A file -> a Photo: the content decides what it is, and whatever is wrong with it becomes one PhotoError."""

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from colorcli.errors import PhotoError
from colorcli.photo import icc, metadata
from colorcli.photo.exif import ORIENTATION
from colorcli.photo.formats import PIXEL_LIMIT, heif_available
from colorcli.photo.photo import Photo
from colorcli.photo.pixels import colour_note, exactly_grey, to_arrays, to_uint16

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "PPM", "AVIF")
_FORMAT_NAMES = "JPEG, PNG, WebP, TIFF, BMP, GIF, PPM/PGM/PBM, AVIF, HEIC"
_HEIF_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs", b"mif1", b"msf1"}
_SUBFILE_TYPE, _DNG_VERSION, _BITS, _PHOTOMETRIC, _SAMPLE_FORMAT = 254, 50706, 258, 262, 339


def read_photo(source: str | Path | bytes | BinaryIO, name: str | None = None) -> Photo:
    """Read a photo: upright, in sRGB, the first frame, with its metadata. See Photo for shapes and ranges.

    `source` is a path, the file's bytes, or a binary stream; `name` stands for it in messages.
    Raises PhotoError, whose one line names the file and says what is wrong with it.
    """
    source = Path(source) if isinstance(source, str) else source
    name = _name(source, name)
    with _own_limits(), _photo_errors(name), _opened(source, name) as image:
        return _read(image)


def _name(source: Path | bytes | BinaryIO, name: str | None) -> str:
    given = name or (str(source) if isinstance(source, Path) else str(getattr(source, "name", "the photo")))
    return "".join(c if c.isprintable() else "?" for c in given)


# ------------------------------------------------------------------------------------------- opening


class _Refused(Exception):
    """A file that Pillow would open, to the user's surprise; its text is the reason."""


@contextmanager
def _opened(source: Path | bytes | BinaryIO, name: str) -> Iterator[ImageFile.ImageFile]:
    if isinstance(source, Path):
        if source.is_dir():
            raise PhotoError(f"{name}: is a folder, not a photo")
        if source.exists() and not source.is_file():
            raise PhotoError(f"{name}: is not a regular file")
        with source.open("rb") as stream, _open_stream(stream, name) as image:
            yield image
        return
    data = source if isinstance(source, bytes) else source.read()
    with _open_stream(io.BytesIO(data), name) as image:
        yield image


def _open_stream(stream: BinaryIO, name: str) -> ImageFile.ImageFile:
    head = stream.read(32)
    stream = metadata.without_snares(stream, head)
    if not head:
        raise PhotoError(f"{name}: is empty")
    brand = head[8:12] if head[4:8] == b"ftyp" else b""
    formats = (*_FORMATS, "HEIF") if brand in _HEIF_BRANDS and heif_available() else _FORMATS
    try:
        return Image.open(stream, formats=formats)
    except UnidentifiedImageError:
        if brand in _HEIF_BRANDS and "HEIF" not in formats:
            reason = "is HEIC, which needs the extra `heic`: pip install 'colorcli[heic]'"
        else:
            reason = f"is damaged or no photo that colorcli reads ({_FORMAT_NAMES})"
        raise PhotoError(f"{name}: {reason}") from None


@contextmanager
def _photo_errors(name: str) -> Iterator[None]:
    """Pillow has no base class for what damaged files make it raise: anything from OSError on."""
    try:
        yield
    except PhotoError:
        raise
    except _Refused as error:
        raise PhotoError(f"{name}: {error}") from None
    except Image.DecompressionBombError as error:
        limit = PIXEL_LIMIT // 1_000_000
        raise PhotoError(f"{name}: has more than {limit} megapixels, the most that colorcli opens") from error
    except MemoryError as error:
        raise PhotoError(f"{name}: is too large for this machine's memory") from error
    except OSError as error:
        if error.errno is not None and error.strerror:
            raise PhotoError(f"{name}: cannot be read: {error.strerror}") from error
        raise PhotoError(f"{name}: is damaged or cut short ({_first_line(error)})") from error
    except Exception as error:
        raise PhotoError(f"{name}: is damaged or of an unknown kind ({_first_line(error)})") from error


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return "".join(c for c in lines[0] if c.isprintable())[:120]


_limits_lock = threading.Lock()
_limits_users = 0
_limits_saved: tuple[Any, ...] = ()


@contextmanager
def _own_limits() -> Iterator[None]:
    """Pillow's limits and warnings are global: set ours while any thread reads, put the others' back after.

    Its warnings (odd EXIF, unusual palettes) are about files that it reads all the same.
    """
    global _limits_users, _limits_saved  # noqa: PLW0603 - they guard globals of other modules
    with _limits_lock:
        _limits_users += 1
        if _limits_users == 1:
            caught = warnings.catch_warnings()
            caught.__enter__()
            warnings.simplefilter("ignore")
            _limits_saved = caught, Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES
            Image.MAX_IMAGE_PIXELS = PIXEL_LIMIT // 2  # Pillow refuses twice this
            ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        yield
    finally:
        with _limits_lock:
            _limits_users -= 1
            if not _limits_users:
                caught, Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES = _limits_saved
                caught.__exit__(None, None, None)


# ------------------------------------------------------------------------------------------- reading


def _read(image: ImageFile.ImageFile) -> Photo:
    _refuse_previews(image)
    notes = _frames(image)
    format_name = "JPEG" if image.format == "MPO" else str(image.format)
    found = metadata.gather(image)
    if format_name == "TIFF":
        _refuse_misread(image)
    _scale_transparent_value(image)
    image.load()
    turned_by_pillow = format_name == "TIFF" and found.exif is not None and found.exif.get(ORIENTATION) is not None
    turned = 1 if turned_by_pillow else found.orientation
    pixels, alpha = _pixels(image, image.info.get("icc_profile"), turned, notes)
    found.make_true(pixels.shape[1], pixels.shape[0])
    if (colour := colour_note(pixels)) is not None:
        notes.append(colour)
    return Photo(pixels, alpha, format_name, notes=notes, **found.fields())


def _refuse_previews(image: Image.Image) -> None:
    """Raw files of many cameras are TIFF files whose first page is a small preview."""
    tags = getattr(image, "tag_v2", {})
    if _DNG_VERSION in tags or tags.get(_SUBFILE_TYPE, 0) == 1:
        raise _Refused("is a camera's raw file or starts with a preview; develop it to TIFF or JPEG first")


def _refuse_misread(image: Image.Image) -> None:
    """Pillow swaps the bytes of such files twice, and nothing tells afterwards."""
    tags = getattr(image, "tag_v2", None)
    packed = image.info.get("compression") not in (None, "raw")
    if tags is not None and packed and image.mode in ("I", "F") and tags.prefix == b"MM":
        raise _Refused("is a compressed big-endian TIFF of 32-bit values, which Pillow misreads")


def _frames(image: Image.Image) -> list[str]:
    """A note when there is more than one frame. (The others of an MPO file are previews and gain maps.)"""
    if image.format == "MPO" or not getattr(image, "is_animated", False):
        return []
    word = "page" if image.format == "TIFF" else "frame"
    try:
        count = f" of {getattr(image, 'n_frames', 1)}"
        image.seek(0)
    except (OSError, ValueError, SyntaxError, EOFError, KeyError, TypeError):
        count = ""  # a later frame is damaged; the first may be whole
        image.seek(0)
    return [f"{word} 1{count} only"]


# ------------------------------------------------------------------------------------------- pixels


def _pixels(
    image: Image.Image, profile_data: bytes | None, turned: int, notes: list[str]
) -> tuple[np.ndarray, np.ndarray | None]:
    """The upright sRGB pixels of a loaded image: (pixels, alpha) as in Photo."""
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _deep_grey(image, profile_data, turned, notes)
    image = _without_equal_channels(_plain(image))  # first: a grey curve costs less than three channels
    try:
        image = _to_srgb(image, icc.Profile(profile_data) if profile_data else None, notes)
    except icc.ProfileError as error:
        notes.append(f"ICC profile {error}; ignored")
        image = _to_srgb(image, None, notes)
    return to_arrays(_without_equal_channels(image), turned)


def _without_equal_channels(image: Image.Image) -> Image.Image:
    if image.mode not in ("RGB", "RGBA") or not exactly_grey(image):
        return image
    grey = image.getchannel(0)
    return grey if image.mode == "RGB" else Image.merge("LA", (grey, image.getchannel(3)))


def _plain(image: Image.Image) -> Image.Image:
    """Any 8-bit mode of Pillow to L, LA, RGB, RGBA, CMYK or LAB."""
    mode = image.mode
    transparent = "transparency" in image.info
    if mode in ("P", "PA"):
        has_alpha = transparent or mode == "PA" or getattr(image.palette, "mode", "") == "RGBA"
        return image.convert("RGBA" if has_alpha else "RGB")
    targets = {"1": "L", "La": "LA", "RGBa": "RGBA", "RGBX": "RGB", "YCbCr": "RGB", "HSV": "RGB"}
    target = targets.get(mode, mode)
    if transparent and target in ("L", "RGB"):
        target = {"L": "LA", "RGB": "RGBA"}[target]
    if mode == "CMYK" and image.format == "JPEG" and "adobe" not in image.info:
        # Pillow inverts the inks of every CMYK JPEG; only those that Adobe's marker announces are inverted.
        return image.point([255 - i for i in range(256)] * 4)
    return image if target == mode else image.convert(target)


def _scale_transparent_value(image: ImageFile.ImageFile) -> None:
    """Pillow brings a PNG's pixels to 8 bits, but not the value that its tRNS chunk names as transparent."""
    key = image.info.get("transparency")
    stored = str(image.tile[0].args) if image.format == "PNG" and image.tile else ""
    if isinstance(key, int) and stored in ("L;2", "L;4"):
        image.info["transparency"] = {"L;2": (key & 3) * 85, "L;4": (key & 15) * 17}[stored]
    elif isinstance(key, tuple) and stored == "RGB;16B":
        image.info["transparency"] = tuple(value >> 8 for value in key)


def _to_srgb(image: Image.Image, profile: icc.Profile | None, notes: list[str]) -> Image.Image:
    if image.mode == "LAB":
        return icc.lab_to_srgb(image)
    if profile is None:
        if image.mode != "CMYK":
            return image
        notes.append("CMYK without an ICC profile: colours are approximate")
        return image.convert("RGB")
    note = f"ICC profile '{profile.name}' converted to sRGB"
    if image.mode in ("L", "LA"):
        curve = profile.grey_curve()
        if curve is None:
            return image
        notes.append(note)
        return image.point([*curve.tolist(), *(range(256) if image.mode == "LA" else ())])
    converted = profile.to_srgb(image)
    if converted is None:
        return image
    notes.append(note)
    return converted


def _deep_grey(
    image: Image.Image, profile_data: bytes | None, turned: int, notes: list[str]
) -> tuple[np.ndarray, np.ndarray | None]:
    """16 and 32-bit grey, whole numbers or not, to uint16 over the full range."""
    values, _ = to_arrays(image, turned)
    alpha = None
    key = image.info.get("transparency")
    if isinstance(key, int):
        alpha = np.where(values == key, 0, 255).astype(np.uint8)
    tags: Any = getattr(image, "tag_v2", {})
    bits = _first(tags.get(_BITS, 16))
    # PNG and PGM hold 16 bits even where Pillow takes 32 to hold them.
    full = image.mode.startswith("I;16") or (image.format in ("PNG", "PPM") and image.mode == "I")
    pixels = to_uint16(values, (1 << min(bits, 16)) - 1 if full else None, notes)
    if tags.get(_PHOTOMETRIC) == 0:  # "white is zero", which Pillow heeds for 8 bits only
        np.subtract(65535, pixels, out=pixels)
    try:
        curve = icc.Profile(profile_data).grey_curve() if profile_data else None
    except icc.ProfileError as error:
        notes.append(f"ICC profile {error}; ignored")
        curve = None
    if curve is not None and profile_data:
        notes.append(f"ICC profile '{icc.Profile(profile_data).name}' converted to sRGB")
        table = np.interp(np.arange(65536), np.arange(256) * 257, curve * 257.0).round().astype(np.uint16)
        pixels = table[pixels]
    return pixels, alpha


def _first(value: Any) -> int:
    return int(value[0] if isinstance(value, (tuple, list)) else value)
