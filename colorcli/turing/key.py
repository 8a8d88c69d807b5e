"""The key of a study: what every picture is. It stays with whoever made the study."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from colorcli.errors import UsageError
from colorcli.files import atomic_write

FORMAT = "colorcli-turing-key/1"
SUFFIX = ".key.json"
PROTOCOLS = ("pairs", "triples", "single")
TRUTH, WRONG = "truth", "wrong"  # sources of pictures, beside the models' names
COUNTED, CATCH = "counted", "catch"  # kinds of trials
REAL, COLOURED = "real", "coloured"  # what `single` asks


@dataclass(frozen=True)
class Picture:
    """A file in the study's folder, and where it comes from: "truth", "wrong" or a model."""

    file: str
    source: str
    sha256: str


@dataclass(frozen=True)
class Item:
    """A trial: pictures of one scene, in the order of the page before it is turned for a participant."""

    id: str
    scene: str
    kind: str
    pictures: tuple[Picture, ...]

    @property
    def sources(self) -> dict[str, str]:
        """File -> source."""
        return {picture.file: picture.source for picture in self.pictures}


@dataclass(frozen=True)
class Key:
    """All that scoring needs. digest: SHA-256 over the page's data and the pictures, which answers carry too."""

    study: str
    digest: str
    protocol: str
    rate: bool
    seed: str
    dataset: str
    models: dict[str, str]  # name -> SHA-256 of its weights
    items: tuple[Item, ...]

    def counted(self) -> list[Item]:
        """The trials that count; the others catch people who do not look."""
        return [item for item in self.items if item.kind == COUNTED]

    def order(self, participant: str) -> list[Item]:
        """The trials in the order in which the page shows them to `participant`."""
        return sorted(self.items, key=lambda item: _hash(f"{participant}:{item.id}"))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(data: Any) -> str:
    """JSON that Python and the page write alike: keys sorted, no spaces. For objects without fractions."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest_of(page_data: dict[str, Any], pictures: Sequence[Picture]) -> str:
    """The study's digest: any other text, trial or picture gives another."""
    files = sorted((picture.file, picture.sha256) for picture in pictures)
    return _hash(canonical([page_data, files]))


def key_path(folder: Path) -> Path:
    """Beside the folder, never in it."""
    return folder.with_name(folder.name + SUFFIX)


def study_folder(key: Path) -> Path:
    """Where the folder of a key lies, if neither was moved or renamed."""
    return key.with_name(key.name.removesuffix(SUFFIX))


def write_key(path: Path, key: Key) -> None:
    """As indented JSON, atomically."""
    with atomic_write(path) as file:
        file.write((json.dumps({"format": FORMAT} | asdict(key), indent=1) + "\n").encode())


def read_key(path: Path) -> Key:
    """UsageError names a file that is not there or is no key."""
    try:
        data = json.loads(path.read_bytes())
        if data.pop("format") != FORMAT:
            raise ValueError("of another format")
        items = tuple(
            Item(**item | {"pictures": tuple(Picture(**picture) for picture in item["pictures"])})
            for item in data.pop("items")
        )
        key = Key(**data, items=items)
        if key.protocol not in PROTOCOLS or not key.counted():
            raise ValueError("without trials that count")
    except OSError as error:
        raise UsageError(f"--key {path}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(f"--key {path}: not the key of a study ({error})") from error
    return key
