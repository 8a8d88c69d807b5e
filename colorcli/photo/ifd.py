"""Directories of tags, as in TIFF files and EXIF data, read within bounds.

A file may lie about anything: offsets that leave it or lead in a circle, directories and values that many entries
share, counts beyond its size. Here each directory is read once, no deeper than EXIF has them, and what is odd is left
out by name. (TIFF 6.0, section 2; BigTIFF; CIPA DC-008 "Exif", section 4.6.)
"""

import struct
from collections.abc import Container
from typing import BinaryIO, NamedTuple

MAIN, EXIF_IFD, GPS_IFD, INTEROP_IFD, SUB_IFDS = 0, 0x8769, 0x8825, 0xA005, 0x014A
OUTER = {EXIF_IFD: MAIN, GPS_IFD: MAIN, INTEROP_IFD: EXIF_IFD}  # where the way to each inner directory stands
NAMES = {EXIF_IFD: "EXIF's camera data", GPS_IFD: "EXIF's place", INTEROP_IFD: "EXIF's interoperability data"}

SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 129: 1}  # bytes, by type
_BIG_SIZES = SIZES | {16: 8, 17: 8, 18: 8}
_OFFSET_TYPES = {3: "H", 4: "L", 13: "L", 16: "Q", 18: "Q"}

# A camera writes 200 entries at most; of a large file not all is metadata.
MOST_ENTRIES = 2000
MOST_BYTES = 64 << 20


class Entry(NamedTuple):
    """One entry; field: the value where it fits, else its offset: 4 bytes, 8 in a BigTIFF."""

    kind: int
    number: int
    field: bytes


Entries = dict[int, Entry]


class Tiff:
    """The header of a TIFF file or of EXIF data without its prefix, and the way to its directories.

    Raises ValueError for a stream that does not start with such a header.
    """

    def __init__(self, stream: BinaryIO, most_entries: int = MOST_ENTRIES) -> None:
        self._stream = stream
        self.size = stream.seek(0, 2)
        head = self._bytes(0, min(16, self.size))
        self.order = {b"II": "<", b"MM": ">"}.get(head[:2], "")
        version = int.from_bytes(head[2:4], "little" if self.order == "<" else "big")
        self.big = version == 43
        if not self.order or version not in (42, 43) or len(head) < (16 if self.big else 8):
            raise ValueError("no TIFF header")
        self.first = self._number(head[8:16] if self.big else head[4:8])
        self._seen: set[int] = set()
        self._entries_left = most_entries

    def directory(self, offset: int) -> tuple[Entries, int]:
        """The entries at an offset, and the offset of the next directory. Raises ValueError; one offset goes once."""
        if offset in self._seen:
            raise ValueError("two ways lead to one directory")
        self._seen.add(offset)
        head, row, pointer = (8, 20, 8) if self.big else (2, 12, 4)
        count = self._number(self._bytes(offset, head))
        if count > self._entries_left:
            raise ValueError("too many entries")
        self._entries_left -= count
        rows = self._bytes(offset + head, row * count)
        end = offset + head + row * count  # some writers leave out the pointer to the next directory
        following = self._number(self._bytes(end, pointer)) if end + pointer <= self.size else 0
        form = self.order + ("HHQ8s" if self.big else "HHL4s")
        return {tag: Entry(*entry) for tag, *entry in struct.iter_unpack(form, rows)}, following

    def packed(self, entries: Entries, following: int) -> bytes:
        """A directory as this file holds such."""
        head, row, pointer = ("Q", "HHQ8s", "Q") if self.big else ("H", "HHL4s", "L")
        rows = [struct.pack(self.order + row, tag, *entry) for tag, entry in sorted(entries.items())]
        return b"".join(
            [struct.pack(self.order + head, len(rows)), *rows, struct.pack(self.order + pointer, following)]
        )

    def length(self, entry: Entry) -> int:
        """Bytes of a value. Raises ValueError for a type that is not known and for a value outside the file."""
        unit = (_BIG_SIZES if self.big else SIZES).get(entry.kind)
        if unit is None:
            raise ValueError("an unknown type")
        length = unit * entry.number
        if length > len(entry.field) and self._number(entry.field) + length > self.size:
            raise ValueError("an offset lies outside the data")
        return length

    def holds(self, entry: Entry) -> bool:
        """Whether a value is of a known type and in the file."""
        try:
            return self.length(entry) > 0
        except ValueError:
            return False

    def value(self, entry: Entry) -> bytes:
        """The bytes of a value, in the file's order. Raises ValueError as `length` does."""
        length = self.length(entry)
        return entry.field[:length] if length <= len(entry.field) else self._bytes(self._number(entry.field), length)

    def pointer(self, entry: Entry) -> int:
        """The offset that an entry holds as its value. Raises ValueError where it holds none."""
        code = _OFFSET_TYPES.get(entry.kind)
        if code is None or entry.number != 1 or self.length(entry) > len(entry.field):
            raise ValueError("no offset")
        return int(struct.unpack_from(self.order + code, entry.field)[0])

    def _bytes(self, offset: int, length: int) -> bytes:
        if not 0 <= offset <= offset + length <= self.size:
            raise ValueError("an offset lies outside the data")
        self._stream.seek(offset)
        return self._stream.read(length)

    def _number(self, field: bytes) -> int:
        return int.from_bytes(field, "little" if self.order == "<" else "big")


class Tree(NamedTuple):
    """All directories that EXIF knows, without the entries that lead to inner ones, and where those lie.

    following: the offset of the second main directory, of a thumbnail. others: tags of the main one that nobody wants.
    """

    directories: dict[int, Entries]
    offsets: dict[int, int]
    following: int
    others: list[int]
    lost: list[str]


def tree(source: Tiff, wanted: Container[int] | None = None) -> Tree:
    """The directories of EXIF data. wanted: the tags of the main directory that count, all by default.

    What cannot be trusted is left out and named in `lost`. Raises ValueError where nothing is left: a main directory
    that is none, or values that take more bytes than there are, because many entries share them.
    """
    main, following = source.directory(source.first)
    others = [tag for tag in main if not (wanted is None or tag in wanted or tag in OUTER)]
    for tag in others:
        del main[tag]
    found, offsets = {MAIN: main}, {}
    lost: list[str] = []
    for inner, outer in OUTER.items():
        entry = found.get(outer, {}).pop(inner, None)
        if entry is not None:
            try:
                offsets[inner] = source.pointer(entry)
                found[inner], _ = source.directory(offsets[inner])
            except ValueError as error:
                lost.append(f"{NAMES[inner]} ({error})")
    left = source.size if wanted is None else min(source.size, MOST_BYTES)
    for name, entries in found.items():
        left -= _weed(source, entries, NAMES.get(name, "EXIF"), lost)
    if left < 0:
        raise ValueError("its values share their bytes")
    return Tree(found, offsets, following, others, lost)


def _weed(source: Tiff, entries: Entries, name: str, lost: list[str]) -> int:
    """Take out what leads nowhere; returns the bytes of the rest."""
    total = 0
    reasons: dict[str, int] = {}
    for tag, entry in list(entries.items()):
        try:
            if tag in OUTER or (tag == SUB_IFDS and name != "EXIF"):
                raise ValueError("a directory out of place")
            length = source.length(entry)
            if not length:
                del entries[tag]
            total += length
        except ValueError as error:
            del entries[tag]
            reasons[str(error)] = reasons.get(str(error), 0) + 1
    lost += [f"{count} of {name}'s tags ({reason})" for reason, count in reasons.items()]
    return total
