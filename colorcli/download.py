"""Fetch weights and data: resumable, verified before the file gets its name, safe in several processes at once.

Files of the hub are fetched by their address like any other: huggingface_hub's own download resumes only
within one process, keeps wrong bytes of the right size and waits long where there is no network.
"""

from __future__ import annotations

import os
import re
import socket
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NamedTuple
from urllib.parse import urlsplit

from colorcli.errors import ColorcliError, VerificationError
from colorcli.files import digest_of, locked, sync_folder
from colorcli.version import __version__

if TYPE_CHECKING:
    import httpx

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0  # without a single byte
PAUSES = (0.5, 1.0, 2.0, 4.0)  # seconds before each new attempt after a broken connection

Advance = Callable[[int], None]  # told how many bytes are on disk


class Checksum(NamedTuple):
    """What a file's content must add up to: `algorithm` is sha256 or md5."""

    algorithm: str
    digest: str

    def fits(self, path: Path) -> bool:
        return digest_of(path, self.algorithm) == self.digest


def fetch(
    url: str,
    target: Path,
    *,
    size: int,
    sha256: str = "",
    md5: str = "",
    on_progress: Advance | None = None,
    elsewhere: str = "COLORCLI_CACHE names another folder",
) -> bool:
    """Download `url` to `target`, which appears only when its size (bytes) and SHA-256 are right.

    md5: for a file whose publisher states no SHA-256. on_progress: in place of a bar on stderr. elsewhere: what the
    message of a failed write advises. Returns False if the right file is there already, as by another process.
    Errors as for `pull`.
    """
    checksum = Checksum("sha256", sha256) if sha256 else Checksum("md5", md5)
    part = target.with_name(f"{target.name}.{checksum.digest[:12]}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with locked(target.with_name(f".{target.name}.lock"), target.name):
            if _matches(target, size, checksum):
                return False
            _complete(url, part, size, checksum, on_progress)
            part.replace(target)
            sync_folder(target.parent)
    except OSError as error:
        raise ColorcliError(
            f"cannot write {target} ({size:,} bytes): {error.strerror or error}; {elsewhere}"
        ) from error
    return True


def is_right(path: Path, size: int, sha256: str) -> bool:
    """Whether a file of this size and SHA-256 is there."""
    return _matches(path, size, Checksum("sha256", sha256))


def _matches(path: Path, size: int, checksum: Checksum) -> bool:
    try:
        return path.stat().st_size == size and checksum.fits(path)
    except OSError:
        return False


def _complete(url: str, part: Path, size: int, checksum: Checksum, on_progress: Advance | None) -> None:
    """Bring `part` to its full length and check it. What an earlier run left is used, but not trusted."""
    resumed = part.exists() and part.stat().st_size > 0
    if resumed and part.stat().st_size > size:
        part.unlink()
    _transfer(url, part, size, on_progress)
    if checksum.fits(part):
        return
    part.unlink()
    if resumed:
        print("what an earlier download left was damaged: starting over", file=sys.stderr)
        _transfer(url, part, size, on_progress)
        if checksum.fits(part):
            return
        part.unlink()
    name = {"sha256": "SHA-256", "md5": "MD5"}[checksum.algorithm]
    raise VerificationError(f"{url}: the server sent other bytes than expected (wrong {name}); not kept")


def _transfer(url: str, part: Path, size: int, on_progress: Advance | None) -> None:
    """Append to `part` until it has `size` bytes, taking up broken connections a few times."""
    import httpx

    timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
    headers = {"user-agent": f"colorcli/{__version__}", "accept-encoding": "identity"}
    pauses = iter(PAUSES)
    progress = nullcontext(on_progress) if on_progress else _progress(url, size)
    with part.open("ab") as file, progress as advance:
        if file.tell() < size:
            check_resolves(url)
        with httpx.Client(timeout=timeout, headers=headers, follow_redirects=True) as client:
            while file.tell() < size:
                try:
                    _stream(client, url, file, size, advance)
                except (httpx.HTTPError, httpx.InvalidURL) as error:
                    again = isinstance(error, (httpx.ReadError, httpx.RemoteProtocolError))
                    pause = next(pauses, None) if again else None
                    if pause is None:
                        raise ColorcliError(broken(url, error, _kept(file.tell(), size))) from error
                    time.sleep(pause)
        file.flush()
        os.fsync(file.fileno())


def _stream(client: httpx.Client, url: str, file: BinaryIO, size: int, advance: Advance) -> None:
    """One request: append what is missing, or write all anew if the server does not continue files."""
    import httpx

    offset = file.tell()
    with client.stream("GET", url, headers={"range": f"bytes={offset}-"} if offset else {}) as response:
        if offset and response.status_code == 416:
            _empty(file)
            raise httpx.RemoteProtocolError("the server cannot continue the file")
        if response.status_code not in (200, 206):
            raise ColorcliError(f"{url}: the server answered {response.status_code} {response.reason_phrase}")
        start = _content_start(response)
        if start != offset:
            _empty(file)
        if start not in (0, offset):
            raise httpx.RemoteProtocolError("the server continued the file at another place")
        _check_length(response, url, size - start)
        for piece in response.iter_bytes():
            file.write(piece)
            advance(file.tell())
            if file.tell() > size:
                _empty(file)
                raise VerificationError(f"{url}: the server sent more than the expected {size:,} bytes")
    if file.tell() < size:
        raise httpx.RemoteProtocolError("the server closed the connection early")


def _content_start(response: httpx.Response) -> int:
    """The place in the file at which the response's content starts; -1 where a partial one does not say."""
    if response.status_code == 200:
        return 0
    match = re.match(r"bytes (\d+)-", response.headers.get("content-range", ""))
    return int(match[1]) if match else -1


def _check_length(response: httpx.Response, url: str, expected: int) -> None:
    """A file of another length is refused before it is fetched."""
    length = response.headers.get("content-length", "")
    if length.isdigit() and "content-encoding" not in response.headers and int(length) != expected:
        raise VerificationError(f"{url}: the server offers {int(length):,} bytes, expected {expected:,}")


def _empty(file: BinaryIO) -> None:
    file.truncate(0)
    file.seek(0)


def check_resolves(url: str) -> None:
    """Give up on a name server that does not answer: the system's own patience is up to half a minute."""
    host = urlsplit(url).hostname
    if urllib.request.getproxies():
        return  # then the proxy resolves names

    def resolve() -> None:
        with suppress(OSError, UnicodeError):  # a failed look-up is told by the connection that follows
            socket.getaddrinfo(host, None)

    thread = threading.Thread(target=resolve, daemon=True)
    thread.start()
    thread.join(CONNECT_SECONDS)
    if thread.is_alive():
        raise ColorcliError(f"cannot reach {host}: its name cannot be looked up; is there a network? ({url})")


def broken(url: str, error: Exception, kept: str = "") -> str:
    """One line: what could not be had and why."""
    reason = str(error) or type(error).__name__
    return f"cannot download {url}: {reason}; is there a network?{kept}"


def _kept(done: int, size: int) -> str:
    return f"; {done:,} of {size:,} bytes are kept, run again to continue" if done else ""


@contextmanager
def _progress(url: str, size: int) -> Iterator[Advance]:
    """Progress on stderr: a bar on a terminal, one line elsewhere."""
    from rich import progress
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        print(f"downloading {url} ({size / 1e6:.1f} MB)", file=sys.stderr)
        yield lambda done: None
        return
    columns = (
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.DownloadColumn(),
        progress.TransferSpeedColumn(),
        progress.TimeRemainingColumn(),
    )
    with progress.Progress(*columns, console=console) as bar:
        task = bar.add_task(url.rpartition("/")[2], total=size)
        yield lambda done: bar.update(task, completed=done)
