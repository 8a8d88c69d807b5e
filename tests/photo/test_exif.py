import struct
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metadata_files import EXIF_IFD, INTEROP_IFD, after, entries, exif, hostile_exif
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


def upright(data: bytes, width: int, height: int, turned: int = 1) -> bytes:
    exif = Exif(data)
    exif_data.make_true(exif, width, height, turned)
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
    exif = parsed(exif_data.stamped(sample(endian), "colorcli").tobytes())
    assert (exif[0x0131], exif[0x010F], exif[0x0112]) == ("colorcli", "Rolleiflex", 6)
    assert exif.get_ifd(0x8769) == {0xA001: 1, 0xA002: 30, 0xA003: 20, 0x9003: "1950:01:01 00:00:00"}
    assert exif.get_ifd(0x8825) == {1: "S", 2: (1.0, 2.0, 3.5)}


def test_stamped_leaves_the_old_bytes_where_they_are():
    """Maker notes point at absolute offsets."""
    old = sample().removeprefix(exif_data.PREFIX)
    new = exif_data.stamped(sample(), "colorcli").tobytes().removeprefix(exif_data.PREFIX)
    assert new[8 : len(old)] == old[8:]


@pytest.mark.parametrize("endian", ["<", ">"])
def test_upright_resets_orientation_and_size(endian):
    exif = parsed(upright(sample(endian), 20, 30))
    assert exif[0x0112] == 1
    assert (exif.get_ifd(0x8769)[0xA002], exif.get_ifd(0x8769)[0xA003]) == (20, 30)


def test_upright_changes_nothing_without_need():
    data = upright(sample(), 20, 30)
    assert upright(data, 20, 30) == data


@pytest.mark.parametrize("tail", [b"", b"later"])
def test_the_thumbnail_goes_with_its_bytes(tail):
    data = upright(with_thumbnail(b"GREY THUMBNAIL", tail), 2, 3)
    assert b"THUMBNAIL" not in data and tail in data
    assert parsed(data).get_ifd(1) == {}
    assert parsed(data)[0x0112] == 1


@pytest.mark.parametrize("endian", ["<", ">"])
def test_without_maker_note_keeps_the_rest(endian):
    exif = parsed(sample(endian))
    exif.get_ifd(0x8769)[0x927C] = bytes(5000)
    exif[0x8769] = dict(exif.get_ifd(0x8769)) | {0x927C: bytes(5000)}
    smaller = exif_data.without_maker_note(Exif(exif.tobytes()))
    assert len(smaller.data) < 400
    assert smaller.lost == ["the maker note"]
    kept = parsed(smaller.tobytes())
    assert kept[0x010F] == "Rolleiflex"
    assert kept.get_ifd(0x8769) == {0xA002: 30, 0xA003: 20, 0x9003: "1950:01:01 00:00:00"}
    assert kept.get_ifd(0x8825)[2] == (1.0, 2.0, 3.5)


def test_new_exif_from_nothing():
    assert parsed(exif_data.stamped(None, "colorcli").tobytes())[0x0131] == "colorcli"


def test_dpi_in_inches_and_centimetres():
    assert exif_data.dpi(exif_data.stamped(None, None, (300, 150.5))) == (300, 150.5)
    metric = exif_data.stamped(None, None, (100, 100))
    metric.set(exif_data.RESOLUTION_UNIT, SHORT, [3])
    assert exif_data.dpi(metric) == (254, 254)
    assert exif_data.dpi(Exif(sample())) is None
    metric.drop(exif_data.RESOLUTION_UNIT)  # TIFF 6.0: inches
    assert exif_data.dpi(metric) == (100, 100)


@given(st.binary(max_size=200), st.booleans())
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_bytes_are_exif_or_a_value_error(data, headed):
    with suppress(ValueError):
        exif = Exif((b"II*\0" if headed else b"") + data)
        exif_data.make_true(exif, 1, 1, exif_data.orientation(exif) or 1)
        assert exif_data.orientation(Exif(exif.tobytes())) in (None, 1)
        exif_data.dpi(exif)
        exif_data.without_maker_note(exif)


def test_pillow_writes_our_exif_into_a_jpeg_and_reads_it_back():
    exif = Exif(sample())
    exif.set(0x013B, ASCII, b"Vivian Maier\0")
    image = Image.new("L", (2, 2))
    data = encoded(image, "JPEG", exif=exif_data.PREFIX + exif.tobytes())
    assert b"Vivian Maier" in data


def test_a_broken_inner_directory_does_not_cost_the_orientation():
    pointer = struct.pack("<HHHLHHHHLLL", 2, 0x0112, SHORT, 1, 6, 0, 0x8769, 4, 1, 9999, 0)
    data = exif_data.PREFIX + b"II*\0\x08\0\0\0" + pointer
    assert exif_data.orientation(Exif(data)) == 6
    assert Exif(data).lost == ["EXIF's camera data (an offset lies outside the data)"]
    assert dict(parsed(upright(data, 1, 1))) == {0x0112: 1}


def mended(data: bytes, width: int = 72, height: int = 48, turned: int = 6) -> Exif:
    data_ = Exif(data)
    exif_data.make_true(data_, width, height, turned)
    return Exif(data_.tobytes())


def with_camera(*rows: tuple[int, int, int, int], behind: bytes = b"") -> bytes:
    """EXIF whose Exif directory has these entries; bytes behind it start at after(1) + after(len(rows)) - 8."""
    return exif((EXIF_IFD, 4, 1, after(1)), behind=entries(*rows) + behind)


def test_what_tells_of_the_grey_pixels_goes():
    """Sizes, bits, photometric interpretation, samples; tiles and sample formats would spoil a TIFF."""
    rows = [(tag, 3, 1, 1) for tag in (256, 257, 258, 262, 266, 277, 317, 322, 338, 339, 340, 50706)]
    assert mended(exif(*rows, (271, 2, 4, 0x636261))).directories == {
        0: Exif(exif((271, 2, 4, 0x636261))).directories[0]
    }


@pytest.mark.parametrize(
    ("stored", "upright_"), [([10, 20], [52, 10]), ([10, 20, 5], [52, 10, 5]), ([10, 20, 8, 6], [52, 10, 6, 8])]
)
def test_the_subject_is_turned_with_the_photo(stored, upright_):
    data = Exif()
    data.set(0x9214, SHORT, stored, EXIF_IFD)
    assert mended(data.tobytes()).values(0x9214, EXIF_IFD) == upright_
    assert mended(data.tobytes(), turned=1).values(0x9214, EXIF_IFD) == stored


def test_a_subject_outside_the_photo_goes():
    data = Exif()
    data.set(0x9214, SHORT, [500, 20], EXIF_IFD)
    assert mended(data.tobytes()).values(0x9214, EXIF_IFD) == []


def test_interoperability_with_adobe_rgb_becomes_that_with_srgb():
    data = Exif()
    data.set(1, ASCII, b"R03\0", INTEROP_IFD)
    data.set(0x1001, SHORT, [48], INTEROP_IFD)
    kept = mended(data.tobytes())
    assert kept.directories[INTEROP_IFD][1].field == b"R98\0" and 0x1001 not in kept.directories[INTEROP_IFD]


def test_components_of_a_grey_jpeg_go():
    grey, colour = with_camera((0x9101, 7, 4, 1), (0x9102, 7, 4, 1)), with_camera((0x9101, 7, 4, 0x00030201))
    assert mended(grey).directories.get(EXIF_IFD, {}) == {}
    assert 0x9101 in mended(colour).directories[EXIF_IFD]


def test_resolutions_without_a_unit_are_turned_too():
    data = Exif()
    data.set(exif_data.X_RESOLUTION, 5, [2, 1])
    data.set(exif_data.Y_RESOLUTION, 5, [1, 1])
    assert (mended(data.tobytes()).get_ratio(0x011A), mended(data.tobytes()).get_ratio(0x011B)) == (1, 2)


def test_a_tiff_gets_tags_of_the_photo_alone():
    rows = [
        (270, 2, 4, 0x636261),
        (271, 3, 1, 5),
        (33432, 7, 4, 0x636261),
        (296, 3, 1, 9),
        (282, 5, 2, 8),
        (50341, 7, 4, 0),
        (18246, 3, 1, 5),
    ]
    data = Exif(exif(*rows, behind=bytes(20)))
    assert sorted(exif_data.for_tiff(data)) == [271, 282, 296, 50341]
    assert set(data.directories[0]) == {270, 18246, 33432}


@given(hostile_exif(), st.integers(1, 8))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_structure_is_mended_stamped_and_rebuilt_within_bounds(data, turned):
    with suppress(ValueError):
        whole = Exif(data)
        exif_data.make_true(whole, 3, 2, turned)
        once = exif_data.stamped(whole.tobytes(), "colorcli", (300, 300))
        assert once.lost == []  # what was odd is gone
        again = Exif(once.tobytes())
        assert again.lost == [] and again.directories == once.directories and exif_data.dpi(again) == (300, 300)
        assert len(exif_data.without_maker_note(again).tobytes()) <= len(once.data) + 400
        assert len(once.data) < 3 * len(data) + 1000


@pytest.mark.parametrize("tag", [EXIF_IFD, 0x8825, INTEROP_IFD])
def test_directories_that_point_to_themselves_come_to_an_end(tag):
    data = Exif(exif((tag, 4, 1, 8)))
    assert len(data.lost) == 1 and data.directories == {0: {}}
    assert exif_data.without_maker_note(data).tobytes().startswith(b"II*")
