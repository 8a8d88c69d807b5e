"""How long one photo takes with each model, and how much memory, at the size the model works best at: all in one run.

Every figure is taken in a process of its own, after start-up: model loaded and one photo coloured. A network whose
weights are not on this machine is measured untrained, for the same shape takes the same time.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table

from colorcli.bench.colorize import make_photo

if TYPE_CHECKING:
    from colorcli.models.base import ColorModel
    from colorcli.photo import Photo

# one of each shape: ddcolor stands for ddcolor@paper and ddcolor@artistic too
NAMES = ("gan", "eccv16", "siggraph17", "ddcolor@tiny", "ddcolor", "scribbles", "transfer")
HINTS = 20  # points for systems that need hints


def main(megapixels: float, repeats: int, names: Sequence[str]) -> None:
    """Measure and print the table; the first of `names` is what the ratios are over."""
    with tempfile.TemporaryDirectory() as scratch:
        photo = Path(scratch) / "photo.jpg"
        make_photo(megapixels, photo, seed=0)
        runs = {name: [_measure(name, photo) for _ in range(repeats)] for name in names}
    table = Table(title=f"One photo of {megapixels:g} megapixels, medians of {repeats}")
    for heading in ("", "size", "seconds", f"over {names[0]}", "network alone", "peak memory"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    base = _median(runs[names[0]], "seconds")
    for name, found in runs.items():
        seconds, network, peak = (_median(found, key) for key in ("seconds", "network", "megabytes"))
        figures = f"{seconds:.2f}", f"{seconds / base:.1f}", f"{network:.2f}", f"{peak:.0f} MB"
        table.add_row(name + ("" if found[0]["trained"] else " *"), str(found[0]["size"]), *figures)
    if not all(found[0]["trained"] for found in runs.values()):
        table.caption = "* untrained, as its weights were not pulled: it takes the same time"
    Console().print(table)


def _measure(name: str, photo: Path) -> dict[str, Any]:
    """One model in a fresh process: {"seconds", "network", "megabytes", "size", "trained"}."""
    command = [sys.executable, "-m", "colorcli.bench.models", name, str(photo)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def _median(runs: list[dict[str, Any]], key: str) -> float:
    return statistics.median(run[key] for run in runs)


def load_or_build(name: str) -> tuple[ColorModel, bool]:
    """The model, and whether it is trained: where its weights were never pulled it is not."""
    from colorcli.errors import WeightsMissing
    from colorcli.models.catalog import build
    from colorcli.weights.load import load_model
    from colorcli.weights.manifest import find

    try:
        return load_model(name), True
    except WeightsMissing:
        entry = find(name)
        model = build(entry.model, **(entry.config or {})).eval()
        model.label = name
        return model, False


def conditions(needs: Sequence[str], photo: Photo) -> dict[str, Any]:
    """Something to follow for a system that needs it: points in colour all over, the photo itself in one colour."""
    from colorcli.guidance.hints import Hints
    from colorcli.guidance.reference import Reference

    height, width = photo.pixels.shape[:2]
    rng = np.random.default_rng(0)
    points = [(int(x * width), int(y * height), (200, 120, 60)) for x, y in rng.random((HINTS, 2))]
    tinted = (photo.pixels[..., None] * np.array([1.0, 0.8, 0.6])).astype(np.uint8)
    makers = {
        "hints": lambda: Hints.from_points(points, photo),
        "reference": lambda: Reference.from_photo(replace(photo, pixels=tinted), [], photo, name="reference"),
    }
    return {need: makers[need]() for need in needs}


def _run(name: str, path: Path) -> None:
    """What `colorcli colorize PHOTO --model NAME` does to one photo, twice: the first time is start-up."""
    from colorcli.engine import Colorizer
    from colorcli.photo import read_photo, write_photo

    model, trained = load_or_build(name)
    network: list[float] = []
    predict: Any = model.predict_ab

    def timed(*arguments: Any, **named: Any) -> Any:
        start = time.perf_counter()
        ab = predict(*arguments, **named)
        network.append(time.perf_counter() - start)
        return ab

    model.predict_ab = timed  # type: ignore[method-assign]
    colorizer = Colorizer(model, device="cpu")
    beside = conditions(model.needs, read_photo(path))
    for _ in range(2):
        network.clear()
        start = time.perf_counter()
        write_photo(colorizer(read_photo(path), **beside), path.with_name(f"{name}.jpg"))
        seconds = time.perf_counter() - start
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << (20 if sys.platform == "darwin" else 10))
    found = {"seconds": seconds, "network": sum(network), "megabytes": megabytes}
    print(json.dumps(found | {"size": colorizer.size, "trained": trained}))


if __name__ == "__main__":
    _run(sys.argv[1], Path(sys.argv[2]))
