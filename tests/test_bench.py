"""The benchmark runs and prints its tables; its figures are for people."""

import subprocess
import sys

from colorcli.bench.models import load_or_build


def test_bench_colorize_prints_all_figures():
    command = [sys.executable, "-m", "colorcli.bench", "colorize"]
    small = ["--megapixels", "0.2", "--repeats", "1", "--photos", "2"]
    done = subprocess.run([*command, *small], capture_output=True, text=True, check=True)
    for row in ("colorcli colorize", "Pillow decode + encode", "the usual script", "one after another", "--help"):
        assert row in done.stdout


def test_bench_models_prints_a_row_for_each(tmp_path):
    command = [sys.executable, "-m", "colorcli.bench", "models", "gan", "scribbles", "transfer"]
    small = ["--megapixels", "0.1", "--repeats", "1"]
    done = subprocess.run([*command, *small], capture_output=True, text=True, check=True)
    for row in ("gan", "scribbles", "transfer", "over gan", "peak memory"):
        assert row in done.stdout


def test_a_network_that_was_never_pulled_is_measured_untrained(tmp_path, monkeypatch):
    monkeypatch.setenv("COLORCLI_CACHE", str(tmp_path))
    model, trained = load_or_build("eccv16")
    assert (model.label, trained) == ("eccv16", False)
    assert load_or_build("gan")[1]
