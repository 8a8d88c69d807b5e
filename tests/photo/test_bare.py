import io
import struct
import time

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from metadata_files import EXIF_IFD, GPS_IFD, GREY, exif, hostile_exif, jpeg_with_exif, rows, tiff_with
from photo_files import encoded

from colorcli.errors import PhotoError
from colorcli.photo import read_photo
from colorcli.photo.bare import Bare, bare_jpeg, bare_tiff

PIXELS = np.asarray(GREY)


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_sound_tiff_is_not_copied(big, order):
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, PIXELS, bigtiff=big, byteorder=order, description="A garden", resolution=(300, 300))
    assert bare_tiff(buffer) is buffer and buffer.tell() == 0


@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tiff_loses_its_odd_tags_and_keeps_its_pixels(big, order):
    buffer = io.BytesIO()
    tag = (270, "s", 7, b"Garden", True), (34664, "I", 1, 2**31, True)
    tifffile.imwrite(buffer, PIXELS, bigtiff=big, byteorder=order, extratags=tag, metadata=None, compression="zlib")
    mark = [struct.pack(order + "HH", tag, 4) for tag in (34664, GPS_IFD)]
    buffer = io.BytesIO(buffer.getvalue().replace(*mark))  # a place outside of the file
    bare = bare_tiff(buffer)
    assert isinstance(bare, Bare) and bare.source is buffer
    with tifffile.TiffFile(bare) as file:
        assert not {270, GPS_IFD} & set(file.pages[0].tags.keys())
        np.testing.assert_array_equal(file.pages[0].asarray(), PIXELS)


@pytest.mark.parametrize(
    "row",
    [
        *((700, kind, count, 8) for kind, count in ((2, 5), (3, 2), (4, 1), (12, 1), (99, 1))),
        *(
            (270, 2, 2**31, 8),
            (270, 129, 4, 0x636261),
            (282, 2, 4, 8),
            (296, 5, 1, 8),
            (EXIF_IFD, 12, 1, 8),
            (GPS_IFD, 4, 1, 2**31),
        ),
        *((EXIF_IFD, 2, 40, 2**31), (339, 3, 100, 2**32 - 1), (33723, 4, 2**30, 8), (65000, 0, 3, 3)),
    ],
)
def test_an_odd_tag_does_not_cost_a_tiff(row):
    np.testing.assert_array_equal(read_photo(tiff_with(row, behind=bytes(16))).pixels, PIXELS)


def test_tags_that_share_their_values_take_no_memory():
    shared = [(60_000 + i, 7, 60_000, 8) for i in range(4000)]
    start = time.process_time()
    photo = read_photo(tiff_with(*shared, behind=bytes(60_000)))
    np.testing.assert_array_equal(photo.pixels, PIXELS)
    assert time.process_time() - start < 2
    assert photo.lost == ["EXIF (too many entries)"]


def test_exif_that_shares_its_values_is_kept_from_pillow():
    data = exif(*((1000 + i, 7, 60_000, 18_100) for i in range(1500)), behind=bytes(62_000))
    bare = bare_jpeg(io.BytesIO(jpeg_with_exif(data)))
    assert isinstance(bare, Bare) and b"Exif" not in bare.getvalue()
    assert read_photo(jpeg_with_exif(data)).lost == ["EXIF (its values share their bytes)"]


def test_exif_larger_than_any_is_left_out():
    data = jpeg_with_exif(exif((271, 2, 4, 0x636261), behind=bytes(17 << 20)))
    assert read_photo(data).lost == ["EXIF (it is larger than 16 MB)"]


def test_a_sound_jpeg_is_not_copied():
    for data in (encoded(GREY, "JPEG"), jpeg_with_exif(exif((0x0112, 3, 1, 6)))):
        stream = io.BytesIO(data)
        assert bare_jpeg(stream) is stream and stream.tell() == 0


@pytest.mark.parametrize(
    "data", [b"\xff\xd8\xff", b"\xff\xd8\xff\xe1\0\0", b"\xff\xd8" + b"\xff" * 50, b"\xff\xd8\xff\xe1\0\x08Exif"]
)
def test_cut_jpegs_are_left_to_the_decoder(data):
    stream = io.BytesIO(data)
    assert bare_jpeg(stream) is stream


@given(rows)
@settings(max_examples=200, deadline=None, derandomize=True)
def test_any_tags_leave_a_tiff_readable_or_refused(given_rows):
    data = tiff_with(*given_rows, behind=bytes(100))
    layout = {254, 258, 266, 301, 317, 320, 322, 324, 338, 339, 340, 50706}
    try:
        photo = read_photo(data)
    except PhotoError:
        assert layout & {row[0] for row in given_rows} or any(row[0] < 534 for row in given_rows)
        return
    assert photo.pixels.size == PIXELS.size


@given(hostile_exif())
@settings(max_examples=150, deadline=None, derandomize=True)
def test_any_exif_leaves_a_jpeg_readable(data):
    photo = read_photo(jpeg_with_exif(data))
    assert photo.pixels.size == PIXELS.size
    assert photo.exif is None or struct.unpack_from("<H", photo.exif, 8)[0] == 42
