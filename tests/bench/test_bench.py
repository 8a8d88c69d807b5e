"""The benchmark runs and prints its tables; its figures are for people."""

import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from colorcli.bench.models import load_or_build
from colorcli.bench.quality import copies_of

DATA = Path(__file__).parents[1] / "data"


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


def test_bench_quality_prints_its_tables_and_writes_sheets(tmp_path):
    command = [sys.executable, "-m", "colorcli.bench", "quality", str(DATA), "--saturation", "1", "--saturation", "1.5"]
    few = ["--limit", "3", "--count", "2", "--copies", "1", "--sheets", str(tmp_path)]
    done = subprocess.run([*command, *few], capture_output=True, text=True, check=True)
    for row in ("gan@photo", "1.5", "CIEDE2000", "4000 px instead of 512", "sepia"):
        assert row in done.stdout
    with Image.open(tmp_path / "quality-01.png") as sheet:
        assert sheet.width > 4 * 100


def test_a_photo_in_other_states_is_the_same_picture():
    grey = np.tile(np.arange(0, 256, 2, dtype=np.uint8), (64, 1))
    first, *others = copies_of(grey).values()
    assert first.shape == (256, 512)
    for state in others:
        plain = state if state.ndim == 2 else state[..., 0]
        side = np.asarray(Image.fromarray(plain).resize((512, 256)))
        assert np.corrcoef(first.ravel(), side.ravel())[0, 1] > 0.95


def test_orthochromatic_film_sees_red_dark_and_blue_light():
    red, blue, grey = (np.full((64, 64, 3), rgb, np.uint8) for rgb in [(200, 40, 40), (40, 40, 200), (90, 90, 90)])
    plain = [next(iter(copies_of(it).values())).mean() for it in (red, blue, grey)]
    filmed = [copies_of(it)["orthochromatic film"].mean() for it in (red, blue, grey)]
    assert filmed[0] < plain[0] - 20 and filmed[1] > plain[1] + 40 and abs(filmed[2] - 90) < 1
