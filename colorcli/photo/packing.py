"""A photo's metadata as the format of the result holds it, and one note of what it cannot hold."""

import struct
from dataclasses import dataclass, field

from PIL import Image

from colorcli.photo import exif as exif_data
from colorcli.photo import iptc, png, xmp
from colorcli.photo.exif import Exif
from colorcli.photo.photo import Photo, Provenance

_NO_METADATA = {"BMP", "PPM"}
_HOLD_IPTC, _HOLD_COMMENTS = {"JPEG", "PNG", "TIFF"}, {"JPEG", "PNG"}
_JPEG_SEGMENT = 65533  # bytes in one of JPEG's segments, which holds all of EXIF, or XMP after a 29-byte head
_XMP, _LONG_XMP = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"


@dataclass
class Packed:
    """Blocks for the encoder of one format. segments: JPEG's, beside EXIF; chunks: PNG's. lost: what is in none."""

    exif: bytes | None = None
    xmp: bytes | None = None
    segments: bytes = b""
    chunks: list[png.Chunk] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)


def pack(photo: Photo, format: str, provenance: Provenance | None, notes: list[str]) -> Packed:
    """The photo's own metadata, and what made the colours. Adds at most one note: what could not be kept."""
    packed = Packed(lost=list(photo.lost))
    if format in _NO_METADATA:
        packed.lost += _names(photo)
        _note_bare(packed, format, provenance, notes)
        return packed
    if format not in _HOLD_IPTC and photo.iptc:
        packed.lost.append("IPTC")
    if format not in _HOLD_COMMENTS and photo.comments:
        packed.lost.append("the comment")
    if format != "PNG" and photo.texts:
        packed.lost.append(_name_texts(photo))
    _pack_exif(packed, photo, format, provenance)
    _pack_xmp(packed, photo, format, provenance)
    if format == "JPEG":
        packed.segments = _segments(packed, photo)
    if format == "PNG":
        packed.chunks = _chunks(packed, photo)
    if packed.lost:
        notes.append(f"metadata left out: {', '.join(dict.fromkeys(packed.lost))}")
    return packed


def _names(photo: Photo) -> list[str]:
    """What a photo has of metadata, by name."""
    blocks = {
        "EXIF": photo.exif,
        "GeoTIFF tags": _is_map(photo),
        "XMP": photo.xmp,
        "IPTC": photo.iptc,
        "the comment": photo.comments,
    }
    return [name for name, block in blocks.items() if block] + ([_name_texts(photo)] if photo.texts else [])


def _is_map(photo: Photo) -> bool:
    try:
        return bool(set(exif_data.GEO) & set(Exif(photo.exif or b"").directories[exif_data.MAIN]))
    except ValueError:
        return False


def _name_texts(photo: Photo) -> str:
    words = dict.fromkeys(png.keyword(chunk) for chunk in photo.texts)
    names = ["".join(c if c.isprintable() else "?" for c in word[:40]) for word in list(words)[:6]]
    return f"PNG texts ({', '.join(names)}{', ...' * (len(words) > 6)})"


def _note_bare(packed: Packed, format: str, provenance: Provenance | None, notes: list[str]) -> None:
    said = [f"left out: {', '.join(packed.lost)}"] if packed.lost else []
    said += ["it does not say that colorcli made it"] if provenance else []
    if said:
        notes.append(f"{format} holds no metadata: {'; '.join(said)}")


# ------------------------------------------------------------------------------------------- EXIF and XMP


def _pack_exif(packed: Packed, photo: Photo, format: str, provenance: Provenance | None) -> None:
    software = provenance.software if provenance else None
    iptc_tag = photo.iptc if format == "TIFF" else None
    if not (photo.exif or software or photo.dpi or iptc_tag):
        return
    try:
        exif = exif_data.stamped(photo.exif, software, photo.dpi)
    except ValueError as error:
        packed.lost.append(f"EXIF ({error})")
        exif = exif_data.stamped(None, software, photo.dpi)
    if format == "TIFF":
        if odd := exif_data.for_tiff(exif):
            packed.lost.append(f"EXIF tags {', '.join(map(str, odd[:8]))}{', ...' * (len(odd) > 8)}")
        if iptc_tag:
            exif.set(exif_data.IPTC, exif_data.UNDEFINED, iptc_tag)
    if format == "AVIF":
        exif.drop(exif_data.ORIENTATION)  # for its sake Pillow would write all the rest anew
    if format == "JPEG" and len(exif.tobytes()) > _JPEG_SEGMENT - len(exif_data.PREFIX):
        exif = _smaller(packed, exif, software, photo.dpi)
    packed.lost += exif.lost
    packed.exif = exif_data.PREFIX + exif.tobytes()


def _smaller(packed: Packed, exif: Exif, software: str | None, dpi: tuple[float, float] | None) -> Exif:
    """EXIF that fits a JPEG: without what lies between its values, without the maker note, or new."""
    packed.lost += exif.lost
    smaller = exif_data.without_maker_note(exif)
    if len(smaller.tobytes()) <= _JPEG_SEGMENT - len(exif_data.PREFIX):
        return smaller
    packed.lost.append("EXIF (larger than the 64 KB that JPEG holds)")
    return exif_data.stamped(None, software, dpi)


def _pack_xmp(packed: Packed, photo: Photo, format: str, provenance: Provenance | None) -> None:
    term = provenance.source_type if provenance else None
    if photo.xmp:
        try:
            packet = xmp.Packet(photo.xmp)
            packet.set_format(Image.MIME.get(format, ""))
            if term:
                packet.set_source_type(term)
            packed.xmp = packet.tobytes()
            return
        except ValueError as error:
            packed.lost.append(f"XMP ({error})")
    packed.xmp = xmp.with_source_type(None, term) if term else None


# ------------------------------------------------------------------------------------------- JPEG's and PNG's own


def _segments(packed: Packed, photo: Photo) -> bytes:
    """XMP in one segment or more, Photoshop's block with IPTC, comments."""
    parts = []
    if packed.xmp and len(packed.xmp) > _JPEG_SEGMENT - len(_XMP):
        main, rest, digest = xmp.split(packed.xmp)
        parts.append(_segment(0xE1, _XMP + main))
        room = _JPEG_SEGMENT - len(_LONG_XMP) - 40
        for at in range(0, len(rest), room):
            head = _LONG_XMP + digest.encode() + struct.pack(">LL", len(rest), at)
            parts.append(_segment(0xE1, head + rest[at : at + room]))
    elif packed.xmp:
        parts.append(_segment(0xE1, _XMP + packed.xmp))
    parts += _in_pieces(0xED, iptc.PHOTOSHOP_HEAD, iptc.to_photoshop(photo.iptc) if photo.iptc else b"")
    for comment in photo.comments:
        parts += _in_pieces(0xFE, b"", comment)
    return b"".join(parts)


def _segment(mark: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, mark, len(data) + 2) + data


def _in_pieces(mark: int, head: bytes, data: bytes) -> list[bytes]:
    room = _JPEG_SEGMENT - len(head)
    return [_segment(mark, head + data[at : at + room]) for at in range(0, len(data), room)]


def _chunks(packed: Packed, photo: Photo) -> list[png.Chunk]:
    chunks: list[png.Chunk] = [(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packed.xmp)] if packed.xmp else []
    chunks += photo.texts
    chunks += [png.comment(words) for words in photo.comments]
    if photo.iptc:
        chunks.append(png.to_raw_profile("iptc", iptc.to_photoshop(photo.iptc)))
    return chunks
