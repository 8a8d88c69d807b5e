"""Checkpoints: written whole or not at all, proven by their own names, two kept."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import torch

from colorcli.files import atomic_write

KEEP = 2


def save_checkpoint(folder: Path, step: int, state: dict[str, Any]) -> Path:
    """Write folder/checkpoint-STEP-HASH.pt; HASH is the head of the content's sha256. Older ones but one go."""
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getvalue()
    path = folder / f"checkpoint-{step:08d}-{hashlib.sha256(content).hexdigest()[:16]}.pt"
    with atomic_write(path) as file:
        file.write(content)
    for old in _newest_first(folder)[KEEP:]:
        old.unlink(missing_ok=True)
    return path


def load_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The newest checkpoint in `folder` whose content matches its name; None if there is none."""
    for path in _newest_first(folder):
        content = path.read_bytes()
        if path.stem.rsplit("-", 1)[-1] == hashlib.sha256(content).hexdigest()[:16]:
            return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return None


def _newest_first(folder: Path) -> list[Path]:
    return sorted(folder.glob("checkpoint-*-*.pt"), reverse=True)
