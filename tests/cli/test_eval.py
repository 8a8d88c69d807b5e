import csv
import hashlib
import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data
from typer.testing import CliRunner
from weights_kit import serve

from colorcli.cli import app
from colorcli.data.cifar10 import CIFAR10_ARCHIVES
from colorcli.models.catalog import build
from colorcli.models.gan import GanGenerator
from colorcli.weights.weightsfile import save_weights


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
    assert rows(result) == ["grey", "truth", "small"]
    assert result.stderr == ""


def test_weights_are_measured_on_cifar10(cifar, weights):
    result = colorcli("--dataset", "cifar10", "--data-root", cifar, "--model", weights, "--limit", 5, "--format", "csv")
    table = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["name"] for row in table] == ["grey", "truth", "small"]
    assert table[0]["images"] == "5"
    assert float(table[2]["images_per_second"]) > 0


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
        (["--dataset", "PHOTOS", "--download"], "--download is for --dataset cifar10"),
        (["--dataset", "PHOTOS", "--seed", "-1"], "--seed"),
        (["--dataset", "PHOTOS", "--grid", "PHOTOS/sheet.png"], "next time"),
        (["--dataset", "PHOTOS", "--save-images", "PHOTOS"], "next time"),
        (["--dataset", "PHOTOS", "--save-images", "PHOTOS/0.png"], "next time"),
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


@pytest.fixture
def cache(monkeypatch, tmp_path) -> Path:
    monkeypatch.delenv("COLORCLI_DATA", raising=False)
    monkeypatch.setenv("COLORCLI_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_missing_cifar10_says_where_to_get_it(cache):
    result = colorcli("--dataset", "cifar10")
    assert result.exit_code == 2
    assert "--data-root" in result.stderr
    assert "--download" in result.stderr


@pytest.fixture
def official(cifar, monkeypatch):
    """official(server's address, content): CIFAR-10's archive comes from there."""

    def publish(url: str, content: bytes) -> None:
        md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
        archive = replace(CIFAR10_ARCHIVES["binary"], url=f"{url}/it.tar.gz", size=len(content), md5=md5)
        monkeypatch.setitem(CIFAR10_ARCHIVES, "binary", archive)

    return publish


def packed(cifar: Path) -> bytes:
    """The six batches of the official archive, each the same few images."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        for name in CIFAR10_ARCHIVES["binary"].files:
            tar.add(cifar / "cifar-10-batches-bin" / "test_batch.bin", f"cifar-10-batches-bin/{name}")
    return file.getvalue()


def test_cifar10_is_downloaded_into_the_cache_and_found_there(cache, cifar, official):
    content = packed(cifar)
    with serve(content) as server:
        official(server.url, content)
        first = colorcli("--dataset", "cifar10", "--download", "--format", "json")
    assert rows(first) == ["grey", "truth"]
    assert "downloading http://127.0.0.1" in first.stderr
    assert (cache / "datasets" / "cifar-10-batches-bin" / "data_batch_5.bin").is_file()
    again = colorcli("--dataset", "cifar10", "--format", "json")
    assert json.loads(again.stdout) == json.loads(first.stdout)


@pytest.mark.parametrize(("fault", "code", "told"), [(404, 1, "answered 404"), ("wrong", 4, "wrong MD5")])
def test_a_download_that_fails_is_told_in_a_line(cache, cifar, official, tmp_path, fault, code, told):
    content = packed(cifar)
    with serve(content, fault) as server:
        official(server.url, content)
        result = colorcli("--dataset", "cifar10", "--download", "--data-root", tmp_path / "mine")
    assert result.exit_code == code
    lines = result.stderr.splitlines()
    assert lines[0].startswith("downloading")
    assert len(lines) == 2
    assert told in lines[1]


def test_a_seed_draws_the_noise(cifar, weights, monkeypatch):
    monkeypatch.setattr(GanGenerator, "predict_ab", lambda self, L: 20 * torch.randn(len(L), 2, *L.shape[-2:]))
    arguments = ("--dataset", "cifar10", "--data-root", cifar, "--weights", weights, "--format", "json", "--seed")
    scored = [json.loads(colorcli(*arguments, seed).stdout)["rows"][2]["psnr"] for seed in (1, 1, 2)]
    assert scored[0] == scored[1] != scored[2]


@pytest.mark.parametrize("option", [["--no-cast"], ["--hints", "3"]])
def test_what_is_for_photos_is_refused_for_cifar10(option):
    result = colorcli("--dataset", "cifar10", *option)
    assert result.exit_code == 2 and f"{option[0]} is for photos" in result.stderr


def test_hints_are_refused_for_a_model_that_takes_none(photos, weights):
    result = colorcli("--dataset", photos, "--weights", weights, "--hints", "3")
    assert result.exit_code == 2 and "takes no hints" in result.stderr
