"""Chunks of a PNG that lie beside its pixels: taken out before Pillow reads, which refuses a photo for a broken one.

(PNG specification, third edition, sections 5 and 11.)
"""

import io
import struct
import zlib
from collections.abc import Iterator
from typing import BinaryIO

SIGNATURE = b"\x89PNG\r\n\x1a\n"
TEXTS = {b"tEXt", b"zTXt", b"iTXt"}
_XMP = b"XML:com.adobe.xmp"
_MOST_TEXT = 16 << 20  # bytes of one text, unpacked, and of all chunks beside the pixels
_MOST_PROFILE = 1 << 20  # Pillow unpacks no more

Chunk = tuple[bytes, bytes]

# How long chunks must be at least that Pillow reads; of shorter ones it refuses the photo.
_LENGTHS = {b"pHYs": 9, b"gAMA": 4, b"sRGB": 1, b"cHRM": 32, b"acTL": 8, b"fcTL": 26, b"fdAT": 4, b"iCCP": 3}
_LENGTHS_OF_TRANSPARENCY = {0: 2, 2: 6}  # by PNG's colour type
_ANIMATION = {b"acTL", b"fcTL", b"fdAT"}


class Plain(io.BytesIO):
    """A PNG without the chunks beside its pixels that Pillow stumbles over; texts and EXIF apart.

    damaged: the names of chunks that are cut short or do not fit their checksum.
    """

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[Chunk] = []
        self.exif = b""
        self.damaged: list[str] = []
        self.still = False  # whether its animation is damaged
        self._room, self._frame = _MOST_TEXT, -1

    def takes(self, stream: BinaryIO, kind: bytes, start: int, length: int) -> bool:
        """Whether a chunk is to go; texts and EXIF are kept here, what is damaged is named."""
        self._room -= length if kind != b"fdAT" else 0
        data = _read(stream, start + 8, length if self._room >= 0 else 0)
        checksum = int.from_bytes(_read(stream, start + 8 + length, 4), "big")
        if self._room < 0:
            self._damage(kind, "too large")
        elif (
            zlib.crc32(kind + data) != checksum or length < _least(stream, kind) or not self._whole(stream, kind, data)
        ):
            self._damage(kind, "damaged")
        elif kind in TEXTS:
            self.texts.append((kind, data))
        elif kind == b"eXIf":
            self.exif = data
        else:
            return False
        return True

    def _whole(self, stream: BinaryIO, kind: bytes, data: bytes) -> bool:
        """Whether a profile, or a part of an animation, is one that Pillow reads."""
        if kind == b"iCCP":
            name, _, rest = data.partition(b"\0")
            return 1 <= len(name) <= 79 and rest[:1] == b"\0" and bool(_unpacked(rest[1:], _MOST_PROFILE))
        if kind not in (b"fcTL", b"fdAT"):
            return True
        self._frame += 1
        if int.from_bytes(data[:4], "big") != self._frame:  # they are numbered
            return False
        size, frame = struct.unpack(">LL", _read(stream, 16, 8)), struct.unpack_from(">LLLL", data.ljust(20, b"\0"), 4)
        inside = all(
            0 < side <= side + offset <= most for side, offset, most in zip(frame, frame[2:], size, strict=False)
        )
        return kind == b"fdAT" or (frame == (*size, 0, 0) if self._frame == 0 else inside)

    def _damage(self, kind: bytes, reason: str) -> None:
        what = f"the PNG chunk {kind.decode()} ({reason})"
        self.still |= kind in _ANIMATION
        if what not in self.damaged:
            self.damaged.append(what)


def plain(stream: BinaryIO) -> BinaryIO:
    """The stream as it is, or a Plain where there is something to take out of it."""
    whole = stream.seek(0, 2)
    chunks = [chunk for chunk in _chunks(stream, whole) if chunk[0][:1].islower()]
    found = Plain()
    taken = [(start, length) for kind, start, length in chunks if found.takes(stream, kind, start, length)]
    if found.still:
        taken = sorted({*taken, *((start, length) for kind, start, length in chunks if kind in _ANIMATION)})
    stream.seek(0)
    if not taken:
        return stream
    found.write(_without(stream, whole, taken))
    found.seek(0)
    return found


def _chunks(stream: BinaryIO, whole: int) -> Iterator[tuple[bytes, int, int]]:
    """Each whole chunk: its kind, where it starts, the length of its data."""
    at = len(SIGNATURE)
    while at + 12 <= whole:
        length, kind = struct.unpack(">L4s", _read(stream, at, 8))
        if at + 12 + length > whole or not kind.isalpha():
            return
        yield kind, at, length
        if kind == b"IEND":
            return
        at += 12 + length


def _read(stream: BinaryIO, start: int, length: int) -> bytes:
    stream.seek(start)
    return stream.read(length)


def _without(stream: BinaryIO, whole: int, taken: list[tuple[int, int]]) -> bytes:
    parts, at = [], 0
    for start, length in taken:
        parts.append(_read(stream, at, start - at))
        at = start + 12 + length
    return b"".join([*parts, _read(stream, at, whole - at)])


def _least(stream: BinaryIO, kind: bytes) -> int:
    if kind == b"tRNS":
        return _LENGTHS_OF_TRANSPARENCY.get(_read(stream, 25, 1)[0], 0)
    return _LENGTHS.get(kind, 0)


def _unpacked(data: bytes, most: int = _MOST_TEXT) -> bytes:
    """What zlib packed, b"" for what is damaged or larger than that."""
    unpacker = zlib.decompressobj()
    try:
        found = unpacker.decompress(data, most)
    except zlib.error:
        return b""
    return found if unpacker.eof else b""


# ------------------------------------------------------------------------------------------- texts


def keyword(chunk: Chunk) -> str:
    """The word that a text goes under."""
    return chunk[1].partition(b"\0")[0].decode("latin-1")


def text(chunk: Chunk) -> bytes:
    """The bytes of a text, unpacked: UTF-8 in an iTXt, else Latin-1. b"" for what is damaged."""
    kind, (_, _, rest) = chunk[0], chunk[1].partition(b"\0")
    if kind == b"tEXt":
        return rest
    if kind == b"zTXt":
        return _unpacked(rest[1:])
    parts = rest[2:].split(b"\0", 2)  # language, the keyword in it, the text
    if len(rest) < 2 or len(parts) < 3:
        return b""
    return _unpacked(parts[2]) if rest[0] else parts[2]


def comment(words: bytes) -> Chunk:
    """A comment as a text, its bytes as they are: called UTF-8 where they are that and not ASCII, else Latin-1."""
    words = words.rstrip(b"\0").replace(b"\0", b" ")
    try:
        words.decode()
    except UnicodeDecodeError:
        return b"tEXt", b"Comment\0" + words
    return (b"tEXt", b"Comment\0" + words) if words.isascii() else (b"iTXt", b"Comment\0\0\0\0\0" + words)


def raw_profile(chunk: Chunk) -> bytes:
    """What ImageMagick puts into a text as lines of hexadecimal digits. Raises ValueError for what is none."""
    lines = text(chunk).decode("latin-1").strip("\n").split("\n", 2)  # its name, its length, the digits
    if len(lines) < 3:
        raise ValueError("cut short")
    return bytes.fromhex(lines[2])


def to_raw_profile(name: str, data: bytes) -> Chunk:
    """A block as ImageMagick, ExifTool and others look for it in a PNG."""
    digits = data.hex()
    lines = "\n".join(digits[i : i + 72] for i in range(0, len(digits), 72))
    words = f"\n{name}\n{len(data):8}\n{lines}\n".encode()
    return b"zTXt", f"Raw profile type {name}".encode() + b"\0\0" + zlib.compress(words)


def is_xmp(chunk: Chunk) -> bool:
    """Whether a text is an XMP packet."""
    return chunk[1].startswith(_XMP + b"\0")
