import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metadata_files import CAPTION, iptc, photoshop

from colorcli.photo import iptc as press

PRESS = iptc((1, 90, "\x1b%G"), (2, 120, CAPTION), (2, 25, "garten"), (2, 25, "familie"))


def test_it_comes_out_of_photoshops_block_and_goes_in_again():
    block = press.PHOTOSHOP_HEAD + photoshop((0x03ED, b"dpi"), (press.RESOURCE, PRESS), (0x040B, b"http://x"))
    assert press.from_photoshop(block) == PRESS
    assert press.from_photoshop(press.to_photoshop(PRESS)) == PRESS
    assert press.from_photoshop(photoshop((0x03ED, b"dpi"))) == b""


def test_what_holds_stays_byte_for_byte():
    assert press.true(PRESS) == PRESS
    assert press.true(PRESS + b"\0\0\0") == PRESS  # TIFF pads


def test_previews_and_what_tells_of_the_grey_picture_go():
    untrue = iptc((2, 130, "1W"), (2, 131, "P"), (2, 202, "a grey preview"), (3, 60, "M"))
    assert press.true(iptc((2, 5, "Title")) + untrue) == iptc((2, 5, "Title"))


def test_padding_between_resources():
    block = photoshop((0x03ED, b"dpi")) + bytes(3_000_000) + photoshop((press.RESOURCE, PRESS))
    assert press.from_photoshop(block) == PRESS


def test_long_data_sets():
    long = b"\x1c\x02\x78\x80\x04\0\x01\0\0" + b"x" * 65536
    assert press.true(long + PRESS) == long + PRESS


@pytest.mark.parametrize("broken", [b"plain", PRESS[:-3], b"\x1c\x02", PRESS + b"\0x"])
def test_what_is_no_iptc_is_a_value_error(broken):
    with pytest.raises(ValueError, match=r"cut short|no IPTC"):
        press.true(broken)


@pytest.mark.parametrize("broken", [photoshop((press.RESOURCE, PRESS))[:-9], b"8BIM\x04\x04\0\0\xff\xff\xff\xff"])
def test_a_cut_block_is_a_value_error(broken):
    with pytest.raises(ValueError, match="Photoshop"):
        press.from_photoshop(broken)


@given(st.binary(max_size=120), st.sampled_from([b"", b"\x1c\x02", b"8BIM\x04\x04", press.PHOTOSHOP_HEAD]))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_any_bytes_are_iptc_or_a_value_error(data, head):
    for read in (press.true, press.from_photoshop):
        try:
            assert len(read(head + data)) <= len(head + data)
        except ValueError:
            continue
