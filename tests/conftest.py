"""What several test files share: small photos, a colorizer without a network, the command in-process and not."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import colorcli.cli
import colorcli.cli.colorize

TINT = np.array([1.0, 0.6, 0.2])


class Tint:
    """Stands in for engine.Colorizer: everything turns orange."""

    name, weights_sha256 = "tint@test", "ab" * 32
    device = SimpleNamespace(type="cpu")

    def __init__(self):
        self.passes = []

    def check_conditions(self, names):
        assert not list(names)

    def many(self, photos):
        self.passes.append(len(photos))
        return [self.colour(photo) for photo in photos]

    def __call__(self, photo):
        return self.many([photo])[0]

    def colour(self, photo):
        grey = photo.pixels if photo.pixels.ndim == 2 else photo.pixels.mean(axis=2)
        grey = grey / 257 if photo.pixels.dtype == np.uint16 else grey
        return replace(photo, pixels=(grey[..., None] * TINT).astype(np.uint8))


@pytest.fixture
def tint():
    return Tint()


@pytest.fixture
def make_photo():
    """make_photo(path, side=16, mode="L"): a grey ramp; folders are made; a path without suffix is a JPEG."""

    def make(path: Path, side: int = 16, mode: str = "L") -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        ramp = np.linspace(0, 255, side * side).reshape(side, side).astype(np.uint8)
        Image.fromarray(ramp).convert(mode).save(path, None if path.suffix else "JPEG")
        return path

    return make


@pytest.fixture
def run_cli(monkeypatch, tint):
    """run_cli("colorize", ...) -> result with exit_code, stdout, stderr; the model is `tint`."""
    monkeypatch.setattr(colorcli.cli.colorize, "_load", lambda **settings: tint)

    def run(*arguments, input=None):
        return CliRunner().invoke(colorcli.cli.app, [str(argument) for argument in arguments], input=input)

    return run
