"""Small runs of training, for several test files: pictures, networks of a few thousand parameters, the history."""

import csv
from pathlib import Path

import numpy as np
import torch

from colorcli.models.gan import GanGenerator
from colorcli.training.loop import train
from colorcli.training.objectives.base import Place
from colorcli.training.pictures.images import Cifar10Images
from colorcli.training.settings import Settings

CPU = Place(torch.device("cpu"))
QUICK = Settings(epochs=6, pretrain_epochs=3, batch_size=4, warmup_steps=2, log_every=1, lr=3e-3, discriminator_lr=1e-3)
ADVERSARIAL, REGRESSION = "adversarial:Adversarial", "regression:Regression"


def coloured_squares(count: int) -> np.ndarray:
    """uint8 (count, 3, 32, 32): 4 x 4 random squares each."""
    squares = np.random.default_rng(0).integers(0, 255, (count, 3, 4, 4), dtype=np.uint8)
    return squares.repeat(8, axis=2).repeat(8, axis=3)


def images(count: int = 8) -> Cifar10Images:
    return Cifar10Images(torch.from_numpy(coloured_squares(count)), torch.arange(count) % 10)


def write_cifar10(folder: Path, count: int = 8) -> Path:
    """The binary layout with `count` images a file."""
    folder.mkdir(parents=True, exist_ok=True)
    records = np.concatenate([np.full((count, 1), 3, np.uint8), coloured_squares(count).reshape(count, -1)], 1)
    for name in (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch"):
        (folder / f"{name}.bin").write_bytes(records.tobytes())
    return folder


def small_model(seed: int = 0) -> GanGenerator:
    torch.manual_seed(seed)
    return GanGenerator(widths=(8, 8), encoder_blocks=(1, 1), decoder_blocks=(1,))


def run(
    out: Path,
    settings: Settings = QUICK,
    objective: str = ADVERSARIAL,
    *,
    validation=None,
    data=None,
    **options,
):
    """Train the small model; its averaged weights."""
    model = options.pop("model", None) or small_model()
    return train(model, data or images(), validation, out, settings, objective, CPU, **options).state_dict()


def same(one: dict, other: dict) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def history(out: Path) -> list[dict[str, str]]:
    with (out / "history.csv").open() as file:
        return list(csv.DictReader(file))
