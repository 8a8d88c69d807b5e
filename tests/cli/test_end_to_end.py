"""colorcli colorize as a person runs it: the real engine and a (small, untrained) real network, in a process."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from colorcli.batch.plan import plan
from colorcli.batch.workers import run
from colorcli.color import rgb_to_L
from colorcli.engine import Colorizer
from colorcli.models.catalog import build
from colorcli.photo import read_photo
from colorcli.weights.load import load_model
from colorcli.weights.weightsfile import save_weights


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    model = build("gan", widths=[4, 4, 4], encoder_blocks=[1, 1, 1], decoder_blocks=[1, 1])
    model.default_size = 32
    path = tmp_path_factory.mktemp("weights") / "small.safetensors"
    save_weights(path, model, {"model": "gan"})
    return path


@pytest.fixture
def mixed(tmp_path) -> Path:
    """in/: seven kinds of good photos, one truncated and one that is text; 48 x 40 px upright."""
    folder = tmp_path / "in"
    (folder / "sub").mkdir(parents=True)
    ramp = np.add.outer(np.arange(40) * 3, np.arange(48) * 2).astype(np.uint8)
    grey = Image.fromarray(ramp)
    turned = Image.Exif()
    turned[0x0112] = 6  # stored on its side
    grey.rotate(90, expand=True).save(folder / "turned.jpg", exif=turned)
    grey.convert("CMYK").save(folder / "cmyk.jpg")
    Image.fromarray(ramp.astype(np.uint16) * 257).save(folder / "deep.png")
    Image.merge("LA", (grey, grey)).save(folder / "alpha.webp")
    grey.convert("1").save(folder / "sub" / "bits.pbm")
    grey.convert("P").save(folder / "sub" / "palette.gif")
    grey.save(folder / "sub" / "plain.tif")
    (folder / "cut.tif").write_bytes((folder / "sub" / "plain.tif").read_bytes()[:1000])
    (folder / "text.jpg").write_text("no photo")
    return folder


def colorize(*arguments, **options):
    command = [sys.executable, "-m", "colorcli", "colorize", *map(str, arguments), "--device", "cpu"]
    env = os.environ | {"OMP_NUM_THREADS": "2"}
    return subprocess.run(command, capture_output=True, check=False, env=env, timeout=120, **options)


def test_a_mixed_folder(mixed, weights):
    result = colorize(mixed, "-r", "--weights", weights, "--json", "--compare")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert result.returncode == 3
    assert {"done": 7, "failed": 2}.items() <= lines.pop()["summary"].items()
    good = [line for line in lines if "error" not in line]
    assert [line["size"] for line in good] == [[48, 40]] * 7
    for line in good:
        assert read_photo(Path(line["target"])).pixels.shape == (40, 48, 3)
        assert read_photo(Path(line["compare"])).pixels.shape[:2] == (40, 96)
    written = {path.name for path in (mixed.parent / "in-color").rglob("*") if path.is_file()}
    assert len(written) == 14 and {"bits.ppm", "palette.png", "turned.jpg"} <= written


def test_the_luminance_of_the_photo_is_kept(mixed, weights):
    assert colorize(mixed / "deep.png", "--weights", weights, "-o", mixed / "out.png").returncode == 0
    source, result = (read_photo(mixed / name).pixels for name in ("deep.png", "out.png"))
    grey = torch.from_numpy(source / 65535).float().expand(3, -1, -1)
    colour = torch.from_numpy(result).movedim(-1, 0) / 255
    assert (rgb_to_L(grey) - rgb_to_L(colour)).abs().max() <= 0.6


def test_a_stream(mixed, weights):
    result = colorize("-", "--weights", weights, "--format", "png", input=(mixed / "turned.jpg").read_bytes())
    assert (result.returncode, result.stderr[:6]) == (0, b"stdin ")
    assert read_photo(result.stdout, "out").pixels.shape == (40, 48, 3)


def test_damaged_weights_are_exit_4(mixed, weights, tmp_path):
    (tmp_path / "cut.safetensors").write_bytes(weights.read_bytes()[:1000])
    result = colorize(mixed / "deep.png", "--weights", tmp_path / "cut.safetensors")
    assert result.returncode == 4 and b"cut.safetensors" in result.stderr
    assert not (mixed / "deep-color.png").exists()


def test_runs_in_batches_and_one_by_one_agree(mixed, weights):
    colorizer = Colorizer(load_model(weights=weights), device="cpu")
    run(plan([mixed], mixed.parent / "one"), colorizer)
    run(plan([mixed], mixed.parent / "four"), colorizer, batch_size=4)
    for path in (mixed.parent / "one").iterdir():
        one, four = (read_photo(p).pixels.astype(int) for p in (path, mixed.parent / "four" / path.name))
        assert abs(one - four).max() <= 2
