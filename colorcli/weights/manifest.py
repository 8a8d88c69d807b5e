"""The list of all weights that colorcli knows: weights_manifest.json, parsed and checked.

Imports no torch: `colorcli models` answers at once.
"""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from colorcli.errors import UsageError, VerificationError
from colorcli.files import cache_folder
from colorcli.models.catalog import MODELS
from colorcli.weights.pins import Content, Pin, read_pin

TASKS = ("photo", "cifar10")
ALIASES = {  # names of earlier versions, and what they are called now
    **dict.fromkeys(("ddcolor-tiny", "ddcolor-tiny@imagenet"), "ddcolor@tiny"),
    **dict.fromkeys(("ddcolor-artistic", "ddcolor-artistic@artistic"), "ddcolor@artistic"),
    **dict.fromkeys(("ddcolor-paper", "ddcolor-paper@imagenet"), "ddcolor@paper"),
}
BUNDLED = Path(__file__).parent / "bundled"

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*@[a-z0-9][a-z0-9._-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_REPO = re.compile(r"[\w.-]+/[\w.-]+")
_COMMIT = re.compile(r"[0-9a-f]{40}")


@dataclass(frozen=True)
class Source:
    """Where a weights file comes from.

    type "bundled": `file` in the package's folder weights/bundled/; "hub": `file` of `repo` at the commit
    `revision` ("" where it is not known before the first pull); "url": `url`, kept as `file`.
    """

    type: str
    file: str
    repo: str = ""
    revision: str = ""
    url: str = ""

    def __str__(self) -> str:
        return {"bundled": "bundled", "hub": f"hub:{self.repo}", "url": self.url}[self.type]

    def address(self) -> str:
        """The URL of a file on the hub (HF_ENDPOINT is honoured) or elsewhere; "" for a bundled one."""
        if self.type != "hub":
            return self.url
        from huggingface_hub import hf_hub_url

        endpoint = os.environ.get("HF_ENDPOINT") or None
        return hf_hub_url(self.repo, self.file, revision=self.revision or None, endpoint=endpoint)


@dataclass(frozen=True)
class WeightsEntry:
    """One weights file: `name` is MODEL@WEIGHTS, `size` its bytes, `sha256` 64 hex digits.

    default: plain MODEL means this entry where `task` is asked for. results: measured figures by metric.
    config: given where the source is a state dict that others published, for which it makes the network; pulling
    turns such a file into weights of ours. Its size and hash are None where nobody has told them yet (see pins).
    """

    name: str
    model: str
    task: str
    source: Source
    size: int | None
    sha256: str | None
    licence: str
    trained_on: str
    default: bool = False
    results: Mapping[str, Any] = field(default_factory=dict)
    paper: str = ""
    config: Mapping[str, Any] | None = None

    @property
    def path(self) -> Path:
        """Where the file lies, or would lie once pulled."""
        if self.source.type == "bundled":
            return BUNDLED / self.source.file
        path = cache_folder() / self.name / Path(self.source.file).name
        return path if self.config is None else path.with_suffix(".safetensors")

    @property
    def expected(self) -> Content | None:
        """What the file at `path` must be; None before published weights are pulled.

        VerificationError for a damaged pin.
        """
        if self.config is None and self.size and self.sha256:
            return Content(self.size, self.sha256)
        pin = self.pin
        return pin.converted if pin else None

    @property
    def pin(self) -> Pin | None:
        """The pin of published weights, if it agrees with what this entry states. Raises as `expected`."""
        pin = read_pin(self.path.parent)
        stated = (self.source.revision or None, self.size, self.sha256)
        pinned = (pin.revision, pin.published.size, pin.published.sha256) if pin else ()
        agree = all(a in (None, b) for a, b in zip(stated, pinned, strict=False))
        return pin if agree else None

    @property
    def present(self) -> bool:
        """Whether a file of the right size is there: a cheap look, the hash is checked at every load."""
        try:
            return self.expected is not None and self.path.stat().st_size == self.expected.size
        except (OSError, VerificationError):
            return False

    def by_hand(self) -> str:
        """How to get the file without a network on this machine."""
        if self.config is not None:
            return f"copy the folder {self.path.parent} from a machine that has pulled it"
        return f"fetch {self.source.address()} elsewhere and put it at {self.path}"


def manifest_path() -> Path:
    """weights_manifest.json: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).parents[1]
    places = [folder / "weights_manifest.json" for folder in (package, package.parent)]
    return next((place for place in places if place.exists()), places[0])


def entries() -> list[WeightsEntry]:
    """All known weights in the manifest's order. VerificationError if the manifest is missing or broken."""
    path = manifest_path()
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise VerificationError(f"{path}: {error.strerror}: install colorcli again") from error
    except (ValueError, RecursionError) as error:
        raise VerificationError(f"{path}: not valid JSON: {error}") from error
    try:
        return _parse(document)
    except ValueError as error:
        raise VerificationError(f"{path}: {error}") from error


def find(name: str, task: str = "photo") -> WeightsEntry:
    """The entry called NAME@WEIGHTS; plain NAME is its default for `task` ("photo" or "cifar10").

    A name of ALIASES means what it is called now. UsageError for anything else, with the nearest known name and the
    list of them.
    """
    name = ALIASES.get(name, name)
    if name in MODELS and not MODELS[name].trained:
        raise UsageError(f"'{name}' works without weights: there is nothing to fetch or to verify")
    known = entries()
    for entry in known:
        if name == entry.name or (name == entry.model and entry.default and entry.task == task):
            return entry
    names = [entry.name for entry in known]
    if not names:
        raise UsageError(f"no weights called '{name}': this colorcli comes without any, give a weights file")
    models = {entry.model for entry in known}
    problem = f"'{name}' has no default weights for the task {task}" if name in models else f"unknown '{name}'"
    free = [model for model, spec in MODELS.items() if not spec.trained]
    near = [] if name in models else difflib.get_close_matches(name, sorted(models.union(names, free)), n=1)
    hint = f"; did you mean '{near[0]}'?" if near else ";"
    raise UsageError(f"{problem}{hint} known weights: {', '.join(names)}; without weights: {', '.join(free)}")


def _parse(document: Any) -> list[WeightsEntry]:
    """Entries of a parsed manifest. ValueError says which entry is wrong and how."""
    if not isinstance(document, dict) or document.get("version") != 1:
        raise ValueError('not a weights manifest of version 1: {"version": 1, "weights": [...]}')
    if not isinstance(document.get("weights"), list):
        raise ValueError("'weights' must be a list")
    found: list[WeightsEntry] = []
    for index, item in enumerate(document["weights"], start=1):
        label = f"entry {index}"
        if isinstance(item, dict) and isinstance(item.get("name"), str):
            label = f"entry '{item['name']}'"
        try:
            found.append(_parse_entry(item))
        except ValueError as error:
            raise ValueError(f"{label}: {error}") from error
    names = [entry.name for entry in found]
    defaults = [(entry.model, entry.task) for entry in found if entry.default]
    for keys, problem in ((names, "names are not unique"), (defaults, "two defaults for one model and task")):
        if len(set(keys)) != len(keys):
            raise ValueError(problem)
    return found


def _parse_entry(item: Any) -> WeightsEntry:
    fields = _Fields(item)
    entry = WeightsEntry(
        name=fields.text("name", _NAME, "MODEL@WEIGHTS in small letters"),
        model=fields.text("model"),
        task=fields.text("task"),
        source=_parse_source(fields.take("source", dict)),
        size=None if fields.unknown("bytes") else fields.take("bytes", int),
        sha256=None if fields.unknown("sha256") else fields.text("sha256", _SHA256, "64 small hex digits"),
        licence=fields.text("licence"),
        trained_on=fields.text("trained_on"),
        default=fields.take("default", bool, False),
        results=fields.take("results", dict, {}),
        paper=fields.take("paper", str, ""),
        config=fields.take("config", dict) if fields.has("config") else None,
    )
    fields.nothing_left()
    if entry.model not in MODELS:
        raise ValueError(f"unknown model '{entry.model}'")
    if entry.name.partition("@")[0] != entry.model:
        raise ValueError(f"the name must start with '{entry.model}@'")
    if entry.task not in TASKS:
        raise ValueError(f"'task' must be one of {', '.join(TASKS)}, not '{entry.task}'")
    if entry.size is not None and entry.size <= 0:
        raise ValueError(f"'bytes' must be positive, not {entry.size}")
    _check_unknowns(entry)
    return entry


def _check_unknowns(entry: WeightsEntry) -> None:
    """What may be left for the first pull to find out."""
    if entry.config is not None and entry.source.type == "bundled":
        raise ValueError("'config' is for weights that others published, not for bundled ones")
    if entry.sha256 is None and entry.source.type != "hub":
        raise ValueError("'sha256' can be null only for a file of the hub, which states it")
    unknown = entry.size is None or entry.sha256 is None or (entry.source.type == "hub" and not entry.source.revision)
    if unknown and entry.config is None:
        raise ValueError("only weights with a 'config' can have null for 'bytes', 'sha256' or 'source.revision'")


def _parse_source(item: dict[str, Any]) -> Source:
    fields = _Fields(item, "source.")
    kind = fields.text("type")
    file = fields.text("file")
    parts = file.split("/")
    if "\\" in file or any(part in ("", ".", "..") for part in parts) or (kind != "hub" and len(parts) > 1):
        raise ValueError(f"'source.file' must be a plain file name, not '{file}'")
    if kind == "bundled":
        source = Source(kind, file)
    elif kind == "hub":
        commit = "a commit of 40 hex digits"
        revision = "" if fields.unknown("revision") else fields.text("revision", _COMMIT, commit)
        repo = fields.text("repo", _REPO, "OWNER/NAME")
        source = Source(kind, file, repo=repo, revision=revision)
    elif kind == "url":
        source = Source(kind, file, url=fields.text("url", re.compile(r"https?://\S+"), "an http(s) address"))
    else:
        raise ValueError(f"'source.type' must be bundled, hub or url, not '{kind}'")
    fields.nothing_left()
    return source


class _Fields:
    """The fields of one JSON object, taken one by one; ValueError names a missing, wrong or unknown one."""

    def __init__(self, item: Any, prefix: str = "") -> None:
        if not isinstance(item, dict):
            raise ValueError("must be an object")
        self._left = dict(item)
        self._prefix = prefix

    def take(self, key: str, kind: type, default: Any = None) -> Any:
        if key not in self._left and default is not None:
            return default
        if key not in self._left:
            raise ValueError(f"'{self._prefix}{key}' is missing")
        value = self._left.pop(key)
        if type(value) is not kind:
            names = {str: "a string", int: "a whole number", bool: "true or false", dict: "an object"}
            raise ValueError(f"'{self._prefix}{key}' must be {names[kind]}, not {value!r:.40}")
        return value

    def has(self, key: str) -> bool:
        return key in self._left

    def unknown(self, key: str) -> bool:
        """Whether the field is there and null, which takes it."""
        return self.has(key) and self._left[key] is None and self._left.pop(key) is None

    def text(self, key: str, pattern: re.Pattern[str] | None = None, meaning: str = "") -> str:
        value: str = self.take(key, str)
        if not value.strip():
            raise ValueError(f"'{self._prefix}{key}' is empty")
        if pattern and not pattern.fullmatch(value):
            raise ValueError(f"'{self._prefix}{key}' must be {meaning}, not '{value:.80}'")
        return value

    def nothing_left(self) -> None:
        if self._left:
            raise ValueError(f"unknown field '{self._prefix}{next(iter(self._left))}'")
