"""The command as a process: signals, closed pipes, exit codes, what importing it costs."""

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from colorcli.photo import read_photo
from colorcli.version import __version__

# The real command; only its model is replaced, by one that takes a while
SLOW = """
import signal, sys, time
sys.path.insert(0, sys.argv.pop(1))
from conftest import Tint
import colorcli.cli.colorize as command
pause = float(sys.argv.pop(1))
class Slow(Tint):
    def colour(self, photo):
        time.sleep(pause)
        return super().colour(photo)
command._load = lambda **settings: Slow()
from colorcli.cli import main
main()
"""
TESTS = str(Path(__file__).parents[1])


def colorcli(*arguments, **options):
    return subprocess.run([sys.executable, "-m", "colorcli", *arguments], capture_output=True, check=False, **options)


def heed():
    """Heed the signals that a shell's & and nohup have their children ignore."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


def start_slow(pause, *arguments, **options):
    command = [sys.executable, "-c", SLOW, TESTS, str(pause), *map(str, arguments)]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "preexec_fn": heed} | options
    return subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "2"}, **options)


@pytest.fixture
def folder(tmp_path, make_photo):
    for i in range(30):
        make_photo(tmp_path / "in" / f"{i:02}.png")
    return tmp_path / "in"


def wait_for(path, process):
    deadline = time.monotonic() + 60
    while not path.exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)


def all_complete(folder):
    return all(read_photo(path).pixels.shape == (16, 16, 3) for path in folder.iterdir())


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_stops_within_seconds_and_leaves_complete_files(folder, number, code):
    out = folder.parent / "out"
    with start_slow(0.3, "colorize", folder, "-o", out) as process:
        wait_for(out / "01.png", process)
        process.send_signal(number)
        begun = time.monotonic()
        stderr = process.communicate(timeout=20)[1].decode()
    assert process.returncode == code and time.monotonic() - begun < 3
    assert "Traceback" not in stderr and "--skip-existing does the rest" in stderr
    assert 2 <= len(list(out.iterdir())) < 30 and all_complete(out)


def test_a_long_computation_does_not_hold_up_ctrl_c_twice(folder):
    with start_slow(60, "colorize", folder / "00.png") as process:
        time.sleep(2.5)
        process.send_signal(signal.SIGINT)
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        stderr = process.communicate(timeout=10)[1].decode()
    assert process.returncode == 130 and "Traceback" not in stderr
    assert not (folder / "00-color.png").exists()


def test_an_ignored_ctrl_c_stays_ignored(folder):
    def ignore():
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    out = folder.parent / "out"
    with start_slow(0.02, "colorize", folder, "-o", out, preexec_fn=ignore) as process:
        wait_for(out / "00.png", process)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 0 and len(list(out.iterdir())) == 30


def test_a_closed_pipe_is_quiet(folder):
    out = folder.parent / "out"
    with start_slow(0.1, "colorize", folder, "-o", out, "--json") as process:
        process.stdout.readline()
        process.stdout.close()
        stderr = process.stderr.read().decode()
        process.wait(timeout=20)
    assert process.returncode == 141 and stderr == ""
    assert 1 <= len(list(out.iterdir())) < 30 and all_complete(out)


def test_a_closed_stderr_is_quiet(folder):
    reader, writer = os.pipe()
    os.close(reader)
    with start_slow(0, "colorize", folder, stderr=writer) as process:
        os.close(writer)
        process.wait(timeout=30)
    assert process.returncode == 141


def test_a_picture_into_a_closed_pipe(folder):
    reader, writer = os.pipe()
    os.close(reader)
    with start_slow(0, "colorize", folder / "00.png", "-o", "-", stdout=writer) as process:
        os.close(writer)
        stderr = process.stderr.read().decode()
    assert (process.returncode, stderr) == (141, "")


def test_a_terminal_shows_a_bar_and_is_not_fed_a_picture(folder):
    ours, theirs = pty.openpty()
    with start_slow(0, "colorize", folder / "00.png", "-o", "-", stdout=theirs) as process:
        assert b"a terminal cannot show the picture" in process.stderr.read()
    assert process.returncode == 2
    with start_slow(0.02, "colorize", folder, "-q", stdout=theirs, stderr=theirs) as process:
        assert process.wait(timeout=30) == 0
    with start_slow(0.02, "colorize", folder, "--overwrite", stdout=theirs, stderr=theirs) as process:
        assert process.wait(timeout=30) == 0
    os.close(theirs)
    shown = os.read(ours, 1 << 20).decode()
    os.close(ours)
    assert "30/30" in shown and "photos/s" in shown and "30 done in" in shown


def test_version_from_anywhere(tmp_path):
    result = colorcli("--version", cwd=tmp_path)
    assert (result.returncode, result.stdout.decode()) == (0, f"colorcli {__version__}\n")


def test_unknown_command_is_wrong_use():
    result = colorcli("colour")
    assert result.returncode == 2 and b"colour" in result.stderr


def test_a_bug_is_one_message_unless_asked_for_more():
    script = "import colorcli.cli as c; c.app = lambda **_: 1 / 0; c.main()"
    short = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (short.returncode, short.stderr.count("\n")) == (1, 2)
    assert "internal error: ZeroDivisionError" in short.stderr and "COLORCLI_DEBUG=1" in short.stderr
    env = os.environ | {"COLORCLI_DEBUG": "1"}
    long = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, env=env)
    assert "Traceback" in long.stderr


def test_the_command_line_imports_nothing_heavy():
    script = "import sys, colorcli.cli; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"torch", "numpy", "PIL", "skimage", "huggingface_hub", "httpx", "safetensors"} & set(loaded)


def test_a_bad_photo_is_answered_without_torch(tmp_path):
    (tmp_path / "a.jpg").write_text("text")
    script = "import sys\nfrom colorcli.cli import app\ntry: app()\nfinally: print('torch' in sys.modules)"
    command = [sys.executable, "-c", script, "colorize", str(tmp_path / "a.jpg")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (1, "False\n")
