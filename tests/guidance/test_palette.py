"""colorcli.guidance.palette, and --palette on the command line."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import colorcli.cli
from colorcli.errors import UsageError
from colorcli.guidance.palette import Palette, palette_bins, shares
from colorcli.models.catalog import build
from colorcli.photo import Photo, read_photo
from colorcli.weights.weightsfile import save_weights


def test_shares_are_of_the_nearest_colours():
    ab = torch.zeros(1, 2, 2, 2)
    ab[0, :, 0, 0] = torch.tensor([40.0, 20.0])
    found = shares(ab)[0]
    centres = torch.tensor(palette_bins().centres.copy())
    assert found.sum() == pytest.approx(1)
    assert centres[found.topk(2).indices].tolist() == [[0, 0], [40, 20]]
    expected = 0.75 * ab.new_zeros(2) + 0.25 * torch.tensor([40.0, 20.0])
    assert (found @ centres).tolist() == pytest.approx(expected.tolist(), abs=2.5)


def test_a_photos_palette_does_not_depend_on_its_size_or_place():
    pixels = np.zeros((400, 600, 3), np.uint8)
    pixels[:, :300] = (200, 30, 20)
    pixels[:, 300:] = (30, 60, 200)
    large, small = (Palette.from_photo(Photo(np.ascontiguousarray(p))) for p in (pixels, pixels[::10, ::-10]))
    assert np.abs(large.shares - small.shares).max() < 0.03
    assert large.beside(7, 9)["palette"].shape == (1, 101)


def test_a_photo_without_colours_is_no_palette():
    with pytest.raises(UsageError, match=r"g\.png: has no colours to take"):
        Palette.from_photo(Photo(np.zeros((4, 4), np.uint8)), name="g.png")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """a.png, grey; red.png; p.safetensors, untrained weights of palette."""
    monkeypatch.chdir(tmp_path)
    Image.new("L", (40, 24), 120).save("a.png")
    Image.new("RGB", (30, 30), (200, 30, 20)).save("red.png")
    torch.manual_seed(0)
    save_weights(Path("p.safetensors"), build("palette", widths=[8, 16]), {"model": "palette"})


def colorize(*arguments):
    return CliRunner().invoke(colorcli.cli.app, ["colorize", *arguments, "--device", "cpu", "-q", "--overwrite"])


def test_a_palette_changes_the_colours(here):
    assert colorize("a.png", "--weights", "p.safetensors").exit_code == 0
    own = read_photo(Path("a-color.png")).pixels
    done = colorize("a.png", "--weights", "p.safetensors", "--palette", "red.png")
    assert done.exit_code == 0, done.stderr
    assert not np.array_equal(read_photo(Path("a-color.png")).pixels, own)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--palette", "red.png"], "the model gan takes no palette: use --model palette"),
        (["--model", "palette", "--palette", "no.png"], "--palette no.png: no such file"),
        (["--weights", "p.safetensors", "--palette", "a.png"], "a.png: has no colours to take"),
        (["--weights", "p.safetensors", "--reference", "red.png"], "takes no reference: use --model transfer"),
    ],
)
def test_wrong_use_is_answered(here, options, message):
    result = colorize("a.png", *options)
    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr
