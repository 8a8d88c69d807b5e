import errno
import io
import os
import re
import stat
import sys

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from photo_files import DATA, encoded, opened
from PIL import Image, ImageCms

from colorcli.errors import PhotoError
from colorcli.photo import Photo, Provenance, read_photo, suffix_for, target_format, write_photo
from colorcli.photo.formats import READABLE, WRITABLE
from colorcli.photo.icc import srgb_bytes
from colorcli.version import __version__

COFFEE = np.asarray(Image.open(DATA / "coffee.jpg"))
PROVENANCE = Provenance("gan@photo", "1a2b3c4d5e6f" + "0" * 52)
SOFTWARE = f"colorcli {__version__} gan@photo 1a2b3c4d5e6f"
SOURCE_TYPE = b"http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
WITH_METADATA = ["JPEG", "PNG", "WEBP", "TIFF", "AVIF", "HEIF"]
LOSSLESS = ["PNG", "TIFF", "BMP", "PPM"]
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>Ansel</dc:creator>'
    b"</rdf:Description></rdf:RDF></x:xmpmeta>"
)


def exif_bytes() -> bytes:
    exif = Image.Exif()
    exif[0x010F], exif[0x0131] = "Leica", "Darkroom 1.0"
    exif[0x8769] = {0xA001: 65535, 0x9003: "1936:03:01 12:00:00", 0x927C: b"made in Wetzlar"}
    exif[0x8825] = {1: "N", 2: (50.0, 33.0, 6.0)}
    return exif.tobytes()


def written(photo: Photo, format: str, **options) -> tuple[bytes, list[str]]:
    if format == "HEIF":
        pytest.importorskip("pillow_heif")
    stream = io.BytesIO()
    notes = write_photo(photo, stream, format=format, **options)
    return stream.getvalue(), notes


# ------------------------------------------------------------------------------------------- pixels


@pytest.mark.parametrize("format", LOSSLESS)
@pytest.mark.parametrize("pixels", [COFFEE, COFFEE[..., 1], COFFEE[:1, :1], COFFEE[:, :1], COFFEE[::2, ::3]])
def test_lossless_formats_hold_the_pixels_to_the_bit(format, pixels):
    data, _ = written(Photo(pixels), format)
    np.testing.assert_array_equal(np.asarray(opened(data)), pixels)


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "AVIF", "HEIF"])
def test_lossy_formats_keep_the_luminance(format):
    data, _ = written(Photo(COFFEE), format)
    error = np.abs(np.asarray(opened(data).convert("L"), int) - np.asarray(Image.fromarray(COFFEE).convert("L")))
    assert error.mean() < 1.2
    assert error.max() <= {"JPEG": 7, "WEBP": 14}.get(format, 9)


def test_jpeg_keeps_chroma_at_full_size():
    data, _ = written(Photo(COFFEE), "JPEG")
    assert [layer[1:3] for layer in opened(data).layer] == [(1, 1)] * 3


@pytest.mark.parametrize("format", ["JPEG", "WEBP", "AVIF", "HEIF"])
def test_quality_is_heeded(format):
    assert len(written(Photo(COFFEE), format, quality=30)[0]) < len(written(Photo(COFFEE), format)[0]) / 2


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bit_grey_stays(format):
    deep = COFFEE[..., 0].astype(np.uint16) * 251
    data, notes = written(Photo(deep), format)
    np.testing.assert_array_equal(read_photo(data).pixels, deep)
    assert notes == []


def test_sixteen_bit_grey_is_rounded_where_it_must():
    deep = np.array([[0, 128, 129, 257, 65406, 65407, 65535]], np.uint16)
    data, notes = written(Photo(deep), "PPM")
    assert np.asarray(opened(data)).tolist() == [[0, 0, 1, 1, 254, 255, 255]]
    assert notes == ["16-bit grey written with 8 bits"]


@pytest.mark.parametrize("format", ["PNG", "TIFF", "WEBP", "AVIF", "HEIF"])
@pytest.mark.parametrize("pixels", [COFFEE, COFFEE[..., 0], COFFEE[..., 0].astype(np.uint16) * 257])
def test_alpha_is_kept(format, pixels):
    alpha = np.tile(np.arange(pixels.shape[1]) % 256, (len(pixels), 1)).astype(np.uint8)
    read = read_photo(written(Photo(pixels, alpha), format)[0])
    assert np.abs(read.alpha.astype(int) - alpha).max() <= (0 if format in LOSSLESS else 12)


@pytest.mark.parametrize("format", ["JPEG", "BMP", "PPM"])
def test_alpha_that_a_format_cannot_hold_becomes_white_with_a_note(format):
    pixels, alpha = np.full((8, 16, 3), 40, np.uint8), np.zeros((8, 16), np.uint8)
    alpha[:, 8:] = 255
    data, notes = written(Photo(pixels, alpha), format)
    image = opened(data)
    assert (image.getpixel((0, 0)), image.getpixel((15, 7))) == ((255,) * 3, (40,) * 3)
    assert f"{format} holds no transparency: the photo lies on white" in notes


def test_our_tiff_is_read_alike_by_another_library():
    for pixels in (COFFEE, COFFEE[..., 0], COFFEE[..., 0].astype(np.uint16) * 251):
        data, _ = written(Photo(pixels, exif=exif_bytes(), xmp=XMP), "TIFF", provenance=PROVENANCE)
        np.testing.assert_array_equal(tifffile.imread(io.BytesIO(data)), pixels)


@pytest.mark.parametrize(("format", "side"), [("JPEG", 65501), ("WEBP", 16384), ("AVIF", 65537), ("HEIF", 16385)])
def test_sides_that_a_format_cannot_hold(format, side):
    with pytest.raises(PhotoError, match=f"{side} pixels on a side, and {format} holds at most {side - 1}"):
        written(Photo(np.zeros((1, side), np.uint8)), format)


def test_formats_that_cannot_be_written():
    with pytest.raises(PhotoError, match="not a format that colorcli writes"):
        written(Photo(COFFEE), "GIF")


def test_heic_without_its_library_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    with pytest.raises(PhotoError, match=r"colorcli\[heic\]"):
        write_photo(Photo(COFFEE), io.BytesIO(), format="HEIF")


# ------------------------------------------------------------------------------------------- metadata


@pytest.mark.parametrize("format", WITH_METADATA)
def test_metadata_goes_into_every_format_that_can_hold_it(format):
    data, notes = written(Photo(COFFEE, exif=exif_bytes(), xmp=XMP, dpi=(300, 200)), format, provenance=PROVENANCE)
    image = opened(data)
    exif = image.getexif()
    assert (exif[0x010F], exif[0x0131]) == ("Leica", SOFTWARE)
    assert exif.get_ifd(0x8769)[0xA001] == 1
    assert exif.get_ifd(0x8769)[0x9003] == "1936:03:01 12:00:00"
    assert exif.get_ifd(0x8769)[0x927C] == b"made in Wetzlar"
    assert exif.get_ifd(0x8825)[2] == (50, 33, 6)
    assert image.info["icc_profile"] == srgb_bytes()
    read = read_photo(data)
    assert SOURCE_TYPE in read.xmp and b"<dc:creator>Ansel</dc:creator>" in read.xmp
    assert read.dpi == pytest.approx((300, 200), abs=0.01)
    assert notes == []


@pytest.mark.parametrize("format", WITH_METADATA)
def test_provenance_goes_where_there_was_no_metadata(format):
    data, _ = written(Photo(COFFEE), format, provenance=PROVENANCE)
    image = opened(data)
    assert image.getexif()[0x0131] == SOFTWARE
    assert SOURCE_TYPE in read_photo(data).xmp


@pytest.mark.parametrize("format", WITH_METADATA)
def test_without_provenance_the_sources_own_values_stay(format):
    data, _ = written(Photo(COFFEE, exif=exif_bytes(), xmp=XMP), format)
    read = read_photo(data)
    assert b"Darkroom 1.0" in read.exif and b"colorcli" not in data
    assert read.xmp == XMP
    bare, _ = written(Photo(COFFEE), format)
    assert b"colorcli" not in bare and b"Software" not in bare and read_photo(bare).xmp is None


@pytest.mark.parametrize("format", ["BMP", "PPM"])
def test_formats_without_metadata_say_so(format):
    _, notes = written(Photo(COFFEE), format, provenance=PROVENANCE)
    assert notes == [f"{format} holds no metadata: it does not say that colorcli made it"]


def test_the_embedded_profile_is_srgb_and_always_the_same():
    profile = ImageCms.ImageCmsProfile(io.BytesIO(srgb_bytes()))
    assert "sRGB" in ImageCms.getProfileDescription(profile)
    assert written(Photo(COFFEE), "PNG")[0] == written(Photo(COFFEE), "PNG")[0]


def test_broken_xmp_and_exif_are_replaced_with_notes():
    data, notes = written(Photo(COFFEE, exif=b"junk", xmp=b"<junk"), "PNG", provenance=PROVENANCE)
    assert len(notes) == 1 and re.fullmatch(r"metadata left out: EXIF \(no TIFF header\), XMP \(.+\)", notes[0])
    assert opened(data).getexif()[0x0131] == SOFTWARE
    assert SOURCE_TYPE in read_photo(data).xmp


def test_exif_too_large_for_jpeg_loses_the_maker_note_only():
    exif = Image.Exif()
    exif[0x010F] = "Leica"
    exif[0x8769] = {0x9003: "1936:03:01 12:00:00", 0x927C: bytes(70_000)}
    photo = Photo(COFFEE, exif=exif.tobytes())
    data, notes = written(photo, "JPEG", provenance=PROVENANCE)
    read = opened(data).getexif()
    assert (read[0x010F], read[0x0131], dict(read.get_ifd(0x8769))) == (
        "Leica",
        SOFTWARE,
        {0xA001: 1, 0x9003: "1936:03:01 12:00:00"},
    )
    assert notes == ["metadata left out: the maker note"]
    assert 0x927C in opened(written(photo, "PNG")[0]).getexif().get_ifd(0x8769)


def test_metadata_that_no_trimming_makes_fit():
    exif = Image.Exif()
    exif[0x010E] = "x" * 70_000
    data, notes = written(Photo(COFFEE, exif=exif.tobytes()), "JPEG", provenance=PROVENANCE)
    assert opened(data).getexif()[0x0131] == SOFTWARE
    assert notes == ["metadata left out: EXIF (larger than the 64 KB that JPEG holds)"]


def test_xmp_too_large_for_one_segment_of_jpeg_goes_on_in_others():
    xmp = XMP.replace(b"Ansel", b"A" * 200_000)
    data, notes = written(Photo(COFFEE, xmp=xmp), "JPEG", provenance=PROVENANCE)
    assert notes == []
    assert SOURCE_TYPE in opened(data).info["xmp"] and b"HasExtendedXMP" in opened(data).info["xmp"]
    read = read_photo(data).xmp
    assert b"A" * 200_000 in read and SOURCE_TYPE in read and b"HasExtendedXMP" not in read


# ------------------------------------------------------------------------------------------- files


@pytest.mark.parametrize(
    ("suffix", "source", "expected"),
    [
        (".webp", "JPEG", "WEBP"),
        (".TIF", "JPEG", "TIFF"),
        ("", "BMP", "BMP"),
        (".gif", "GIF", "PNG"),
        ("", "MPO", "PNG"),
    ],
)
def test_the_targets_suffix_names_the_format(tmp_path, suffix, source, expected):
    target = tmp_path / f"photo{suffix}"
    write_photo(Photo(COFFEE, format=source), target)
    assert opened(target).format == expected


def test_target_formats_hold_colour():
    assert target_format("GIF") == ("PNG", ".png")
    assert target_format("JPEG") == ("JPEG", ".jpg")
    assert {target_format(format)[0] for format in READABLE.values()} == set(WRITABLE)
    assert (suffix_for("JPEG", ".JPEG"), suffix_for("PPM", ".pgm"), suffix_for("PNG")) == (".JPEG", ".ppm", ".png")


@pytest.mark.skipif(os.name == "nt", reason="POSIX permissions")
def test_a_new_photo_is_as_readable_as_any_new_file(tmp_path):
    old = os.umask(0o027)
    try:
        write_photo(Photo(COFFEE), tmp_path / "photo.png")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "photo.png").stat().st_mode) == 0o640


def names_in(folder):
    return [path.name for path in folder.iterdir()]


def full_disk(*args):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("format", [*LOSSLESS, "JPEG", "WEBP"])
def test_a_full_disk_leaves_the_old_photo(tmp_path, monkeypatch, format):
    target = tmp_path / "photo.x"
    target.write_bytes(b"the old photo")
    monkeypatch.setattr("os.fsync", full_disk)
    with pytest.raises(PhotoError, match=r"photo\.x: cannot be written: No space left on device"):
        write_photo(Photo(COFFEE), target, format=format)
    assert target.read_bytes() == b"the old photo"
    assert names_in(tmp_path) == ["photo.x"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="POSIX limits")
def test_a_disk_that_fills_up_in_mid_write_leaves_the_old_photo(tmp_path):
    import resource
    import signal

    target = tmp_path / "photo.bmp"
    target.write_bytes(b"the old photo")
    limits, handler = resource.getrlimit(resource.RLIMIT_FSIZE), signal.getsignal(signal.SIGXFSZ)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, limits[1]))
    try:
        with pytest.raises(PhotoError, match="File too large"):
            write_photo(Photo(COFFEE), target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)
    assert target.read_bytes() == b"the old photo"
    assert names_in(tmp_path) == ["photo.bmp"]


@pytest.mark.parametrize("moment", ["os.fsync", "pathlib.Path.replace", "PIL.Image.Image.save"])
def test_ctrl_c_leaves_the_old_photo_and_nothing_else(tmp_path, monkeypatch, moment):
    target = tmp_path / "photo.png"
    target.write_bytes(b"the old photo")

    def interrupt(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(moment, interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_photo(Photo(COFFEE), target)
    assert target.read_bytes() == b"the old photo"
    assert names_in(tmp_path) == ["photo.png"]


def test_an_encoder_that_fails_writes_nothing(tmp_path, monkeypatch):
    def fail(*args, **kwargs):
        raise OSError("encoder error -2 when writing image file")

    monkeypatch.setattr("PIL.Image.Image.save", fail)
    with pytest.raises(PhotoError, match=r"photo\.png: cannot be written as PNG: encoder error"):
        write_photo(Photo(COFFEE), tmp_path / "photo.png")
    assert names_in(tmp_path) == []


def test_folders_that_are_not_there(tmp_path):
    with pytest.raises(PhotoError, match="No such file or directory"):
        write_photo(Photo(COFFEE), tmp_path / "gone" / "photo.png")
    with pytest.raises(PhotoError, match="cannot be written"):
        write_photo(Photo(COFFEE), tmp_path, format="PNG")


def test_a_closed_pipe_is_not_a_photo_error():
    class ClosedPipe(io.BytesIO):
        def write(self, data):
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        write_photo(Photo(COFFEE), ClosedPipe(), format="PNG")


# ------------------------------------------------------------------------------------------- anything at all


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    size=st.tuples(st.integers(1, 9), st.integers(1, 9)),
    mode=st.sampled_from(["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "F", "I", "YCbCr", "LAB"]),
    turned=st.integers(0, 9),
    source=st.sampled_from(["JPEG", "PNG", "TIFF", "WEBP", "GIF", "BMP", "PPM", "AVIF"]),
    target=st.sampled_from(sorted(set(WRITABLE) - {"HEIF"})),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_photo_goes_through(size, mode, turned, source, target, seed):
    values = np.random.default_rng(seed).integers(0, 256, (*size, 4), dtype=np.uint8)
    image = Image.frombytes(mode, size[::-1], values.tobytes()[: len(Image.new(mode, size[::-1]).tobytes())])
    exif = Image.Exif()
    exif[0x0112] = turned
    try:
        data = encoded(image, source, exif=exif.tobytes())
    except (OSError, ValueError, KeyError):
        return  # a mode that the format does not have
    photo = read_photo(data)
    stream = io.BytesIO()
    write_photo(photo, stream, format=target, provenance=PROVENANCE)
    again = read_photo(stream.getvalue())
    assert again.pixels.shape[:2] == photo.pixels.shape[:2]
    if target in ("PNG", "TIFF") and photo.alpha is None:
        np.testing.assert_array_equal(again.pixels, photo.pixels)


def test_paths_may_be_text(tmp_path):
    photo = read_photo(str(DATA / "camera.png"))
    write_photo(photo, str(tmp_path / "copy.png"))
    assert np.array_equal(read_photo(str(tmp_path / "copy.png")).pixels, photo.pixels)
