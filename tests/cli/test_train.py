"""`colorcli train` from the command line, to weights that colour."""

import json
from pathlib import Path

import pytest
from safetensors import safe_open
from typer.testing import CliRunner

from colorcli.cli import app

DATA = Path(__file__).parents[1] / "data"
SMALL = ["--size", "32", "--batch-size", "2", "--epochs", "2", "--pretrain-epochs", "1", "--device", "cpu"]


@pytest.fixture(autouse=True)
def small_network(monkeypatch):
    """The network of the command, so narrow that a test can train it."""
    from colorcli.models import gan

    full = gan.GanGenerator.__init__

    def narrow(self, **config):
        full(self, **{"widths": (8, 8, 8, 8, 8), "encoder_blocks": [1] * 5, "decoder_blocks": [1] * 4, **config})

    monkeypatch.setattr(gan.GanGenerator, "__init__", narrow)


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("astronaut.jpg", "coffee.jpg", "rocket.webp", "cat.png"):
        (folder / name).symlink_to(DATA / name)
    return folder


def train(*arguments):
    return CliRunner().invoke(app, ["train", "gan", *map(str, arguments), *SMALL])


def test_trains_weights_that_colour_a_photo(photos, tmp_path):
    done = train("--data", photos, "--val", photos, "--out", tmp_path / "run")
    assert done.exit_code == 0, done.output
    weights = tmp_path / "run" / "model.safetensors"
    assert str(weights) in done.stdout
    picture = tmp_path / "out.png"
    coloured = CliRunner().invoke(
        app, ["colorize", str(DATA / "camera.png"), "-o", str(picture), "--weights", str(weights)]
    )
    assert coloured.exit_code == 0, coloured.output
    assert picture.exists()


def test_weights_say_how_they_were_made_but_not_where(photos, tmp_path):
    assert train("--data", photos, "--out", tmp_path / "run", "--saturation", "1.3").exit_code == 0
    with safe_open(tmp_path / "run" / "model.safetensors", "pt") as file:
        metadata = file.metadata()
    assert metadata["model"] == "gan"
    assert (metadata["size"], metadata["saturation"]) == ("32", "1.3")
    assert metadata["trained_on"] == "4 photos of photos"
    assert json.loads(metadata["config"])["widths"] == [8, 8, 8, 8, 8]
    assert str(tmp_path) not in json.dumps(metadata)


def test_an_earlier_run_is_not_overwritten(photos, tmp_path):
    assert train("--data", photos, "--out", tmp_path / "run").exit_code == 0
    again = train("--data", photos, "--out", tmp_path / "run")
    assert again.exit_code == 2
    assert "--resume" in again.stderr


def test_starts_from_given_weights(photos, tmp_path):
    assert train("--data", photos, "--out", tmp_path / "one").exit_code == 0
    first = tmp_path / "one" / "model.safetensors"
    assert train("--data", photos, "--out", tmp_path / "two", "--init", first).exit_code == 0


def test_an_empty_folder_is_a_usage_error(tmp_path):
    (tmp_path / "empty").mkdir()
    done = train("--data", tmp_path / "empty", "--out", tmp_path / "run")
    assert done.exit_code == 2


def test_a_size_the_network_does_not_take_is_a_usage_error(photos, tmp_path):
    arguments = ["train", "gan", "--data", str(photos), "--out", str(tmp_path / "run"), "--size", "40"]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert "multiples of 32" in done.stderr
