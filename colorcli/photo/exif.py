"""EXIF, changed without moving what is left alone.

EXIF data is a TIFF file without a picture: a header and directories whose entries point into the data at
absolute offsets. Cameras' maker notes hold such offsets too, in forms that only their makers know, so the
data is not rebuilt: changed values and the directories that hold them are appended, the rest stays in place.
(TIFF 6.0, section 2; CIPA DC-008 "Exif", section 4.6.)
"""

import struct
from collections.abc import Sequence

PREFIX = b"Exif\x00\x00"

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 1, 2, 3, 4, 5, 7
_CODES = {BYTE: "B", SHORT: "H", LONG: "L", RATIONAL: "L"}

ORIENTATION, SOFTWARE, EXIF_IFD = 0x0112, 0x0131, 0x8769
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 0x011A, 0x011B, 0x0128
_PER_INCH, _PER_CENTIMETRE = 2, 3
MAKER_NOTE, COLOR_SPACE, PIXEL_WIDTH, PIXEL_HEIGHT = 0x927C, 0xA001, 0xA002, 0xA003
_THUMBNAIL_OFFSET, _THUMBNAIL_LENGTH = 0x0201, 0x0202

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_DIRECTORIES = {EXIF_IFD, 0x8825, 0xA005}  # the camera's, the place, interoperability

_EMPTY = b"II*\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00\x00"
_Entries = dict[int, tuple[int, int, bytes]]  # tag -> type, count, the value or its offset


class Exif:
    """The first directory of some EXIF data and, under `sub=True`, the Exif directory below it.

    Raises ValueError for data that is not EXIF; `data` may be empty and may start with b"Exif\\0\\0".
    """

    def __init__(self, data: bytes = b"") -> None:
        self.data = bytearray(data.removeprefix(PREFIX).removeprefix(PREFIX) or _EMPTY)
        self.order = {b"II*\x00": "<", b"MM\x00*": ">"}.get(bytes(self.data[:4]), "")
        if not self.order:
            raise ValueError("no TIFF header")
        self._main, self._next = self._read_directory(self._unpack("L", 4)[0])
        self._sub: _Entries = {}
        self._changed = self._sub_changed = False
        if (offset := self.get(EXIF_IFD)) is not None:
            try:
                self._sub, _ = self._read_directory(offset)
            except ValueError:  # the rest, orientation above all, is worth keeping
                del self._main[EXIF_IFD]
                self._changed = True

    def _unpack(self, codes: str, offset: int) -> tuple:
        try:
            return struct.unpack_from(self.order + codes, self.data, offset)
        except struct.error as error:
            raise ValueError("an offset lies outside the data") from error

    def _read_directory(self, offset: int) -> tuple[_Entries, int]:
        (count,) = self._unpack("H", offset)
        rows = [self._unpack("HHL4s", offset + 2 + 12 * i) for i in range(count)]
        end = offset + 2 + 12 * count  # some writers leave out the pointer to the next directory
        following = self._unpack("L", end)[0] if end + 4 <= len(self.data) else 0
        return {tag: (kind, n, raw) for tag, kind, n, raw in rows}, following

    def get(self, tag: int, *, sub: bool = False) -> int | None:
        """The value of a tag that holds one whole number, else None."""
        kind, count, raw = (self._sub if sub else self._main).get(tag, (0, 0, b""))
        if count != 1 or kind not in (BYTE, SHORT, LONG):
            return None
        return int(struct.unpack_from(self.order + _CODES[kind], raw)[0])

    def get_ratio(self, tag: int) -> float | None:
        """The value of a tag of the first directory that holds one RATIONAL, else None."""
        kind, count, raw = self._main.get(tag, (0, 0, b""))
        if count != 1 or kind != RATIONAL:
            return None
        above, below = self._unpack("LL", struct.unpack(self.order + "L", raw)[0])
        return above / below if below else None

    def set(self, tag: int, kind: int, value: Sequence[int] | bytes, *, sub: bool = False) -> None:
        """Set a tag: whole numbers (two for a RATIONAL), or bytes for ASCII (with its NUL) and UNDEFINED."""
        if isinstance(value, bytes):
            payload, count = value, len(value)
        else:
            payload = struct.pack(f"{self.order}{len(value)}{_CODES[kind]}", *value)
            count = len(value) // (2 if kind == RATIONAL else 1)
        if len(payload) > 4:
            payload = struct.pack(self.order + "L", self.append(payload))
        (self._sub if sub else self._main)[tag] = kind, count, payload.ljust(4, b"\0")
        self._changed = True
        self._sub_changed |= sub

    def append(self, payload: bytes) -> int:
        """Put bytes at the end, on an even offset as TIFF asks, and return that offset."""
        if len(self.data) % 2:
            self.data.append(0)
        offset = len(self.data)
        self.data += payload
        return offset

    def drop_thumbnail(self) -> None:
        """Forget the thumbnail, which shows the photo as it was: its bytes go, not only the way to them."""
        if not self._next:
            return
        following, self._next, self._changed = self._next, 0, True
        try:
            entries, _ = self._read_directory(following)
        except ValueError:
            return
        start, length = (entries.get(t, (0, 0, b""))[2] for t in (_THUMBNAIL_OFFSET, _THUMBNAIL_LENGTH))
        if len(start) == len(length) == 4:
            first, size = struct.unpack(self.order + "LL", start + length)
            if 8 <= first <= first + size <= len(self.data):
                self.data[first : first + size] = bytes(size) if first + size < len(self.data) else b""

    def tobytes(self) -> bytes:
        """The data as a TIFF file: without the prefix b"Exif\\0\\0"."""
        if self._sub_changed:
            offset = self._append_directory(self._sub, 0)
            self._main[EXIF_IFD] = LONG, 1, struct.pack(self.order + "L", offset)
        if self._changed:
            struct.pack_into(self.order + "L", self.data, 4, self._append_directory(self._main, self._next))
        self._changed = self._sub_changed = False
        return bytes(self.data)

    def _append_directory(self, entries: _Entries, following: int) -> int:
        rows = [struct.pack(self.order + "HHL4s", tag, *entries[tag]) for tag in sorted(entries)]
        head = struct.pack(self.order + "H", len(rows))
        return self.append(head + b"".join(rows) + struct.pack(self.order + "L", following))


def orientation(data: bytes) -> int | None:
    """How the pixels must be turned, 1..8 as in EXIF; None when the data does not say. Raises ValueError."""
    value = Exif(data).get(ORIENTATION)
    return value if value in range(1, 9) else None


def upright(data: bytes, width: int, height: int) -> bytes:
    """The data for pixels turned upright: orientation 1, their size, no thumbnail. Raises ValueError."""
    exif = Exif(data)
    if exif.get(ORIENTATION) not in (None, 1):
        exif.set(ORIENTATION, SHORT, [1])
    for tag, size in ((PIXEL_WIDTH, width), (PIXEL_HEIGHT, height)):
        if exif.get(tag, sub=True) not in (None, size):
            exif.set(tag, LONG, [size], sub=True)
    exif.drop_thumbnail()
    return PREFIX + exif.tobytes()


def dpi(data: bytes) -> tuple[float, float] | None:
    """Pixels an inch, across and down, where the data tells. Raises ValueError."""
    exif = Exif(data)
    across, down = exif.get_ratio(X_RESOLUTION), exif.get_ratio(Y_RESOLUTION)
    unit = {_PER_INCH: 1.0, _PER_CENTIMETRE: 2.54}.get(exif.get(RESOLUTION_UNIT) or 0)
    return (across * unit, down * unit) if across and down and unit else None


def stamped(data: bytes | None, software: str | None = None, dpi: tuple[float, float] | None = None) -> bytes:
    """The data with ColorSpace sRGB, what made the pixels, pixels an inch. Raises ValueError."""
    exif = Exif(data or b"")
    if dpi:
        exif.set(X_RESOLUTION, RATIONAL, [round(dpi[0] * 10000), 10000])
        exif.set(Y_RESOLUTION, RATIONAL, [round(dpi[1] * 10000), 10000])
        exif.set(RESOLUTION_UNIT, SHORT, [_PER_INCH])
    if exif.get(COLOR_SPACE, sub=True) != 1:
        exif.set(COLOR_SPACE, SHORT, [1], sub=True)
    if software is not None:
        exif.set(SOFTWARE, ASCII, software.encode("ascii", "replace") + b"\0")
    return PREFIX + exif.tobytes()


def without_maker_note(data: bytes) -> bytes:
    """The data rebuilt with nothing between its values, and without the maker note. Raises ValueError."""
    source = Exif(data)
    target = Exif(_EMPTY if source.order == "<" else b"MM\x00*\x00\x00\x00\x08" + bytes(6))
    target._main = _copy(source, target, source._main, set())
    target._changed = True
    return PREFIX + target.tobytes()


def _copy(source: Exif, target: Exif, entries: _Entries, seen: set[int]) -> _Entries:
    """The entries, their values in `target`. seen: offsets of the directories above and before: none is copied twice,
    so that those that point to each other come to an end."""
    copied: _Entries = {}
    for tag, (kind, count, raw) in entries.items():
        size = _SIZES.get(kind, 0) * count
        if tag == MAKER_NOTE or not size:
            continue
        if tag in _DIRECTORIES:
            (first,) = struct.unpack(source.order + "L", raw)
            if first in seen:
                continue
            seen.add(first)
            inner, _ = source._read_directory(first)
            offset = target._append_directory(_copy(source, target, inner, seen), 0)
        elif size > 4:
            (first,) = struct.unpack(source.order + "L", raw)
            offset = target.append(bytes(source.data[first : first + size]))
        else:
            copied[tag] = kind, count, raw
            continue
        copied[tag] = kind, count, struct.pack(source.order + "L", offset)
    return copied
