"""Writing files so that a file that exists is complete."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from colorcli.errors import ColorcliError


@contextmanager
def atomic_write(path: str | Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path`; on success it is flushed to disk and takes the name `path`.

    Yields a seekable binary file, open for reading and writing. Whatever happens inside the block, a
    reader finds the old file or the whole new one: on any exception, KeyboardInterrupt included, the
    temporary file is removed and `path` is left as it was. A link is followed, permissions are those
    of the umask, missing folders are not made. OSError as from open(), and for a `path` that is there
    but is no regular file (a device would be replaced by the rename).
    """
    target = Path(os.path.realpath(path))
    _refuse_irregular(target)
    # a short name of its own: the target's name with a suffix can exceed the 255 bytes a name may have
    temporary = target.with_name(f".colorcli-{secrets.token_hex(8)}.tmp")
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(temporary, flags, 0o666), "w+b") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    except BaseException:
        with suppress(FileNotFoundError):
            temporary.unlink()
        raise
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    """Flush a folder's list of names to disk, where the system can (Windows and some mounts cannot)."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _refuse_irregular(path: Path) -> None:
    """Raise OSError if `path` exists and is a folder, a device, a pipe or a socket."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        raise OSError(errno.EINVAL, "not a regular file", str(path))


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file's content as 64 hex digits, read in pieces. OSError as from open()."""
    return digest_of(path, "sha256")


def digest_of(path: Path, algorithm: str) -> str:
    """The digest of a file's content in hex digits; `algorithm` as hashlib names it. OSError as from open()."""
    digest = hashlib.new(algorithm, usedforsecurity=algorithm != "md5")
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def cache_folder() -> Path:
    """Where pulled weights lie: COLORCLI_CACHE, else colorcli in XDG_CACHE_HOME or ~/.cache.

    ~/.cache on every system, as torch and huggingface_hub have it. ColorcliError without a home folder.
    """
    if folder := os.environ.get("COLORCLI_CACHE"):
        return Path(folder).absolute()
    if folder := os.environ.get("XDG_CACHE_HOME"):
        return Path(folder).absolute() / "colorcli"
    try:
        return Path.home() / ".cache" / "colorcli"
    except RuntimeError as error:
        raise ColorcliError("no home folder to keep weights in: set COLORCLI_CACHE to a folder") from error


@contextmanager
def locked(path: Path, name: str) -> Iterator[None]:
    """Hold a lock that the system drops when the process ends, however it ends."""
    from filelock import FileLock, Timeout

    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"waiting for another process that downloads {name}", file=sys.stderr)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()
