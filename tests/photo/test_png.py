import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from metadata_files import CAPTION
from photo_files import opened, png

from colorcli.photo import png as chunks
from colorcli.photo import read_photo

ROWS = [bytes(range(i, i + 4)) for i in range(3)]
PIXELS = np.frombuffer(b"".join(ROWS), np.uint8).reshape(3, 4)


def plain(*parts: tuple[bytes, bytes]) -> chunks.Plain:
    found = chunks.plain(io.BytesIO(png(4, 8, 0, ROWS, *parts)))
    assert isinstance(found, chunks.Plain)
    return found


def test_a_png_of_pixels_alone_is_not_copied():
    stream = io.BytesIO(png(4, 8, 0, ROWS, (b"pHYs", struct.pack(">LLB", 2835, 2835, 1)), (b"gAMA", bytes(4))))
    assert chunks.plain(stream) is stream and stream.tell() == 0


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        *((b"pHYs", b""), (b"gAMA", b"\0"), (b"sRGB", b""), (b"cHRM", b"x"), (b"acTL", b"\0"), (b"fcTL", b"")),
        *((b"iCCP", b"x"), (b"iCCP", b"a\0\0junk"), (b"tRNS", b"\0"), (b"fdAT", b""), (b"fcTL", bytes(26))),
    ],
)
def test_a_chunk_that_is_cut_short_costs_itself_and_no_more(kind, data):
    photo = read_photo(png(4, 8, 0, ROWS, (kind, data)))
    np.testing.assert_array_equal(photo.pixels, PIXELS)
    assert photo.lost == [f"the PNG chunk {kind.decode()} (damaged)"]


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"vpAg", b"tIME"])
def test_a_wrong_checksum_beside_the_pixels_costs_that_chunk(kind):
    data = png(4, 8, 0, ROWS, (kind, b"Title\0\0x"))
    at = data.index(kind) + 4 + 8
    photo = read_photo(data[:at] + b"\0\0\0\0" + data[at + 4 :])
    np.testing.assert_array_equal(photo.pixels, PIXELS)
    assert photo.lost == [f"the PNG chunk {kind.decode()} (damaged)"]


def test_a_text_that_unpacks_to_much_is_not_unpacked():
    bomb = b"Comment\0\0" + zlib.compress(bytes(50 << 20), 9)
    assert read_photo(png(4, 8, 0, ROWS, *[(b"zTXt", bomb)] * 3)).texts == [(b"zTXt", bomb)] * 3
    assert chunks.text((b"zTXt", bomb)) == b""


def test_texts_are_read_in_all_their_forms():
    words = CAPTION.encode()
    assert chunks.text((b"tEXt", b"Title\0plain")) == b"plain"
    assert chunks.text((b"zTXt", b"Title\0\0" + zlib.compress(b"packed"))) == b"packed"
    assert chunks.text((b"iTXt", b"Title\0\0\0de\0Titel\0" + words)) == words
    assert chunks.text((b"iTXt", b"Title\0\1\0\0\0" + zlib.compress(words))) == words
    assert chunks.text((b"iTXt", b"Title\0")) == chunks.text((b"zTXt", b"Title\0\0junk")) == b""


@pytest.mark.parametrize(("words", "kind"), [(CAPTION.encode(), b"iTXt"), (CAPTION.encode("latin-1"), b"tEXt")])
def test_a_comment_becomes_a_text_of_the_same_bytes(words, kind):
    chunk = chunks.comment(words + b"\0")
    assert chunk[0] == kind and chunks.text(chunk) == words
    assert opened(png(4, 8, 0, ROWS, chunk)).text["Comment"] == CAPTION


def test_raw_profiles_there_and_back():
    chunk = chunks.to_raw_profile("iptc", bytes(range(256)))
    assert chunks.keyword(chunk) == "Raw profile type iptc"
    assert chunks.raw_profile(chunk) == bytes(range(256))
    for broken in (b"\niptc\n 3\n0g", b"", b"\niptc\n"):
        with pytest.raises(ValueError, match=r"."):
            chunks.raw_profile((b"tEXt", b"Raw profile type iptc\0" + broken))


def test_a_damaged_animation_is_its_first_picture():
    control = struct.pack(">LLLLLHHBB", 0, 4, 3, 0, 0, 1, 1, 0, 0)
    animation = [(b"acTL", b"\0\0"), (b"fcTL", control)]
    assert plain(*animation).damaged == ["the PNG chunk acTL (damaged)"]
    np.testing.assert_array_equal(read_photo(png(4, 8, 0, ROWS, *animation)).pixels, PIXELS)


@given(
    st.lists(
        st.tuples(
            st.sampled_from([b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"iCCP", b"pHYs", b"tRNS", b"gAMA", b"acTL", b"fcTL"]),
            st.binary(max_size=40)
            | st.sampled_from(
                [b"XML:com.adobe.xmp\0\0\0\0\0<a>", b"Raw profile type exif\0\nexif\n 2\nff", b"II*\0\x08\0\0\0"]
            ),
        ),
        max_size=4,
    )
)
@settings(max_examples=150, deadline=None, derandomize=True)
def test_any_chunks_beside_whole_pixels_leave_them_whole(parts):
    photo = read_photo(png(4, 8, 0, ROWS, *parts))
    assert photo.pixels.shape[:2] in ((3, 4), (4, 3))  # EXIF may have it turned
