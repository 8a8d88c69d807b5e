"""What a Photo carries, in files of every format, looked at by other readers."""

import io

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from metadata_files import CAPTION, exif, hostile_exif, hostile_xmp, iptc, jpeg_with_exif, xmp
from photo_files import opened
from PIL import IptcImagePlugin

from colorcli.photo import Photo, Provenance, read_photo, write_photo
from colorcli.photo.exif import Exif
from colorcli.photo.formats import WRITABLE, heif_available

COLOURS = np.random.default_rng(1).integers(0, 256, (8, 12, 3), dtype=np.uint8)
PROVENANCE = Provenance("gan", "f" * 64)
PRESS = iptc((2, 120, CAPTION), (2, 25, "garten"), (2, 25, "familie"))
CREDIT = xmp("", 'photoshop:Credit="City archive" dc:format="image/jpeg"')
TEXTS = [(b"tEXt", b"Title\0The garden"), (b"iTXt", b"Author\0\0\0de\0Urheber\0" + CAPTION.encode())]
FORMATS = [name for name in WRITABLE if name != "HEIF" or heif_available()]


def full() -> Photo:
    data = exif((271, 2, 4, 0x636261))
    return Photo(COLOURS, exif=data, xmp=CREDIT, iptc=PRESS, comments=[CAPTION.encode(), b"box 12"], texts=TEXTS)


def written(photo: Photo, format: str) -> tuple[bytes, list[str]]:
    stream = io.BytesIO()
    notes = write_photo(photo, stream, format=format, provenance=PROVENANCE)
    return stream.getvalue(), notes


def test_a_jpeg_holds_all_but_texts_of_a_png():
    data, notes = written(full(), "JPEG")
    assert notes == ["metadata left out: PNG texts (Title, Author)"]
    image = opened(data)
    press = IptcImagePlugin.getiptcinfo(image)
    assert press[2, 120] == CAPTION.encode() and press[2, 25] == [b"garten", b"familie"]
    assert [body for name, body in image.applist if name == "COM"] == [CAPTION.encode(), b"box 12"]
    assert image.getexif()[271] == "abc" and b"City archive" in image.info["xmp"]


def test_a_png_holds_all():
    data, notes = written(full(), "PNG")
    assert notes == []
    image = opened(data)
    assert {**image.text, "Comment": 0}.items() >= {"Title": "The garden", "Author": CAPTION}.items()
    assert image.text["Author"].tkey == "Urheber"
    assert "City archive" in image.text["XML:com.adobe.xmp"] and image.getexif()[271] == "abc"
    again = read_photo(data)
    assert again.iptc == PRESS and [text[0] for text in again.texts] == [b"tEXt", b"iTXt", b"iTXt", b"tEXt"]


def test_a_tiff_holds_iptc():
    data, notes = written(full(), "TIFF")
    assert notes == ["metadata left out: the comment, PNG texts (Title, Author)"]
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        tags = file.pages[0].tags
        assert bytes(tags[33723].value) == PRESS and tags[271].value == "abc"
        assert b"City archive" in bytes(tags[700].value)
        np.testing.assert_array_equal(file.pages[0].asarray(), COLOURS)


@pytest.mark.parametrize("format", [name for name in ("WEBP", "AVIF", "HEIF") if name in FORMATS])
def test_other_formats_say_what_they_do_not_hold(format):
    data, notes = written(full(), format)
    assert notes == ["metadata left out: IPTC, the comment, PNG texts (Title, Author)"]
    assert opened(data).getexif()[271] == "abc" and b"City archive" in read_photo(data).xmp


@pytest.mark.parametrize("format", ["BMP", "PPM"])
def test_one_note_names_all_that_a_bare_format_loses(format):
    photo = full()
    photo.lost = ["the gain map"]
    _, notes = written(photo, format)
    lost = "the gain map, EXIF, XMP, IPTC, the comment, PNG texts (Title, Author)"
    assert notes == [f"{format} holds no metadata: left out: {lost}; it does not say that colorcli made it"]


def test_a_map_that_loses_its_place_says_so():
    _, notes = written(Photo(COLOURS, exif=exif((34735, 3, 1, 1))), "BMP")
    assert "EXIF, GeoTIFF tags" in notes[0]


def test_what_reading_lost_is_told_with_the_rest():
    photo = full()
    photo.lost = ["XMP (its second block is not there, or damaged)"]
    _, notes = written(photo, "TIFF")
    assert len(notes) == 1 and photo.lost[0] in notes[0] and "the comment" in notes[0]


def test_the_format_that_xmp_names_is_the_files_own():
    assert b'dc:format="image/png"' in read_photo(written(full(), "PNG")[0]).xmp
    assert b'dc:format="image/jpeg"' in read_photo(written(full(), "JPEG")[0]).xmp


def test_large_iptc_and_comments_take_more_segments():
    press = iptc(*((2, 25, "x" * 30_000) for _ in range(7)))
    data, notes = written(Photo(COLOURS, iptc=press, comments=[b"y" * 100_000]), "JPEG")
    again = read_photo(data)
    assert notes == [] and again.iptc == press and b"".join(again.comments) == b"y" * 100_000


def test_tags_that_no_tiff_may_hold_are_told():
    rows = [(271, 2, 4, 0x636261), (50341, 7, 4, 0x636261)]
    _, notes = written(Photo(COLOURS, exif=exif(*rows)), "TIFF")
    assert notes == ["metadata left out: EXIF tags 50341"]
    assert 50341 in Exif(read_photo(written(Photo(COLOURS, exif=exif(*rows)), "JPEG")[0]).exif).directories[0]


LAYOUT = [(266, 2), (322, 16), (324, 8), (338, 1), (339, 3), (340, 9), (254, 1), (258, 1), (262, 3), (317, 3), (330, 8)]


@pytest.mark.parametrize(("tag", "value"), [*LAYOUT, (50706, 1), (32997, 4), (259, 7)])
@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
def test_tags_of_a_tiffs_layout_never_reach_another_file(tag, value, format):
    photo = read_photo(jpeg_with_exif(exif((tag, 3, 1, value))))
    data, notes = written(photo, format)
    assert notes == []
    opened(data)
    if format == "TIFF":
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            assert file.pages[0].asarray().shape == photo.pixels.shape
    else:
        assert tag not in opened(data).getexif()


def opens_elsewhere(data: bytes, format: str) -> None:
    """Another reader opens the file, and sees no loop in its EXIF."""
    image = opened(data)
    assert image.size == (12, 8)
    for directory in (0x8769, 0x8825, 0xA005):
        image.getexif().get_ifd(directory)
    if format == "TIFF":
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            np.testing.assert_array_equal(file.pages[0].asarray(), COLOURS)


@given(
    data=hostile_exif(),
    packet=hostile_xmp,
    press=st.none() | st.binary(min_size=5, max_size=30),
    format=st.sampled_from(FORMATS),
)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_metadata_goes_into_a_file_that_others_open(data, packet, press, format):
    result, notes = written(Photo(COLOURS, exif=data, xmp=packet, iptc=press), format)
    assert len([note for note in notes if "left out" in note]) <= 1
    opens_elsewhere(result, format)
    assert len(result) < 100_000 + 4 * len(data)


@given(data=hostile_exif(), format=st.sampled_from(FORMATS))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_any_exif_of_a_jpeg_goes_into_a_file_that_others_open(data, format):
    photo = read_photo(jpeg_with_exif(data))
    photo.pixels = COLOURS
    opens_elsewhere(written(photo, format)[0], format)
