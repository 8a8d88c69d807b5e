"""Measure models on a dataset: a row of scores for each, with the grey baseline and the truth first."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from colorcli.bins import Bins
from colorcli.data.cifar10 import CIFAR10
from colorcli.engine import Colorizer
from colorcli.errors import ColorcliError, UsageError
from colorcli.evaluation.metrics import MetricSums, Score, measure
from colorcli.evaluation.protocols import Colourer, Dataset
from colorcli.evaluation.realism import Recognition
from colorcli.evaluation.sheet import fitted
from colorcli.files import atomic_write
from colorcli.models.catalog import MODELS
from colorcli.weights.load import load_model
from colorcli.weights.manifest import entries

if TYPE_CHECKING:
    from colorcli.models.base import ColorModel

GREY, TRUTH = "grey", "truth"
ALL = "all"  # in place of the models' names
AS_RGB = "(as RGB)"
SAMPLE_SIDE = 256  # px, the longer side of a picture kept for a contact sheet, at most


@dataclass(frozen=True)
class ModelScores:
    """The scores of a model, of the grey baseline, or of the truth, which has few. Names as in `metrics`; on images
    with labels also top1, the share that `classifier` tells right, and frechet, see `recognition` (no interval)."""

    name: str
    scores: dict[str, Score]
    images_per_second: float | None = None


@dataclass(frozen=True)
class Evaluation:
    """rows: grey, truth, each model. samples: pictures uint8 (H, W, 3) for a contact sheet, under the rows' names.

    failed: a line for each file that could not be scored.
    """

    dataset: str
    scored: str
    images: int
    rows: list[ModelScores]
    samples: dict[str, list[np.ndarray]]
    failed: list[str]


def load_models(names: Sequence[str | Path], dataset: str) -> dict[str, ColorModel]:
    """Models under the names of their rows: their labels, or `names` as given where labels clash.

    names: what `weights.load_model` takes, a Path for a weights file; a plain model name means its weights for the
    dataset, "all" the weights for it that are on this machine. UsageError for one given twice or one that needs
    conditions; other errors as from `load_model`.
    """
    task = CIFAR10 if dataset == CIFAR10 else "photo"
    names = [one for name in names for one in (_ready(task) if name == ALL else [name])]
    repeated = [str(name) for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise UsageError(f"given twice: {', '.join(repeated)}")
    models = [_load(name, task) for name in names]
    for model in models:
        if model.needs:
            raise UsageError(f"{model.label} needs {' and '.join(model.needs)}, which a dataset does not have")
    labels = Counter([GREY, TRUTH, *(model.label for model in models)])
    return {m.label if labels[m.label] == 1 else str(name): m for name, m in zip(names, models, strict=True)}


def _ready(task: str) -> list[str]:
    """Names of all weights for `task` that are there and colour without a user's help."""
    specs = {entry.name: MODELS[entry.model] for entry in entries() if entry.task == task and entry.present}
    return [name for name, spec in specs.items() if spec.colours and not spec.needs]


def _load(name: str | Path, task: str) -> Any:
    return load_model(weights=name) if isinstance(name, Path) else load_model(name, task=task)


def _to_bytes(rgb: Tensor) -> Tensor:
    """RGB uint8 or 0..1 -> uint8."""
    return rgb if rgb.dtype == torch.uint8 else (rgb * 255).round().to(torch.uint8)


@dataclass
class _Keeper:
    """Keeps some pictures for a contact sheet and writes all to files, as far as asked for.

    wanted: positions of the images to keep.
    """

    wanted: set[int]
    folder: Path | None
    samples: dict[str, list[np.ndarray]] = field(default_factory=dict)

    def take(self, row: str, names: list[str], pictures: list[Tensor], first: int) -> None:
        """Pictures of one batch whose first image is the dataset's `first`-th; only a model's go to files."""
        saved = self.folder is not None and row not in (GREY, TRUTH)
        kept = self.samples.setdefault(row, [])
        singles = (image for tensor in pictures for image in tensor)
        for position, (name, image) in enumerate(zip(names, singles, strict=True), first):
            if saved or position in self.wanted:
                pixels = np.ascontiguousarray(_to_bytes(image).permute(1, 2, 0).cpu().numpy())
                if position in self.wanted:
                    kept.append(pixels if max(pixels.shape) <= SAMPLE_SIDE else fitted(pixels, SAMPLE_SIDE))
                if saved:
                    self._write(row, name, pixels)

    def _write(self, row: str, name: str, pixels: np.ndarray) -> None:
        assert self.folder is not None
        path = self.folder / row.replace("/", "_") / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as file:
            Image.fromarray(pixels).save(file, "PNG")


@dataclass
class _Contender:
    """A row to be: what colours its pictures, on which device, and the seconds that took so far."""

    colour: Colourer
    device: torch.device
    seconds: float = 0.0

    def run(self, inputs: Any, seed: int) -> list[Tensor]:
        """The pictures of a batch; seed: of the noise that systems draw."""
        if not self.seconds:
            self._seeded(inputs, seed)  # the first call sets things up: not what a rate is about
        start = time.perf_counter()
        pictures = self._seeded(inputs, seed)
        self.seconds += time.perf_counter() - start
        return pictures

    def _seeded(self, inputs: Any, seed: int) -> list[Tensor]:
        with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
            torch.manual_seed(seed)
            pictures = self.colour(inputs)
        if self.device.type == "cuda":  # which works behind the clock's back
            torch.cuda.synchronize(self.device)
        return pictures


def _contenders(dataset: Dataset, colorizers: Mapping[str, Colorizer]) -> dict[str, _Contender]:
    """The rows of the models: two for one whose RGB can be scored as it comes too."""
    contenders = {}
    for name, colorizer in colorizers.items():
        contenders[name] = _Contender(dataset.colourer(colorizer), colorizer.device)
        if as_rgb := dataset.rgb_colourer(colorizer):
            contenders[f"{name} {AS_RGB}"] = _Contender(as_rgb, colorizer.device)
    return contenders


def evaluate(
    dataset: Dataset,
    colorizers: Mapping[str, Colorizer],
    *,
    samples: int = 0,
    save_images: Path | None = None,
    seed: int = 0,
    bins: Bins | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> Evaluation:
    """Score the grey baseline and each of `colorizers`, under its key, on all images of `dataset`.

    A model that predicts RGB has a second row on CIFAR-10, "NAME (as RGB)": its pictures as they come, where all other
    rows have the input's L put back. samples: so many pictures, evenly spread, are kept for a contact sheet.
    save_images: a folder that gets MODEL/NAME.png. seed: of the noise that systems draw, each the same whatever
    others are measured. bins: of ab, for the class-balanced AuC too. on_progress is called with the number of images
    done. ColorcliError if no image could be read; OSError from writing.
    """
    keeper = _Keeper({int((i + 0.5) * len(dataset) / samples) for i in range(samples)}, save_images)
    contenders = _contenders(dataset, colorizers)
    scores = {name: MetricSums() for name in (GREY, *contenders)}
    recognition = None
    done = 0
    for batch in dataset:
        results = {GREY: batch.grey, TRUTH: batch.truth}
        for name, contender in contenders.items():
            results[name] = contender.run(batch.inputs, seed * 1_000_003 + done)
        for name, gathered in scores.items():
            for pred, real in zip(results[name], batch.truth, strict=True):
                gathered.add(measure(pred, real.to(pred.device), bins))
        if batch.labels is not None:
            recognition = recognition or Recognition(_device(contenders))
            _recognise(recognition, scores, results, batch.labels)
        for name in (GREY, *contenders, TRUTH):
            keeper.take(name, batch.names, results[name], done)
        done += len(batch.names)
        if on_progress:
            on_progress(done)
    if not done:
        raise ColorcliError(f"no photo of {dataset.name} could be scored: {dataset.failed[0]}")
    rates = {name: done / max(contender.seconds, 1e-9) for name, contender in contenders.items()}
    rows = _rows({name: gathered.finish() for name, gathered in scores.items()}, rates, recognition)
    return Evaluation(dataset.name, dataset.scored, done, rows, keeper.samples, list(dataset.failed))


def _device(contenders: Mapping[str, _Contender]) -> torch.device:
    return next((contender.device for contender in contenders.values()), torch.device("cpu"))


def _recognise(
    recognition: Recognition, scores: Mapping[str, MetricSums], results: Mapping[str, list[Tensor]], labels: Tensor
) -> None:
    """Show a batch to the classifier: the truth once, and each row's pictures."""
    true_top1 = recognition.see(TRUTH, torch.cat(results[TRUTH]), labels)
    for name, gathered in scores.items():
        gathered.add({"top1": recognition.see(name, torch.cat(results[name]), labels), "true_top1": true_top1})


def _rows(
    scores: dict[str, dict[str, Score]], rates: dict[str, float], recognition: Recognition | None
) -> list[ModelScores]:
    """Grey, what the truth has to say, and the models."""
    for row in scores.values():  # the same in every row
        truth = {name.removeprefix("true_"): row.pop(name) for name in [*row] if name.startswith("true_")}
    if recognition is not None:
        for name, row in [*scores.items(), (TRUTH, truth)]:
            row["frechet"] = Score(recognition.frechet(name, TRUTH), math.nan, math.nan)
    grey, *models = (ModelScores(name, row, rates.get(name)) for name, row in scores.items())
    return [grey, ModelScores(TRUTH, truth), *models]
