"""A training run from folders of photos to a weights file that says how it was made."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from pathlib import Path

import torch

from colorcli import models
from colorcli.device import choose_device, choose_precision
from colorcli.errors import UsageError
from colorcli.training.data import PhotoSet, load_photos
from colorcli.training.loop import Progress, train
from colorcli.training.settings import Settings
from colorcli.weights import load_model, save_weights

WEIGHTS_FILE = "model.safetensors"


def run(
    name: str,
    data: Sequence[Path],
    out: Path,
    settings: Settings,
    *,
    validation: Path | None = None,
    init: Path | None = None,
    saturation: float = 1.0,
    device: str = "auto",
    precision: str = "auto",
    resume: bool = False,
    report: Callable[[Progress], None] = lambda progress: None,
    say: Callable[[str], None] = lambda line: None,
) -> Path:
    """Train the system `name` on the photos below `data`; returns the weights file out/model.safetensors.

    init: weights to start from instead of random ones. saturation: kept in the weights, the factor on the chroma that
    colouring with them applies by default. UsageError if `out` holds a run and `resume` is not set, for a
    system without weights, or for a crop size that the network does not take.
    """
    if not resume and (out / "history.csv").exists():
        raise UsageError(f"{out} holds an earlier run: --resume it, or choose another --out")
    if name in models.MODELS and not models.MODELS[name].weights:
        raise UsageError(f"{name} works without weights: there is nothing to train")
    chosen = choose_device(device)
    torch.manual_seed(settings.seed)
    model = load_model(weights=init) if init else models.build(name)
    if settings.size % model.multiple:
        raise UsageError(f"--size {settings.size}: {name} takes multiples of {model.multiple} px")
    photos = load_photos(data, settings.size)
    say(_describe(photos))
    held_out = load_photos([validation], settings.size) if validation else None
    averaged = train(
        model,
        photos,
        held_out,
        out,
        settings,
        device=chosen,
        precision=choose_precision(precision, chosen, training=True),
        resume=resume,
        report=report,
    )
    path = out / WEIGHTS_FILE
    metadata = {
        "model": name,
        "config": json.dumps(averaged.config),
        "size": str(settings.size),
        "saturation": f"{saturation:g}",
        "trained_on": f"{len(photos)} photos of {', '.join(folder.resolve().name for folder in data)}",
        "command": shlex.join(["colorcli", *(_without_folders(word) for word in sys.argv[1:])]),
        "commit": _commit(),
        "created": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
    }
    save_weights(path, averaged, metadata)
    return path


def _describe(photos: PhotoSet) -> str:
    left_out = f"; {photos.skipped} unreadable skipped, {photos.colourless} without colour left out"
    return f"{len(photos)} photos{left_out}"


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
