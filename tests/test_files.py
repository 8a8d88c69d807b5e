import hashlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from colorcli.files import atomic_write, sha256_of


def names(folder: Path) -> list[str]:
    return sorted(p.name for p in folder.iterdir())


def test_written_file_is_complete_and_alone(tmp_path):
    with atomic_write(tmp_path / "a.bin") as file:
        file.write(b"new")
        assert not (tmp_path / "a.bin").exists()
    assert (tmp_path / "a.bin").read_bytes() == b"new"
    assert names(tmp_path) == ["a.bin"]


def test_file_can_be_read_and_rewound_while_written(tmp_path):
    with atomic_write(tmp_path / "a.bin") as file:
        file.write(b"abcd")
        file.seek(1)
        assert file.read(2) == b"bc"
        file.write(b"D")
    assert (tmp_path / "a.bin").read_bytes() == b"abcD"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit, GeneratorExit])
def test_old_file_survives_any_exception(tmp_path, error):
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    with pytest.raises(error), atomic_write(target) as file:
        file.write(b"half of the n")
        raise error
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


def test_old_file_survives_a_full_disk(tmp_path, monkeypatch):
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"), atomic_write(target) as file:
        file.write(b"new")
    assert target.read_bytes() == b"old"
    assert names(tmp_path) == ["a.bin"]


def test_data_reach_the_disk_before_the_name(tmp_path, monkeypatch):
    target, seen = tmp_path / "a.bin", []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (seen.append(target.exists()), fsync(fd)))
    with atomic_write(target) as file:
        file.write(b"new")
    assert seen[0] is False  # the file's bytes, then (seen[1]) the folder's entry
    if os.name == "posix":
        assert seen == [False, True]


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_permissions_follow_the_umask(tmp_path, umask, mode):
    old = os.umask(umask)
    try:
        with atomic_write(tmp_path / "a.bin") as file:
            file.write(b"x")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "a.bin").stat().st_mode) == mode


@pytest.mark.skipif(os.name != "posix", reason="POSIX links")
def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.bin"
    link.symlink_to(tmp_path / "real" / "a.bin")
    with atomic_write(link) as file:
        file.write(b"x")
    assert link.is_symlink()
    assert (tmp_path / "real" / "a.bin").read_bytes() == b"x"


def test_a_folder_is_not_replaced(tmp_path):
    with pytest.raises(IsADirectoryError), atomic_write(tmp_path):
        pass
    assert names(tmp_path) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_pipe_is_not_replaced(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="not a regular file"), atomic_write(tmp_path / "pipe"):
        pass
    assert (tmp_path / "pipe").is_fifo()


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_write(tmp_path / "no" / "a.bin"):
        pass


def test_the_longest_possible_name_can_be_written(tmp_path):
    target = tmp_path / ("n" * 251 + ".bin")
    with atomic_write(target) as file:
        file.write(b"x")
    assert target.read_bytes() == b"x"


def test_a_killed_writer_leaves_the_old_file(tmp_path):
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    code = (
        "import os, signal, sys; from colorcli.files import atomic_write\n"
        "with atomic_write(sys.argv[1]) as f:\n"
        "    f.write(b'x' * 100_000); f.flush(); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(target)], check=False).returncode == 9
    assert target.read_bytes() == b"old"


def test_sha256_of_a_file_larger_than_one_piece(tmp_path):
    data = bytes(range(256)) * 5000
    (tmp_path / "a.bin").write_bytes(data)
    assert sha256_of(tmp_path / "a.bin") == hashlib.sha256(data).hexdigest()
