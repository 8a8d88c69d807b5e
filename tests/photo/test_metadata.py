"""What a file carries, from its bytes to a Photo."""

import hashlib
import io
import struct
import zlib

import numpy as np
import pytest
import tifffile
from metadata_files import (
    CAPTION,
    GREY,
    LONG_XMP_HEAD,
    XMP_HEAD,
    after,
    exif,
    iptc,
    jpeg,
    jpeg_with_exif,
    photoshop,
    tiff_with,
    xmp,
)
from photo_files import encoded, png
from PIL import Image

from colorcli.photo import read_photo
from colorcli.photo import xmp as packets
from colorcli.photo.exif import EXIF_IFD, SHORT, Exif
from colorcli.photo.png import to_raw_profile

PRESS = iptc((2, 120, CAPTION), (2, 80, "K. Müller"), (2, 25, "garten"), (2, 25, "familie"))
CREDIT = xmp("", 'photoshop:Credit="City archive"')
PIXELS = np.eye(4, dtype=np.uint8)
ROWS = [bytes(range(4))] * 3


def text_of(photo, tag: int) -> bytes:
    """A text of EXIF's main directory."""
    found = Exif(photo.exif)
    return found.bytes_of(found.directories[0][tag]).rstrip(b"\0")


def iptc_files() -> dict[str, bytes]:
    block = photoshop((0x03ED, b"dpi"), (0x0404, PRESS))
    rows = [(33723, 7, len(PRESS), 8)], [(33723, 4, len(PRESS) // 4 + 1, 8)], [(34377, 7, len(block), 8)]
    jpeg_block = b"Photoshop 3.0\0" + block
    return {
        "jpeg": jpeg((0xED, jpeg_block)),
        "jpeg in two segments": jpeg((0xED, jpeg_block[:40]), (0xED, b"Photoshop 3.0\0" + jpeg_block[40:])),
        "tiff": tiff_with(*rows[0], behind=PRESS),
        "tiff in whole numbers": tiff_with(*rows[1], behind=PRESS + b"\0\0\0\0"),
        "tiff in photoshop's block": tiff_with(*rows[2], behind=block),
        "png": png(4, 8, 0, ROWS, to_raw_profile("iptc", block)),
        "png, bare": png(4, 8, 0, ROWS, to_raw_profile("iptc", PRESS)),
        "exif": jpeg_with_exif(exif((33723, 7, len(PRESS), after(1)), behind=PRESS)),
    }


@pytest.mark.parametrize("name", iptc_files())
def test_iptc_is_found_wherever_it_lies(name):
    photo = read_photo(iptc_files()[name])
    assert photo.iptc == PRESS and photo.lost == []


def xmp_files() -> dict[str, bytes]:
    raw = b"Raw profile type xmp\0" + f"\nxmp\n{len(CREDIT)}\n{CREDIT.hex()}\n".encode()
    app1 = XMP_HEAD + CREDIT
    return {
        "jpeg": jpeg((0xE1, app1)),
        "png": png(4, 8, 0, ROWS, (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + CREDIT)),
        "png, packed": png(4, 8, 0, ROWS, (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(CREDIT))),
        "png, raw": png(4, 8, 0, ROWS, (b"tEXt", raw)),
        "png, raw and packed": png(4, 8, 0, ROWS, to_raw_profile("xmp", CREDIT)),
        "png, raw segment": png(4, 8, 0, ROWS, to_raw_profile("APP1", app1)),
        "tiff": tiff_with((700, 1, len(CREDIT), 8), behind=CREDIT),
        "tiff, as text": tiff_with((700, 2, len(CREDIT), 8), behind=CREDIT),
        "webp": encoded(GREY.convert("RGB"), "WEBP", xmp=CREDIT),
    }


@pytest.mark.parametrize("name", xmp_files())
def test_xmp_is_found_wherever_it_lies(name):
    photo = read_photo(xmp_files()[name])
    assert photo.xmp == CREDIT and photo.lost == []


def in_two_blocks(*, whole: bool = True, parts: int = 2) -> bytes:
    second = xmp(f"<dc:description>{CAPTION}</dc:description>")
    digest = hashlib.md5(second).hexdigest().upper()
    step = len(second) // parts + 1
    cuts = [(at, second[at : at + step]) for at in range(0, len(second), step)][: None if whole else -1]
    more = [LONG_XMP_HEAD + digest.encode() + struct.pack(">LL", len(second), at) + part for at, part in cuts]
    main = XMP_HEAD + xmp("", f'xmpNote:HasExtendedXMP="{digest}" dc:source="box 12"')
    return jpeg((0xE1, main), *((0xE1, part) for part in reversed(more)))


@pytest.mark.parametrize("parts", [1, 3])
def test_xmp_in_two_blocks_becomes_one_packet(parts):
    photo = read_photo(in_two_blocks(parts=parts))
    packet = packets.Packet(photo.xmp)
    assert packet.get("{http://purl.org/dc/elements/1.1/}description") == CAPTION and photo.lost == []
    assert packet.get("{http://ns.adobe.com/xmp/note/}HasExtendedXMP") is None


def test_a_second_block_that_is_not_whole_is_told_and_not_pointed_to():
    photo = read_photo(in_two_blocks(whole=False))
    packet = packets.Packet(photo.xmp)
    assert packet.get("{http://purl.org/dc/elements/1.1/}source") == "box 12"
    assert packet.get("{http://ns.adobe.com/xmp/note/}HasExtendedXMP") is None
    assert photo.lost == ["XMP (its second block is not there, or damaged)"]


def test_comments_of_jpeg_and_gif():
    words = CAPTION.encode()
    assert read_photo(jpeg((0xFE, words), (0xFE, b"box 12"))).comments == [words, b"box 12"]
    assert read_photo(encoded(GREY, "GIF", comment=words)).comments == [words]


def test_credentials_that_were_signed_for_other_pixels_are_told():
    pointer = xmp("", 'xmlns:dcterms="http://purl.org/dc/terms/" dcterms:provenance="self#jumbf=c2pa"')
    photo = read_photo(jpeg((0xE1, XMP_HEAD + pointer), (0xEB, b"JP\0\1\0\0\0\1rest")))
    assert photo.lost == ["Content Credentials"] and b"jumbf" not in photo.xmp


def test_comments_of_a_ppm():
    data = b"P5\n# box 12, sheet 4\n2 2\n#another\n255\n#abc"
    assert read_photo(data).comments == [b"box 12, sheet 4", b"another"]


def test_png_texts_stay_as_their_chunks_were():
    texts = [
        (b"tEXt", b"Title\0The garden"),
        (b"tEXt", b"Title\0Another"),
        (b"zTXt", b"Description\0\0" + zlib.compress(b"Seen from the house")),
        (b"iTXt", b"Author\0\0\0de\0Urheber\0" + CAPTION.encode()),
    ]
    assert read_photo(png(4, 8, 0, ROWS, *texts)).texts == texts


def test_a_text_behind_the_pixels():
    data = png(4, 8, 0, ROWS)
    body = b"tEXtComment\0box 12"
    chunk = struct.pack(">L", len(body) - 4) + body + struct.pack(">L", zlib.crc32(body))
    assert read_photo(data[:-12] + chunk + data[-12:]).texts == [(b"tEXt", b"Comment\0box 12")]


@pytest.mark.parametrize("words", [CAPTION.encode(), CAPTION.encode("latin-1")])
@pytest.mark.parametrize(("order", "big"), [("<", False), (">", False), ("<", True)])
def test_captions_of_tiffs_stay_byte_for_byte(order, words, big):
    buffer = io.BytesIO()
    tags = [(270, "s", len(words) + 1, words + b"\0", True), (315, "s", len(words) + 1, words + b"\0", True)]
    tifffile.imwrite(buffer, PIXELS, byteorder=order, bigtiff=big, extratags=tags, metadata=None)
    photo = read_photo(buffer.getvalue())
    assert text_of(photo, 270) == text_of(photo, 315) == words


def test_place_and_camera_of_a_tiff_come_along():
    given = Image.Exif()
    given[0x010F], given[0x8825] = "Leica", {1: "N", 2: (50.0, 33.0, 6.0)}
    given[0x8769] = {0x9003: "1936:03:01 12:00:00", 0x927C: b"made in Wetzlar"}
    photo = read_photo(encoded(GREY, "TIFF", exif=given.tobytes()))
    kept = Image.Exif()
    kept.load(photo.exif)
    assert (kept[0x010F], kept.get_ifd(0x8825)[2]) == ("Leica", (50, 33, 6))
    assert dict(kept.get_ifd(0x8769)) == {0x9003: "1936:03:01 12:00:00"}
    assert photo.lost == ["the maker note"]  # it may point into the file that was


def test_types_that_only_bigtiff_has_do_not_reach_exif():
    buffer = io.BytesIO()
    tags = [(34664, "Q", 1, 0, True), (18246, "Q", 1, 5, True), (270, "s", 6, b"Aunt", True)]
    tifffile.imwrite(buffer, PIXELS, bigtiff=True, extratags=tags, metadata=None)
    data = bytearray(buffer.getvalue())
    at = data.index(struct.pack("<HHQ", 34664, 16, 1))
    data[at : at + 20] = struct.pack("<HHQQ", 34665, 16, 1, len(data))
    inner = struct.pack("<QHHQQ", 1, 0x9214, 16, 1, 7) + bytes(8)
    photo = read_photo(bytes(data) + inner)
    assert text_of(photo, 270) == b"Aunt"
    assert photo.lost == [f"EXIF tag {tag} (of a type that only BigTIFF has)" for tag in (18246, 0x9214)]


def test_private_tags_of_a_tiff_are_told():
    assert read_photo(tiff_with((65000, 3, 1, 7), (273, 4, 1, 8))).lost == ["TIFF tags 65000"]


def test_gdals_tags_are_told():
    assert read_photo(tiff_with((42113, 2, 2, 0x30))).lost == ["GDAL's tags beside GeoTIFF's"]


def test_where_a_turned_map_lies_is_told():
    scale = struct.pack("<3d", 0.5, 0.5, 0)
    upright, turned = (tiff_with((33550, 12, 3, 8), (274, 3, 1, t), behind=scale) for t in (1, 6))
    assert 33550 in Exif(read_photo(upright).exif).directories[0] and read_photo(upright).lost == []
    assert 33550 not in Exif(read_photo(turned).exif).directories[0]
    assert read_photo(turned).lost == ["GeoTIFF tags (the photo was turned)"]


@pytest.mark.parametrize(
    "data",
    [
        tiff_with(),
        tiff_with((282, 5, 1, 8), (283, 5, 1, 8), (296, 3, 1, 1), behind=struct.pack("<LL", 3, 1)),
        jpeg_with_exif(exif((271, 2, 4, 0x636261))),
    ],
)
def test_no_resolution_stays_none(data):
    assert read_photo(data).dpi is None


@pytest.mark.parametrize(("unit", "expected"), [(1, (200, 300)), (2, (508, 762))])
def test_a_jpegs_own_density(unit, expected):
    data = jpeg_with_exif(exif((0x0112, 3, 1, 6)))
    at = data.index(b"JFIF\0") + 7
    assert read_photo(data[:at] + struct.pack(">BHH", unit, 300, 200) + data[at + 5 :]).dpi == expected


def test_xmp_alone_turns_a_tiff():
    packet = xmp("", 'tiff:Orientation="6"')
    photo = read_photo(tiff_with((700, 1, len(packet), 8), behind=packet))
    assert photo.pixels.shape == (12, 8)
    assert packets.orientation(photo.xmp) == 1


def test_face_and_subject_turn_with_the_photo():
    given = Exif()
    given.set(0x0112, SHORT, [6])
    given.set(0x9214, SHORT, [3, 2], EXIF_IFD)
    region = "<mwg-rs:Regions><mwg-rs:Area stArea:x='0.3' stArea:y='0.2'/></mwg-rs:Regions>"
    photo = read_photo(jpeg((0xE1, b"Exif\0\0" + given.tobytes()), (0xE1, XMP_HEAD + xmp(region))))
    assert Exif(photo.exif).values(0x9214, EXIF_IFD) == [6, 3]
    assert b'stArea:x="0.8"' in photo.xmp and b'stArea:y="0.3"' in photo.xmp


@pytest.mark.parametrize(
    ("data", "lost"),
    [
        (
            jpeg((0xED, b"Photoshop 3.0\0" + photoshop((0x0404, b"junk")))),
            "IPTC (no IPTC data set where one should be)",
        ),
        (jpeg((0xE1, XMP_HEAD + b"<x>")), "XMP ("),
        (tiff_with((700, 4, 1, 8)), "XMP (of a type that XMP never has)"),
        (png(4, 8, 0, ROWS, (b"tEXt", b"Raw profile type exif\0\nexif\n 1\nzz")), "EXIF ("),
        (png(4, 8, 0, ROWS, (b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0junk")), "XMP (damaged, or too large)"),
        (png(4, 8, 0, ROWS, *[to_raw_profile("xmp", CREDIT)] * 2), "another XMP"),
        (png(4, 8, 0, ROWS, (b"eXIf", b"rubbish!!")), "EXIF (no TIFF header)"),
        (encoded(GREY.convert("RGB"), "WEBP", exif=b"Exif\0\0rubbish"), "EXIF (no TIFF header)"),
    ],
)
def test_what_is_broken_is_told_by_name(data, lost):
    found = read_photo(data).lost
    assert len(found) == 1 and found[0].startswith(lost)
