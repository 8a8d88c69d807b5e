"""The same command from a checkout, an editable install and an installed wheel, with the network off."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
CAMERA = ROOT / "tests" / "data" / "camera.png"
# The command, in a process in which every connection fails
OFFLINE = """
import socket
def refuse(*_): raise OSError("the network is off")
socket.socket.connect = socket.create_connection = socket.getaddrinfo = refuse
import colorcli, sys
assert colorcli.__file__.startswith(sys.argv.pop(1)), colorcli.__file__
from colorcli.cli import main
main()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A folder that the wheel is installed in, as pip does it."""
    folder = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", str(folder)]
    subprocess.run([*pip, str(wheel)], check=True)
    return folder


def colorize(home: Path, target: Path, **environment: str) -> None:
    """Colour a photo with the colorcli that lies in `home`, from a folder where no checkout is."""
    command = [sys.executable, "-P", "-c", OFFLINE, str(home), "colorize", str(CAMERA), "-o", str(target)]
    if sys.version_info < (3, 11):
        command.remove("-P")
    done = subprocess.run(
        command, cwd=target.parent, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    with Image.open(target) as picture:
        assert picture.mode == "RGB"
        assert picture.size == (160, 160)


def test_from_a_wheel(installed, tmp_path):
    colorize(installed, tmp_path / "out.png", PYTHONPATH=str(installed))


def test_from_an_editable_install(tmp_path):
    colorize(ROOT, tmp_path / "out.png", PYTHONPATH="")


def test_from_a_checkout(tmp_path):
    colorize(ROOT, tmp_path / "out.png", PYTHONPATH=str(ROOT))


def test_wheel_carries_manifest_weights_and_page(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "colorcli/weights_manifest.json" in names
    assert "colorcli/sample.jpg" in names
    assert {
        f"colorcli/weights/bundled/{path.name}" for path in (ROOT / "colorcli/weights/bundled").glob("*.safetensors")
    } <= names
    assert wheel.stat().st_size < 100e6
