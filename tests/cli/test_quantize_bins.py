import json

import numpy as np
import pytest
from PIL import Image
from skimage import data
from typer.testing import CliRunner

from colorcli.bins import load_bins
from colorcli.cli import app


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Two photos in `photos`; the folder that it lies in is the current one."""
    (tmp_path / "photos").mkdir()
    for name, photo in (("a.png", data.astronaut()), ("b.png", data.coffee())):
        Image.fromarray(photo[::8, ::8]).save(tmp_path / "photos" / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def quantize(*options):
    return CliRunner().invoke(app, ["quantize-bins", *map(str, options)])


def test_bins_of_photos(folder):
    result = quantize("--data", "photos", "-o", "bins.npz", "--plot", "bins.png")
    assert result.exit_code == 0, result.output
    assert result.stdout == "bins.npz\n"
    for line in ("bins          313 (ab, grid 10, sigma 5, lambda 0.5)", "2 of photos", "bits", "weights"):
        assert line in result.stderr
    bins = load_bins(folder / "bins.npz")
    assert (len(bins), bins.source, bins.pixels) == (313, "photos", 64 * 64 + 50 * 75)
    with Image.open("bins.png") as picture:
        assert (picture.format, picture.mode) == ("PNG", "RGB")


def test_json_says_what_is_in_the_file(folder):
    options = ("--space", "yuv", "--colors", 8, "--grid", 0.1, "--sigma", 0.02, "--lambda", 0.25, "--json")
    result = quantize("--data", "photos", "-o", "bins.npz", *options)
    assert (result.exit_code, result.stderr) == (0, "")
    told, bins = json.loads(result.stdout), load_bins(folder / "bins.npz")
    assert (bins.space, len(bins), bins.grid, bins.sigma, bins.lambda_) == ("yuv", 8, 0.1, 0.02, 0.25)
    assert (told["bins"], told["images"], told["pixels"]) == (8, 2, bins.pixels)
    weights = bins.class_weights().numpy()
    assert (told["weight_min"], told["weight_max"]) == pytest.approx((weights.min(), weights.max()))
    assert told["entropy_bits"] == pytest.approx(-(bins.prior * np.log2(bins.prior)).sum())


def test_files_are_replaced_only_when_asked(folder):
    (folder / "bins.npz").write_text("mine")
    result = quantize("--data", "photos", "-o", "bins.npz")
    assert result.exit_code == 2 and "--overwrite" in result.stderr
    assert (folder / "bins.npz").read_text() == "mine"
    assert quantize("--data", "photos", "-o", "bins.npz", "--overwrite").exit_code == 0
    assert len(load_bins(folder / "bins.npz")) == 313


def test_an_unreadable_photo_among_many_is_named(folder):
    for i in range(99):
        (folder / "photos" / f"c{i}.png").write_bytes((folder / "photos" / "a.png").read_bytes())
    (folder / "photos" / "broken.jpg").write_text("no photo")
    result = quantize("--data", "photos", "-o", "bins.npz")
    assert result.exit_code == 0
    assert "note: photos/broken.jpg: is damaged" in result.stderr and "left out" in result.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--data", "nowhere"], "--data nowhere: neither cifar10 nor a folder"),
        (["--data", "cifar10", "--data-root", "photos"], "no CIFAR-10 in photos"),
        (["--colors", "8"], "--space yuv"),
        (["--grid", "0"], "--grid 0"),
        (["--sigma", "-1"], "--sigma -1"),
        (["--lambda", "0"], "--lambda 0"),
        (["--space", "rgb"], "--space"),
        (["--plot", "bins.txt"], "suffix of a picture"),
        (["--plot", "photos/bins.png"], "would be read as a photo"),
        (["--plot", "photos"], "is a folder"),
        (["-o", "bins.txt"], "suffix .npz"),
        (["-o", "nowhere/bins.npz"], "no such folder: nowhere"),
    ],
)
def test_wrong_usage_is_told_before_any_work(folder, options, told):
    before = sorted(folder.rglob("*"))
    given = options if "--data" in options else ["--data", "photos", *options]
    result = quantize("-o", "bins.npz", *given)
    assert result.exit_code == 2
    assert told in result.stderr
    assert sorted(folder.rglob("*")) == before
