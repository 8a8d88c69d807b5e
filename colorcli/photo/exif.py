"""EXIF, changed without moving what is left alone.

EXIF data is a TIFF file without a picture: a header and directories whose entries point into the data at
absolute offsets. Cameras' maker notes hold such offsets too, in forms that only their makers know, so the
data is not rebuilt: changed values and the directories that hold them are appended, the rest stays in place.
(TIFF 6.0, section 2; CIPA DC-008 "Exif", section 4.6.)
"""

import io
import struct
from collections.abc import Sequence

from colorcli.photo.ifd import EXIF_IFD, GPS_IFD, INTEROP_IFD, MAIN, OUTER, SIZES, Entries, Entry, Tiff, tree
from colorcli.photo.turn import turned_area

PREFIX = b"Exif\x00\x00"

BYTE, ASCII, SHORT, LONG, RATIONAL, UNDEFINED = 1, 2, 3, 4, 5, 7
_CODES = {BYTE: "B", SHORT: "H", LONG: "L", RATIONAL: "L"}

ORIENTATION, SOFTWARE = 0x0112, 0x0131
X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT = 0x011A, 0x011B, 0x0128
XMP, IPTC, PHOTOSHOP = 700, 33723, 34377
_PER_INCH, _PER_CENTIMETRE = 2, 3
MAKER_NOTE, COLOR_SPACE, PIXEL_WIDTH, PIXEL_HEIGHT = 0x927C, 0xA001, 0xA002, 0xA003
_COMPONENTS, _COMPRESSED_BITS, _GAMMA = 0x9101, 0x9102, 0xA500
_SUBJECT_AREA, _SUBJECT_LOCATION = 0x9214, 0xA214
_FOCAL_X, _FOCAL_Y = 0xA20E, 0xA20F
_INTEROP_INDEX, _RELATED_SIZES = 1, (0x1001, 0x1002)
_THUMBNAIL_OFFSET, _THUMBNAIL_LENGTH = 0x0201, 0x0202

# Tags of the main directory that say how pixels are stored. In a TIFF they are the file's own, and of another file's
# they would be taken for it; elsewhere they speak of a grey, unturned picture. (TIFF 6.0 and its supplements, TIFF/IT,
# DNG; libtiff's registry.)
LAYOUT = {
    *range(254, 267), 273, *range(277, 282), 284, *range(288, 294), 297, 301, *range(317, 354), *range(400, 406),
    *range(433, 436), *range(512, 522), *range(529, 533), 559, XMP, *range(32931, 32937), *range(32953, 32957),
    *range(32995, 32999), *range(33300, 33306), 33421, 33422, IPTC, *range(34016, 34034), PHOTOSHOP, 34675, 34732,
    37439, 37724, *range(50674, 50681), *range(50706, 51183), *range(52525, 52560),
}  # fmt: skip

# Tags that a TIFF's first directory may hold of the photo itself, and the types that readers expect of them.
_TEXT, _BYTES = {ASCII, BYTE, UNDEFINED}, {BYTE, UNDEFINED}
_RATIO, _WHOLE, _DOUBLE = {RATIONAL}, {SHORT}, {12}
GEO = {33550: _DOUBLE, 33920: _DOUBLE, 33922: _DOUBLE, 34264: _DOUBLE, 34735: _WHOLE, 34736: _DOUBLE, 34737: _TEXT}
DESCRIPTIVE = GEO | {
    **dict.fromkeys((269, 270, 271, 272, 285, 305, 306, 315, 316, 33432, 36867, 36868), _TEXT),
    **dict.fromkeys((X_RESOLUTION, Y_RESOLUTION, 286, 287), _RATIO),
    **dict.fromkeys((ORIENTATION, RESOLUTION_UNIT, 18246, 18249), _WHOLE),
    **dict.fromkeys((40091, 40092, 40093, 40094, 40095, IPTC), _BYTES),
}
_GDAL = {42112, 42113}  # statistics of the grey values, and which of them is none
RESOLUTION = {X_RESOLUTION, Y_RESOLUTION, RESOLUTION_UNIT}


class Exif:
    """The directories of some EXIF data: MAIN, and EXIF_IFD, GPS_IFD and INTEROP_IFD where there are such.

    `lost` names what could not be trusted and is left out. Raises ValueError for data that is not EXIF; `data` may be
    empty and may start with b"Exif\\0\\0".
    """

    def __init__(self, data: bytes = b"") -> None:
        self.data = bytearray(data.removeprefix(PREFIX).removeprefix(PREFIX) or _empty("<"))
        source = Tiff(io.BytesIO(self.data))
        if source.big:
            raise ValueError("BigTIFF, which EXIF is not")
        self.order = source.order
        self.directories, self._offsets, self._next, _, self.lost = tree(source)
        self._changed = {MAIN, EXIF_IFD, INTEROP_IFD, GPS_IFD} & set(self.directories) if self.lost else set()

    def values(self, tag: int, within: int = MAIN) -> list[int]:
        """The value of a tag that holds whole numbers, or RATIONALs as pairs of such, else an empty list."""
        kind, number, _ = entry = self.directories.get(within, {}).get(tag, Entry(0, 0, b""))
        if kind not in _CODES or number > 64:
            return []
        codes = f"{number * (2 if kind == RATIONAL else 1)}{_CODES[kind]}"
        return [*struct.unpack(self.order + codes, self.bytes_of(entry))]

    def bytes_of(self, entry: Entry) -> bytes:
        """The bytes of a value, in the data's order."""
        size = SIZES[entry.kind] * entry.number
        if size <= 4:
            return entry.field[:size]
        (first,) = struct.unpack(self.order + "L", entry.field)
        return bytes(self.data[first : first + size])

    def get(self, tag: int, within: int = MAIN) -> int | None:
        """The value of a tag that holds one whole number, else None."""
        found = self.values(tag, within)
        return found[0] if len(found) == 1 else None

    def get_ratio(self, tag: int) -> float | None:
        """The value of a tag of the main directory that holds one RATIONAL, else None."""
        found = self.values(tag) if self.directories[MAIN].get(tag, Entry(0, 0, b"")).kind == RATIONAL else []
        return found[0] / found[1] if len(found) == 2 and found[1] else None

    def set(self, tag: int, kind: int, value: Sequence[int] | bytes, within: int = MAIN) -> None:
        """Set a tag: whole numbers (two for a RATIONAL), or bytes for ASCII (with its NUL) and UNDEFINED."""
        if isinstance(value, bytes):
            payload, count = value, len(value)
        else:
            payload = struct.pack(f"{self.order}{len(value)}{_CODES[kind]}", *value)
            count = len(value) // (2 if kind == RATIONAL else 1)
        self.put(tag, kind, count, payload, within)

    def put(self, tag: int, kind: int, count: int, payload: bytes, within: int = MAIN) -> None:
        """Set a tag to `count` values of a type, given as bytes in the data's order."""
        if len(payload) > 4:
            payload = struct.pack(self.order + "L", self.append(payload))
        self.directories.setdefault(within, {})[tag] = Entry(kind, count, payload.ljust(4, b"\0"))
        self._touch(within)

    def drop(self, *tags: int, within: int = MAIN) -> list[int]:
        """Forget tags; returns those that were there."""
        entries = self.directories.get(within, {})
        found = [tag for tag in tags if entries.pop(tag, None)]
        if found:
            self._touch(within)
        return found

    def take(self, tag: int) -> tuple[int, bytes]:
        """Take a tag out of the main directory: its type and bytes; (0, b"") where there is none."""
        entry = self.directories[MAIN].get(tag)
        value = self.bytes_of(entry) if entry else b""
        self.drop(tag)
        return (entry.kind if entry else 0), value

    def _touch(self, within: int) -> None:
        self._changed.add(within)
        if within in OUTER:  # the way to it changes too
            self.directories.setdefault(OUTER[within], {})
            self._touch(OUTER[within])

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
        following, self._next = self._next, 0
        self._touch(MAIN)
        try:
            entries, _ = Tiff(io.BytesIO(self.data)).directory(following)
        except ValueError:
            return
        start, length = (entries.get(t, Entry(0, 0, b"")).field for t in (_THUMBNAIL_OFFSET, _THUMBNAIL_LENGTH))
        if len(start) == len(length) == 4:
            first, size = struct.unpack(self.order + "LL", start + length)
            if 8 <= first <= first + size <= len(self.data):
                self.data[first : first + size] = bytes(size) if first + size < len(self.data) else b""

    def tobytes(self) -> bytes:
        """The data as a TIFF file: without the prefix b"Exif\\0\\0"."""
        for within in (INTEROP_IFD, EXIF_IFD, GPS_IFD, MAIN):  # inner ones first: the outer ones name their offsets
            if within in self._changed:
                self._offsets[within] = self._append_directory(within)
        if MAIN in self._changed:
            struct.pack_into(self.order + "L", self.data, 4, self._offsets[MAIN])
        self._changed = set()
        return bytes(self.data)

    def _append_directory(self, within: int) -> int:
        inner = [tag for tag, outer in OUTER.items() if outer == within and tag in self.directories]
        ways = {tag: Entry(LONG, 1, struct.pack(self.order + "L", self._offsets[tag])) for tag in inner}
        rows = sorted((self.directories[within] | ways).items())
        packed = b"".join(struct.pack(self.order + "HHL4s", tag, *entry) for tag, entry in rows)
        following = self._next if within == MAIN else 0
        return self.append(struct.pack(self.order + "H", len(rows)) + packed + struct.pack(self.order + "L", following))


def _empty(order: str) -> bytes:
    return (b"II*\x00" if order == "<" else b"MM\x00*") + struct.pack(order + "LHL", 8, 0, 0)


def of_tiff(source: Tiff) -> Exif:
    """What a TIFF file says of its photo, as EXIF data of the same order: its descriptive tags, the camera's and the
    place's, and XMP and Photoshop's block as tags. Raises ValueError as `tree` does.
    """
    directories, _, _, others, lost = tree(source, {*DESCRIPTIVE, XMP, PHOTOSHOP})
    exif = _copied(source, directories)
    exif.lost += lost
    if _GDAL & set(others):
        exif.lost.append("GDAL's tags beside GeoTIFF's")
    if private := sorted(set(others) - LAYOUT - _GDAL):
        exif.lost.append(f"TIFF tags {', '.join(map(str, private[:8]))}{', ...' * (len(private) > 8)}")
    return exif


def _copied(source: Tiff, directories: dict[int, Entries]) -> Exif:
    """A copy with nothing between its values. The maker note goes, for it points into what is not copied."""
    target = Exif(_empty(source.order))
    for within, entries in directories.items():
        for tag, entry in entries.items():
            if entry.kind not in SIZES:
                target.lost.append(f"EXIF tag {tag} (of a type that only BigTIFF has)")
            elif tag == MAKER_NOTE:
                target.lost.append("the maker note")
            else:
                target.put(tag, entry.kind, entry.number, source.value(entry), within)
    return target


def orientation(exif: Exif) -> int | None:
    """How the pixels must be turned, 1..8 as in EXIF; None when the data does not say."""
    value = exif.get(ORIENTATION)
    return value if value in range(1, 9) else None


def make_true(exif: Exif, width: int, height: int, turned: int = 1) -> None:
    """Have the data speak of pixels of this size, turned upright by `turned`, in colour: what no longer holds is
    mended, or dropped where it told only how the pixels were stored."""
    if exif.get(ORIENTATION) not in (None, 1):
        exif.set(ORIENTATION, SHORT, [1])
    for tag, size in ((PIXEL_WIDTH, width), (PIXEL_HEIGHT, height)):
        if exif.get(tag, EXIF_IFD) not in (None, size):
            exif.set(tag, LONG, [size], EXIF_IFD)
    exif.drop(*LAYOUT)
    exif.drop(_COMPRESSED_BITS, _GAMMA, within=EXIF_IFD)
    exif.drop(*_RELATED_SIZES, within=INTEROP_IFD)
    components = exif.directories.get(EXIF_IFD, {}).get(_COMPONENTS)
    if components and components.field != b"\1\2\3\0":
        exif.drop(_COMPONENTS, within=EXIF_IFD)
    index = exif.directories.get(INTEROP_IFD, {}).get(_INTEROP_INDEX)
    if index and not index.field.startswith(b"R98"):  # R03: Adobe RGB
        exif.set(_INTEROP_INDEX, ASCII, b"R98\0", INTEROP_IFD)
    if turned != 1:
        _turn(exif, (height, width) if turned >= 5 else (width, height), turned)
    exif.drop_thumbnail()


def _turn(exif: Exif, size: tuple[int, int], turned: int) -> None:
    for tag in (_SUBJECT_AREA, _SUBJECT_LOCATION):
        area = turned_area(exif.values(tag, EXIF_IFD), size, turned)
        if exif.drop(tag, within=EXIF_IFD) and area:
            exif.set(tag, SHORT, area, EXIF_IFD)
    if turned >= 5:
        for across, down, within in ((X_RESOLUTION, Y_RESOLUTION, MAIN), (_FOCAL_X, _FOCAL_Y, EXIF_IFD)):
            entries = exif.directories.get(within, {})
            if across in entries and down in entries:
                entries[across], entries[down] = entries[down], entries[across]
                exif._touch(within)
    if exif.drop(*GEO):
        exif.lost.append("GeoTIFF tags (the photo was turned)")


def dpi(exif: Exif) -> tuple[float, float] | None:
    """Pixels an inch, across and down, where the data tells."""
    across, down = exif.get_ratio(X_RESOLUTION), exif.get_ratio(Y_RESOLUTION)
    told = exif.get(RESOLUTION_UNIT) if RESOLUTION_UNIT in exif.directories[MAIN] else _PER_INCH
    unit = {_PER_INCH: 1.0, _PER_CENTIMETRE: 2.54}.get(told or 0)
    return (across * unit, down * unit) if across and down and unit else None


def stamped(data: bytes | None, software: str | None = None, dpi: tuple[float, float] | None = None) -> Exif:
    """The data with ColorSpace sRGB, what made the pixels, pixels an inch. Raises ValueError."""
    exif = Exif(data or b"")
    exif.drop(*_odd_resolution(exif))
    if dpi:
        exif.set(X_RESOLUTION, RATIONAL, [round(dpi[0] * 10000), 10000])
        exif.set(Y_RESOLUTION, RATIONAL, [round(dpi[1] * 10000), 10000])
        exif.set(RESOLUTION_UNIT, SHORT, [_PER_INCH])
    if exif.get(COLOR_SPACE, EXIF_IFD) != 1:
        exif.set(COLOR_SPACE, SHORT, [1], EXIF_IFD)
    if software is not None:
        exif.set(SOFTWARE, ASCII, software.encode("ascii", "replace") + b"\0")
    return exif


def without_maker_note(exif: Exif) -> Exif:
    """The data rebuilt with nothing between its values, and without the maker note."""
    return _copied(Tiff(io.BytesIO(exif.data)), exif.directories)


def for_tiff(exif: Exif) -> list[int]:
    """Leave in the main directory what a TIFF's may hold; returns the tags that went."""
    entries = exif.directories[MAIN]
    odd = [tag for tag, entry in entries.items() if entry.kind not in DESCRIPTIVE.get(tag, ())]
    odd += [tag for tag in _odd_resolution(exif) if tag not in odd]
    return exif.drop(*odd)


def _odd_resolution(exif: Exif) -> list[int]:
    """Tags of a resolution that is none, of which readers complain."""
    entries = exif.directories[MAIN]
    there = [tag for tag in sorted(RESOLUTION) if tag in entries]
    odd = [tag for tag in there if entries[tag].kind not in DESCRIPTIVE[tag] or entries[tag].number != 1]
    if exif.get(RESOLUTION_UNIT) not in (None, 1, 2, 3) and RESOLUTION_UNIT not in odd:
        odd.append(RESOLUTION_UNIT)
    return odd
