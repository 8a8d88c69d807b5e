"""Checkpoints: written whole or not at all, proven by their own names, two kept."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from colorcli.errors import VerificationError
from colorcli.files import atomic_write

KEEP = 2


def save_checkpoint(folder: Path, step: int, state: dict[str, Any]) -> Path:
    """Write folder/checkpoint-STEP-HASH.pt; HASH is the head of the content's sha256. Older ones but one go.

    So do those of later steps: a run that stands at `step` has passed them over as damaged.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getvalue()
    path = folder / f"checkpoint-{step:08d}-{_mark(content)}.pt"
    with atomic_write(path) as file:
        file.write(content)
    others = [other for other in checkpoints(folder) if other != path]
    kept = [other for other in others if step_of(other) < step][: KEEP - 1]
    for other in others:
        if other not in kept:
            other.unlink(missing_ok=True)
    return path


def load_checkpoint(folder: Path, say: Callable[[str], None] = lambda line: None) -> dict[str, Any] | None:
    """The newest checkpoint in `folder` whose content matches its name; None if there is none.

    say: told of each that is damaged. VerificationError if all of them are.
    """
    found = checkpoints(folder)
    for path in found:
        content = path.read_bytes()
        if path.stem.rsplit("-", 1)[-1] == _mark(content):
            state: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
            return state
        say(f"{path} is damaged: passed over")
    if found:
        raise VerificationError(f"{folder}: no checkpoint is whole: train anew in another --out")
    return None


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints in `folder`, whole or not, newest first."""
    return sorted(folder.glob("checkpoint-*-*.pt"), reverse=True)


def step_of(path: Path) -> int:
    """The step that a checkpoint's name tells."""
    return int(path.stem.split("-")[1])


def remove_leftovers(folder: Path) -> None:
    """Remove what a killed run was about to write in `folder`."""
    for path in folder.glob(".colorcli-*.tmp"):
        path.unlink(missing_ok=True)


def _mark(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
