"""Metadata for tests, byte by byte: EXIF and TIFF directories that libraries do not write, XMP, IPTC, JPEG segments."""

import struct

from hypothesis import strategies as st
from photo_files import encoded
from PIL import Image

XMP_HEAD, LONG_XMP_HEAD = b"http://ns.adobe.com/xap/1.0/\0", b"http://ns.adobe.com/xmp/extension/\0"
EXIF_IFD, GPS_IFD, INTEROP_IFD = 0x8769, 0x8825, 0xA005
CAPTION = "Großmutter im Garten, Köln 1934"
GREY = Image.linear_gradient("L").resize((12, 8))

_SPACES = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "tiff": "http://ns.adobe.com/tiff/1.0/",
    "exif": "http://ns.adobe.com/exif/1.0/",
    "xmp": "http://ns.adobe.com/xap/1.0/",
    "xmpGImg": "http://ns.adobe.com/xap/1.0/g/img/",
    "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "xmpNote": "http://ns.adobe.com/xmp/note/",
    "mwg-rs": "http://www.metadataworkinggroup.com/schemas/regions/",
    "stArea": "http://ns.adobe.com/xmp/sType/Area#",
    "stDim": "http://ns.adobe.com/xap/1.0/sType/Dimensions#",
    "MP": "http://ns.microsoft.com/photo/1.2/",
    "MPReg": "http://ns.microsoft.com/photo/1.2/t/Region#",
    "GCamera": "http://ns.google.com/photos/1.0/camera/",
    "Container": "http://ns.google.com/photos/1.0/container/",
    "Item": "http://ns.google.com/photos/1.0/container/item/",
    "hdrgm": "http://ns.adobe.com/hdr-gain-map/1.0/",
    "Iptc4xmpExt": "http://iptc.org/std/Iptc4xmpExt/2008-02-29/",
}


def xmp(inside: str = "", attributes: str = "") -> bytes:
    """A packet of one description."""
    spaces = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in _SPACES.items())
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" {spaces} {attributes}>{inside}</rdf:Description></rdf:RDF></x:xmpmeta>'
    ).encode()


def entries(*rows: tuple[int, int, int, int], following: int = 0) -> bytes:
    """A directory, little-endian: tag, type, count, value or offset."""
    packed = b"".join(
        struct.pack("<HHL", tag, kind, count)
        + (struct.pack("<HH", value & 0xFFFF, 0) if (kind, count) == (3, 1) else struct.pack("<L", value))
        for tag, kind, count, value in sorted(rows)
    )
    return struct.pack("<H", len(rows)) + packed + struct.pack("<L", following)


def exif(*rows: tuple[int, int, int, int], behind: bytes = b"") -> bytes:
    """EXIF data of one directory, and bytes behind it, which start at `after(rows)`."""
    return b"II*\0\x08\0\0\0" + entries(*rows) + behind


def after(count: int) -> int:
    """Where bytes behind a first directory of so many entries start."""
    return 8 + 2 + 12 * count + 4


def jpeg(*segments: tuple[int, bytes], image: Image.Image = GREY) -> bytes:
    """A small photo with these segments after its start."""
    body = encoded(image, "JPEG", quality=95)
    parts = (struct.pack(">BBH", 255, mark, len(data) + 2) + data for mark, data in segments)
    return body[:2] + b"".join(parts) + body[2:]


def jpeg_with_exif(data: bytes, image: Image.Image = GREY) -> bytes:
    """EXIF in as many segments as it takes."""
    room = 65533 - 6
    return jpeg(*((0xE1, b"Exif\0\0" + data[i : i + room]) for i in range(0, len(data), room)), image=image)


def jpeg_with_xmp(packet: bytes, image: Image.Image = GREY) -> bytes:
    return jpeg((0xE1, XMP_HEAD + packet), image=image)


def tiff_with(*rows: tuple[int, int, int, int], behind: bytes = b"", image: Image.Image = GREY) -> bytes:
    """A grey TIFF with these tags too; what lies `behind` starts at 8 (before its pixels)."""
    width, height = image.size
    start = 8 + len(behind) + len(behind) % 2
    pixels = image.tobytes()
    tags = {256: (4, width), 257: (4, height), 258: (3, 8), 259: (3, 1), 262: (3, 1), 273: (4, start), 277: (3, 1)}
    tags |= {278: (4, height), 279: (4, len(pixels))}
    given = {row[0] for row in rows}
    own = [(tag, kind, 1, value) for tag, (kind, value) in tags.items() if tag not in given]
    head = b"II*\0" + struct.pack("<L", start + len(pixels)) + behind.ljust(start - 8, b"\0")
    return head + pixels + entries(*own, *rows)


def iptc(*sets: tuple[int, int, str]) -> bytes:
    texts = [(record, number, text.encode()) for record, number, text in sets]
    return b"".join(struct.pack(">BBBH", 0x1C, *key, len(text)) + text for *key, text in texts)


def photoshop(*resources: tuple[int, bytes]) -> bytes:
    parts = (struct.pack(">4sHHL", b"8BIM", kind, 0, len(d)) + d + bytes(len(d) % 2) for kind, d in resources)
    return b"".join(parts)


_POINTERS = [EXIF_IFD, GPS_IFD, INTEROP_IFD, 0x014A]
_TAGS = [0x010E, 0x010F, 0x0112, 0x011A, 0x011B, 0x0128, 0x0131, 700, 33723, 34377, 34675, 0x927C, 0x9214, 33922, 40093]
_LAYOUT = [254, 258, 266, 301, 317, 320, 322, 324, 338, 339, 340, 50706]
_rows = st.tuples(
    st.sampled_from(_POINTERS * 3 + _TAGS * 2 + _LAYOUT) | st.integers(0, 65535),
    st.sampled_from([1, 2, 3, 4, 5, 7, 9, 10, 12, 13, 16, 0, 99]) | st.sampled_from([1, 2, 3, 4, 4, 7]),
    st.sampled_from([0, 1, 1, 1, 2, 4, 8, 40, 60_000, 2**31, 2**32 - 1]),
    st.sampled_from([0, 1, 6, 8, 20, 100, 200, 2**31, 2**32 - 1]) | st.integers(0, 400),
)
rows = st.lists(_rows, max_size=9, unique_by=lambda row: row[0])


@st.composite
def hostile_exif(draw: st.DrawFn) -> bytes:
    """Some directories in a row, whose entries lead anywhere: to each other, to themselves, out of the data."""
    blocks = [entries(*draw(rows), following=draw(st.sampled_from([0, 0, 8, 30, 2**31]))) for _ in range(3)]
    starts = [8]
    for block in blocks:
        starts.append(starts[-1] + len(block))
    data = b"II*\0\x08\0\0\0" + b"".join(blocks) + draw(st.binary(max_size=40)) + bytes(draw(st.sampled_from([0, 500])))
    for at in range(10, len(data) - 12, 12):  # have some pointers meet the directories
        if struct.unpack_from("<H", data, at)[0] in _POINTERS and draw(st.booleans()):
            data = data[: at + 2] + struct.pack("<HLL", 4, 1, draw(st.sampled_from(starts))) + data[at + 12 :]
    return data


_names = st.sampled_from(
    [f"{p}:{n}" for p in _SPACES for n in ("x", "y", "Regions", "Thumbnails", "MotionPhoto", "image")]
)
_leaf = st.text(alphabet="0.5 19,a<&é", max_size=8).map(lambda t: t.replace("&", "&amp;").replace("<", "&lt;"))
_attributes = st.dictionaries(_names, _leaf, max_size=3).map(lambda d: "".join(f' {n}="{t}"' for n, t in d.items()))


def _element(inside: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    parts = st.tuples(_names, _attributes, st.lists(inside, max_size=3))
    return parts.map(lambda p: f"<{p[0]}{p[1]}>{''.join(p[2])}</{p[0]}>")


hostile_xmp = st.lists(st.recursive(_leaf, _element, max_leaves=12), max_size=4).map("".join).map(xmp)
