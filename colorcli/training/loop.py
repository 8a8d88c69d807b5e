"""The one training loop."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from colorcli.errors import ColorcliError
from colorcli.models.base import ColorModel
from colorcli.training.batch import TrainingSet, batches, make_batch, steps_per_epoch
from colorcli.training.checkpoint import load_checkpoint, save_checkpoint
from colorcli.training.objectives.base import Objective, Place
from colorcli.training.record import Record
from colorcli.training.settings import Settings


@dataclass(frozen=True)
class Progress:
    """What the loop tells after `log_every` steps and after every validation."""

    step: int
    steps: int
    epoch: float
    images_per_second: float
    seconds_left: float
    values: dict[str, float]


@dataclass(frozen=True)
class Hooks:
    """What the loop calls. report: with its progress. best: with the averaged model whenever it validates best."""

    report: Callable[[Progress], None] = lambda progress: None
    best: Callable[[ColorModel], None] = lambda model: None


def learning_rate(step: int, steps: int, settings: Settings) -> float:
    """The factor on the learning rate: 1, or a linear warm-up, then half a cosine down to a hundredth."""
    if settings.schedule == "constant":
        return 1.0
    if step < settings.warmup_steps:
        return (step + 1) / settings.warmup_steps
    done = (step - settings.warmup_steps) / max(1, steps - settings.warmup_steps)
    return 0.01 + 0.99 * (1 + math.cos(math.pi * min(1.0, done))) / 2


def objective_of(
    factory: str, model: ColorModel, settings: Settings, place: Place, steps_in_epoch: int = 1
) -> Objective:
    """The objective "module:Class" of colorcli.training.objectives for `model`."""
    module, _, name = factory.partition(":")
    made: Objective = getattr(import_module(f"colorcli.training.objectives.{module}"), name)(
        model, settings, place, steps_in_epoch
    )
    return made


def train(
    model: ColorModel,
    data: TrainingSet,
    validation: TrainingSet | None,
    out: Path,
    settings: Settings,
    objective: str,
    place: Place,
    *,
    resume: bool = False,
    hooks: Hooks = Hooks(),  # noqa: B008 (frozen)
) -> ColorModel:
    """Train `model` on `data` by `objective` and return the moving average of its weights, on the CPU.

    Writes out/history.csv, TensorBoard's events and checkpoints; with `resume` goes on from the newest whole one: on
    one device the result is the same to the bit. ColorcliError if a loss stops being finite.
    """
    out.mkdir(parents=True, exist_ok=True)
    per_epoch = steps_per_epoch(len(data), settings.batch_size * place.world)
    model = model.to(place.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = copy.deepcopy(model).eval().requires_grad_(False)
    teacher = objective_of(objective, model, settings, place, per_epoch)
    first, best = _restore(out, teacher, averaged) if resume else (0, -math.inf)
    run = _Run(teacher, averaged, validation, out, settings, place, hooks, per_epoch, first, best)
    data = data.to(place.device)
    order = batches(len(data), settings.batch_size, settings.seed, first, rank=place.rank, world=place.world)
    for step in range(first, run.steps):
        model.train()
        factor = learning_rate(step, run.steps, settings)
        _scale_learning_rates(teacher, factor)
        chance = torch.Generator().manual_seed((settings.seed * 1_000_003 + step) * place.world + place.rank)
        batch = make_batch(data, next(order).to(place.device), settings.size, chance, settings.aged)
        losses = teacher.step(step, batch)
        _average(averaged, model, min(settings.average, (step + 1) / (step + 10)))
        run.after(step + 1, losses, factor)
    run.close()
    return averaged.cpu()


class _Run:
    """What happens between steps: telling, validating, saving. Only the first of several processes does any."""

    def __init__(
        self,
        teacher: Objective,
        averaged: ColorModel,
        validation: TrainingSet | None,
        out: Path,
        settings: Settings,
        place: Place,
        hooks: Hooks,
        per_epoch: int,
        first: int,
        best: float,
    ) -> None:
        self.teacher, self.averaged, self.validation = teacher, averaged, validation
        self.out, self.settings, self.place, self.hooks = out, settings, place, hooks
        self.per_epoch, self.best = per_epoch, best
        self.steps = round(settings.epochs * per_epoch)
        self.record = Record(out, [*teacher.LOSSES, *teacher.MEASURES], until=first) if place.rank == 0 else None
        self.saved = time.monotonic()
        self.logged = first, self.saved

    def after(self, now: int, losses: dict[str, Tensor], factor: float) -> None:
        """Called after step number `now`, counted from 1."""
        epoch_ends = now % self.per_epoch == 0 or now == self.steps
        save = time.monotonic() - self.saved > 60 * self.settings.checkpoint_minutes or now == self.steps
        if not (save or epoch_ends or now % self.settings.log_every == 0):
            return
        values = {name: float(loss) for name, loss in losses.items()}
        if not all(map(math.isfinite, values.values())):  # told before anything is saved
            raise ColorcliError(f"step {now}: a loss is no longer finite ({values}); try a lower --lr")
        if self.record is None:
            return
        if epoch_ends and self.validation is not None:
            values |= self._validate(now, self.validation)
        self._tell(now, values, factor)
        if save:
            save_checkpoint(self.out, now, _state(now, self.best, self.teacher, self.averaged))
            self.saved = time.monotonic()

    def close(self) -> None:
        if self.record is not None:
            self.record.close()

    def _validate(self, now: int, validation: TrainingSet) -> dict[str, float]:
        values = self.teacher.validate(self.averaged, validation)
        grid = self.teacher.pictures(self.averaged, validation)
        if self.record is not None and grid is not None:
            self.record.picture(now, grid)
        if values[self.teacher.MEASURES[0]] > self.best:
            self.best = values[self.teacher.MEASURES[0]]
            self.hooks.best(self.averaged)
        return values

    def _tell(self, now: int, values: dict[str, float], factor: float) -> None:
        step, clock = self.logged
        together = self.settings.batch_size * self.place.world
        speed = together * (now - step) / (time.monotonic() - clock)
        epoch, left = now / self.per_epoch, (self.steps - now) * together / speed
        self.hooks.report(Progress(now, self.steps, epoch, speed, left, values))
        if self.record is not None:
            place = {"step": now, "epoch": epoch, "lr": self.settings.lr * factor, "images_per_second": speed}
            self.record.add(place | values)
        self.logged = now, time.monotonic()


def _scale_learning_rates(objective: Objective, factor: float) -> None:
    for optimizer in objective.optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = group.setdefault("full_lr", group["lr"]) * factor


@torch.no_grad()
def _average(averaged: nn.Module, model: nn.Module, decay: float) -> None:
    torch._foreach_lerp_(list(averaged.parameters()), list(model.parameters()), 1 - decay)
    for average, current in zip(averaged.buffers(), model.buffers(), strict=True):
        if average.is_floating_point():
            average.lerp_(current, 1 - decay)
        else:
            average.copy_(current)


def _state(step: int, best: float, objective: Objective, averaged: nn.Module) -> dict[str, Any]:
    return {
        "step": step,
        "best": best,
        "averaged": averaged.state_dict(),
        "modules": {name: module.state_dict() for name, module in objective.modules.items()},
        "optimizers": {name: o.state_dict() for name, o in objective.optimizers.items()},
    }


def _restore(out: Path, objective: Objective, averaged: nn.Module) -> tuple[int, float]:
    """The step and the best validation of the newest whole checkpoint in `out`, which is loaded."""
    state = load_checkpoint(out)
    if state is None:
        return 0, -math.inf
    averaged.load_state_dict(state["averaged"])
    for name, module in objective.modules.items():
        module.load_state_dict(state["modules"][name])
    for name, optimizer in objective.optimizers.items():
        optimizer.load_state_dict(state["optimizers"][name])
    return int(state["step"]), float(state["best"])
