"""Photos in folders."""

from __future__ import annotations

import os
from pathlib import Path

from colorcli.errors import UsageError
from colorcli.photo.formats import READABLE


def image_files(folder: Path) -> list[Path]:
    """The image files in `folder` and below, sorted by path; told by their suffix, hidden ones left out.

    UsageError if `folder` is no folder or has none.
    """
    if not folder.is_dir():
        raise UsageError(f"no such folder: {folder}")
    found: list[Path] = []
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(root, n) for n in names if n[0] != "." and Path(n).suffix.lower() in READABLE]
    if not found:
        raise UsageError(f"no image files in {folder}")
    return sorted(found)
