"""What `import colorcli` gives."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import colorcli
from colorcli.errors import UsageError

GREY = np.random.default_rng(0).integers(0, 255, (40, 48), np.uint8)


@pytest.fixture(scope="module")
def model():
    return colorcli.load_model("gan@cifar10")


def test_a_photo_of_any_form_is_coloured_and_written(model, tmp_path):
    Image.fromarray(GREY).save(tmp_path / "a.png")
    photo = colorcli.colorize(tmp_path / "a.png", tmp_path / "b.png", model, device="cpu")
    for source in (str(tmp_path / "a.png"), (tmp_path / "a.png").read_bytes(), Image.fromarray(GREY), GREY):
        assert np.array_equal(colorcli.colorize(source, model=model, device="cpu").pixels, photo.pixels)
    assert np.array_equal(colorcli.read_photo(tmp_path / "b.png").pixels, photo.pixels)


def test_a_target_that_is_there_is_kept_unless_told(model, tmp_path):
    (tmp_path / "b.png").write_bytes(b"mine")
    with pytest.raises(UsageError, match="overwrite=True"):
        colorcli.colorize(GREY, tmp_path / "b.png", model)
    assert (tmp_path / "b.png").read_bytes() == b"mine"
    colorcli.colorize(GREY, tmp_path / "b.png", model, overwrite=True)
    assert colorcli.read_photo(tmp_path / "b.png").pixels.shape == (40, 48, 3)


def test_a_colorizer_takes_a_name_a_file_or_a_model(model):
    path = colorcli.weights.manifest.find("gan@cifar10").path
    for given in ("gan@cifar10", path, model):
        assert colorcli.Colorizer(given, device="cpu")(GREY).pixels.shape == (40, 48, 3)


def test_mypy_strict_is_quiet_on_a_users_program(tmp_path):
    program = tmp_path / "program.py"
    program.write_text(
        "import colorcli\n\n"
        "photo = colorcli.colorize('a.jpg', 'b.jpg', overwrite=True)\n"
        "height, width = photo.pixels.shape[:2]\n"
        "print(colorcli.Colorizer('gan')(photo).pixels.shape, height, width)\n"
    )
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path / "cache"), str(program)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
