"""How long a photo takes, how much memory, and what a folder gains: all in one run, with ratios.

Every figure is taken in a process of its own, after start-up: model loaded and one small photo coloured.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

SAMPLE = Path(__file__).parents[1] / "sample.jpg"
FOLDER_MEGAPIXELS = 3.0
USUAL_SIDE = 256  # px, the square that the usual script shows its network


def main(megapixels: float, repeats: int, photos: int) -> None:
    """Measure and print the tables."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        large = folder / "large.jpg"
        make_photo(megapixels, large, seed=0)
        many = folder / "many"
        many.mkdir()
        for i in range(photos):
            make_photo(FOLDER_MEGAPIXELS, many / f"{i:03d}.jpg", seed=i)
        tasks = {name: [_measure(name, large, folder) for _ in range(repeats)] for name in ("ours", "pillow", "usual")}
        batch = {name: [_measure(name, many, folder) for _ in range(repeats)] for name in ("sequential", "batch")}
        starts = [_time_help() for _ in range(repeats)]
    console = Console()
    console.print(_photo_table(megapixels, tasks))
    console.print(_folder_table(photos, batch))
    console.print(f"colorcli --help: {statistics.median(starts):.2f} s (bar: 0.40 s)")


def make_photo(megapixels: float, path: Path, seed: int) -> None:
    """A grey JPEG, 3:2, of about `megapixels`: the sample photo enlarged, with a film's grain."""
    height = round((megapixels * 1e6 / 1.5) ** 0.5)
    size = (round(1.5 * height), height)
    with Image.open(SAMPLE) as sample:
        enlarged = np.asarray(sample.convert("L").resize(size, Image.Resampling.BICUBIC))
    grain = np.random.default_rng(seed).integers(-5, 6, enlarged.shape, dtype=np.int8)
    grainy = np.clip(enlarged.astype(np.int16) + grain, 0, 255).astype(np.uint8)
    Image.fromarray(grainy).save(path, quality=92)


def _measure(task: str, source: Path, scratch: Path) -> dict[str, float]:
    """Run one task in a fresh process: {"seconds", "megabytes"}."""
    command = [sys.executable, "-m", "colorcli.bench.colorize", task, str(source), str(scratch)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return result


def _time_help() -> float:
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "colorcli", "--help"], capture_output=True, check=True)
    return time.perf_counter() - start


def _photo_table(megapixels: float, tasks: dict[str, list[dict[str, float]]]) -> Table:
    table = Table(title=f"One photo of {megapixels:g} megapixels, medians of {len(tasks['ours'])}")
    for heading in ("", "seconds", "over ours", "peak memory"):
        table.add_column(heading, justify="left" if not heading else "right")
    ours = _median(tasks["ours"], "seconds")
    labels = {"ours": "colorcli colorize", "pillow": "Pillow decode + encode alone", "usual": "the usual script"}
    for name, label in labels.items():
        seconds = _median(tasks[name], "seconds")
        table.add_row(label, f"{seconds:.2f}", f"{seconds / ours:.2f}", f"{_median(tasks[name], 'megabytes'):.0f} MB")
    return table


def _folder_table(photos: int, batch: dict[str, list[dict[str, float]]]) -> Table:
    table = Table(title=f"A folder of {photos} photos of {FOLDER_MEGAPIXELS:g} megapixels")
    for heading in ("", "photos/s", "ratio"):
        table.add_column(heading, justify="left" if not heading else "right")
    one = _median(batch["sequential"], "seconds")
    for name, label in (("sequential", "one after another"), ("batch", "colorcli colorize FOLDER")):
        seconds = _median(batch[name], "seconds")
        table.add_row(label, f"{photos / seconds:.2f}", f"{one / seconds:.2f}")
    return table


def _median(runs: list[dict[str, float]], key: str) -> float:
    return statistics.median(run[key] for run in runs)


def _load() -> Any:
    """A Colorizer that has coloured a small photo: start-up is over."""
    from colorcli.engine import Colorizer
    from colorcli.photo import read_photo
    from colorcli.weights.load import load_model

    colorizer = Colorizer(load_model())
    colorizer(read_photo(SAMPLE))
    return colorizer


def ours(source: Path, scratch: Path) -> Callable[[], object]:
    """What `colorcli colorize PHOTO` does to one photo."""
    from colorcli.photo import Provenance, read_photo, write_photo

    colorizer = _load()
    provenance = Provenance(colorizer.name, colorizer.weights_sha256)
    return lambda: write_photo(colorizer(read_photo(source)), scratch / "ours.jpg", provenance=provenance)


def pillow(source: Path, scratch: Path) -> Callable[[], object]:
    """Only decoding the photo and encoding it in colour, as we write it: what no colorizer can do without."""
    from colorcli.photo import read_photo, write_photo

    write_photo(read_photo(SAMPLE), scratch / "warm.jpg")

    def decode_and_encode() -> None:
        with Image.open(source) as image:
            image.convert("RGB").save(scratch / "pillow.jpg", quality=95, subsampling="4:4:4")

    return decode_and_encode


def usual(source: Path, scratch: Path) -> Callable[[], object]:
    """The script that most repositories ship: Lab at full size by scikit-image, a square network input, bilinear ab."""
    import torch
    import torch.nn.functional as F
    from skimage import color

    model = _load().model

    @torch.inference_mode()
    def colorize() -> None:
        with Image.open(source) as image:
            rgb = image.convert("RGB")
        small = color.rgb2lab(np.asarray(rgb.resize((USUAL_SIDE, USUAL_SIDE))))[..., 0]
        L = color.rgb2lab(np.asarray(rgb))[..., :1]
        ab = model.predict_ab(torch.from_numpy(small.astype(np.float32))[None, None])
        ab = F.interpolate(ab, size=L.shape[:2], mode="bilinear")[0].permute(1, 2, 0).numpy()
        out = color.lab2rgb(np.concatenate([L, ab], axis=2))
        Image.fromarray((out * 255).astype(np.uint8)).save(scratch / "usual.jpg", quality=95, subsampling="4:4:4")

    return colorize


def sequential(source: Path, scratch: Path) -> Callable[[], object]:
    """One photo after another: read, colour, write."""
    from colorcli.photo import read_photo, write_photo

    colorizer = _load()

    def colorize() -> None:
        for path in sorted(source.iterdir()):
            write_photo(colorizer(read_photo(path)), scratch / f"one-{path.name}")

    return colorize


def batch(source: Path, scratch: Path) -> Callable[[], object]:
    """What `colorcli colorize FOLDER` does."""
    from colorcli.batch.plan import plan
    from colorcli.batch.workers import run

    colorizer = _load()
    todo = plan([source], scratch / "batch", overwrite=True)
    return lambda: run(todo, colorizer)


TASKS = {"ours": ours, "pillow": pillow, "usual": usual, "sequential": sequential, "batch": batch}


def _run_task(name: str, source: Path, scratch: Path) -> None:
    work = TASKS[name](source, scratch)
    start = time.perf_counter()
    work()
    seconds = time.perf_counter() - start
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    print(json.dumps({"seconds": seconds, "megabytes": kilobytes / 1024}))


if __name__ == "__main__":
    _run_task(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
