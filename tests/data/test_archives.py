import errno
import hashlib
import io
import os
import random
import socket
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from weights_kit import serve

from colorcli import download
from colorcli.data import archives
from colorcli.data.archives import Archive, obtain
from colorcli.errors import ColorcliError, VerificationError

FILES = {"one.bin": random.Random(0).randbytes(100_000), "two.bin": b"two"}


@pytest.fixture(autouse=True)
def quick_and_direct(monkeypatch):
    monkeypatch.setattr(download, "PAUSES", ())
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def packed(files: Mapping[str, bytes | str]) -> bytes:
    """A .tar.gz of files by path; a str is a link to there."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=1) as tar:
        for path, content in files.items():
            member = tarfile.TarInfo(path)
            if isinstance(content, str):
                member.type, member.linkname = tarfile.SYMTYPE, content
                tar.addfile(member)
            else:
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    return out.getvalue()


def theirs(**others: bytes | str) -> bytes:
    return packed({f"data/{name}": content for name, content in (FILES | others).items()})


def described(url: str, content: bytes) -> Archive:
    md5 = hashlib.md5(content, usedforsecurity=False).hexdigest()
    return Archive(f"{url}/data.tar.gz", len(content), md5, "data", tuple(FILES))


def left_behind(parent: Path) -> list[str]:
    """What lies in the folder, but for locks, which have no content."""
    return sorted(path.name for path in parent.iterdir() if not path.name.endswith(".lock"))


def refused(tmp_path: Path, content: bytes, problem: str) -> None:
    with serve(content) as server, pytest.raises(VerificationError, match=problem) as error:
        obtain(described(server.url, content), tmp_path)
    assert "\n" not in str(error.value)
    assert left_behind(tmp_path) == ["data.tar.gz"]


def test_an_archive_is_fetched_and_unpacked_once(tmp_path, capsys):
    content = theirs()
    with serve(content) as server:
        for _ in range(2):
            folder = obtain(described(server.url, content), tmp_path / "new")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES
    assert len(server.requests) == 1
    assert left_behind(tmp_path / "new") == ["data"]
    assert capsys.readouterr().out == ""


def test_only_what_is_needed_is_unpacked(tmp_path):
    content = packed(
        {"data/README": b"x", "../escaped": b"x", "/tmp/escaped": b"x", "data/../../escaped": b"x", "data/sub": "/etc"}
        | {f"data/{name}": content for name, content in FILES.items()}
    )
    with serve(content) as server:
        obtain(described(server.url, content), tmp_path / "deep" / "er")
    assert sorted(path.name for path in tmp_path.rglob("*") if not path.name.endswith(".lock")) == [
        *("data", "deep", "er", "one.bin", "two.bin"),
    ]


@pytest.mark.parametrize("content", ["/etc/hostname", b""])
def test_a_needed_file_that_is_a_link_or_empty_is_refused(tmp_path, content):
    refused(tmp_path, theirs(**{"two.bin": content}), r"data/two\.bin is no file of at most")


def test_a_needed_file_that_is_too_large_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "LARGEST", 99_999)
    refused(tmp_path, theirs(), r"data/one\.bin is no file of at most 99,999 bytes")


def test_an_archive_without_a_needed_file_is_refused(tmp_path):
    refused(tmp_path, packed({"data/one.bin": b"1", "two.bin": b"2"}), r"data/two\.bin is missing")


@pytest.mark.parametrize("damage", [lambda data: data[:60_000], lambda data: b"no archive", lambda data: data[:20]])
def test_a_damaged_archive_is_refused(tmp_path, damage):
    refused(tmp_path, damage(theirs()), r"data\.tar\.gz: damaged")


def test_progress_is_told_in_bytes_instead_of_a_bar(tmp_path, capsys):
    content, seen = theirs(), []
    with serve(content) as server:
        obtain(described(server.url, content), tmp_path, seen.append)
    assert seen[-1] == len(content)
    assert seen == sorted(seen)
    assert "downloading" not in capsys.readouterr().err


def test_a_broken_download_goes_on_where_it_stopped(tmp_path):
    content = theirs()
    with serve(content, "drop") as server:
        archive = described(server.url, content)
        with pytest.raises(ColorcliError, match="bytes are kept, run again to continue"):
            obtain(archive, tmp_path)
        assert left_behind(tmp_path) == [f"data.tar.gz.{archive.md5[:12]}.part"]
        obtain(archive, tmp_path)
    assert [start for _, start in server.requests] == [0, len(content) // 2]
    assert left_behind(tmp_path) == ["data"]


def test_wrong_bytes_are_not_unpacked(tmp_path):
    content = theirs()
    with serve(content, "wrong") as server, pytest.raises(VerificationError, match="wrong MD5"):
        obtain(described(server.url, content), tmp_path)
    assert left_behind(tmp_path) == []


def test_an_archive_that_is_not_there_is_named(tmp_path):
    with serve(b"", 404) as server, pytest.raises(ColorcliError, match=r"data\.tar\.gz: .* answered 404 Not Found"):
        obtain(described(server.url, theirs()), tmp_path)


def test_no_network_is_told(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    with pytest.raises(ColorcliError, match="is there a network") as error:
        obtain(described(url, theirs()), tmp_path)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [theirs(), theirs(**{"one.bin": bytes(100_000)})], ids=["fetching", "unpacking"])
def test_a_full_disk_is_told_and_leaves_no_folder(tmp_path, content):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with serve(content) as server:
        archive = described(server.url, content)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))  # Python ignores the signal: writing fails
        try:
            with pytest.raises(ColorcliError) as error:
                obtain(archive, tmp_path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert os.strerror(errno.EFBIG) in str(error.value)
        assert "--data-root" in str(error.value)
        assert not (tmp_path / "data").exists()
        assert obtain(archive, tmp_path).is_dir()


def test_a_place_that_is_a_file_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ColorcliError, match=r"cannot write .*--data-root or COLORCLI_DATA"):
        obtain(described("http://127.0.0.1:9", b""), tmp_path / "file")


def test_an_archive_that_lies_there_is_used_and_left(tmp_path):
    content = theirs()
    (tmp_path / "data.tar.gz").write_bytes(content)
    assert obtain(described("http://127.0.0.1:9", content), tmp_path).is_dir()
    assert left_behind(tmp_path) == ["data", "data.tar.gz"]


def test_a_folder_that_lacks_files_is_left_alone(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "two.bin").write_bytes(b"mine")
    with pytest.raises(ColorcliError, match=r"lacks files of .*: move it away"):
        obtain(described("http://127.0.0.1:9", b""), tmp_path)
    assert left_behind(tmp_path / "data") == ["two.bin"]


def test_what_a_killed_run_left_is_cleared_away(tmp_path):
    (tmp_path / ".data.tmp").mkdir()
    (tmp_path / ".data.tmp" / "half").touch()
    content = theirs()
    with serve(content) as server:
        obtain(described(server.url, content), tmp_path)
    assert left_behind(tmp_path) == ["data"]
    assert left_behind(tmp_path / "data") == ["one.bin", "two.bin"]
