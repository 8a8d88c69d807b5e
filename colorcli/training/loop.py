"""The one training loop."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import torch
from torch import Tensor, nn

from colorcli.errors import ColorcliError, UsageError
from colorcli.models.base import ColorModel
from colorcli.training.checkpoint import remove_leftovers, save_checkpoint
from colorcli.training.objectives.base import Objective, Place
from colorcli.training.pictures.batches import TrainingSet, batches, held_on, make_batch, steps_per_epoch
from colorcli.training.processes import mean_over_processes
from colorcli.training.record import Record
from colorcli.training.settings import Settings
from colorcli.training.state import capture, restore
from colorcli.training.stopping import Stopping

REPORT_SECONDS = 1.0  # between reports, where no row of the history comes before


@dataclass(frozen=True)
class Progress:
    """What the loop tells about once a second, with every row of the history and after every validation."""

    step: int
    steps: int
    epoch: float
    images_per_second: float
    seconds_left: float
    values: dict[str, float]


@dataclass(frozen=True)
class Hooks:
    """What the loop calls, in the first of several processes. report: with its progress. best: with the averaged model
    whenever it validates best. say: with a line for a person."""

    report: Callable[[Progress], None] = lambda progress: None
    best: Callable[[ColorModel], None] = lambda model: None
    say: Callable[[str], None] = lambda line: None


def learning_rate(step: int, steps: int, settings: Settings) -> float:
    """The factor on the learning rate: 1, or a linear warm-up, then half a cosine down to a hundredth."""
    if settings.schedule == "constant":
        return 1.0
    if step < settings.warmup_steps:
        return (step + 1) / settings.warmup_steps
    done = (step - settings.warmup_steps) / max(1, steps - settings.warmup_steps)
    return 0.01 + 0.99 * (1 + math.cos(math.pi * min(1.0, done))) / 2


def objective_class(factory: str) -> type[Objective]:
    """The class "module:Class" of colorcli.training.objectives."""
    module, _, name = factory.partition(":")
    found: type[Objective] = getattr(import_module(f"colorcli.training.objectives.{module}"), name)
    return found


def objective_of(
    factory: str, model: ColorModel, settings: Settings, place: Place, steps_in_epoch: int = 1
) -> Objective:
    """The objective `factory` for `model`."""
    return objective_class(factory)(model, settings, place, steps_in_epoch)


def train(
    model: ColorModel,
    data: TrainingSet,
    validation: TrainingSet | None,
    out: Path,
    settings: Settings,
    factory: str,
    place: Place,
    *,
    resume: bool = False,
    hooks: Hooks = Hooks(),
) -> ColorModel:
    """Train `model` on `data` by the objective `factory` and return the moving average of its weights, on the CPU.

    Writes out/history.csv, TensorBoard's events and checkpoints; with `resume` goes on from the newest whole one: on
    one device the result is the same to the bit. Ctrl-C lets the step end and saves a checkpoint first. Seeds torch's
    generators anew at every step.

    ColorcliError if a loss or a weight stops being finite, before anything is saved; UsageError for settings of less
    than a step, and as from `state.restore`.
    """
    per_epoch = steps_per_epoch(len(data), settings.batch_size * place.world)
    if round(settings.epochs * per_epoch) < 1:
        raise UsageError(f"--epochs {settings.epochs:g}: less than a step; an epoch has {per_epoch}")
    out.mkdir(parents=True, exist_ok=True)
    model = model.to(place.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    averaged = copy.deepcopy(model).eval().requires_grad_(False)
    objective = objective_of(factory, model, settings, place, per_epoch)
    first, best = restore(out, objective, averaged, hooks.say) if resume else (0, -math.inf)
    if first > round(settings.epochs * per_epoch):
        raise UsageError(
            f"--epochs {settings.epochs:g}: {out} has {first / per_epoch:.3g} behind it already; give more to go on"
        )
    data = held_on(place.device, data)
    order = batches(len(data), settings.batch_size, settings.seed, first, rank=place.rank, world=place.world)
    run = _Run(objective, averaged, validation, out, settings, place, hooks, per_epoch, first, best)
    try:
        with Stopping() as stopping:
            for step in range(first, run.steps):
                factor = learning_rate(step, run.steps, settings)
                losses = _step(step, model, data, next(order), objective, factor)
                _average(averaged, model, min(settings.average, (step + 1) / (step + 10)))
                run.after(step + 1, losses, factor)
                if stopping.asked is not None and place.rank == 0:  # the others go when it is gone
                    run.save(step + 1, _floats(losses))
                    stopping.obey()
    finally:
        run.close()
    return averaged.cpu()


def _step(
    step: int, model: ColorModel, data: TrainingSet, index: Tensor, objective: Objective, factor: float
) -> dict[str, Tensor]:
    """One step of learning from the pictures `index`. Its chances depend on the seed, step and process alone."""
    settings, place = objective.settings, objective.place
    seed = (settings.seed * 1_000_003 + step) * place.world + place.rank
    torch.manual_seed(seed)  # for dropout and noise
    batch = make_batch(
        data,
        index,
        settings.size,
        seed,
        aged=settings.aged,
        aged_chroma=settings.aged_chroma,
        cutmix=settings.cutmix,
        hinted=settings.hinted if "hints" in model.takes else 0.0,
        device=place.device,
    )
    model.train()
    for optimizer in objective.optimizers.values():
        for group in optimizer.param_groups:
            group["lr"] = group.setdefault("full_lr", group["lr"]) * factor
    return objective.step(step, batch)


class _Run:
    """What happens between steps: telling, validating, saving. Only the first of several processes does any."""

    def __init__(
        self,
        objective: Objective,
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
        self.objective, self.averaged, self.validation = objective, averaged, validation
        self.out, self.settings, self.place, self.hooks = out, settings, place, hooks
        self.per_epoch, self.best, self.first = per_epoch, best, first
        self.steps = round(settings.epochs * per_epoch)
        self.record: Record | None = None
        if place.rank == 0:
            remove_leftovers(out)
            self.record = Record(out, [*objective.LOSSES, *objective.MEASURES], until=first)
        self.began = self.saved = self.told = time.monotonic()
        self.logged = first, self.began

    def after(self, now: int, losses: Mapping[str, Tensor], factor: float) -> None:
        """Called after step number `now`, counted from 1, by all processes."""
        epoch_ends = now % self.per_epoch == 0 or now == self.steps
        if epoch_ends or now % self.settings.log_every == 0:
            values = _floats(mean_over_processes(losses, self.place.world))
            self._log(now, values, factor, epoch_ends=epoch_ends)
        elif self.record is not None and time.monotonic() - self.told > REPORT_SECONDS:
            self._tell(now, self._speed(now), _floats(losses))
        overdue = time.monotonic() - self.saved > 60 * self.settings.checkpoint_minutes
        if self.record is not None and (overdue or now == self.steps):
            self.save(now, _floats(losses))

    def save(self, now: int, values: Mapping[str, float]) -> None:
        """Write a checkpoint. ColorcliError if the run is worth none."""
        self._check(now, values, weights=True)
        save_checkpoint(self.out, now, capture(now, self.best, self.objective, self.averaged))
        self.saved = time.monotonic()

    def close(self) -> None:
        if self.record is not None:
            self.record.close()

    def _log(self, now: int, values: dict[str, float], factor: float, *, epoch_ends: bool) -> None:
        """A row of the history; at the end of an epoch with a validation."""
        self._check(now, values, weights=epoch_ends)
        if self.record is None:
            return
        speed = self._speed(now)
        if epoch_ends and self.validation is not None:
            values |= self._validate(now, self.validation)
        place = {"step": now, "epoch": now / self.per_epoch, "lr": self.settings.lr * factor}
        self.record.add(place | {"images_per_second": speed} | values)
        self._tell(now, speed, values)
        self.logged = now, time.monotonic()

    def _check(self, now: int, values: Mapping[str, float], *, weights: bool) -> None:
        broken = [f"{name} {value}" for name, value in values.items() if not math.isfinite(value)]
        if weights and not all(map(_is_finite, [*self.objective.modules.values(), self.averaged])):
            broken.append("weights")
        if broken:
            raise ColorcliError(
                f"step {now}: no longer finite: {', '.join(broken)}. Training stopped; what is saved in {self.out} is "
                "from before. Try a lower --lr"
            )

    def _validate(self, now: int, validation: TrainingSet) -> dict[str, float]:
        values = self.objective.validate(self.averaged, validation)
        grid = self.objective.pictures(self.averaged, validation)
        if self.record is not None and grid is not None:
            self.record.picture(now, grid)
        if values[self.objective.MEASURES[0]] > self.best:
            self.best = values[self.objective.MEASURES[0]]
            self.hooks.best(self.averaged)
        return values

    def _speed(self, now: int) -> float:
        """Images a second since the last row of the history, in all processes."""
        step, clock = self.logged
        return self.settings.batch_size * self.place.world * (now - step) / (time.monotonic() - clock)

    def _tell(self, now: int, speed: float, values: dict[str, float]) -> None:
        self.told = time.monotonic()
        left = (self.told - self.began) / (now - self.first) * (self.steps - now)
        self.hooks.report(Progress(now, self.steps, now / self.per_epoch, speed, left, values))


def _floats(losses: Mapping[str, Tensor]) -> dict[str, float]:
    return {name: float(loss) for name, loss in losses.items()}


def _is_finite(module: nn.Module) -> bool:
    tensors = [tensor for tensor in module.state_dict().values() if tensor.is_floating_point()]
    return bool(torch.stack([tensor.isfinite().all() for tensor in tensors]).all())


@torch.no_grad()
def _average(averaged: nn.Module, model: nn.Module, decay: float) -> None:
    pairs = list(zip(_state(averaged), _state(model), strict=True))
    floats = [pair for pair in pairs if pair[0].is_floating_point()]
    torch._foreach_lerp_([average for average, _ in floats], [current for _, current in floats], 1 - decay)
    for average, current in pairs:
        if not average.is_floating_point():
            average.copy_(current)


def _state(module: nn.Module) -> list[Tensor]:
    return [*module.parameters(), *module.buffers()]
