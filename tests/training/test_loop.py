"""The loop on a network of a few thousand parameters and eight small photos."""

import csv
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from colorcli.errors import ColorcliError
from colorcli.models.base import ColorModel
from colorcli.models.gan import GanGenerator
from colorcli.training import loop
from colorcli.training.data import load_photos
from colorcli.training.loop import learning_rate, train, validate
from colorcli.training.objectives import PixelThenAdversarial
from colorcli.training.settings import Settings

CPU = torch.device("cpu")
QUICK = Settings(epochs=6, pretrain_epochs=3, batch_size=4, size=32, warmup_steps=2, log_every=1, lr=3e-3)


def small_model() -> GanGenerator:
    torch.manual_seed(0)
    return GanGenerator(widths=(8, 8, 8, 8, 8), encoder_blocks=(1, 1, 1, 1, 1), decoder_blocks=(1, 1, 1, 1))


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    generator = np.random.default_rng(0)
    for i in range(8):
        coarse = generator.integers(0, 255, (4, 5, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((50, 40)).save(folder / f"{i}.png")
    return load_photos([folder], 32)


def run(photos, out: Path, settings: Settings = QUICK, **options):
    return train(
        small_model(), photos, None, out, settings, device=CPU, precision=torch.float32, **options
    ).state_dict()


def same(one: dict, other: dict) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def history(out: Path) -> list[dict[str, str]]:
    with (out / "history.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_resumed_run_is_the_same_to_the_bit(photos, tmp_path, monkeypatch):
    whole = run(photos, tmp_path / "whole")

    class Stopped(Exception):
        pass

    def stop_after_7(progress):
        if progress.step == 7:
            raise Stopped

    with pytest.raises(Stopped):
        run(photos, tmp_path / "cut", replace(QUICK, checkpoint_minutes=0), report=stop_after_7)
    resumed = run(photos, tmp_path / "cut", resume=True)
    assert same(whole, resumed)
    assert [int(row["step"]) for row in history(tmp_path / "cut")] == list(range(1, 13))


def test_another_seed_is_another_run(photos, tmp_path):
    assert not same(run(photos, tmp_path / "a"), run(photos, tmp_path / "b", replace(QUICK, seed=1)))


def test_the_adversary_joins_after_the_pixel_loss(photos, tmp_path):
    run(photos, tmp_path)
    rows = history(tmp_path)
    assert [bool(row["huber"]) for row in rows] == [True] * 6 + [False] * 6
    assert all(float(row["discriminator"]) > 0 for row in rows[6:])


def test_a_loss_that_is_not_finite_stops_the_run_before_it_is_saved(photos, tmp_path, monkeypatch):
    monkeypatch.setattr("colorcli.training.objectives.huber", lambda p, t: p.sum() * torch.nan)
    with pytest.raises(ColorcliError, match=r"step 1: .*--lr"):
        run(photos, tmp_path)
    assert not list(tmp_path.glob("checkpoint*"))


class Constant(ColorModel):
    """The same ab everywhere."""

    def __init__(self, a: float, b: float) -> None:
        super().__init__()
        self.ab = torch.nn.Parameter(torch.tensor([a, b])[None, :, None, None])

    def predict_ab(self, L):
        return self.ab.expand(len(L), 2, *L.shape[-2:])


def test_validation_compares_with_grey(photos):
    grey = validate(Constant(0.0, 0.0), photos, 32)
    assert grey["val_psnr_gain"] == pytest.approx(0, abs=1e-4)
    assert grey["val_chroma"] == pytest.approx(0, abs=1e-2)
    wrong = validate(Constant(80.0, -80.0), photos, 32)
    assert wrong["val_psnr_gain"] < -3
    assert wrong["val_ab_error"] > grey["val_ab_error"]


@pytest.mark.parametrize("pretrain_steps", [1000, 0], ids=["pixel", "adversarial"])
def test_steps_on_one_batch_lower_the_pixel_loss(photos, pretrain_steps):
    model = small_model()
    objective = PixelThenAdversarial(
        model, lr=3e-3, discriminator_lr=1e-4, pretrain_steps=pretrain_steps, l1_weight=100.0,
        device=CPU, autocast=nullcontext,
    )  # fmt: skip
    L, ab = photos.crops(torch.arange(8), 32)
    losses = [objective.step(i, L, L, ab)["l1"].item() for i in range(15)]
    assert losses[-1] < 0.9 * losses[0]


def test_learning_rate_warms_up_and_falls():
    rates = [learning_rate(step, 100, 10) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.02


def test_average_follows_the_weights():
    mean, now = torch.nn.BatchNorm1d(1), torch.nn.BatchNorm1d(1)
    now.weight.data.fill_(3.0)
    now.running_var.fill_(5.0)
    loop._average(mean, now, 0.75)
    assert (mean.weight.item(), mean.running_var.item()) == (1.5, 2.0)
