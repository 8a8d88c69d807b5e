import numpy as np
import pytest
from photo_files import (
    ADOBE_RGB_TO_XYZ,
    DATA,
    adobe_rgb_profile,
    cmyk_profile,
    dot_gain_profile,
    encoded,
    grey_profile,
)
from PIL import Image
from skimage.color import lab2rgb

from colorcli.photo import read_photo
from colorcli.photo.icc import srgb_bytes

SRGB_TO_XYZ = np.array(  # to D50 (Bradford)
    [[0.43607, 0.38515, 0.14307], [0.22249, 0.71687, 0.06061], [0.01392, 0.09708, 0.7141]]
)
RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)
COLOURS = np.array([[[120, 100, 80], [128, 128, 130], [90, 110, 100], [180, 170, 150]]], np.uint8)


def srgb_encoded(light: np.ndarray) -> np.ndarray:
    light = light.clip(0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def test_grey_gamma_follows_its_formula():
    photo = read_photo(encoded(Image.fromarray(RAMP), "TIFF", icc_profile=grey_profile(1.8, "Gray Gamma 1.8")))
    np.testing.assert_allclose(photo.pixels, srgb_encoded((RAMP / 255) ** 1.8), atol=1.01)
    assert photo.notes == ["ICC profile 'Gray Gamma 1.8' converted to sRGB"]


def test_sixteen_bit_grey_is_converted_with_sixteen_bits():
    deep = np.linspace(0, 65535, 4096).astype(np.uint16).reshape(64, 64)
    photo = read_photo(encoded(Image.fromarray(deep), "PNG", icc_profile=grey_profile(1.8)))
    bright = deep > 3000
    expected = 257 * srgb_encoded((deep / 65535) ** 1.8)
    np.testing.assert_allclose(photo.pixels[bright], expected[bright], atol=1.01 * 257)
    assert len(np.unique(photo.pixels)) > 3000


def test_dot_gain():
    photo = read_photo(encoded(Image.fromarray(RAMP), "JPEG", quality=100, icc_profile=dot_gain_profile(0.2)))
    ink = 1 - RAMP / 255
    expected = srgb_encoded(1 - (ink + 0.8 * ink * (1 - ink)))
    assert np.abs(photo.pixels - expected)[RAMP > 40].max() < 3
    assert photo.notes == ["ICC profile 'Dot Gain 20%' converted to sRGB"]


def test_alpha_beside_converted_grey_is_untouched():
    image = Image.merge("LA", [Image.fromarray(RAMP), Image.fromarray(RAMP)])
    photo = read_photo(encoded(image, "PNG", icc_profile=grey_profile(1.0)))
    np.testing.assert_array_equal(photo.alpha, RAMP)
    assert photo.pixels[8, 0] == pytest.approx(srgb_encoded(np.array(128 / 255)), abs=1.01)


@pytest.mark.parametrize("alpha", [False, True])
def test_adobe_rgb_follows_its_matrices(alpha):
    light = (COLOURS / 255) ** (563 / 256) @ ADOBE_RGB_TO_XYZ.T @ np.linalg.inv(SRGB_TO_XYZ).T
    image = Image.fromarray(COLOURS)
    if alpha:
        image.putalpha(Image.fromarray(np.array([[0, 50, 100, 255]], np.uint8)))
    photo = read_photo(encoded(image, "PNG", icc_profile=adobe_rgb_profile()))
    np.testing.assert_allclose(photo.pixels, srgb_encoded(light), atol=1.01)
    assert "ICC profile 'Adobe RGB (1998)' converted to sRGB" in photo.notes
    assert (photo.alpha is None) != alpha
    assert not alpha or photo.alpha.tolist() == [[0, 50, 100, 255]]


def test_grey_in_rgb_keeps_one_channel_through_an_rgb_profile():
    image = Image.fromarray(np.repeat(RAMP[..., None], 3, axis=2))
    photo = read_photo(encoded(image, "PNG", icc_profile=adobe_rgb_profile()))
    assert photo.pixels.shape == (16, 16)
    np.testing.assert_allclose(photo.pixels, srgb_encoded((RAMP / 255) ** (563 / 256)), atol=1.01)


def test_srgb_is_left_alone_without_a_note():
    photo = read_photo(encoded(Image.fromarray(COLOURS), "PNG", icc_profile=srgb_bytes()))
    np.testing.assert_array_equal(photo.pixels, COLOURS)
    assert not any("ICC" in note for note in photo.notes)


@pytest.mark.parametrize("profile", [b"rubbish", srgb_bytes()[:200], grey_profile(2.2), b"\0" * 128])
def test_profiles_that_are_broken_or_for_other_pixels_are_ignored_with_a_note(profile):
    photo = read_photo(encoded(Image.fromarray(COLOURS), "PNG", icc_profile=profile))
    np.testing.assert_array_equal(photo.pixels, COLOURS)
    assert any("ICC profile" in note and "ignored" in note for note in photo.notes)


def test_a_profiles_name_cannot_reach_the_terminals_controls():
    photo = read_photo(encoded(Image.fromarray(RAMP), "PNG", icc_profile=grey_profile(1.8, "Evil\x1b[2J\nname")))
    assert photo.notes == ["ICC profile 'Evil[2J name' converted to sRGB"]


def inks(values: np.ndarray) -> Image.Image:
    return Image.frombytes("CMYK", values.shape[1::-1], values.tobytes())


CMYK = np.array([[[0, 0, 0, 0], [255, 0, 0, 0], [0, 0, 0, 255], [0, 255, 255, 0]]], np.uint8)
CMYK = np.repeat(np.repeat(CMYK, 16, axis=0), 16, axis=1)


@pytest.mark.parametrize("format", ["TIFF", "JPEG"])
def test_cmyk_without_a_profile(format):
    photo = read_photo(encoded(inks(CMYK), format))
    corners = photo.pixels[8, 8::16].astype(int)
    np.testing.assert_allclose(corners, [[255] * 3, [0, 255, 255], [0] * 3, [255, 0, 0]], atol=6)
    assert "CMYK without an ICC profile: colours are approximate" in photo.notes


@pytest.mark.parametrize("format", ["TIFF", "JPEG"])
def test_cmyk_with_a_profile(format):
    photo = read_photo(encoded(inks(CMYK), format, icc_profile=cmyk_profile()))
    corners = photo.pixels[8, 8::16].astype(int)
    cyan = [0, 147, 217]  # Lab (55, -37, -50); red is outside sRGB
    np.testing.assert_allclose(corners[:3], [[255] * 3, cyan, [0] * 3], atol=8)
    assert "ICC profile 'Test inks' converted to sRGB" in photo.notes


def test_cmyk_jpeg_without_adobes_marker_is_not_inverted():
    data = encoded(inks(255 - CMYK), "JPEG", quality=100)
    start = data.index(b"\xff\xee\x00\x0eAdobe")
    photo = read_photo(data[:start] + data[start + 16 :])
    corners = photo.pixels[8, 8::16].astype(int)
    np.testing.assert_allclose(corners, [[255] * 3, [0, 255, 255], [0] * 3, [255, 0, 0]], atol=6)


def test_lab_tiff():
    lab = np.array([[[255, 0, 0], [137, 0, 0], [153, 30, 236], [0, 0, 0]]], np.uint8)  # 236 is -20
    photo = read_photo(encoded(Image.frombytes("LAB", (4, 1), lab.tobytes()), "TIFF"))
    expected = [[255] * 3, [128] * 3, 255 * lab2rgb([60.0, 30.0, -20.0]), [0] * 3]
    np.testing.assert_allclose(photo.pixels[0].astype(int), expected, atol=3)


def test_a_real_photo_through_a_profile_and_back_is_itself():
    source = Image.open(DATA / "cat.png")
    photo = read_photo(encoded(source, "PNG", icc_profile=adobe_rgb_profile()))
    assert photo.pixels.std() > np.asarray(source).std()  # a wide space read as sRGB is pale


def test_black_ink_alone_comes_as_grey():
    ink = np.zeros((16, 16, 4), np.uint8)
    ink[..., 3] = RAMP
    photo = read_photo(encoded(inks(ink), "TIFF"))
    np.testing.assert_array_equal(photo.pixels, 255 - RAMP)
