"""A training run from data to a weights file that says how it was made."""

from __future__ import annotations

import copy
import json
import os
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import torch
from torch import nn

from colorcli.errors import UsageError
from colorcli.files import sha256_of
from colorcli.models import catalog
from colorcli.models.base import ColorModel
from colorcli.training.checkpoint import checkpoints
from colorcli.training.loop import Hooks, Progress, train
from colorcli.training.objectives.base import Place
from colorcli.training.options import TrainingOptions, settled
from colorcli.training.pictures.colours import count_bins
from colorcli.training.pictures.sources import open_data
from colorcli.training.processes import training_place
from colorcli.training.recipes import RECIPES, Preset
from colorcli.training.record import HISTORY
from colorcli.training.settings import Settings
from colorcli.weights.pretrained import published_encoder
from colorcli.weights.weightsfile import load_file, save_weights

WEIGHTS_FILE, BEST_FILE = "model.safetensors", "best.safetensors"


def run(
    order: TrainingOptions,
    *,
    report: Callable[[Progress], None] = lambda progress: None,
    say: Callable[[str], None] = lambda line: None,
) -> Path:
    """Train; returns the weights file out/model.safetensors. The best so far lies beside it as best.safetensors.

    Both say what rebuilds and reproduces them (see `_metadata`). UsageError if `out` holds a run and `resume` is not
    set, for a system that cannot be trained, or for a crop size that the network does not take; other errors as from
    `training_place`, `open_data` and `loop.train`. Under torchrun each process calls this; the first one tells and
    writes.
    """
    with training_place(order.device, order.precision) as place:
        return _run(order, place, report, say if place.rank == 0 else lambda line: None)


def _run(order: TrainingOptions, place: Place, report: Callable[[Progress], None], say: Callable[[str], None]) -> Path:
    if not order.resume and ((order.out / HISTORY).exists() or checkpoints(order.out)):
        raise UsageError(f"{order.out} holds an earlier run: --resume it, or choose another --out")
    chosen, settings, bins = settled(order)
    torch.manual_seed(settings.seed)
    model = _network(order, chosen.config if bins is None else {**chosen.config, "colours": len(bins)})
    if order.detail is not None:
        model.detail = order.detail
    if settings.size % model.multiple:
        raise UsageError(f"--size {settings.size}: {order.model} takes multiples of {model.multiple} px")
    data = open_data(
        order.data,
        settings.size,
        validation=order.validation,
        data_root=order.data_root,
        limit=order.limit,
        download=order.download,
    )
    recipe = RECIPES[order.model]
    if bins is None and recipe.bins is not None and not order.init:
        bins = count_bins(data.train, settings.size, recipe.bins)
    if bins is not None:
        model.adopt(bins)
    _drop_channels(model, settings.dropout)
    say(data.about)
    metadata = _metadata(order, chosen, settings, place, data.trained_on)
    start = None if order.interpolate == 1 else copy.deepcopy(model).cpu()

    def keep(averaged: ColorModel, name: str = BEST_FILE) -> None:
        save_weights(order.out / name, _interpolated(averaged, start, order.interpolate), metadata)

    averaged = train(
        model,
        data.train,
        data.validation,
        order.out,
        settings,
        recipe.objective,
        place,
        resume=order.resume,
        hooks=Hooks(report, keep, say),
    )
    if place.rank == 0:
        keep(averaged, WEIGHTS_FILE)
    return order.out / WEIGHTS_FILE


def _network(order: TrainingOptions, config: Mapping[str, Any]) -> ColorModel:
    """The network to train: from --init, or as the preset and --width have it."""
    if not order.init:
        if order.interpolate != 1:
            raise UsageError("--interpolate: from which weights? Give --init")
        if order.encoder is not None:
            return _on_encoder(order)
        width = {} if order.width is None else {"width": order.width}
        return catalog.build(order.model, **{**config, **width})
    if order.width is not None:
        raise UsageError("--width: the network comes from --init")
    model = _mean(order.init)
    if not catalog.is_variant(model, order.model):
        raise UsageError(f"--init {order.init[0]}: weights of another system than {order.model}")
    return model


def _on_encoder(order: TrainingOptions) -> ColorModel:
    """The network on --encoder, which has its published weights. UsageError for another system than gan."""
    if order.model != "gan" or order.width is not None:
        raise UsageError(f"--encoder {order.encoder}: for gan, without --width")
    model = catalog.build("gan", encoder=order.encoder)
    model.encoder.load_published(published_encoder(str(order.encoder)))  # type: ignore[operator,union-attr]
    return model


def _mean(files: Sequence[Path]) -> ColorModel:
    """The network that weights files share, each weight the mean of theirs. UsageError where they differ."""
    first, *others = (load_file(file, colours=False) for file in files)
    for other, file in zip(others, files[1:], strict=True):
        if (type(other), other.config) != (type(first), first.config):
            raise UsageError(f"--init {file}: another network than {files[0]} has")
    states = [model.state_dict() for model in (first, *others)]
    for name, tensor in states[0].items():
        if tensor.is_floating_point():
            tensor.copy_(torch.stack([state[name] for state in states]).mean(0))
    return first


def _interpolated(averaged: ColorModel, start: ColorModel | None, share: float) -> ColorModel:
    """A network so far from `start`, as the run began, to the trained one; without a start the trained one."""
    if start is None:
        return averaged
    between, first = copy.deepcopy(averaged), start.state_dict()
    for name, tensor in between.state_dict().items():
        if tensor.is_floating_point():
            tensor.lerp_(first[name].to(tensor), 1 - share)
    return between


def _drop_channels(model: ColorModel, share: float) -> None:
    """Set the channel dropout of the network. UsageError for any where it has none."""
    layers = [module for module in model.modules() if isinstance(module, nn.Dropout2d)]
    if share and not layers:
        raise UsageError(f"--dropout {share:g}: this network drops no channels: give --dropout 0")
    for layer in layers:
        layer.p = share


def _metadata(
    order: TrainingOptions, chosen: Preset, settings: Settings, place: Place, trained_on: str
) -> dict[str, str]:
    """What the weights say of themselves. "settings" is JSON: all of Settings, and what else shaped the run."""
    names = [name for name, one in RECIPES[order.model].presets.items() if one is chosen]
    shaped = {
        "preset": names[0],
        "limit": order.limit,
        "init": [_named(file) for file in order.init],
        "interpolate": order.interpolate,
        "bins": None if order.bins is None else _named(order.bins),
        "device": place.device.type,
        "precision": str(place.precision).removeprefix("torch."),
        "processes": place.world,
    }
    return {
        "model": order.model,
        "size": str(order.sees or settings.size),
        "saturation": f"{order.saturation:g}",
        "trained_on": trained_on,
        "settings": json.dumps(shaped | asdict(settings)),
        "command": shlex.join([_without_folders(word) for word in order.command]),
        "commit": _commit(),
        "created": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
    }


def _named(path: Path) -> str:
    return f"{path.name} sha256:{sha256_of(path)}"


def _without_folders(word: str) -> str:
    """A path on the command line as its last part: weights should not tell where they were made."""
    option, sign, value = word.partition("=") if word.startswith("--") else ("", "", word)
    return f"{option}{sign}{Path(value).name}" if "/" in value or os.sep in value else word


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
