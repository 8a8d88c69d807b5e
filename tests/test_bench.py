"""The benchmark runs and prints its tables; its figures are for people."""

import subprocess
import sys


def test_bench_colorize_prints_all_figures():
    command = [sys.executable, "-m", "colorcli.bench", "colorize"]
    small = ["--megapixels", "0.2", "--repeats", "1", "--photos", "2"]
    done = subprocess.run([*command, *small], capture_output=True, text=True, check=True)
    for row in ("colorcli colorize", "Pillow decode + encode", "the usual script", "one after another", "--help"):
        assert row in done.stdout
