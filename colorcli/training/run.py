"""A training run from data to a weights file that says how it was made."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch

from colorcli import models
from colorcli.errors import UsageError
from colorcli.models.base import ColorModel
from colorcli.training.data import is_cifar10, open_data
from colorcli.training.loop import Hooks, Progress, train
from colorcli.training.processes import training_place
from colorcli.training.recipes import RECIPES, preset
from colorcli.training.record import HISTORY
from colorcli.weights import load_model, save_weights

WEIGHTS_FILE, BEST_FILE = "model.safetensors", "best.safetensors"


@dataclass(frozen=True)
class Order:
    """What a user asks for.

    model: a system of `recipes.RECIPES`. data: "cifar10" or folders of photos. preset: its name, or None for the
    default. settings, config: what shall differ from the preset. init: weights to start from instead of random ones.
    width: channels of the network's finest level instead of the preset's. saturation: kept in the weights, the factor
    on the chroma that colouring with them applies by default.
    """

    model: str
    data: Sequence[str]
    out: Path
    preset: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    width: int | None = None
    validation: Path | None = None
    data_root: Path | None = None
    limit: int | None = None
    init: Path | None = None
    saturation: float = 1.0
    device: str = "auto"
    precision: str = "auto"
    resume: bool = False


def run(
    order: Order,
    *,
    report: Callable[[Progress], None] = lambda progress: None,
    say: Callable[[str], None] = lambda line: None,
) -> Path:
    """Train; returns the weights file out/model.safetensors. The best so far lies beside it as best.safetensors.

    UsageError if `out` holds a run and `resume` is not set, for a system that cannot be trained, or for a crop size
    that the network does not take; other errors as from `open_data` and `loop.train`. Under torchrun each process
    calls this; the first one tells and writes.
    """
    if not order.resume and (order.out / HISTORY).exists():
        raise UsageError(f"{order.out} holds an earlier run: --resume it, or choose another --out")
    chosen = preset(order.model, order.preset, photos=not is_cifar10(order.data))
    settings = replace(chosen.settings, **order.settings)
    torch.manual_seed(settings.seed)
    model = _network(order, chosen.config)
    if settings.size % model.multiple:
        raise UsageError(f"--size {settings.size}: {order.model} takes multiples of {model.multiple} px")
    data = open_data(
        order.data, settings.size, validation=order.validation, data_root=order.data_root, limit=order.limit
    )
    recipe = RECIPES[order.model]
    if recipe.needs_labels and data.train.labels is None:
        raise UsageError(f"{order.model} learns from classes too, which {', '.join(order.data)} does not have")
    metadata = {
        "model": order.model,
        "size": str(settings.size),
        "saturation": f"{order.saturation:g}",
        "trained_on": data.trained_on,
        "command": shlex.join(["colorcli", *(_without_folders(word) for word in sys.argv[1:])]),
        "commit": _commit(),
        "created": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
    }

    def keep(averaged: ColorModel, name: str = BEST_FILE) -> None:
        save_weights(order.out / name, averaged, metadata)

    with training_place(order.device, order.precision) as place:
        first = place.rank == 0
        if first:
            say(data.about)
        hooks = Hooks(report if first else Hooks.report, keep)
        averaged = train(
            model, data.train, data.validation, order.out, settings, recipe.objective, place,
            resume=order.resume, hooks=hooks,
        )  # fmt: skip
        if first:
            keep(averaged, WEIGHTS_FILE)
    return order.out / WEIGHTS_FILE


def _network(order: Order, config: Mapping[str, Any]) -> ColorModel:
    """The network to train: from --init, or as the preset and --width have it."""
    if order.init is not None:
        model = load_model(weights=order.init)
        if type(model) is not type(models.build(order.model)):
            raise UsageError(f"--init {order.init}: weights of another system than {order.model}")
        return model
    return models.build(order.model, **config, **({} if order.width is None else {"width": order.width}))


def _without_folders(word: str) -> str:
    """A path on the command line as its last part: weights should not tell where they were made."""
    return Path(word).name if "/" in word else word


def _commit() -> str:
    """The commit of the checkout that this runs from; empty outside of one."""
    here = Path(__file__).parent
    done = subprocess.run(
        ["git", "-C", str(here), "rev-parse", "--short=12", "HEAD"],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() if done.returncode == 0 else ""
