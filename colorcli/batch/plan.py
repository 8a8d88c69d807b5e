"""Which photos to colour and where each result goes: settled and checked before any work starts.

Nothing is written here. What cannot work is refused as a whole: UsageError (exit 2) for inputs and outputs that
do not fit together, ColorcliError (exit 1) for a folder that cannot be read or written.
"""
# ruff: noqa: PTH100, PTH110, PTH112, PTH118, PTH119, PTH121, PTH122
# paths are text here, as the user wrote them, and there may be a million of them

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from colorcli.batch.job import Job, Plan
from colorcli.batch.targets import STDIO, check_targets
from colorcli.errors import ColorcliError, UsageError
from colorcli.photo.formats import READABLE, WRITABLE, heif_available, suffix_for, target_format

COLOR, COMPARE = "-color", "-compare"
_OWN = re.compile(rf"(.+)({COLOR}(-\d+)?|{COMPARE})", re.DOTALL)
WRITABLE_SUFFIXES = {suffix: format for format, suffixes in WRITABLE.items() for suffix in suffixes}


def plan(
    inputs: Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str] | None = None,
    *,
    recursive: bool = False,
    format: str | None = None,
    overwrite: bool = False,
    skip_existing: bool = False,
    compare: bool = False,
    samples: int = 1,
) -> Plan:
    """Pair every photo of `inputs` (files, folders, or "-") with its target, in sorted order.

    Without `output`: NAME-color.EXT beside a file, DIR-color/ beside a folder. `output` is a folder if it
    exists as one, ends with a slash, or there are several inputs or a folder; else a file, or "-". The tree of one
    folder is mirrored in it; with several inputs each folder keeps its name. Files of folders are chosen by
    suffix; hidden ones, the output folder, and NAME-color and NAME-compare beside a NAME are left out. With several
    `samples` each photo has so many targets, -1, -2 and so on at the end of their names.
    """
    if overwrite and skip_existing:
        raise UsageError("--overwrite and --skip-existing exclude each other: give one of them")
    texts = [os.fspath(item) for item in inputs]
    out = None if output is None else os.fspath(output)
    wanted = _format_option(format)
    result = Plan(jobs=[], format=wanted, overwrite=overwrite, keep=skip_existing, samples=samples)
    if STDIO in (*texts, out):
        result.jobs.append(_stdio_job(texts, out, wanted, compare))
    else:
        _refuse_missing(texts)
        result.jobs.extend(_Naming(texts, out, wanted, recursive, compare, result).jobs())
    if samples > 1:
        result.jobs = [_numbered(job, samples) for job in result.jobs]
    check_targets(result, make_folders=_makes_folders(texts, out))
    return result


def _numbered(job: Job, samples: int) -> Job:
    """The job with a target for each colouring."""
    if job.target == STDIO:
        raise UsageError(f"--samples {samples} writes several files: give -o a file name")
    stem, suffix = os.path.splitext(job.target)
    first, *others = (f"{stem}-{number}{suffix}" for number in range(1, samples + 1))
    return replace(job, target=first, others=tuple(others))


def _refuse_missing(inputs: list[str]) -> None:
    if not inputs:
        raise UsageError("no input: give photos, folders, or - for stdin")
    missing = [item for item in inputs if not os.path.exists(item)]
    if missing:
        raise UsageError("no such file or folder: " + ", ".join(f"'{item}'" for item in missing))


def _makes_folders(inputs: list[str], output: str | None) -> bool:
    """Whether target folders are made where they are missing: for outputs that are folders."""
    return any(os.path.isdir(item) for item in inputs) or _is_folder(inputs, output)


def _is_folder(inputs: list[str], output: str | None) -> bool:
    if output is None or output == STDIO:
        return False
    return len(inputs) > 1 or output.endswith(("/", os.sep)) or any(map(os.path.isdir, (output, *inputs)))


class _Naming:
    """Walks the inputs and names the targets."""

    def __init__(
        self,
        inputs: list[str],
        output: str | None,
        wanted: str | None,
        recursive: bool,
        compare: bool,
        plan: Plan,
    ) -> None:
        self.inputs, self.output, self.wanted = inputs, output, wanted
        self.recursive, self.compare, self.plan = recursive, compare, plan
        self.into_folder = _is_folder(inputs, output)

    def jobs(self) -> Iterator[Job]:
        for item in self.inputs:
            if os.path.isdir(item):
                yield from self._folder_jobs(item)
            elif self.output is None:
                folder, name = os.path.split(item)
                yield self._job(item, os.path.join(folder, target_name(name, self.wanted, COLOR)), name)
            elif self.into_folder:
                yield self._job(item, os.path.join(self.output, target_name(os.path.basename(item), self.wanted)))
            else:
                _check_file_name(self.output, self.wanted)
                yield self._job(item, self.output)

    def _job(self, source: str, target: str, beside: str | None = None) -> Job:
        """beside: the source's name where the target is NAME-color beside it, so that NAME-compare is too."""
        if not self.compare:
            return Job(source, target)
        folder, name = os.path.split(target)
        compared = target_name(beside or name, self.wanted, COMPARE)
        return Job(source, target, os.path.join(folder, compared))

    def _folder_jobs(self, folder: str) -> Iterator[Job]:
        root, found = self._target_root(folder), False
        for inner, name in self._photos(folder):
            found = True
            target = os.path.join(root, inner, target_name(name, self.wanted))
            yield self._job(os.path.join(folder, inner, name), target)
        if not found:
            hint = "" if self.recursive else "; --recursive looks in its subfolders too"
            known = " ".join(sorted(READABLE))
            raise UsageError(f"no images found in '{folder}', looked for {known}{hint}")

    def _target_root(self, folder: str) -> str:
        if self.output is None:
            return _color_folder(folder)
        if os.path.exists(self.output) and os.path.samefile(self.output, folder):
            raise UsageError(f"-o {self.output}: that is an input folder; give another one")
        several = len(self.inputs) > 1
        return os.path.join(self.output, os.path.basename(os.path.abspath(folder))) if several else self.output

    def _photos(self, folder: str) -> Iterator[tuple[str, str]]:
        """(subfolder, name) of the photos in `folder`, sorted; with --recursive those of subfolders follow."""
        outputs = None if self.output is None else os.path.realpath(self.output)
        waiting = [""]
        while waiting:
            inner = waiting.pop()
            files, folders = _listing(os.path.join(folder, inner))
            own = _own_outputs(files)
            self.plan.ignored += len(own)
            yield from ((inner, name) for name in files if name not in own)
            if self.recursive:
                own = {name for name in folders if name.endswith(COLOR) and name.removesuffix(COLOR) in folders}
                below = [os.path.join(inner, name) for name in reversed(folders) if name not in own]
                waiting += [path for path in below if os.path.realpath(os.path.join(folder, path)) != outputs]


def _listing(folder: str) -> tuple[list[str], list[str]]:
    """The names of photos (by suffix) and of subfolders in `folder`, sorted; no hidden ones, no linked folders."""
    files, folders = [], []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.name)
                elif os.path.splitext(entry.name)[1].lower() in READABLE and entry.is_file():
                    files.append(entry.name)
    except OSError as error:
        raise ColorcliError(f"cannot read folder '{folder}': {error.strerror}") from error
    return sorted(files), sorted(folders)


def _own_outputs(names: list[str]) -> set[str]:
    """NAME-color, NAME-color-1 and NAME-compare where a NAME stands beside them: what an earlier run wrote."""
    stems = {os.path.splitext(name)[0] for name in names}
    return {name for name in names if (match := _OWN.fullmatch(os.path.splitext(name)[0])) and match[1] in stems}


def _color_folder(folder: str) -> str:
    """DIR-color beside DIR, also for DIR written as "." or with a slash."""
    path = folder.rstrip("/" + os.sep)
    if os.path.basename(path) in ("", ".", ".."):
        path = os.path.abspath(folder)
    if not os.path.basename(path):
        raise UsageError(f"'{folder}' has no folder beside it for the results: say where with -o")
    return path + COLOR


def target_name(name: str, wanted: str | None, tail: str = "") -> str:
    """The file name of the result: NAME + tail, with its suffix if that fits the format it is written in."""
    stem, suffix = os.path.splitext(name)
    source = READABLE.get(suffix.lower())
    if source is None:
        stem, suffix = name, ""
    format, _ = target_format(wanted or source or "PNG")
    return stem + tail + suffix_for(format, suffix)


def _format_option(name: str | None) -> str | None:
    """--format as a person writes it (jpg, JPEG, .png) -> Pillow's name."""
    if name is None:
        return None
    plain = name.lower().lstrip(".")
    format = plain.upper() if plain.upper() in WRITABLE else WRITABLE_SUFFIXES.get("." + plain)
    if format is None:
        known = ", ".join(sorted(format.lower() for format in WRITABLE))
        raise UsageError(f"--format {name}: not one of {known}")
    _refuse_missing_heif(format, f"--format {name}")
    return format


def _refuse_missing_heif(format: str, option: str) -> None:
    if format == "HEIF" and not heif_available():
        raise UsageError(f"{option}: HEIC needs the extra 'heic': pip install 'colorcli[heic]'")


def _check_file_name(output: str, wanted: str | None) -> None:
    """An output file's suffix says its format; it must be one that holds colour and agrees with --format."""
    suffix = os.path.splitext(output)[1].lower()
    if suffix not in WRITABLE_SUFFIXES:
        known = " ".join(sorted(WRITABLE_SUFFIXES))
        raise UsageError(f"-o {output}: end it with one of {known}, or with a slash for a folder")
    format = WRITABLE_SUFFIXES[suffix]
    _refuse_missing_heif(format, f"-o {output}")
    if wanted not in (None, format):
        raise UsageError(f"-o {output} and --format {wanted} name different formats: leave one out")


def _stdio_job(inputs: list[str], output: str | None, wanted: str | None, compare: bool) -> Job:
    """The one job of a run that reads stdin or writes stdout."""
    if len(inputs) != 1:
        raise UsageError("'-' is one picture on stdin or stdout: it goes with one input only")
    source, target = inputs[0], output if output is not None else STDIO
    if source != STDIO:
        _refuse_missing(inputs)
        if os.path.isdir(source):
            raise UsageError(f"-o - writes one picture, and '{source}' is a folder: give -o a folder")
    if target == STDIO:
        if compare:
            raise UsageError("--compare writes a second file: give -o a file name")
        return Job(source, target)
    if _is_folder(inputs, target):
        raise UsageError(f"-o {target}: a picture from stdin has no name: give -o a file name")
    _check_file_name(target, wanted)
    folder, name = os.path.split(target)
    return Job(source, target, os.path.join(folder, target_name(name, wanted, COMPARE)) if compare else None)
