"""Writing files so that a file that exists is complete."""

from __future__ import annotations

import errno
import hashlib
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO


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
