"""Files without the metadata that a decoder stumbles over: Pillow reads all of it as it opens a photo, trusts what it
says, and refuses the photo, or takes all memory, for what has nothing to do with its pixels."""

import io
from typing import BinaryIO

from colorcli.photo.exif import DESCRIPTIVE, IPTC, LAYOUT, ORIENTATION, PHOTOSHOP, PREFIX, RESOLUTION, XMP, Exif
from colorcli.photo.ifd import MAIN, SUB_IFDS, Tiff, tree

_DECODED = LAYOUT - {XMP, IPTC, PHOTOSHOP, SUB_IFDS} | {ORIENTATION}
_PART = 1 << 20  # bytes
_MOST_EXIF = 16 << 20  # bytes, in as many segments as it takes
_MOST_ROWS = 1 << 16  # as many as a TIFF's count of entries can say


class Bare(io.BytesIO):
    """A copy of a file without metadata, for the decoder. source: the file itself; lost: why none can read it."""

    def __init__(self, source: BinaryIO, lost: str = "") -> None:
        super().__init__()
        self.source, self.lost = source, lost

    def take(self, start: int, end: int | None = None) -> None:
        """Copy a part of the source, by default all to its end."""
        self.source.seek(start)
        while (end is None or start < end) and (
            part := self.source.read(_PART if end is None else min(_PART, end - start))
        ):
            start += len(part)
            self.write(part)


def bare_tiff(stream: BinaryIO) -> BinaryIO:
    """The stream as it is, or a copy whose first directory tells of pixels alone, where any tag is odd."""
    try:
        source = Tiff(stream, _MOST_ROWS)
        entries, following = source.directory(source.first)
        if _harmless(stream):
            return stream
    except ValueError:  # for the decoder to refuse
        return stream
    finally:
        stream.seek(0)
    kept = {tag: entry for tag, entry in entries.items() if tag in _DECODED and source.holds(entry)}
    if ORIENTATION in kept and kept[ORIENTATION].kind not in DESCRIPTIVE[ORIENTATION]:
        del kept[ORIENTATION]
    bare = Bare(stream)
    bare.take(0)
    bare.seek(source.first)
    bare.write(source.packed(kept, following))
    bare.seek(0)
    return bare


def _harmless(stream: BinaryIO) -> bool:
    try:
        found = tree(Tiff(stream))
    except ValueError:
        return False
    resolution = [(tag, entry) for tag, entry in found.directories[MAIN].items() if tag in RESOLUTION]
    return not found.lost and all(entry.kind in DESCRIPTIVE[tag] and entry.number == 1 for tag, entry in resolution)


def bare_jpeg(stream: BinaryIO) -> BinaryIO:
    """The stream as it is, or a copy without EXIF where that is none, or beyond bounds."""
    parts: list[bytes] = []
    places = []
    for mark, start, length in _segments(stream):
        if mark == 0xE1:
            stream.seek(start + 4)
            if (segment := stream.read(length - 2)).startswith(PREFIX):
                parts.append(segment[len(PREFIX) :])
                places.append((start, length + 2))
    stream.seek(0)
    try:
        if sum(map(len, parts)) > _MOST_EXIF:
            raise ValueError(f"it is larger than {_MOST_EXIF >> 20} MB")
        Exif(b"".join(parts))
    except ValueError as error:
        bare, at = Bare(stream, str(error)), 0
        for start, length in places:
            bare.take(at, start)
            at = start + length
        bare.take(at)
        bare.seek(0)
        return bare
    return stream


def _segments(stream: BinaryIO) -> list[tuple[int, int, int]]:
    """A JPEG's segments before its pixels: mark, start, and the length that it says."""
    found: list[tuple[int, int, int]] = []
    at = 2
    while True:
        stream.seek(at)
        head = stream.read(4)
        if len(head) < 4 or head[0] != 0xFF or head[1] in (0xDA, 0xD9):
            return found
        if head[1] == 0xFF:  # filling
            at += 1
            continue
        length = int.from_bytes(head[2:], "big")
        found.append((head[1], at, length))
        at += 2 + max(2, length)
