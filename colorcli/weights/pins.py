"""What the first pull of published weights learnt, kept beside them: pin.json.

Where the manifest cannot state a hash, the hub's statement of the first pull is pinned, and later pulls are held to
it. The hash of the weights file that the published one was converted into is pinned too, for every load.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from colorcli.errors import VerificationError
from colorcli.files import atomic_write

FILE = "pin.json"
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Content:
    """Size in bytes and SHA-256 (64 hex digits) that a file must have."""

    size: int
    sha256: str

    def __post_init__(self) -> None:
        if type(self.size) is not int or self.size <= 0:
            raise ValueError(f"a size of {self.size!r:.40} bytes")
        if not isinstance(self.sha256, str) or not _SHA256.fullmatch(self.sha256):
            raise ValueError(f"{self.sha256!r:.80} is no SHA-256")


@dataclass(frozen=True)
class Pin:
    """What is held on to of published weights.

    revision: the hub's commit, "" for a plain address. published: the file as fetched. converted: ours, once made.
    """

    revision: str
    published: Content
    converted: Content | None = None


def read_pin(folder: Path) -> Pin | None:
    """The pin in `folder`, None if there is none. VerificationError for a damaged one."""
    path = folder / FILE
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        return _parse(document)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise VerificationError(f"{path}: damaged ({error}): delete it and pull the weights again") from error


def write_pin(folder: Path, pin: Pin) -> None:
    """Replace the pin in `folder`, atomically. OSError as from open()."""
    with atomic_write(folder / FILE) as file:
        file.write(json.dumps(asdict(pin), indent=1).encode() + b"\n")


def _parse(document: dict[str, Any]) -> Pin:
    revision, converted = document["revision"], document["converted"]
    if not isinstance(revision, str):
        raise ValueError(f"{revision!r:.40} is no revision")
    return Pin(revision, Content(**document["published"]), None if converted is None else Content(**converted))
