import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from typer.testing import CliRunner

from colorcli.cli import app
from colorcli.models import build
from colorcli.weights import save_weights


def colorcli(*arguments: object):
    return CliRunner().invoke(app, ["eval", *map(str, arguments)])


@pytest.fixture
def photos(tmp_path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for i in range(3):
        Image.fromarray(data.astronaut()[100 * i : 100 * i + 64, 150:230]).save(folder / f"{i}.png")
    return folder


@pytest.fixture
def cifar(tmp_path) -> Path:
    (tmp_path / "cifar-10-batches-bin").mkdir()
    records = np.random.default_rng(0).integers(256, size=(6, 3073), dtype=np.uint8)
    records[:, 0] = range(6)
    (tmp_path / "cifar-10-batches-bin" / "test_batch.bin").write_bytes(records.tobytes())
    return tmp_path


@pytest.fixture
def weights(tmp_path) -> Path:
    torch.manual_seed(0)
    model = build("gan", widths=[4, 4, 4], encoder_blocks=[1, 1, 1], decoder_blocks=[1, 1])
    model.default_size = 32
    save_weights(tmp_path / "small.safetensors", model, {"model": "gan"})
    return tmp_path / "small.safetensors"


def rows(result) -> list[str]:
    assert result.exit_code == 0, result.output
    return [row["name"] for row in json.loads(result.stdout)["rows"]]


def test_without_a_model_the_grey_row_alone(photos):
    assert rows(colorcli("--dataset", photos, "--format", "json")) == ["grey", "truth"]


def test_weights_are_measured_on_photos(photos, weights):
    result = colorcli("--dataset", photos, "--weights", weights, "--format", "json", "--size", 32, "--batch-size", 2)
    assert rows(result) == ["grey", "small", "truth"]
    assert result.stderr == ""


def test_weights_are_measured_on_cifar10(cifar, weights):
    result = colorcli("--dataset", "cifar10", "--data-root", cifar, "--model", weights, "--limit", 5, "--format", "csv")
    table = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["name"] for row in table] == ["grey", "small", "truth"]
    assert table[0]["images"] == "5"
    assert float(table[1]["images_per_second"]) > 0


@pytest.mark.parametrize("format", ["table", "markdown"])
def test_tables_are_printed_whole_to_a_pipe(photos, format):
    result = colorcli("--dataset", photos, "--format", format)
    assert result.exit_code == 0
    for heading in ("model", "acc 2%", "SSIM", "colourful", "images/s"):
        assert heading in result.stdout
    assert "…" not in result.stdout


def test_grid_and_saved_images(photos, weights, tmp_path):
    result = colorcli(
        *("--dataset", photos, "--weights", weights, "--grid", tmp_path / "sheet.png", "--grid-count", 2),
        *("--save-images", tmp_path / "out"),
    )
    assert result.exit_code == 0, result.output
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 3 * 160
        assert 2 * 128 < sheet.height < 3 * 128
    assert sorted(p.name for p in (tmp_path / "out" / "small").iterdir()) == ["0.png", "1.png", "2.png"]


def test_bad_files_are_told_and_exit_3(photos):
    (photos / "bad.png").write_bytes(b"no photo")
    result = colorcli("--dataset", photos, "--format", "json")
    assert result.exit_code == 3
    assert "bad.png" in result.stderr
    assert json.loads(result.stdout)["images"] == 3


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--dataset", "nowhere"], "neither cifar10 nor a folder"),
        (["--dataset", "cifar10", "--size", "64"], "--size is for photos"),
        (["--dataset", "PHOTOS", "--grid", "PHOTOS/sheet.png"], "lies in the dataset"),
        (["--dataset", "PHOTOS", "--save-images", "PHOTOS"], "lies in the dataset"),
        (["--dataset", "PHOTOS", "--save-images", "PHOTOS/0.png"], "lies in the dataset"),
        (["--dataset", "PHOTOS", "--grid", "sheet.txt"], "suffix of a picture"),
        (["--dataset", "PHOTOS", "--grid", "nowhere/sheet.png"], "no such folder"),
        (["--dataset", "PHOTOS", "--model", "unheard-of"], "unheard-of"),
        (["--dataset", "PHOTOS", "--device", "abacus"], "--device abacus"),
        (["--dataset", "PHOTOS", "--limit", "0"], "--limit"),
    ],
)
def test_wrong_usage_is_told_before_any_work(photos, weights, monkeypatch, tmp_path, arguments, told):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    given = [argument.replace("PHOTOS", str(photos)) for argument in arguments]
    result = colorcli("--weights", weights, *given)
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stdout == ""
    assert sorted(tmp_path.rglob("*")) == before


def test_missing_cifar10_says_where_to_get_it(monkeypatch):
    monkeypatch.delenv("COLORCLI_DATA", raising=False)
    result = colorcli("--dataset", "cifar10")
    assert result.exit_code == 2
    assert "--data-root" in result.stderr
