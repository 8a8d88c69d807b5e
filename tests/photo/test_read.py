import io
import struct
import sys

import numpy as np
import pytest
from photo_files import DATA, encoded, error_of, opened, oriented, png, tiff
from PIL import Image

from colorcli.photo import read_photo

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)
COLOURS = np.random.default_rng(0).integers(0, 256, (12, 18, 3), dtype=np.uint8)
TWO_BY_THREE = Image.fromarray(np.array([[10, 20, 30], [40, 50, 60]], np.uint8))
UPRIGHT = {  # what a viewer shows of TWO_BY_THREE, by EXIF orientation
    1: [[10, 20, 30], [40, 50, 60]],
    2: [[30, 20, 10], [60, 50, 40]],
    3: [[60, 50, 40], [30, 20, 10]],
    4: [[40, 50, 60], [10, 20, 30]],
    5: [[10, 40], [20, 50], [30, 60]],
    6: [[40, 10], [50, 20], [60, 30]],
    7: [[60, 30], [50, 20], [40, 10]],
    8: [[30, 60], [20, 50], [10, 40]],
}


# ------------------------------------------------------------------------------------------- formats


@pytest.mark.parametrize("format", ["PNG", "WEBP", "TIFF", "BMP", "PPM"])
def test_lossless_formats_come_in_to_the_bit(format):
    photo = read_photo(encoded(Image.fromarray(COLOURS), format, lossless=True))
    assert photo.format == format
    np.testing.assert_array_equal(photo.pixels, COLOURS)


@pytest.mark.parametrize("format", ["JPEG", "AVIF", "HEIF"])
def test_lossy_formats_come_in_as_pillow_decodes_them(format):
    if format == "HEIF":
        pytest.importorskip("pillow_heif").register_heif_opener()
    data = encoded(Image.open(DATA / "astronaut.jpg"), format)
    photo = read_photo(data)
    assert photo.format == format
    np.testing.assert_array_equal(photo.pixels, np.asarray(opened(data)))


@pytest.mark.parametrize("suffix", [".jpg", ".txt", ""])
def test_content_decides_not_the_suffix(tmp_path, suffix):
    path = tmp_path / f"photo{suffix}"
    path.write_bytes(encoded(TWO_BY_THREE, "PNG"))
    assert read_photo(path).format == "PNG"


def test_streams_need_not_seek():
    class Pipe(io.BytesIO):
        def seek(self, *args):
            raise io.UnsupportedOperation

    assert read_photo(Pipe(encoded(TWO_BY_THREE, "PNG"))).pixels.shape == (2, 3)


@pytest.mark.parametrize("format", ["EPS", "PDF", "JPEG2000", "TGA", "ICO", "PCX", "SGI", "DDS"])
def test_other_formats_of_pillow_are_refused(format):
    data = encoded(Image.fromarray(COLOURS), format)
    assert "no photo that colorcli reads" in error_of(data)


def test_multi_picture_jpeg_is_a_jpeg():
    data = encoded(TWO_BY_THREE, "MPO", save_all=True, append_images=[TWO_BY_THREE])
    photo = read_photo(data)
    assert (photo.format, photo.notes) == ("JPEG", [])


def test_heic_without_its_library_names_the_extra(monkeypatch):
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()
    data = encoded(Image.fromarray(COLOURS).resize((64, 64)), "HEIF")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    assert "colorcli[heic]" in error_of(data)


# ------------------------------------------------------------------------------------------- pixels


@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("turned", range(1, 9))
def test_orientation_is_applied_once_and_reset(format, turned):
    data = encoded(TWO_BY_THREE, format, exif=oriented(turned), lossless=True, dpi=(300, 200))
    photo = read_photo(data)
    assert photo.pixels.tolist() == UPRIGHT[turned]
    exif = Image.Exif()
    exif.load(photo.exif or b"")
    assert exif.get(0x0112, 1) == 1
    if format != "WEBP":
        expected = (200, 300) if turned >= 5 else (300, 200)
        assert photo.dpi == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("form", [b'<rdf:D tiff:Orientation="6"/>', b"<tiff:Orientation>6</tiff:Orientation>"])
def test_orientation_that_only_xmp_tells(form):
    photo = read_photo(encoded(TWO_BY_THREE, "WEBP", lossless=True, xmp=form))
    assert photo.pixels.tolist() == UPRIGHT[6]
    assert photo.xmp is None and "XMP" in photo.lost[0]  # it is no whole packet, and tells how the photo lies


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw"])
def test_compressed_tiffs_are_turned_once(compression):
    data = encoded(TWO_BY_THREE, "TIFF", exif=oriented(8), compression=compression)
    assert read_photo(data).pixels.tolist() == UPRIGHT[8]


def test_orientation_survives_the_bands_of_a_large_photo():
    stored = np.random.default_rng(1).integers(0, 256, (1500, 1100, 3), dtype=np.uint8)
    photo = read_photo(encoded(Image.fromarray(stored), "PNG", exif=oriented(6), compress_level=0))
    np.testing.assert_array_equal(photo.pixels, np.rot90(stored, -1))


def test_grey_in_rgb_comes_as_grey_and_one_odd_pixel_keeps_the_colour():
    stored = np.repeat(RAMP[..., None], 3, axis=2)
    assert read_photo(encoded(Image.fromarray(stored), "PNG")).pixels.shape == (16, 16)
    stored[15, 15, 2] ^= 1
    np.testing.assert_array_equal(read_photo(encoded(Image.fromarray(stored), "PNG")).pixels, stored)


def test_sixteen_bits_are_scaled_not_clipped():
    values = np.linspace(0, 65535, 256, dtype=np.uint16).reshape(16, 16)
    for format in ("PNG", "TIFF", "PPM"):
        photo = read_photo(encoded(Image.fromarray(values), format))
        assert photo.pixels.dtype == np.uint16
        np.testing.assert_array_equal(photo.pixels, values)


def test_big_endian_and_twelve_bit_tiffs():
    values = np.array([[0, 4000], [30000, 65535]], np.uint16)
    data = tiff(2, 2, values.astype(">u2").tobytes(), ">", tag258=(3, 16), tag262=(3, 1))
    np.testing.assert_array_equal(read_photo(data).pixels, values)
    packed = bytes([0x00, 0x0F, 0xFF])  # 0 and 4095
    photo = read_photo(tiff(2, 1, packed, tag258=(3, 12), tag262=(3, 1)))
    assert photo.pixels.tolist() == [[0, 65535]]


@pytest.mark.parametrize(("bits", "dtype", "white"), [(8, "u1", 255), (16, "<u2", 65535)])
def test_white_is_zero(bits, dtype, white):
    stored = np.array([[0, white // 5], [white // 3, white]], dtype)
    photo = read_photo(tiff(2, 2, stored.tobytes(), tag258=(3, bits), tag262=(3, 0)))
    np.testing.assert_array_equal(photo.pixels, white - stored)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([0.0, 0.25, 0.5, 0.75], [0, 16384, 32768, 49151]),  # 0..1
        ([0.0, 51.0, 102.0, 255.0], [0, 13107, 26214, 65535]),  # 0..255
        ([-1.0, 0.0, 1.0, 3.0], [0, 16384, 32768, 65535]),  # its own range
        ([0.0, np.nan, np.inf, 1.0], [0, 0, 65535, 65535]),
        ([7e9, 7e9, 7e9, 7e9], [0, 0, 0, 0]),
    ],
)
def test_floating_point_grey_takes_its_likely_range(values, expected):
    photo = read_photo(encoded(Image.fromarray(np.array(values, np.float32).reshape(2, 2)), "TIFF"))
    np.testing.assert_allclose(photo.pixels.ravel().astype(int), expected, atol=1)
    assert "scaled to the full range" in photo.notes[0]


def test_signed_integers_take_their_own_range():
    photo = read_photo(encoded(Image.fromarray(np.array([[-100, 0], [50, 100]], np.int32)), "TIFF"))
    np.testing.assert_allclose(photo.pixels.ravel().astype(int), [0, 32768, 49151, 65535], atol=1)


def test_misread_tiffs_are_refused():
    """Compressed, big-endian, 32-bit: Pillow swaps the bytes twice. When it no longer does, this can go."""
    pixels = struct.pack(">4f", 0.0, 0.25, 0.5, 1.0)
    packed = b"\x0f" + pixels  # PackBits: 16 literal bytes
    data = tiff(2, 2, packed, ">", tag258=(3, 32), tag259=(3, 32773), tag262=(3, 1), tag339=(3, 3))
    assert "misreads" in error_of(data)
    assert np.asarray(opened(data)).ravel().tolist() != [0.0, 0.25, 0.5, 1.0]


def test_sixteen_bit_colour_keeps_its_high_bytes():
    photo = read_photo(png(1, 16, 2, [struct.pack(">3H", 0x1234, 0x5678, 0xFFFF)]))
    assert photo.pixels.tolist() == [[[0x12, 0x56, 0xFF]]]


def test_bilevel():
    checks = (np.indices((9, 9)).sum(axis=0) % 2).astype(bool)
    for format in ("PNG", "TIFF", "PPM", "BMP"):
        photo = read_photo(encoded(Image.fromarray(checks), format))
        np.testing.assert_array_equal(photo.pixels, checks * np.uint8(255))


@pytest.mark.parametrize(("mode", "expected"), [("LA", (2, 2)), ("RGBA", (2, 2, 3))])
def test_alpha_channels(mode, expected):
    image = Image.new("RGBA", (2, 2), (200, 100, 50, 255))
    image.putpixel((1, 0), (200, 100, 50, 77))
    photo = read_photo(encoded(image.convert(mode), "PNG"))
    assert photo.pixels.shape == expected
    assert photo.alpha.tolist() == [[255, 77], [255, 255]]


def test_palette_with_an_alpha_channel():
    image = Image.frombytes("PA", (2, 1), bytes([1, 77, 0, 255]))
    image.putpalette([200, 100, 50, 10, 20, 30])
    photo = read_photo(encoded(image, "TIFF"))
    assert photo.pixels.tolist() == [[[10, 20, 30], [200, 100, 50]]]
    assert photo.alpha.tolist() == [[77, 255]]


def test_opaque_alpha_is_no_alpha():
    assert read_photo(encoded(Image.new("RGBA", (2, 2), (1, 2, 3, 255)), "PNG")).alpha is None


def test_transparent_palette_colour():
    image = Image.new("P", (2, 1))
    image.putpalette([255, 0, 0, 0, 0, 255])
    image.putpixel((1, 0), 1)
    for format in ("PNG", "GIF"):
        photo = read_photo(encoded(image, format, transparency=1))
        assert photo.pixels.tolist()[0][0] == [255, 0, 0]
        assert photo.alpha.tolist() == [[255, 0]]


@pytest.mark.parametrize(("depth", "row", "key"), [(2, b"\x1b", 2), (4, b"\x0f\x3a", 3), (16, bytes(6) + b"\1\2", 258)])
def test_transparent_grey_of_any_depth(depth, row, key):
    photo = read_photo(png(4, depth, 0, [row], (b"tRNS", struct.pack(">H", key))))
    position = {2: 2, 4: 2, 16: 3}[depth]
    assert photo.alpha.tolist() == [[0 if i == position else 255 for i in range(4)]]


def test_transparent_colour_of_sixteen_bits():
    row = struct.pack(">6H", 1000, 2000, 3000, 40000, 5, 6)
    photo = read_photo(png(2, 16, 2, [row], (b"tRNS", struct.pack(">3H", 1000, 2000, 3000))))
    assert photo.alpha.tolist() == [[0, 255]]


@pytest.mark.parametrize("format", ["GIF", "TIFF", "PNG", "WEBP", "AVIF"])
def test_the_first_frame_and_a_note(format):
    frames = [Image.new("RGB", (8, 8), (value, 0, 0)) for value in (200, 90, 10)]
    photo = read_photo(encoded(frames[0], format, save_all=True, append_images=frames[1:], lossless=True))
    assert abs(int(photo.pixels[0, 0, 0]) - 200) < 8
    assert f"{'page' if format == 'TIFF' else 'frame'} 1 of 3 only" in photo.notes


def test_a_damaged_later_page_does_not_matter():
    page = Image.fromarray(RAMP)
    data = encoded(page, "TIFF", save_all=True, append_images=[page])
    second = len(encoded(page, "TIFF"))
    photo = read_photo(data[: second + 20])
    np.testing.assert_array_equal(photo.pixels, RAMP)
    assert "page 1 only" in photo.notes


# ------------------------------------------------------------------------------------------- metadata


def test_exif_xmp_and_dpi_come_along():
    exif = oriented(1)
    exif[0x010F] = "Leica"
    packet = b"<r:RDF xmlns:r='http://www.w3.org/1999/02/22-rdf-syntax-ns#'/>"
    data = encoded(TWO_BY_THREE, "JPEG", exif=exif, xmp=packet, dpi=(300, 300))
    photo = read_photo(data)
    assert b"Leica" in photo.exif
    assert (photo.xmp, photo.dpi) == (packet, (300, 300))


def test_a_tiffs_layout_is_not_taken_for_exif():
    exif = oriented(1)
    exif[0x010F] = "Leica"
    read = Image.Exif()
    read.load(read_photo(encoded(TWO_BY_THREE, "TIFF", exif=exif)).exif)
    assert dict(read) == {0x010F: "Leica", 0x0112: 1}


@pytest.mark.parametrize("broken", [b"Exif\0\0rubbish", b"Exif\0\0II*\0\xff\xff\xff\xff"])
def test_broken_exif_is_left_out_with_a_note(broken):
    photo = read_photo(encoded(TWO_BY_THREE, "JPEG", exif=broken))
    assert photo.exif is None
    assert photo.lost[0].startswith("EXIF (")


def test_nonsense_dpi_is_none():
    assert read_photo(encoded(TWO_BY_THREE, "BMP", dpi=(0, 0))).dpi is None


# ------------------------------------------------------------------------------------------- colour notes


def test_colour_photos_are_noted():
    for name in ("astronaut.jpg", "coffee.jpg", "cat.png", "rocket.webp"):
        assert read_photo(DATA / name).notes == ["already in colour: its luminance is used"]


def test_grey_photos_are_not_noted_even_with_a_cast_of_noise():
    grey = np.asarray(Image.open(DATA / "camera.png"))
    noise = np.random.default_rng(2).integers(-2, 3, (*grey.shape, 3))
    noisy = (grey[..., None] + noise).clip(0, 255).astype(np.uint8)
    assert read_photo(DATA / "camera.png").notes == []
    assert read_photo(encoded(Image.fromarray(noisy), "PNG")).notes == []


def test_sepia_is_noted():
    grey = np.asarray(Image.open(DATA / "camera.png")).astype(float)[..., None] / 255
    sepia = (255 * grey ** np.array([0.8, 1.0, 1.4])).astype(np.uint8)
    notes = read_photo(encoded(Image.fromarray(sepia), "JPEG")).notes
    assert notes == ["toned (sepia or the like): its luminance is used"]
