"""The loop on a network of a few thousand parameters and eight small pictures."""

import math
from dataclasses import replace

import pytest
import torch
from training_kit import QUICK, REGRESSION, history, images, run, same

from colorcli.errors import ColorcliError, UsageError
from colorcli.training import loop
from colorcli.training.loop import Hooks, learning_rate
from colorcli.training.losses import PIXEL
from colorcli.training.settings import Settings


def test_the_same_seed_is_the_same_run(tmp_path):
    assert same(run(tmp_path / "a"), run(tmp_path / "b"))
    assert not same(run(tmp_path / "a2"), run(tmp_path / "c", replace(QUICK, seed=1)))


def test_the_adversary_joins_after_the_pixel_loss(tmp_path):
    run(tmp_path)
    rows = history(tmp_path)
    assert [bool(row["pixel"]) for row in rows] == [True] * 6 + [False] * 6
    assert all(float(row["discriminator"]) > 0 for row in rows[6:])


def test_steps_lower_the_loss(tmp_path):
    run(tmp_path, replace(QUICK, epochs=20), REGRESSION)
    losses = [float(row["pixel"]) for row in history(tmp_path)]
    assert sum(losses[-4:]) < 0.9 * sum(losses[:4])


def broken_after(steps):
    """A pixel loss that is not finite from step `steps` + 1 on."""
    count = iter(range(10**6))
    return lambda prediction, truth: (prediction - truth).abs().mean() * (1 if next(count) < steps else math.nan)


def test_a_loss_that_is_not_finite_stops_the_run_before_anything_is_saved(tmp_path, monkeypatch):
    monkeypatch.setitem(PIXEL, "huber", broken_after(3))
    best = []
    with pytest.raises(ColorcliError, match=r"step 4: .*pixel nan.*--lr") as raised:
        run(tmp_path, replace(QUICK, checkpoint_minutes=0), validation=images(4), hooks=Hooks(best=best.append))
    assert raised.value.exit_code == 1
    assert [path.name[:19] for path in sorted(tmp_path.glob("checkpoint*"))] == [
        "checkpoint-00000002",
        "checkpoint-00000003",
    ]
    assert len(best) == 1 and len(history(tmp_path)) == 3


def test_weights_that_are_not_finite_are_never_validated_or_saved(tmp_path, monkeypatch):
    """The loss of a step is that of the weights before it."""

    def breaking(averaged, model, decay):
        next(model.parameters()).data.fill_(torch.inf)

    monkeypatch.setattr(loop, "_average", breaking)
    best = []
    with pytest.raises(ColorcliError, match=r"step 1: .*weights"):
        run(
            tmp_path,
            replace(QUICK, checkpoint_minutes=0, log_every=9),
            validation=images(4),
            hooks=Hooks(best=best.append),
        )
    assert not best and not list(tmp_path.glob("checkpoint*"))


def test_less_than_a_step_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="--epochs"):
        run(tmp_path / "run", replace(QUICK, epochs=0.1))
    assert not (tmp_path / "run").exists()


def test_every_epoch_is_validated_and_the_best_is_told(tmp_path):
    best, told = [], []
    run(tmp_path, validation=images(4), hooks=Hooks(report=told.append, best=best.append))
    assert [progress.step for progress in told if "val_psnr" in progress.values] == [2, 4, 6, 8, 10, 12]
    rising = [float(row["val_psnr"]) for row in history(tmp_path) if row["val_psnr"]]
    assert len(best) == sum(value > max(rising[:i], default=0) for i, value in enumerate(rising))


def test_progress_counts_and_estimates(tmp_path):
    told = []
    run(tmp_path, hooks=Hooks(report=told.append))
    assert [progress.step for progress in told] == list(range(1, 13))
    assert all(progress.images_per_second > 0 for progress in told)
    assert told[0].seconds_left > 0 and told[-1].seconds_left == 0 and told[-1].epoch == 6


def test_slow_steps_are_told_before_a_row_is_due(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "REPORT_SECONDS", 0)
    told = []
    run(tmp_path, replace(QUICK, log_every=1000, batch_size=2), hooks=Hooks(report=told.append))
    assert len(told) == 24 and len(history(tmp_path)) == 6


def test_learning_rate_warms_up_and_falls():
    settings = Settings(warmup_steps=10)
    rates = [learning_rate(step, 100, settings) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(1.0)
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] < 0.02
    assert learning_rate(50, 100, replace(settings, schedule="constant")) == 1


def test_average_follows_the_weights():
    mean, now = torch.nn.BatchNorm1d(1), torch.nn.BatchNorm1d(1)
    now.weight.data.fill_(3.0)
    now.running_var.fill_(5.0)
    loop._average(mean, now, 0.75)
    assert (mean.weight.item(), mean.running_var.item()) == (1.5, 2.0)
