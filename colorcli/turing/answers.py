"""What participants send back, checked against the study's key; what does not hold is named and refused.

The checksum shows damage and careless edits. It is no proof against someone set on cheating: a page that works
without a server can keep no secret.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from colorcli.errors import UsageError
from colorcli.turing.key import COLOURED, REAL, Item, Key, canonical

FORMAT = "colorcli-turing-answers/1"
LARGEST = 20_000_000  # bytes of a file of answers
MARKS = range(1, 6)


@dataclass(frozen=True)
class Answer:
    """choice: a file of the item, or "real" or "coloured". ms: from showing to choosing. marks: file -> 1 to 5."""

    item: Item
    choice: str
    ms: int
    marks: dict[str, int]


@dataclass(frozen=True)
class Sheet:
    """All answers of one participant, from the file `source`."""

    source: str
    participant: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Refusal:
    """A file that is not counted, and why."""

    source: str
    reason: str


class _Refused(Exception):
    pass


def answer_files(paths: Iterable[Path]) -> list[Path]:
    """Files as given, and those named *.json in folders. UsageError for what is not there, or a folder of none."""
    found: dict[Path, Path] = {}
    for path in paths:
        inside = sorted(path.glob("*.json")) if path.is_dir() else [path]
        if not inside or not path.exists():
            raise UsageError(f"{path}: {'no .json files in it' if path.exists() else 'no such file or folder'}")
        for file in inside:
            found.setdefault(file.resolve(), file)  # the same file named twice is one file
    return list(found.values())


def read_answers(files: Sequence[Path], key: Key) -> tuple[list[Sheet], list[Refusal]]:
    """The sheets that can be counted, and the files that cannot.

    Of copies of a participant's answers the first counts; where a participant's answers differ, none do.
    """
    sheets: list[Sheet] = []
    refused: list[Refusal] = []
    for file in files:
        try:
            sheets.append(_read(file, key))
        except _Refused as fault:
            refused.append(Refusal(str(file), str(fault)))
    return _without_repeats(sheets, refused)


def _without_repeats(sheets: list[Sheet], refused: list[Refusal]) -> tuple[list[Sheet], list[Refusal]]:
    by_participant: dict[str, list[Sheet]] = {}
    for sheet in sheets:
        by_participant.setdefault(sheet.participant, []).append(sheet)
    kept = []
    for participant, same in by_participant.items():
        first, *others = same
        if any(sheet.answers != first.answers for sheet in others):
            names = ", ".join(sheet.source for sheet in same)
            reason = f"participant {participant} has given different answers: {names}"
            refused += [Refusal(sheet.source, reason) for sheet in same]
            continue
        kept.append(first)
        refused += [Refusal(sheet.source, f"duplicate of {first.source}") for sheet in others]
    return kept, refused


def _read(file: Path, key: Key) -> Sheet:
    data = _parse(file)
    if data.get("format") != FORMAT:
        raise _Refused("not the answers to a study of colorcli")
    if data.get("study") != key.study:
        raise _Refused(f"foreign: answers to the study {data.get('study')!r:.40}, not to {key.study!r}")
    if data.get("digest") != key.digest:
        raise _Refused("foreign: answers to another version of this study (their digests differ)")
    if checksum(data) != data.get("checksum"):
        raise _Refused("tampered with or damaged: it is not as the page has saved it (its checksum differs)")
    participant, answers = data.get("participant"), data.get("answers")
    if not isinstance(participant, str) or not re.fullmatch("[0-9a-f]{16}", participant):
        raise _Refused("tampered with: without a participant's id")
    if not isinstance(answers, list):
        raise _Refused("tampered with: without a list of answers")
    order = key.order(participant)
    if len(answers) < len(order):
        raise _Refused(f"partial: {len(answers)} of {len(order)} questions answered")
    if len(answers) > len(order):
        raise _Refused(f"tampered with: {len(answers)} answers to {len(order)} questions")
    found = tuple(_answer(record, item, key) for record, item in zip(answers, order, strict=True))
    return Sheet(str(file), participant, found)


def _parse(file: Path) -> dict[str, Any]:
    try:
        with file.open("rb") as opened:
            content = opened.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise _Refused("too large to be answers")
        data = json.loads(content)
    except OSError as error:
        raise _Refused(f"cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise _Refused("damaged or cut short: not JSON") from error
    if not isinstance(data, dict):
        raise _Refused("not the answers to a study of colorcli")
    return data


def checksum(data: dict[str, Any]) -> str:
    """What the page writes as "checksum": SHA-256 over all else."""
    body = {name: value for name, value in data.items() if name != "checksum"}
    return hashlib.sha256(canonical(body).encode("utf-8", "surrogatepass")).hexdigest()


def _answer(record: Any, item: Item, key: Key) -> Answer:
    """An answer to the question that comes at this place for this participant."""
    if not isinstance(record, dict) or record.get("item") != item.id:
        raise _Refused("tampered with: the questions are not in this participant's order")
    choice, ms, marks = record.get("choice"), record.get("ms"), record.get("marks", {})
    options = (REAL, COLOURED) if key.protocol == "single" else tuple(item.sources)
    if choice not in options:
        raise _Refused(f"tampered with: an answer {choice!r:.40} that could not be given")
    if type(ms) is not int or ms < 0:
        raise _Refused("tampered with: an answer that took no time")
    files = set(item.sources) if key.rate else set()
    if not isinstance(marks, dict) or set(marks) != files or not all(_is_mark(mark) for mark in marks.values()):
        raise _Refused("tampered with: marks that could not be given")
    return Answer(item, str(choice), ms, marks)


def _is_mark(mark: Any) -> bool:
    return type(mark) is int and mark in MARKS
