"""What a photo's file carries beside its pixels: gathered, made true for the result, and named where it is lost."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from PIL import Image, ImageFile

from colorcli.photo import exif as exif_data
from colorcli.photo import iptc, png, xmp
from colorcli.photo.bare import Bare, bare_jpeg, bare_tiff
from colorcli.photo.exif import Exif
from colorcli.photo.ifd import Tiff

_LONG_XMP = b"http://ns.adobe.com/xmp/extension/\0"
_PPM_COMMENT, _PPM_HEAD = re.compile(rb"#[ \t]*([^\r\n]+)"), 4096
_XMP = b"http://ns.adobe.com/xap/1.0/\0"
_RAW = "raw profile type "  # how ImageMagick calls what it puts into a PNG's texts


@dataclass
class Metadata:
    """The blocks of one file. exif, packet: opened, None where there are none; iptc: IPTC-IIM; comments: a JPEG's or
    GIF's, as bytes; texts: a PNG's, as chunks; dpi: (x, y) of the stored picture; lost: what is gone, each by a name.
    """

    exif: Exif | None = None
    packet: xmp.Packet | None = None
    iptc: bytes = b""
    comments: list[bytes] = field(default_factory=list)
    texts: list[png.Chunk] = field(default_factory=list)
    dpi: tuple[float, float] | None = None
    lost: list[str] = field(default_factory=list)
    turned: int | None = None  # what XMP says, where it is broken too

    @property
    def orientation(self) -> int:
        """How the pixels must be turned, 1..8: as EXIF says, or XMP where EXIF says nothing."""
        told = exif_data.orientation(self.exif) if self.exif else None
        return told or self.turned or 1

    def make_true(self, width: int, height: int) -> None:
        """Have all of it speak of an upright sRGB picture of this size, in colour, alone in its file."""
        turned = self.orientation
        if self.packet:
            self.packet.make_true(width, height, turned)
            self.lost += self.packet.lost
        if self.exif:
            exif_data.make_true(self.exif, width, height, turned)
            self.lost += self.exif.lost
        if turned >= 5 and self.dpi:
            self.dpi = self.dpi[::-1]

    def fields(self) -> dict[str, Any]:
        """What a Photo holds of it."""
        has_exif = self.exif and any(self.exif.directories.values())
        return {
            "exif": exif_data.PREFIX + self.exif.tobytes() if has_exif and self.exif else None,
            "xmp": self.packet.tobytes() if self.packet else None,
            "iptc": self.iptc or None,
            "comments": self.comments,
            "texts": self.texts,
            "dpi": self.dpi,
            "lost": list(dict.fromkeys(self.lost)),
        }

    # --------------------------------------------------------------------------------------- one block each

    def _try(self, name: str, take: Callable[[], None]) -> None:
        try:
            take()
        except ValueError as error:
            self.lost.append(f"{name} ({error})")

    def add_exif(self, data: bytes) -> None:
        def take() -> None:
            self.exif = Exif(data)

        if data and self.exif is None:
            self._try("EXIF", take)

    def add_xmp(self, data: bytes, blocks: dict[str, bytes] | None = None) -> None:
        """blocks: what the packet may go on in, by the MD5 of each."""

        def take() -> None:
            packet = xmp.Packet(data)
            self._try("XMP", lambda: packet.extend(blocks or {}))
            self.packet, self.turned = packet, packet.orientation

        if data and self.packet is None:
            self.turned = xmp.orientation(data)
            self._try("XMP", take)

    def add_app1(self, data: bytes) -> None:
        """data: EXIF or XMP as a JPEG's segment holds them."""
        (self.add_exif if data.startswith(exif_data.PREFIX) else self.add_xmp)(data.removeprefix(_XMP))

    def add_iptc(self, data: bytes) -> None:
        """data: IPTC-IIM, or Photoshop's block that may hold such."""

        def take() -> None:
            plain = iptc.from_photoshop(data) if data.startswith((b"8BIM", iptc.PHOTOSHOP_HEAD)) else data
            self.iptc = iptc.true(plain)

        if data and not self.iptc:
            self._try("IPTC", take)


def without_snares(stream: BinaryIO, head: bytes) -> BinaryIO:
    """The stream, or a copy for the decoder without the metadata that it stumbles over; `gather` looks behind it."""
    for start, bare in (
        (png.SIGNATURE, png.plain),
        (b"\xff\xd8\xff", bare_jpeg),
        (b"II", bare_tiff),
        (b"MM", bare_tiff),
    ):
        if head.startswith(start):
            return bare(stream)
    return stream


def gather(image: ImageFile.ImageFile) -> Metadata:
    """All that the file of an opened image carries; never raises for what is broken, but names it."""
    found = Metadata()
    if isinstance(image.fp, Bare) and image.fp.lost:
        found.lost.append(f"EXIF ({image.fp.lost})")
    by_format = {"JPEG": _of_jpeg, "MPO": _of_jpeg, "PNG": _of_png, "TIFF": _of_tiff}
    by_format.get(str(image.format), _of_any)(image, found)
    if found.exif and image.format != "TIFF":
        _take_blocks(found, found.exif)
    found.dpi = _dpi(image, found)
    return found


def _of_any(image: ImageFile.ImageFile, found: Metadata) -> None:
    found.add_exif(_bytes(image.info.get("exif")))
    found.add_xmp(_bytes(image.info.get("xmp")))
    if comment := _bytes(image.info.get("comment")):
        found.comments.append(comment)
    if image.format == "PPM":
        stream: Any = image.fp
        place = stream.tell()
        stream.seek(0)
        found.comments += _PPM_COMMENT.findall(stream.read(min(image.tile[0].offset, _PPM_HEAD)))
        stream.seek(place)


def _bytes(value: object) -> bytes:
    return value.encode("utf-8", "replace") if isinstance(value, str) else value if isinstance(value, bytes) else b""


def _of_jpeg(image: ImageFile.ImageFile, found: Metadata) -> None:
    segments: list[tuple[str, bytes]] = getattr(image, "applist", [])
    found.add_exif(_bytes(image.info.get("exif")))
    long = [data[len(_LONG_XMP) :] for name, data in segments if name == "APP1" and data.startswith(_LONG_XMP)]
    found.add_xmp(_bytes(image.info.get("xmp")), _joined(long))
    head = iptc.PHOTOSHOP_HEAD
    press = [data[len(head) :] for name, data in segments if name == "APP13" and data.startswith(head)]
    if press:
        found.add_iptc(head + b"".join(press))
    if any(name == "APP11" for name, _ in segments):  # JUMBF, signed for the pixels that were
        found.lost.append(xmp.CREDENTIALS)
    found.comments += [data for name, data in segments if name == "COM" and data.strip(b"\0 ")]


def _joined(parts: list[bytes]) -> dict[str, bytes]:
    """The second blocks of XMP: each part starts with the MD5 of the whole, its length and its own offset."""
    blocks: dict[str, bytearray] = {}
    for part in sorted(parts, key=lambda part: part[36:40]):
        digest, offset = part[:32].decode("latin-1"), int.from_bytes(part[36:40], "big")
        block = blocks.setdefault(digest, bytearray())
        if offset == len(block):
            block += part[40:]
    return {digest: bytes(block) for digest, block in blocks.items()}


def _of_png(image: ImageFile.ImageFile, found: Metadata) -> None:
    if not isinstance(file := image.fp, png.Plain):
        return
    found.lost += file.damaged
    found.add_exif(file.exif)
    takers: dict[str, Callable[[bytes], None]]
    takers = {
        "exif": found.add_exif,
        "xmp": found.add_xmp,
        "8bim": found.add_iptc,
        "app1": found.add_app1,
        "iptc": found.add_iptc,
    }
    once: set[str] = set()
    for chunk in file.texts:
        name = png.keyword(chunk)
        kind = "xmp" if png.is_xmp(chunk) else name.lower().removeprefix(_RAW) if name.lower().startswith(_RAW) else ""
        if kind in ("icc", "icm"):
            found.lost.append("an ICC profile that lies in a text")
        elif kind not in takers:
            found.texts.append(chunk)
        elif kind in once:
            found.lost.append(f"another {kind.upper()}")
        else:
            once.add(kind)
            _take_text(found, chunk, kind.upper(), takers[kind])


def _take_text(found: Metadata, chunk: png.Chunk, name: str, take: Callable[[bytes], None]) -> None:
    try:
        data = png.text(chunk) if png.is_xmp(chunk) else png.raw_profile(chunk)
        if not data:
            raise ValueError("damaged, or too large")
        take(data)
    except ValueError as error:
        found.lost.append(f"{name} ({error})")


def _of_tiff(image: ImageFile.ImageFile, found: Metadata) -> None:
    stream: Any = getattr(image.fp, "source", image.fp)

    def take() -> None:
        found.exif = exif_data.of_tiff(Tiff(stream))
        _take_blocks(found, found.exif)

    image.info.pop("xmp", None)  # in which Pillow would look for an orientation, whatever its type
    place = stream.tell()
    found._try("EXIF", take)
    stream.seek(place)


def _take_blocks(found: Metadata, exif: Exif) -> None:
    """XMP and IPTC that lie in EXIF's main directory, as TIFF has them."""
    kind, data = exif.take(exif_data.XMP)
    if kind in (exif_data.BYTE, exif_data.UNDEFINED, exif_data.ASCII):
        found.add_xmp(data)
    elif kind:
        found.lost.append("XMP (of a type that XMP never has)")
    found.add_iptc(exif.take(exif_data.IPTC)[1])
    found.add_iptc(exif.take(exif_data.PHOTOSHOP)[1])


def _dpi(image: Image.Image, found: Metadata) -> tuple[float, float] | None:
    """Pixels an inch where the file says so itself: Pillow says 72 or 1 where nothing does."""
    told: Any = image.info.get("dpi")
    if image.format in ("JPEG", "MPO"):
        unit = {1: 1.0, 2: 2.54}.get(image.info.get("jfif_unit", 0))
        told = tuple(value * unit for value in image.info["jfif_density"]) if unit else None
    if image.format == "TIFF":
        told = None
    told = told or (exif_data.dpi(found.exif) if found.exif else None)
    try:
        x, y = (float(value) for value in told or ())
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return (x, y) if all(math.isfinite(value) and 1 <= value < 65536 for value in (x, y)) else None
