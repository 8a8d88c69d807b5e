import errno
import hashlib
import os
import random
import signal
import socket
import stat
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager

import pytest
from huggingface_hub import constants
from weights_kit import COMMIT, item, register_toy, serve, use_manifest

from colorcli import download
from colorcli.download import fetch
from colorcli.errors import ColorcliError, VerificationError
from colorcli.weights.manifest import entries
from colorcli.weights.pull import pull

CONTENT = random.Random(0).randbytes(300_000)
SIZE, SHA = len(CONTENT), hashlib.sha256(CONTENT).hexdigest()

FETCH = """
import sys
from pathlib import Path
from colorcli.download import fetch
print(fetch(sys.argv[1], Path(sys.argv[2]), size=int(sys.argv[3]), sha256=sys.argv[4]))
"""


@pytest.fixture(autouse=True)
def quick_and_direct(monkeypatch):
    monkeypatch.setattr(download, "PAUSES", (0.0, 0.0))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.fixture
def target(tmp_path):
    return tmp_path / "cache" / "toy.bin"


def fetch_from(server, target):
    return fetch(f"{server.url}/toy.bin", target, size=SIZE, sha256=SHA)


def part(target):
    return target.with_name(f"toy.bin.{SHA[:12]}.part")


def left_behind(target):
    """What lies beside the target, but for the lock, which has no content."""
    return sorted(path.name for path in target.parent.iterdir() if not path.name.endswith(".lock"))


@contextmanager
def process(server, target):
    command = [sys.executable, "-c", FETCH, f"{server.url}/toy.bin", str(target), str(SIZE), SHA]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        yield running


def wait_until(true, seconds=20):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_a_file_is_fetched(target, capsys):
    with serve(CONTENT) as server:
        assert fetch_from(server, target)
    assert target.read_bytes() == CONTENT
    assert left_behind(target) == ["toy.bin"]
    assert capsys.readouterr() == ("", f"downloading {server.url}/toy.bin (0.3 MB)\n")


def test_what_is_there_and_right_is_not_fetched(target):
    target.parent.mkdir()
    target.write_bytes(CONTENT)
    with serve(CONTENT) as server:
        assert not fetch_from(server, target)
    assert server.requests == []


def test_what_is_there_and_wrong_is_replaced(target):
    target.parent.mkdir()
    target.write_bytes(bytes(SIZE))
    with serve(CONTENT) as server:
        assert fetch_from(server, target)
    assert target.read_bytes() == CONTENT


def test_a_broken_connection_is_taken_up(target):
    with serve(CONTENT, "drop", "drop") as server:
        fetch_from(server, target)
    assert [start for _, start in server.requests] == [0, SIZE // 2, SIZE // 2 + SIZE // 4]
    assert target.read_bytes() == CONTENT


def test_a_server_that_knows_no_range_starts_over(target):
    with serve(CONTENT, "drop", "whole") as server:
        fetch_from(server, target)
    assert len(server.requests) == 2
    assert target.read_bytes() == CONTENT


def test_a_range_from_another_place_is_not_used(target):
    with serve(CONTENT, "drop", "elsewhere") as server:
        fetch_from(server, target)
    assert [start for _, start in server.requests] == [0, SIZE // 2, 0]
    assert target.read_bytes() == CONTENT


def test_a_range_that_is_refused_starts_over(target):
    with serve(CONTENT, "drop", 416) as server:
        fetch_from(server, target)
    assert [start for _, start in server.requests] == [0, SIZE // 2, 0]
    assert target.read_bytes() == CONTENT


def test_after_some_attempts_the_rest_is_left_for_the_next_run(target):
    with serve(CONTENT, "drop", "drop", "drop") as server:
        with pytest.raises(ColorcliError, match=r"262,500 of 300,000 bytes are kept, run again to continue"):
            fetch_from(server, target)
        assert left_behind(target) == [part(target).name]
        assert fetch_from(server, target)
    assert server.requests[-1] == ("/toy.bin", 262_500)
    assert target.read_bytes() == CONTENT


def test_a_server_that_falls_silent_is_given_up(target, monkeypatch):
    monkeypatch.setattr(download, "READ_SECONDS", 0.2)
    with serve(CONTENT, "silent") as server, pytest.raises(ColorcliError, match="150,000 of 300,000 bytes are kept"):
        fetch_from(server, target)
    assert left_behind(target) == [part(target).name]


def test_a_body_that_ends_early_without_a_length_is_noticed(target):
    with serve(CONTENT, "short") as server:
        fetch_from(server, target)
    assert [start for _, start in server.requests] == [0, SIZE // 2]
    assert target.read_bytes() == CONTENT


@pytest.mark.parametrize(("status", "phrase"), [(404, "404 Not Found"), (500, "500 Internal Server Error")])
def test_a_server_error_is_named(target, status, phrase):
    with serve(CONTENT, status) as server, pytest.raises(ColorcliError, match=rf"toy\.bin: .* answered {phrase}"):
        fetch_from(server, target)
    assert len(server.requests) == 1
    assert not target.exists()


@pytest.mark.parametrize(
    ("fault", "problem"),
    [
        ("wrong", "sent other bytes than expected"),
        ("more", "sent more than the expected 300,000 bytes"),
        ("longer", "offers 300,001 bytes, expected 300,000"),
    ],
)
def test_wrong_bytes_are_not_kept(target, fault, problem):
    with serve(CONTENT, fault) as server, pytest.raises(VerificationError, match=problem):
        fetch_from(server, target)
    assert len(server.requests) == 1
    assert not target.exists()
    assert not part(target).exists() or part(target).stat().st_size == 0


@pytest.mark.parametrize("left", [bytes(1000), bytes(SIZE), bytes(SIZE + 1)])
def test_a_damaged_part_is_started_over_once(target, left):
    target.parent.mkdir()
    part(target).write_bytes(left)
    with serve(CONTENT) as server:
        fetch_from(server, target)
    assert server.requests[-1] == ("/toy.bin", 0)
    assert target.read_bytes() == CONTENT


def test_a_damaged_part_and_a_bad_server(target):
    target.parent.mkdir()
    part(target).write_bytes(bytes(1000))
    with serve(CONTENT, None, "wrong") as server, pytest.raises(VerificationError, match="sent other bytes"):
        fetch_from(server, target)
    assert left_behind(target) == []


def test_a_complete_part_is_used_without_the_network(target):
    target.parent.mkdir()
    part(target).write_bytes(CONTENT)
    with serve(CONTENT) as server:
        assert fetch_from(server, target)
    assert server.requests == []
    assert target.read_bytes() == CONTENT


@pytest.mark.skipif(os.name != "posix", reason="POSIX permissions")
def test_permissions_follow_the_umask(target):
    old = os.umask(0o027)
    try:
        with serve(CONTENT) as server:
            fetch_from(server, target)
    finally:
        os.umask(old)
    assert stat.S_IMODE(target.stat().st_mode) == 0o640


def test_no_server_fails_at_once(target):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/toy.bin"
    start = time.monotonic()
    with pytest.raises(ColorcliError, match="is there a network") as error:
        fetch(url, target, size=SIZE, sha256=SHA)
    assert time.monotonic() - start < 2
    assert url in str(error.value)


def test_a_name_server_that_does_not_answer_is_given_up(target, monkeypatch):
    monkeypatch.setattr(download, "CONNECT_SECONDS", 0.1)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(1))
    with pytest.raises(ColorcliError, match=r"cannot reach weights\.example: .* is there a network"):
        fetch("http://weights.example/toy.bin", target, size=SIZE, sha256=SHA)


def test_a_name_that_is_unknown_fails_at_once(target, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ColorcliError, match="Name or service not known"):
        fetch("http://weights.example/toy.bin", target, size=SIZE, sha256=SHA)


@pytest.mark.parametrize("url", ["weights.example/toy.bin", "ftp://127.0.0.1/toy.bin", "http://127.0.0.1:x/toy.bin"])
def test_an_address_that_makes_no_sense(target, url):
    with pytest.raises(ColorcliError, match="cannot download"):
        fetch(url, target, size=SIZE, sha256=SHA)


def test_a_full_disk_is_named_and_leaves_nothing_that_passes_for_complete(target):
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))  # Python ignores the signal: writing fails
    try:
        with serve(CONTENT) as server, pytest.raises(ColorcliError) as error:
            fetch_from(server, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert os.strerror(errno.EFBIG) in str(error.value)
    assert f"cannot write {target}" in str(error.value)
    assert not target.exists()


def test_a_cache_that_cannot_be_made(tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(ColorcliError, match=r"cannot write .*COLORCLI_CACHE"):
        fetch("http://127.0.0.1:9/x", tmp_path / "cache" / "toy.bin", size=SIZE, sha256=SHA)


def test_four_processes_at_once_fetch_one_file_once(target):
    with serve(CONTENT) as server, ExitStack() as stack:
        started = [stack.enter_context(process(server, target)) for _ in range(4)]
        answers = sorted(running.communicate(timeout=60)[0] for running in started)
    assert answers == ["False\n"] * 3 + ["True\n"]
    assert len(server.requests) == 1
    assert target.read_bytes() == CONTENT


@pytest.mark.skipif(os.name != "posix", reason="needs kill -9")
def test_a_killed_download_is_continued_and_never_passes_for_complete(target):
    with serve(CONTENT, "silent") as server, process(server, target) as first:
        wait_until(lambda: part(target).exists() and part(target).stat().st_size > 0)
        with process(server, target) as second:
            assert second.stderr.readline() == "waiting for another process that downloads toy.bin\n"
            assert not target.exists()
            first.send_signal(signal.SIGKILL)
            assert second.communicate(timeout=60)[0] == "True\n"
    assert server.requests[1][1] > 0
    assert target.read_bytes() == CONTENT


def test_a_bar_on_a_terminal(target, monkeypatch, capsys):
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    with serve(CONTENT) as server:
        fetch_from(server, target)
    out, err = capsys.readouterr()
    assert out == ""
    assert "toy.bin" in err
    assert "300.0/300.0 kB" in err


@pytest.fixture
def listed(monkeypatch, tmp_path):
    """listed(source) -> the entry of CONTENT from there."""
    register_toy(monkeypatch)

    def make(**source):
        use_manifest(monkeypatch, tmp_path, item(CONTENT, source=source))
        return entries()[0]

    return make


def test_pull_from_the_hub_asks_for_the_pinned_revision_and_follows_to_the_cdn(listed, monkeypatch):
    with serve(CONTENT, "redirect", "drop") as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        entry = listed(type="hub", repo="owner/toy", revision=COMMIT, file="sub/toy.bin")
        assert pull(entry)
        assert not pull(entry)
    asked = (f"/owner/toy/resolve/{COMMIT}/sub/toy.bin", 0)
    assert server.requests == [asked, ("/cdn", 0), (asked[0], SIZE // 2)]
    assert entry.path.read_bytes() == CONTENT


def test_pull_from_an_address(listed):
    with serve(CONTENT) as server:
        entry = listed(type="url", url=f"{server.url}/some/where", file="toy.bin")
        assert pull(entry)
    assert entry.path.read_bytes() == CONTENT


def test_pull_mends_a_damaged_file(listed):
    with serve(CONTENT) as server:
        entry = listed(type="url", url=f"{server.url}/x", file="toy.bin")
        entry.path.parent.mkdir(parents=True)
        entry.path.write_bytes(CONTENT[:-1] + b"?")
        assert pull(entry)
    assert entry.path.read_bytes() == CONTENT


def test_pull_of_bundled_weights(listed):
    entry = listed(type="bundled", file="toy.bin")
    with pytest.raises(VerificationError, match="missing or damaged: install colorcli again"):
        pull(entry)
    entry.path.write_bytes(CONTENT)
    assert not pull(entry)


def test_pull_asks_nothing_where_the_hub_is_switched_off(listed, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with serve(CONTENT) as server:
        entry = listed(type="url", url=f"{server.url}/x", file="toy.bin")
        with pytest.raises(ColorcliError, match=r"HF_HUB_OFFLINE is set.*fetch http.*/x elsewhere and put it at .*toy"):
            pull(entry)
    assert server.requests == []
