"""What is no photo, no longer a photo, or never was one: one PhotoError each, and nothing else."""

import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from photo_files import DATA, encoded, error_of, oriented, png, tiff
from PIL import Image, ImageFile

from colorcli.errors import PhotoError
from colorcli.photo import PIXEL_LIMIT, Photo, read_photo

COLOURS = np.random.default_rng(0).integers(0, 256, (12, 18, 3), dtype=np.uint8)
RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)
TWO_BY_THREE = Image.fromarray(np.array([[10, 20, 30], [40, 50, 60]], np.uint8))


@pytest.mark.parametrize("name", ["astronaut.jpg", "camera.png", "rocket.webp"])
def test_truncated_photos_are_errors(name):
    data = (DATA / name).read_bytes()
    assert "damaged" in error_of(data[: len(data) // 2], name)


def test_truncated_photos_are_errors_whatever_others_set(monkeypatch):
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    data = (DATA / "coffee.jpg").read_bytes()
    error_of(data[: len(data) // 2])
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


@pytest.mark.parametrize(
    ("content", "reason"), [(b"", "is empty"), (b"Dear diary,\n" * 9, "no photo"), (b"\xff\xd8\xff\xe0", "damaged")]
)
def test_what_is_no_photo(tmp_path, content, reason):
    path = tmp_path / "letter.jpg"
    path.write_bytes(content)
    assert reason in error_of(path, "letter.jpg")


def test_folders_missing_files_and_devices(tmp_path):
    from pathlib import Path

    assert "is a folder" in error_of(tmp_path, tmp_path.name)
    assert "No such file" in error_of(tmp_path / "gone.png", "gone.png")
    if Path("/dev/null").exists():
        assert "not a regular file" in error_of(Path("/dev/null"), "null")


def test_unreadable_file(tmp_path, monkeypatch):
    path = tmp_path / "secret.png"
    path.write_bytes(encoded(TWO_BY_THREE, "PNG"))

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.open", refuse)
    assert "Permission denied" in error_of(path, "secret.png")


def test_decompression_bomb_is_refused_before_it_is_decoded():
    bomb = png(PIXEL_LIMIT, 8, 0, [b""] * 2)
    with pytest.raises(PhotoError, match="megapixels"):
        read_photo(bomb, "bomb.png")


def test_pillows_own_limit_is_raised_and_put_back(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 3)
    assert read_photo(encoded(TWO_BY_THREE, "PNG")).pixels.shape == (2, 3)
    assert Image.MAX_IMAGE_PIXELS == 3


@pytest.mark.parametrize(
    "error", [ValueError, TypeError, SyntaxError, RuntimeError, NotImplementedError, OSError, IndexError, MemoryError]
)
def test_whatever_pillow_raises_is_one_line(monkeypatch, error):
    def fail(self):
        raise error("bad\nnews")

    monkeypatch.setattr("PIL.PngImagePlugin.PngImageFile.load", fail)
    error_of(encoded(TWO_BY_THREE, "PNG"))


def test_control_characters_in_a_name_do_not_reach_the_terminal():
    with pytest.raises(PhotoError, match=r"^a\?b\.jpg: is empty$"):
        read_photo(b"", "a\x1bb.jpg")


def test_camera_raw_files_are_not_taken_for_their_preview():
    assert "raw file" in error_of(tiff(2, 2, b"abcd", tag254=(4, 1), tag258=(3, 8), tag262=(3, 1)))


# ------------------------------------------------------------------------------------------- anything at all

SAMPLES = [
    encoded(Image.fromarray(COLOURS), "JPEG", exif=oriented(6)),
    encoded(Image.fromarray(COLOURS), "PNG", exif=oriented(3), dpi=(72, 72)),
    encoded(Image.fromarray(COLOURS), "TIFF", compression="tiff_lzw"),
    encoded(Image.fromarray(COLOURS), "GIF"),
    encoded(Image.fromarray(COLOURS), "WEBP"),
    encoded(Image.fromarray(COLOURS), "BMP"),
    encoded(Image.fromarray(COLOURS), "PPM"),
    encoded(Image.fromarray(COLOURS), "AVIF"),
    encoded(Image.fromarray(RAMP.astype(np.uint16) * 257), "TIFF"),
]
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)


def photo_or_photo_error(data: bytes) -> None:
    try:
        photo = read_photo(data)
    except PhotoError as error:
        assert "\n" not in str(error)
    else:
        assert isinstance(photo, Photo)
        assert photo.pixels.size


@QUICK
@given(st.binary(max_size=300))
def test_random_bytes(data):
    photo_or_photo_error(data)


@QUICK
@given(st.sampled_from(SAMPLES), st.floats(0, 1))
def test_random_truncations(data, share):
    photo_or_photo_error(data[: int(len(data) * share)])


@QUICK
@given(st.sampled_from(SAMPLES), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=8))
def test_random_damage(data, changes):
    damaged = bytearray(data)
    for where, value in changes:
        damaged[int(where * (len(data) - 1))] = value
    photo_or_photo_error(bytes(damaged))


def test_photos_are_read_side_by_side(monkeypatch):
    """Pillow's limits are global: the first reader to finish must not take them from the others."""
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 3)
    data = encoded(Image.fromarray(COLOURS), "PNG")
    with ThreadPoolExecutor(8) as pool:
        photos = list(pool.map(read_photo, [data] * 64))
    assert all(np.array_equal(photo.pixels, COLOURS) for photo in photos)
    assert Image.MAX_IMAGE_PIXELS == 3
    assert ("error", None, Warning, None, 0) in warnings.filters
