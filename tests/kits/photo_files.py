"""Files for the tests of colorcli.photo, some made byte by byte where no library would write them."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from colorcli.errors import PhotoError
from colorcli.photo import read_photo

DATA = Path(__file__).parents[1] / "data"


def encoded(image: Image.Image, format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def opened(data: bytes | Path) -> Image.Image:
    image = Image.open(data if isinstance(data, Path) else io.BytesIO(data))
    image.load()
    return image


def oriented(value: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = value
    return exif


def error_of(source, name="x.jpg") -> str:
    with pytest.raises(PhotoError) as caught:
        read_photo(source, name)
    message = str(caught.value)
    assert "\n" not in message
    assert name in message
    return message


def png(width: int, depth: int, colour_type: int, rows: list[bytes], *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of any bit depth, with extra chunks before its pixels."""
    header = struct.pack(">LLBBBBB", width, len(rows), depth, colour_type, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = [(b"IHDR", header), *chunks, (b"IDAT", pixels), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">L", len(data)) + kind + data + struct.pack(">L", zlib.crc32(kind + data)) for kind, data in parts
    )


def tiff(width: int, height: int, pixels: bytes, order: str = "<", **tags: tuple[int, int]) -> bytes:
    """A TIFF of one strip, which comes after the header; tags as tag256=(type, value)."""
    entries = {256: (4, width), 257: (4, height), 259: (3, 1), 273: (4, 8), 278: (4, height)}
    entries |= {279: (4, len(pixels))} | {int(key[3:]): value for key, value in tags.items()}
    body = struct.pack(order + "H", len(entries))
    for tag, (kind, value) in sorted(entries.items()):
        inline = struct.pack(order + ("HH" if kind == 3 else "L"), *((value, 0) if kind == 3 else (value,)))
        body += struct.pack(order + "HHL", tag, kind, 1) + inline
    head = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "L", 8 + len(pixels))
    return head + pixels + body + bytes(4)


# ------------------------------------------------------------------------------ ICC profiles (ICC.1:2001)

_D50 = (0.9642, 1.0, 0.8249)


def _fixed(*values: float) -> bytes:
    return struct.pack(f">{len(values)}l", *(round(value * 65536) for value in values))


def _xyz(*values: float) -> bytes:
    return b"XYZ \0\0\0\0" + _fixed(*values)


def _gamma(value: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">LHH", 1, round(value * 256), 0)


def _profile(device_class: bytes, space: bytes, pcs: bytes, tags: dict[bytes, bytes], name: str) -> bytes:
    text = name.encode() + b"\0"
    described = b"desc\0\0\0\0" + struct.pack(">L", len(text)) + text + bytes(78)
    tags = {b"desc": described, b"cprt": b"text\0\0\0\0CC0\0", b"wtpt": _xyz(*_D50), **tags}
    table, body = struct.pack(">L", len(tags)), b""
    for key, value in tags.items():
        table += key + struct.pack(">LL", 132 + 12 * len(tags) + len(body), len(value))
        body += value + bytes(-len(value) % 4)
    header = struct.pack(">L4sL4s4s4s", 132 + 12 * len(tags) + len(body), b"", 0x02100000, device_class, space, pcs)
    header += bytes(12) + b"acsp" + bytes(28) + _fixed(*_D50) + bytes(48)
    return header + table + body


def grey_profile(gamma: float, name: str = "Grey gamma") -> bytes:
    return _profile(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": _gamma(gamma)}, name)


def dot_gain_profile(gain: float) -> bytes:
    """A printer's grey: its dots grow by `gain` at half tone."""
    ink = 1 - np.arange(256) / 255
    light = 1 - (ink + 4 * gain * ink * (1 - ink))
    table = b"curv\0\0\0\0" + struct.pack(">L256H", 256, *(light * 65535).round().astype(int))
    return _profile(b"prtr", b"GRAY", b"XYZ ", {b"kTRC": table}, f"Dot Gain {gain:.0%}")


ADOBE_RGB_TO_XYZ = np.array(  # to D50, as in Adobe's own profile
    [[0.60974, 0.20528, 0.14919], [0.31111, 0.62567, 0.06322], [0.01947, 0.06087, 0.74457]]
)


def adobe_rgb_profile() -> bytes:
    columns = {key: _xyz(*ADOBE_RGB_TO_XYZ[:, i]) for i, key in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))}
    curves = {key: _gamma(563 / 256) for key in (b"rTRC", b"gTRC", b"bTRC")}
    return _profile(b"mntr", b"RGB ", b"XYZ ", {**columns, **curves}, "Adobe RGB (1998)")


def cmyk_profile() -> bytes:
    """Inks whose corners are known: cyan is Lab (55, -37, -50), paper is white, black is black."""
    corners = b""
    for corner in range(16):
        c, m, y, k = (corner >> shift & 1 for shift in (3, 2, 1, 0))
        lightness = 0 if k or c + m + y == 3 else 100 - 45 * c - 40 * m - 10 * y
        a, b = (0, 0) if lightness == 0 else (-37 * c + 74 * m - 5 * y, -50 * c - 3 * m + 93 * y)
        corners += bytes([round(max(lightness, 0) * 2.55), a + 128, max(-128, min(127, b)) + 128])
    ramp = bytes(range(256))
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + _fixed(1, 0, 0, 0, 1, 0, 0, 0, 1)
    table += ramp * 4 + corners + ramp * 3
    return _profile(b"prtr", b"CMYK", b"Lab ", {b"A2B0": table, b"A2B1": table}, "Test inks")
