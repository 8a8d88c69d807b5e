"""Data in official archives: downloaded once, checked, and unpacked file by file."""

from __future__ import annotations

import gzip
import shutil
import sys
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from colorcli.download import Advance, fetch
from colorcli.errors import ColorcliError, VerificationError
from colorcli.files import atomic_write, locked, sync_folder

LARGEST = 1 << 27  # bytes of one file: no batch of pictures is near it
ELSEWHERE = "--data-root or COLORCLI_DATA names another folder"


@dataclass(frozen=True)
class Archive:
    """A .tar.gz at `url`, of `size` bytes and this MD5. It holds a folder of this name; `files` of it are needed."""

    url: str
    size: int
    md5: str
    folder: str
    files: tuple[str, ...]

    def is_in(self, folder: Path) -> bool:
        """Whether `folder` has all the files that are needed."""
        return all((folder / name).is_file() for name in self.files)


def obtain(archive: Archive, parent: Path, on_progress: Advance | None = None) -> Path:
    """The folder of `archive` in `parent`, downloaded and unpacked unless it is there.

    It appears only with all its files complete. An interrupted download is taken up where it stopped. An archive
    that lies in `parent` already is used, and left there. on_progress is told the bytes on disk, in place of a bar on
    stderr. ColorcliError for network, server and disk, and for a folder that lacks files; VerificationError for wrong
    bytes.
    """
    target, packed = parent / archive.folder, parent / archive.url.rpartition("/")[2]
    try:
        parent.mkdir(parents=True, exist_ok=True)
        with locked(parent / f".{archive.folder}.lock", archive.folder):
            if archive.is_in(target):
                return target
            if target.exists():
                raise ColorcliError(f"{target} lacks files of {archive.url}: move it away, then run again")
            fetched = fetch(
                archive.url, packed, size=archive.size, md5=archive.md5, on_progress=on_progress, elsewhere=ELSEWHERE
            )
            print(f"unpacking {packed.name} to {target}", file=sys.stderr)
            _unpack(archive, packed, target)
            if fetched:
                packed.unlink()
    except OSError as error:
        raise ColorcliError(f"cannot write {target}: {error.strerror or error}; {ELSEWHERE}") from error
    return target


def _unpack(archive: Archive, packed: Path, target: Path) -> None:
    """Write the files that are needed, under their own names, into a folder that then becomes `target`."""
    temporary = target.with_name(f".{target.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)  # what a killed run left
    temporary.mkdir()
    try:
        _extract(archive, packed, temporary)
        temporary.rename(target)
        sync_folder(target.parent)
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise VerificationError(f"{packed}: damaged: {error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _extract(archive: Archive, packed: Path, folder: Path) -> None:
    missing = {f"{archive.folder}/{name}": name for name in archive.files}
    with tarfile.open(packed, "r:gz") as tar:
        for member in tar:
            name = missing.pop(member.name, None)
            if name is None:
                continue
            if not member.isreg() or not 0 < member.size <= LARGEST:
                raise VerificationError(f"{packed}: {member.name} is no file of at most {LARGEST:,} bytes")
            content = tar.extractfile(member)
            assert content is not None  # of a regular file
            with content, atomic_write(folder / name) as file:
                shutil.copyfileobj(content, file)
    if missing:
        raise VerificationError(f"{packed}: {next(iter(missing))} is missing")
