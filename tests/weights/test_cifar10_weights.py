"""The bundled CIFAR-10 systems: they load, colour as they did when they were trained, and stay small."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from colorcli.color import merge, rgb_to_L
from colorcli.models.catalog import MODELS
from colorcli.training.recipes import RECIPES
from colorcli.weights.load import load_entry
from colorcli.weights.manifest import entries

HERE = Path(__file__).parents[1]
GOLDEN = HERE / "golden" / "cifar10.npz"
BUNDLED = [entry for entry in entries() if entry.task == "cifar10" and entry.source.type == "bundled"]
SYSTEMS = [entry for entry in BUNDLED if MODELS[entry.model].colours]
PHOTOS = ("astronaut.jpg", "coffee.jpg", "rocket.webp")


def small_photos() -> torch.Tensor:
    """L (3, 1, 32, 32) of the middle squares of real photos."""
    squares = []
    for name in PHOTOS:
        with Image.open(HERE / "data" / name) as image:
            side = min(image.size)
            left, top = (image.width - side) // 2, (image.height - side) // 2
            square = image.convert("RGB").crop((left, top, left + side, top + side))
            squares.append(np.asarray(square.resize((32, 32), Image.Resampling.BOX)))
    return rgb_to_L(torch.from_numpy(np.stack(squares)).permute(0, 3, 1, 2) / 255)


def coloured(entry) -> np.ndarray:
    """uint8 (3, 3, 32, 32): what `eval` scores, in 8 bits."""
    L = small_photos()
    torch.manual_seed(0)  # of the noise that some draw
    with torch.inference_mode():
        return (merge(L, load_entry(entry).predict_ab(L)) * 255).round().to(torch.uint8).numpy()


@pytest.mark.parametrize("entry", SYSTEMS, ids=lambda entry: entry.name)
def test_colours_as_it_did(entry):
    with np.load(GOLDEN) as golden:
        wanted = golden[entry.name].astype(int)
    assert np.abs(coloured(entry).astype(int) - wanted).max() <= 1
    assert np.ptp(wanted, axis=1).mean() > 1  # it is no longer grey


def test_every_system_that_can_be_trained_comes_with_weights():
    assert {entry.model for entry in SYSTEMS} == {name for name in RECIPES if MODELS[name].colours}


def test_they_stay_small():
    sizes = {entry.name: entry.size for entry in SYSTEMS}
    assert max(sizes.values()) <= 4 * 2**20
    assert sum(sizes.values()) <= 40 * 2**20


if __name__ == "__main__":  # after weights that are meant to change
    np.savez_compressed(GOLDEN, **{entry.name: coloured(entry) for entry in SYSTEMS})
