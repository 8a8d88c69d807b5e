"""The one training loop."""

from __future__ import annotations

import contextlib
import copy
import csv
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from colorcli.color import merge, rgb_to_lab
from colorcli.errors import ColorcliError
from colorcli.models.base import ColorModel
from colorcli.training.augment import age
from colorcli.training.checkpoint import load_checkpoint, save_checkpoint
from colorcli.training.data import PhotoSet, batches
from colorcli.training.objectives import PixelThenAdversarial
from colorcli.training.settings import Settings


@dataclass
class Progress:
    """What the loop tells after `log_every` steps and after every validation."""

    step: int
    steps: int
    epoch: float
    images_per_second: float
    seconds_left: float
    values: dict[str, float]


def learning_rate(step: int, steps: int, warmup: int) -> float:
    """The factor on the learning rate: a linear warm-up, then half a cosine down to a hundredth."""
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return 0.01 + 0.99 * (1 + math.cos(math.pi * min(1.0, done))) / 2


def train(
    model: ColorModel,
    photos: PhotoSet,
    validation: PhotoSet | None,
    out: Path,
    settings: Settings,
    *,
    device: torch.device,
    precision: torch.dtype,
    resume: bool = False,
    report: Callable[[Progress], None] = lambda progress: None,
) -> ColorModel:
    """Train `model` on `photos` and return the moving average of its weights, on the CPU.

    Writes out/history.csv and checkpoints; with `resume` goes on from the newest whole one: on one device the
    result is the same to the bit. ColorcliError if a loss stops being finite.
    """
    out.mkdir(parents=True, exist_ok=True)
    per_epoch = max(1, len(photos) // settings.batch_size)
    steps, pretrain = round(settings.epochs * per_epoch), round(settings.pretrain_epochs * per_epoch)
    model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = copy.deepcopy(model).eval().requires_grad_(False)
    objective = PixelThenAdversarial(
        model,
        lr=settings.lr,
        discriminator_lr=settings.discriminator_lr,
        pretrain_steps=pretrain,
        l1_weight=settings.l1_weight,
        device=device,
        autocast=lambda: _autocast(device, precision),
    )
    first = _restore(out, objective, averaged) if resume else 0
    photos = photos.to(device)
    history = HistoryFile(out / "history.csv", until=first)
    saved = time.monotonic()
    logged = first, saved
    order = batches(len(photos), settings.batch_size, settings.seed, first)
    for step in range(first, steps):
        model.train()
        factor = learning_rate(step, steps, settings.warmup_steps)
        _scale_learning_rates(objective, factor)
        chance = torch.Generator().manual_seed(settings.seed * 1_000_003 + step)
        L, ab = photos.crops(next(order).to(device), settings.size, chance)
        losses = objective.step(step, age(L, chance, settings.aged), L, ab)
        _average(averaged, model, min(settings.average, (step + 1) / (step + 10)))

        now = step + 1
        epoch_ends = now % per_epoch == 0 or now == steps
        save = time.monotonic() - saved > 60 * settings.checkpoint_minutes or now == steps
        if save or epoch_ends or now % settings.log_every == 0:
            values = {name: float(loss) for name, loss in losses.items()}
            if not all(map(math.isfinite, values.values())):  # told before anything is saved
                raise ColorcliError(f"step {now}: a loss is no longer finite ({values}); try a lower --lr")
            if epoch_ends and validation is not None:
                values |= validate(averaged, validation, settings.size)
            speed = settings.batch_size * (now - logged[0]) / (time.monotonic() - logged[1])
            left = (steps - now) * settings.batch_size / speed
            report(Progress(now, steps, now / per_epoch, speed, left, values))
            history.add(
                {
                    "step": now,
                    "epoch": now / per_epoch,
                    "lr": settings.lr * factor,
                    "images_per_second": speed,
                    **values,
                }
            )
            logged = now, time.monotonic()
        if save:
            save_checkpoint(out, now, _state(now, objective, averaged))
            saved = time.monotonic()
    return averaged.cpu()


def _scale_learning_rates(objective: PixelThenAdversarial, factor: float) -> None:
    for optimizer in objective.optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = group.setdefault("full_lr", group["lr"]) * factor


def _autocast(device: torch.device, precision: torch.dtype) -> contextlib.AbstractContextManager[Any]:
    if precision == torch.float32:
        return contextlib.nullcontext()
    return torch.autocast(device.type, precision)


@torch.no_grad()
def _average(averaged: nn.Module, model: nn.Module, decay: float) -> None:
    for mean, value in zip(averaged.parameters(), model.parameters(), strict=True):
        mean.lerp_(value, 1 - decay)
    for average, current in zip(averaged.buffers(), model.buffers(), strict=True):
        if average.is_floating_point():
            average.lerp_(current, 1 - decay)
        else:
            average.copy_(current)


def _state(step: int, objective: PixelThenAdversarial, averaged: nn.Module) -> dict[str, Any]:
    return {
        "step": step,
        "averaged": averaged.state_dict(),
        "modules": {name: module.state_dict() for name, module in objective.modules().items()},
        "optimizers": {name: o.state_dict() for name, o in objective.optimizers.items()},
    }


def _restore(out: Path, objective: PixelThenAdversarial, averaged: nn.Module) -> int:
    state = load_checkpoint(out)
    if state is None:
        return 0
    averaged.load_state_dict(state["averaged"])
    for name, module in objective.modules().items():
        module.load_state_dict(state["modules"][name])
    for name, optimizer in objective.optimizers.items():
        optimizer.load_state_dict(state["optimizers"][name])
    return int(state["step"])


@torch.no_grad()
def validate(model: ColorModel, photos: PhotoSet, size: int, batch_size: int = 32) -> dict[str, float]:
    """On the middle squares: PSNR in dB, PSNR of leaving them grey, mean ab error, share of the true chroma."""
    device = next(model.parameters()).device
    rows: list[Tensor] = []
    for index in torch.arange(len(photos)).split(batch_size):
        L, ab = (x.to(device) for x in photos.crops(index, size))
        guess = model.predict_ab(L).float()
        truth, result, grey = merge(L, ab), merge(L, guess), merge(L, torch.zeros_like(ab))
        shown = rgb_to_lab(result)[:, 1:]
        psnr = [-10 * (truth - x).square().mean((1, 2, 3)).clamp_min(1e-10).log10() for x in (result, grey)]
        chroma = [x.norm(dim=1).mean((1, 2)) for x in (shown, ab, shown - ab)]
        rows.append(torch.stack([*psnr, *chroma], 1).cpu())
    psnr_model, psnr_grey, chroma_model, chroma_true, error = torch.cat(rows).mean(0).tolist()
    return {
        "val_psnr": psnr_model,
        "val_psnr_gain": psnr_model - psnr_grey,
        "val_ab_error": error,
        "val_chroma": chroma_model / chroma_true,
    }


class HistoryFile:
    """history.csv: a line every `log_every` steps and at the end of every epoch; empty where nothing was measured."""

    TRAINING = ("step", "epoch", "lr", "images_per_second", "huber", "l1", "fool", "discriminator")
    VALIDATION = ("val_psnr", "val_psnr_gain", "val_ab_error", "val_chroma")
    COLUMNS = TRAINING + VALIDATION

    def __init__(self, path: Path, until: int) -> None:
        """Rows of an earlier run are kept up to step `until`, where this one goes on; 0 for a new run."""
        self.path = path
        kept: list[dict[str, str]] = []
        if until and path.exists():
            with path.open(newline="") as file:
                kept = [row for row in csv.DictReader(file) if int(row["step"]) <= until]
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, self.COLUMNS)
            writer.writeheader()
            writer.writerows(kept)

    def add(self, row: dict[str, float]) -> None:
        with self.path.open("a", newline="") as file:
            csv.DictWriter(file, self.COLUMNS).writerow({k: f"{v:.6g}" for k, v in row.items()})
