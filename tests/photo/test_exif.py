import struct
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from photo_files import encoded
from PIL import Image

from colorcli.photo import exif as exif_data
from colorcli.photo.exif import ASCII, SHORT, Exif


def sample(endian: str = "<") -> bytes:
    exif = Image.Exif()
    exif.endian = endian
    exif[0x010F], exif[0x0112] = "Rolleiflex", 6
    exif[0x8769] = {0xA002: 30, 0xA003: 20, 0x9003: "1950:01:01 00:00:00"}
    exif[0x8825] = {1: "S", 2: (1.0, 2.0, 3.5)}
    return exif.tobytes()


def parsed(data: bytes) -> Image.Exif:
    exif = Image.Exif()
    exif.load(data)
    return exif


def with_thumbnail(thumbnail: bytes, tail: bytes = b"") -> bytes:
    """IFD0 with an orientation, IFD1 with a thumbnail."""
    first = struct.pack("<HHHLLL", 1, 0x0112, SHORT, 1, 3, 26)
    second = struct.pack("<HHHLLHHLLL", 2, 0x0201, 4, 1, 56, 0x0202, 4, 1, len(thumbnail), 0)
    return exif_data.PREFIX + b"II*\0\x08\0\0\0" + first + second + thumbnail + tail


@pytest.mark.parametrize("endian", ["<", ">"])
def test_stamped_changes_two_tags_and_nothing_else(endian):
    exif = parsed(exif_data.stamped(sample(endian), "colorcli"))
    assert (exif[0x0131], exif[0x010F], exif[0x0112]) == ("colorcli", "Rolleiflex", 6)
    assert exif.get_ifd(0x8769) == {0xA001: 1, 0xA002: 30, 0xA003: 20, 0x9003: "1950:01:01 00:00:00"}
    assert exif.get_ifd(0x8825) == {1: "S", 2: (1.0, 2.0, 3.5)}


def test_stamped_leaves_the_old_bytes_where_they_are():
    """Maker notes point at absolute offsets."""
    old = sample().removeprefix(exif_data.PREFIX)
    new = exif_data.stamped(sample(), "colorcli").removeprefix(exif_data.PREFIX)
    assert new[8 : len(old)] == old[8:]


@pytest.mark.parametrize("endian", ["<", ">"])
def test_upright_resets_orientation_and_size(endian):
    exif = parsed(exif_data.upright(sample(endian), 20, 30))
    assert exif[0x0112] == 1
    assert (exif.get_ifd(0x8769)[0xA002], exif.get_ifd(0x8769)[0xA003]) == (20, 30)


def test_upright_changes_nothing_without_need():
    data = exif_data.upright(sample(), 20, 30)
    assert exif_data.upright(data, 20, 30) == data


@pytest.mark.parametrize("tail", [b"", b"later"])
def test_the_thumbnail_goes_with_its_bytes(tail):
    data = exif_data.upright(with_thumbnail(b"GREY THUMBNAIL", tail), 2, 3)
    assert b"THUMBNAIL" not in data and tail in data
    assert parsed(data).get_ifd(1) == {}
    assert parsed(data)[0x0112] == 1


@pytest.mark.parametrize("endian", ["<", ">"])
def test_without_maker_note_keeps_the_rest(endian):
    exif = parsed(sample(endian))
    exif.get_ifd(0x8769)[0x927C] = bytes(5000)
    exif[0x8769] = dict(exif.get_ifd(0x8769)) | {0x927C: bytes(5000)}
    smaller = exif_data.without_maker_note(exif.tobytes())
    assert len(smaller) < 400
    kept = parsed(smaller)
    assert kept[0x010F] == "Rolleiflex"
    assert kept.get_ifd(0x8769) == {0xA002: 30, 0xA003: 20, 0x9003: "1950:01:01 00:00:00"}
    assert kept.get_ifd(0x8825)[2] == (1.0, 2.0, 3.5)


def test_new_exif_from_nothing():
    assert parsed(exif_data.stamped(None, "colorcli"))[0x0131] == "colorcli"


def test_dpi_in_inches_and_centimetres():
    assert exif_data.dpi(exif_data.stamped(None, None, (300, 150.5))) == (300, 150.5)
    metric = Exif(exif_data.stamped(None, None, (100, 100)))
    metric.set(exif_data.RESOLUTION_UNIT, SHORT, [3])
    assert exif_data.dpi(metric.tobytes()) == (254, 254)
    assert exif_data.dpi(sample()) is None


@given(st.binary(max_size=200), st.booleans())
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_bytes_are_exif_or_a_value_error(data, headed):
    data = (b"II*\0" if headed else b"") + data
    for read in (exif_data.orientation, exif_data.dpi, exif_data.stamped, exif_data.without_maker_note):
        try:
            read(data)
        except ValueError:
            continue
    with suppress(ValueError):
        assert exif_data.orientation(exif_data.upright(data, 1, 1)) in (None, 1)


def test_pillow_writes_our_exif_into_a_jpeg_and_reads_it_back():
    exif = Exif(sample())
    exif.set(0x013B, ASCII, b"Vivian Maier\0")
    image = Image.new("L", (2, 2))
    data = encoded(image, "JPEG", exif=exif_data.PREFIX + exif.tobytes())
    assert b"Vivian Maier" in data


def test_a_broken_inner_directory_does_not_cost_the_orientation():
    pointer = struct.pack("<HHHLHHHHLLL", 2, 0x0112, SHORT, 1, 6, 0, 0x8769, 4, 1, 9999, 0)
    data = exif_data.PREFIX + b"II*\0\x08\0\0\0" + pointer
    assert exif_data.orientation(data) == 6
    assert dict(parsed(exif_data.upright(data, 1, 1))) == {0x0112: 1}


@pytest.mark.parametrize("tag", [0x8769, 0x8825, 0xA005])
def test_directories_that_point_to_themselves_come_to_an_end(tag):
    loop = b"II*\x00\x08\x00\x00\x00" + struct.pack("<HHHLLL", 1, tag, 4, 1, 8, 0)
    assert exif_data.without_maker_note(exif_data.PREFIX + loop).startswith(exif_data.PREFIX)
