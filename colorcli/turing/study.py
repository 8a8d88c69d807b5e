"""Make a study: deal scenes to trials, write the folder to send out and, beside it, the key."""

from __future__ import annotations

import hashlib
import os
import random
import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from colorcli.engine import Colorizer
from colorcli.errors import UsageError
from colorcli.evaluation.protocols import Dataset
from colorcli.turing import scenes
from colorcli.turing.key import (
    CATCH,
    COLOURED,
    COUNTED,
    REAL,
    TRUTH,
    WRONG,
    Item,
    Key,
    Picture,
    digest_of,
    key_path,
    write_key,
)
from colorcli.turing.page import render

PAGE = "index.html"
PRACTICE = "practice"
FILE_TIME = 946_684_800  # 2000-01-01, of every file: when one was written tells nothing
MOST_OPTIONS = 9  # as many as there are number keys


@dataclass(frozen=True)
class StudySettings:
    """What a study asks, and of how many pictures.

    protocol: "pairs" (which one was coloured?), "triples" (which one is the real photo, among all models'?) or
    "single" (real or coloured?). exposure: seconds that pictures are shown, 0 without end; None is 1 for single
    (pix2pix: paper 002, section 3.2) and 0 for the others. rate: marks 1 to 5 as well (paper 000, section 4.3).
    size: px of the longer side, at most.
    """

    protocol: str = "pairs"
    count: int = 20
    catch: int = 6
    practice: int = 4
    exposure: float | None = None
    rate: bool = False
    size: int = 256
    title: str = "Real or coloured?"
    upload_url: str | None = None


@dataclass
class _Trial:
    """A trial before its pictures are drawn: its kind, and its sources in the order of the page."""

    kind: str
    sources: list[str]


def make(
    folder: Path,
    dataset: Dataset,
    colorizers: Mapping[str, Colorizer],
    settings: StudySettings = StudySettings(),
    *,
    seed: str | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    on_skip: Callable[[str], None] = lambda reason: None,
) -> Key:
    """Write the study's `folder`, and its key beside it. dataset: in batches of one.

    The same seed (default: a random one), dataset and models give the same study. Whoever knows the seed can tell
    what is real, as with the key. on_progress hears of scenes done and wanted, on_skip of pictures passed over.
    UsageError before any work; ColorcliError where the dataset has too few pictures. Either the folder and its
    key are there in the end, or neither.
    """
    check_target(folder)
    check_models(settings, list(colorizers))
    seed = secrets.token_hex(8) if seed is None else seed
    rng = random.Random(f"colorcli turing-pairs {seed}")
    trials = _deal(settings, list(colorizers), rng)
    names = scenes.shuffle(dataset, rng)
    files: dict[str, bytes] = {}
    items: list[Item] = []
    drawn = scenes.draw(dataset, colorizers, [trial.sources for trial in trials], settings.size, on_skip)
    for trial, scene in zip(trials, drawn, strict=True):
        encoded = {_new_name(rng): scenes.encode(pixels) for pixels in scene.pictures}
        files |= encoded
        pictures = [
            Picture(file, source, hashlib.sha256(data).hexdigest())
            for (file, data), source in zip(encoded.items(), trial.sources, strict=True)
        ]
        items.append(
            Item(f"{rng.getrandbits(48):012x}", names.get(scene.name, scene.name), trial.kind, tuple(pictures))
        )
        on_progress(len(items), len(trials))
    data = _page_data(settings, items, f"{rng.getrandbits(32):08x}")
    key = Key(
        study=data["study"],
        digest=digest_of(data, [picture for item in items for picture in item.pictures]),
        protocol=settings.protocol,
        rate=settings.rate,
        seed=seed,
        dataset=dataset.name,
        models={name: colorizer.weights_sha256 for name, colorizer in colorizers.items()},
        items=tuple(sorted((item for item in items if item.kind != PRACTICE), key=lambda item: item.id)),
    )
    page = render(data | {"digest": key.digest}, settings.title, settings.upload_url)
    _write(folder, files | {PAGE: page.encode()}, key)
    return key


def check_target(folder: Path) -> None:
    """UsageError unless a folder and a key can be made there; nothing is ever replaced."""
    if not folder.name:
        raise UsageError(f"--output {folder}: give the new folder a name")
    for path in (folder, key_path(folder)):
        if path.exists():
            raise UsageError(f"--output {folder}: {path} is there already: give another name, or move it away")
    if not folder.parent.is_dir():
        raise UsageError(f"--output {folder}: no such folder: {folder.parent}")


def check_models(settings: StudySettings, models: Sequence[str]) -> None:
    """UsageError where the models do not fit the protocol."""
    if not models:
        raise UsageError("which model is to be judged? Name it with --model or --weights")
    if settings.protocol == "triples" and not 2 <= len(models) < MOST_OPTIONS:
        raise UsageError(
            f"--protocol triples shows the truth and all models at once: name 2 to {MOST_OPTIONS - 1} models,"
            f" not {len(models)}; for one, take pairs"
        )
    if settings.count < len(models):
        raise UsageError(f"--count {settings.count}: fewer trials than models ({len(models)})")


def _deal(settings: StudySettings, models: list[str], rng: random.Random) -> list[_Trial]:
    """All trials; as the scenes come in random order, what is what can be dealt out in turn."""
    turn = rng.randrange(MOST_OPTIONS)
    trials = []
    for kind, count in ((COUNTED, settings.count), (CATCH, settings.catch), (PRACTICE, settings.practice)):
        dealt: Counter[str] = Counter()
        for i in range(count):
            sources = _sources(settings.protocol, kind, i, models)
            model = sources[-1]
            first, *others = sources
            rng.shuffle(others)
            # the truth comes first, second, ... in turn, for each model by itself
            others.insert(
                (turn + models.index(model) + dealt[model] if model in models else turn + i) % len(sources), first
            )
            dealt[model] += 1
            trials.append(_Trial(kind, others))
    return trials


def _sources(protocol: str, kind: str, i: int, models: list[str]) -> list[str]:
    """What the i-th trial of a kind shows: each model as often as the others, in `single` half of all truths."""
    if protocol == "triples":
        return [TRUTH, *([WRONG] * len(models) if kind == CATCH else models)]
    if protocol == "pairs":
        return [TRUTH, WRONG if kind == CATCH else models[i % len(models)]]
    if kind == CATCH:
        return [WRONG]
    return [TRUTH] if i % 2 else [models[i // 2 % len(models)]]


def _new_name(rng: random.Random) -> str:
    return f"{rng.getrandbits(48):012x}.png"


def _page_data(settings: StudySettings, items: list[Item], study: str) -> dict[str, Any]:
    """What the page knows: of trials nothing but their pictures, of practice what is real as well."""
    exposure = settings.exposure
    if exposure is None:
        exposure = 1.0 if settings.protocol == "single" else 0.0
    shuffled = sorted(items, key=lambda item: item.id)
    return {
        "study": study,
        "protocol": settings.protocol,
        "exposure": round(1000 * exposure),  # ms
        "rate": settings.rate,
        "items": [_shown(item) for item in shuffled if item.kind != PRACTICE],
        "practice": [_shown(item) | {"answer": _answer(settings, item)} for item in shuffled if item.kind == PRACTICE],
    }


def _shown(item: Item) -> dict[str, Any]:
    return {"id": item.id, "pictures": [picture.file for picture in item.pictures]}


def _answer(settings: StudySettings, item: Item) -> str:
    """The right answer to a practice trial, as the page records answers."""
    if settings.protocol == "single":
        return REAL if item.pictures[0].source == TRUTH else COLOURED
    truth = next(picture.file for picture in item.pictures if picture.source == TRUTH)
    if settings.protocol == "triples":
        return truth
    return next(picture.file for picture in item.pictures if picture.file != truth)


def _write(folder: Path, files: Mapping[str, bytes], key: Key) -> None:
    """Folder and key, both whole or neither. Files are made in the order of their names, of one time."""
    temporary = folder.with_name(f".colorcli-{secrets.token_hex(8)}.tmp")
    temporary.mkdir()
    try:
        for name, content in sorted(files.items()):
            path = temporary / name
            path.write_bytes(content)
            os.utime(path, (FILE_TIME, FILE_TIME))
        write_key(key_path(folder), key)
        temporary.rename(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        if not folder.exists():
            key_path(folder).unlink(missing_ok=True)
        raise
