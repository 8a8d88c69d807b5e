"""The bundled photo model: the same colours everywhere, and better than grey on photos it never saw."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from colorcli.color import grey_of
from colorcli.engine import Colorizer
from colorcli.evaluation.metrics import colourfulness, measure
from colorcli.photo import Photo, read_photo
from colorcli.weights.load import load_model

DATA, GOLDEN = Path(__file__).parents[1] / "data", Path(__file__).parents[1] / "golden"


@pytest.fixture(scope="module")
def colorizer():
    return Colorizer(load_model("gan"), device="cpu")


def planes(pixels: np.ndarray) -> torch.Tensor:
    rgb = pixels if pixels.ndim == 3 else np.repeat(pixels[..., None], 3, 2)
    return torch.tensor(rgb).permute(2, 0, 1)[None]


@pytest.mark.parametrize("name", ["gan@photo", "gan@photo-faithful"])
def test_golden_colours_within_a_grey_level(name):
    made = Colorizer(load_model(name), device="cpu")(read_photo(DATA / "camera.png")).pixels
    with Image.open(GOLDEN / f"camera-{name.replace('@', '-')}.png") as picture:
        golden = np.asarray(picture)
    assert np.abs(made.astype(int) - golden).max() <= 1


def test_a_rotated_photo_gets_the_same_colours(colorizer, tmp_path):
    with Image.open(DATA / "coffee.jpg") as picture:
        upright = picture.convert("RGB")
    turned = tmp_path / "turned.png"
    exif = Image.Exif()
    exif[0x0112] = 6
    upright.transpose(Image.Transpose.ROTATE_90).save(turned, exif=exif)
    upright.save(tmp_path / "upright.png")
    a, b = (colorizer(read_photo(path)).pixels for path in (turned, tmp_path / "upright.png"))
    assert np.array_equal(a, b)


def test_a_photo_of_16_times_the_pixels_gets_the_same_colours(colorizer):
    small = grey_of(read_photo(DATA / "coffee.jpg").pixels)
    large = np.asarray(
        Image.fromarray(small).resize((4 * small.shape[1], 4 * small.shape[0]), Image.Resampling.BICUBIC)
    )
    back = Image.fromarray(colorizer(Photo(large)).pixels).resize(small.shape[::-1], Image.Resampling.BOX)
    difference = measure(planes(colorizer(Photo(small)).pixels), planes(np.asarray(back)))
    assert float(difference["ciede2000"]) < 2


def test_colours_are_there(colorizer):
    shown = colorizer(Photo(grey_of(read_photo(DATA / "astronaut.jpg").pixels))).pixels
    assert float(colourfulness(planes(shown))) > 5
