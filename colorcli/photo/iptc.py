"""IPTC-IIM: captions, names and keywords as press agencies and archives write them, and Photoshop's block around them.

(IPTC-NAA Information Interchange Model 4.2; Adobe Photoshop File Formats, "Image resource blocks".)
"""

import re
import struct
from collections.abc import Iterator

PHOTOSHOP_HEAD = b"Photoshop 3.0\0"
RESOURCE = 0x0404  # where Photoshop's block holds IPTC-IIM

# Data sets that tell of the grey picture or show it: image type and orientation, previews. Records from 3 on describe
# how an object's pixels are stored, or are the object.
_UNTRUE = {(2, 130), (2, 131), (2, 200), (2, 201), (2, 202)}
_RECORDS = (1, 2)
_PADDING = re.compile(rb"\0*")  # between resources


def from_photoshop(block: bytes) -> bytes:
    """The IPTC-IIM in Photoshop's block, which may start with its head; b"" where there is none. Raises ValueError."""
    at = len(PHOTOSHOP_HEAD) if block.startswith(PHOTOSHOP_HEAD) else 0
    while (at := _skip_padding(block, at)) + 12 <= len(block):
        mark, kind, name = struct.unpack_from(">4sHB", block, at)
        at += 6 + (name + 2) // 2 * 2
        if not mark.isalnum() or at + 4 > len(block):
            raise ValueError("Photoshop's block is damaged")
        (size,) = struct.unpack_from(">L", block, at)
        if size > len(block) - at - 4:
            raise ValueError("Photoshop's block is cut short")
        if kind == RESOURCE and mark == b"8BIM":
            return block[at + 4 : at + 4 + size]
        at += 4 + size + size % 2
    return b""


def _skip_padding(block: bytes, at: int) -> int:
    match = _PADDING.match(block, at)
    return match.end() if match else at


def to_photoshop(data: bytes) -> bytes:
    """Photoshop's block that holds IPTC-IIM and nothing else, without its head."""
    return struct.pack(">4sHHL", b"8BIM", RESOURCE, 0, len(data)) + data + bytes(len(data) % 2)


def true(data: bytes) -> bytes:
    """The data sets that hold of a picture in colour, as they were. Raises ValueError for what is no IPTC-IIM."""
    return b"".join(whole for key, whole in _sets(data) if key[0] in _RECORDS and key not in _UNTRUE)


def _sets(data: bytes) -> Iterator[tuple[tuple[int, int], bytes]]:
    """Each data set: (record, number), and all its bytes."""
    at = 0
    while at < len(data):
        if data[at] == 0 and not data[at:].strip(b"\0"):  # TIFF pads to whole words
            return
        if data[at] != 0x1C or at + 5 > len(data):
            raise ValueError("no IPTC data set where one should be")
        record, number, size = struct.unpack_from(">BBH", data, at + 1)
        start = at + 5
        if size & 0x8000:  # its size takes so many bytes
            start += size & 0x7FFF
            size = int.from_bytes(data[at + 5 : start], "big")
        if start + size > len(data):
            raise ValueError("cut short")
        yield (record, number), data[at : start + size]
        at = start + size
