"""colorize --samples and --seed: the real engine and an untrained network."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import colorcli.cli
from colorcli.models.catalog import build
from colorcli.photo import read_photo
from colorcli.weights.weightsfile import save_weights


@pytest.fixture
def here(tmp_path, monkeypatch):
    """a.png, grey; w.safetensors of cgan-rgb; g.safetensors of gan, which draws no noise."""
    monkeypatch.chdir(tmp_path)
    numbers = np.random.default_rng(0).integers(0, 255, (40, 50), dtype=np.uint8)
    Image.fromarray(numbers).save("a.png")
    torch.manual_seed(0)
    for name, file, config in (
        ("cgan-rgb", "w.safetensors", {"width": 8}),
        ("gan", "g.safetensors", {"widths": [8, 8], "encoder_blocks": [1, 1], "decoder_blocks": [1]}),
    ):
        save_weights(Path(file), build(name, **config), {"model": name})
    return tmp_path


def colorize(*arguments, weights="w.safetensors"):
    chosen = ["--weights", weights] if weights else []
    return CliRunner().invoke(colorcli.cli.app, ["colorize", *arguments, *chosen, "--size", "32", "--device", "cpu"])


def files() -> set[str]:
    return {path.name for path in Path().iterdir() if path.suffix != ".safetensors"}


def pixels(path) -> np.ndarray:
    return read_photo(Path(path)).pixels


def test_each_colouring_has_its_file(here):
    assert colorize("a.png", "--samples", "3").exit_code == 0
    assert files() == {"a.png", "a-color-1.png", "a-color-2.png", "a-color-3.png"}
    assert not np.array_equal(pixels("a-color-1.png"), pixels("a-color-2.png"))
    assert not np.array_equal(pixels("a-color-2.png"), pixels("a-color-3.png"))


def test_one_is_named_as_ever_and_the_same_every_time(here):
    colorize("a.png")
    colorize("a.png", "-o", "b.png", "--samples", "2")
    colorize("a.png", "-o", "c.png", "--seed", "1")
    assert np.array_equal(pixels("a-color.png"), pixels("b-1.png"))
    assert not np.array_equal(pixels("a-color.png"), pixels("c.png"))


def test_what_is_there_is_in_the_way_or_skipped(here):
    Path("o-2.png").write_text("mine")
    refused = colorize("a.png", "-o", "o.png", "--samples", "2")
    assert refused.exit_code == 2 and "o-2.png" in refused.output and files() == {"a.png", "o-2.png"}
    assert colorize("a.png", "-o", "o.png", "--samples", "2", "--skip-existing").exit_code == 0
    assert Path("o-2.png").read_text() == "mine" and "o-1.png" in files()
    assert colorize("a.png", "-o", "o.png", "--samples", "2", "--overwrite").exit_code == 0
    assert pixels("o-2.png").shape == (40, 50, 3)


def test_json_names_all(here):
    line = json.loads(colorize("a.png", "--samples", "2", "--json").stdout.splitlines()[0])
    assert line["samples"] == ["a-color-1.png", "a-color-2.png"] and line["target"] == "a-color-1.png"
    assert "samples" not in json.loads(colorize("a.png", "--json").stdout.splitlines()[0])


def test_compare_shows_all_side_by_side(here):
    assert colorize("a.png", "--samples", "2", "--compare").exit_code == 0
    row = pixels("a-compare.png")
    assert row.shape == (40, 150, 3) and np.array_equal(row[:, 100:], pixels("a-color-2.png"))


def test_a_folders_earlier_samples_are_no_photos(here):
    colorize("a.png", "--samples", "2")
    Path("d-1.png").write_bytes(Path("a.png").read_bytes())
    assert colorize(".", "-o", "out/").exit_code == 0
    assert sorted(path.name for path in Path("out").iterdir()) == ["a.png", "d-1.png"]


@pytest.mark.parametrize("weights", [None, "g.safetensors"])
def test_a_model_without_noise_has_one_colouring(here, weights):
    result = colorize("a.png", "--samples", "2", *([] if weights else ["--model", "gan"]), weights=weights)
    assert result.exit_code == 2 and files() == {"a.png"}
    assert "the model g" in result.output and "cgan-rgb or cgan-rgb-ed" in result.output


def test_stdout_takes_one_picture(here):
    result = colorize("a.png", "-o", "-", "--samples", "2")
    assert result.exit_code == 2 and "give -o a file name" in result.output
