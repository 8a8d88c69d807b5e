"""Checks on a plan's targets: none written twice, none an input, none in the way, every folder writable."""
# ruff: noqa: PTH110, PTH112, PTH114, PTH118, PTH119, PTH120, PTH121
# paths are text here, as in colorcli.plan

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from colorcli.errors import ColorcliError, UsageError

if TYPE_CHECKING:
    from colorcli.batch.job import Job, Plan

STDIO = "-"
LISTED = 10  # files that a message names before it only counts


def check_targets(plan: Plan, *, make_folders: bool) -> None:
    """Refuse a plan that cannot be carried out; move what --skip-existing leaves out to `plan.skipped`.

    UsageError for targets that meet each other, an input, or a file in the way; ColorcliError for a folder that
    cannot be written.
    """
    paths = _Paths()
    _refuse_meetings(plan, paths)
    for folder in {paths.folder(path) for job in plan.jobs for path in _files(job)}:
        _check_folder(folder, make_folders)
    existing = {job: found for job in plan.jobs if (found := [path for path in _files(job) if paths.exists(path)])}
    for job, found in existing.items():
        _check_existing(job, found)
    if plan.keep:
        plan.skipped = [job for job, found in existing.items() if len(found) == len(job.outputs)]
        gone = set(plan.skipped)
        plan.jobs = [job for job in plan.jobs if job not in gone]
    elif existing and not plan.overwrite:
        raise UsageError(_in_the_way([path for found in existing.values() for path in found]))


def _files(job: Job) -> Iterator[str]:
    return (path for path in job.outputs if path != STDIO)


class _Paths:
    """What a path really names. Folders are looked at once each."""

    def __init__(self) -> None:
        self.real = lru_cache(maxsize=None)(os.path.realpath)
        self.ignores_case = lru_cache(maxsize=None)(ignores_case)
        self.is_there = lru_cache(maxsize=None)(os.path.isdir)

    def folder(self, path: str) -> str:
        return os.path.dirname(path) or "."

    def exists(self, path: str) -> bool:
        return self.is_there(self.folder(path)) and os.path.lexists(path)

    def key(self, path: str) -> str:
        """The same text for two paths that name one file: links and, where the disk does so, case resolved."""
        name = os.path.basename(path)
        folder = self.real(self.folder(path))
        if self.is_there(folder) and os.path.islink(path):
            folder, name = os.path.split(os.path.realpath(path))
        if self.ignores_case(folder):
            name = unicodedata.normalize("NFC", name).casefold()
        return os.path.join(folder, name)


def ignores_case(folder: str) -> bool:
    """Whether the disk takes a.jpg and A.JPG for one file, told by an entry of the nearest folder that exists."""
    while not os.path.isdir(folder):
        folder = os.path.dirname(folder) or "."
    try:
        with os.scandir(folder) as entries:
            path = next((entry.path for entry in entries if entry.name.swapcase() != entry.name), folder)
    except OSError:
        path = folder
    other = os.path.join(os.path.dirname(path), os.path.basename(path).swapcase())
    return other != path and os.path.exists(other) and os.path.samefile(path, other)


def _refuse_meetings(plan: Plan, paths: _Paths) -> None:
    """UsageError if two jobs write one file, or one writes an input. The same photo given twice is done once."""
    writer: dict[str, Job] = {}
    jobs: list[Job] = []
    for job in plan.jobs:
        keys = [paths.key(path) for path in _files(job)]
        first = next((writer[key] for key in keys if key in writer), None)
        if first is None:
            jobs.append(job)
            writer.update((key, job) for key in keys)
        elif paths.key(first.source) != paths.key(job.source):
            raise UsageError(
                f"'{first.source}' and '{job.source}' would both be written to '{job.target}': "
                "colour them in two runs with different -o folders"
            )
    plan.jobs = jobs
    # most runs write to folders that hold no input; the rest is worth a closer look
    folders = {paths.real(paths.folder(job.source)) for job in jobs if job.source != STDIO}
    if any(os.path.dirname(key) in folders for key in writer):
        for job in jobs:
            if (key := paths.key(job.source)) in writer:
                target = next(path for path in _files(writer[key]) if paths.key(path) == key)
                raise UsageError(f"'{target}' is an input and would be overwritten: give another -o")


def _check_folder(folder: str, make: bool) -> None:
    """The folder is there and can be written, or can be made."""
    if os.path.isdir(folder):
        if not os.access(folder, os.W_OK | os.X_OK):
            raise ColorcliError(f"cannot write to folder '{folder}': permission denied; give another -o")
    elif os.path.lexists(folder):
        raise UsageError(f"'{folder}' is a file, not a folder: give another -o")
    elif not make:
        raise UsageError(f"no such folder: '{folder}': make it first, or give another -o")
    else:
        _check_folder(os.path.dirname(folder.rstrip("/" + os.sep)) or ".", make)


def _check_existing(job: Job, found: list[str]) -> None:
    for path in found:
        if os.path.isdir(path):
            raise UsageError(f"'{path}' is a folder, and '{job.source}' would be written there: give another -o")
        if job.source != STDIO and os.path.exists(path) and os.path.samefile(path, job.source):
            raise UsageError(f"'{path}' and '{job.source}' are one file: give another -o")


def _in_the_way(paths: list[str]) -> str:
    shown = "".join(f"\n  {path}" for path in paths[:LISTED])
    more = f"\n  and {len(paths) - LISTED} more" if len(paths) > LISTED else ""
    noun = "this file is" if len(paths) == 1 else f"{len(paths)} files are"
    return f"{noun} in the way; give --overwrite or --skip-existing:{shown}{more}"
