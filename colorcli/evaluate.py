"""Measure models on a dataset: a row of scores for each, with the grey baseline and the truth first.

A photo folder is scored as a user gets it: every photo is made grey (8 bits), goes through `engine.Colorizer`, and
the 8-bit result is compared with the photo. CIFAR-10's test images are coloured from their exact L at 32 x 32, and
scored unrounded as in the papers; that is the protocol under which leaving them grey scores 17.46% / 40.27% /
24.81 dB (rounded to 8 bits it would be 18.85% / 39.59% / 24.83 dB).
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from colorcli.color import merge, rgb_to_L
from colorcli.compare import grey_of
from colorcli.datasets import CIFAR10, cifar10, image_files
from colorcli.engine import Colorizer
from colorcli.errors import ColorcliError, PhotoError, UsageError
from colorcli.files import atomic_write
from colorcli.metrics import SSIM_WINDOW, Score, Scores, as_unit, measure
from colorcli.photo import Photo, read_photo
from colorcli.sheet import fitted
from colorcli.weights import load_model

if TYPE_CHECKING:
    from colorcli.models.base import ColorModel

GREY, TRUTH = "grey", "truth"
AS_RGB = "(as RGB)"
SAMPLE_SIDE = 256  # px, the longer side of a picture kept for a contact sheet, at most


@dataclass(frozen=True)
class Row:
    """The scores of a model, of the grey baseline, or of the truth (colourfulness alone). Names as in `metrics`."""

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
    rows: list[Row]
    samples: dict[str, list[np.ndarray]]
    failed: list[str]


@dataclass(frozen=True)
class Batch:
    """names: one an image. grey, truth: RGB (B, 3, H, W), uint8 or 0..1, a tensor a shape. inputs: for the colourer."""

    names: list[str]
    grey: list[Tensor]
    truth: list[Tensor]
    inputs: Any


Colourer = Callable[[Any], list[Tensor]]  # a Batch's inputs -> RGB as its truth


class Dataset(Protocol):
    """What `evaluate` needs to know of a dataset."""

    name: str
    scored: str  # what of a result is compared with the truth
    failed: list[str]

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[Batch]: ...
    def colourer(self, colorizer: Colorizer) -> Colourer: ...
    def rgb_colourer(self, colorizer: Colorizer) -> Colourer | None: ...


class Cifar10Test:
    """CIFAR-10's test images, the first `limit` of them. Errors as from `datasets.cifar10`."""

    name, scored = CIFAR10, "unrounded"

    def __init__(
        self, data_root: Path | None = None, limit: int | None = None, batch_size: int = 250, *, download: bool = False
    ) -> None:
        self.images = torch.from_numpy(cifar10("test", data_root, limit, download=download).images)
        self.batch_size = batch_size
        self.failed: list[str] = []

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[Batch]:
        for start in range(0, len(self), self.batch_size):
            truth = as_unit(self.images[start : start + self.batch_size])
            L = rgb_to_L(truth)
            names = [f"{start + i:05d}" for i in range(len(truth))]
            yield Batch(names, [merge(L, L.new_zeros(len(L), 2, *L.shape[-2:]))], [truth], L)

    def colourer(self, colorizer: Colorizer) -> Colourer:
        """predict_ab at 32 x 32, as the papers do: nothing is resized or smoothed."""

        @torch.inference_mode()
        def colour(L: Tensor) -> list[Tensor]:
            L = L.to(colorizer.device)
            ab = colorizer.model.predict_ab(L.to(colorizer.dtype)).float() * colorizer.saturation
            return [merge(L, _finite(ab, colorizer.name))]

        return colour

    def rgb_colourer(self, colorizer: Colorizer) -> Colourer | None:
        """What a model that predicts RGB gives, as it comes: with its own luminance and saturation."""
        if not colorizer.model.predicts_rgb:
            return None

        @torch.inference_mode()
        def colour(L: Tensor) -> list[Tensor]:
            rgb = colorizer.model.predict_rgb(L.to(colorizer.device, colorizer.dtype)).float()
            return [_finite(rgb, colorizer.name).clamp(0, 1)]

        return colour


class PhotoFolder:
    """The photos in a folder and below, the first `limit` by path. `failed` fills as they are read."""

    scored = "as 8-bit pictures"

    def __init__(self, folder: Path, limit: int | None = None, batch_size: int = 1) -> None:
        self.name, self.batch_size = str(folder), batch_size
        self.files = image_files(folder)[:limit]
        self.names = _output_names([file.relative_to(folder) for file in self.files])
        self.failed: list[str] = []

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[Batch]:
        self.failed.clear()
        for start in range(0, len(self), self.batch_size):
            batch = Batch([], [], [], [])
            for i in range(start, min(len(self), start + self.batch_size)):
                self._read_into(batch, i)
            if batch.names:
                yield batch

    def _read_into(self, batch: Batch, i: int) -> None:
        try:
            photo = read_photo(self.files[i])
        except PhotoError as error:
            self.failed.append(str(error))
            return
        if min(photo.pixels.shape[:2]) < SSIM_WINDOW:
            self.failed.append(f"{self.files[i]}: smaller than 7 x 7 px: SSIM has no value for it")
            return
        grey = grey_of(photo.pixels)
        batch.names.append(self.names[i])
        batch.grey.append(_tensor(grey))
        batch.truth.append(_tensor(photo.pixels if photo.pixels.ndim == 3 else grey))
        batch.inputs.append(replace(photo, pixels=grey))

    def colourer(self, colorizer: Colorizer) -> Colourer:
        """The very path of `colorcli colorize`."""

        def colour(photos: list[Photo]) -> list[Tensor]:
            return [_tensor(photo.pixels).to(colorizer.device) for photo in colorizer.many(photos)]

        return colour

    def rgb_colourer(self, colorizer: Colorizer) -> Colourer | None:
        """None: a user gets a photo with its own luminance, whatever the model predicts."""
        return None


def _finite(x: Tensor, name: str) -> Tensor:
    if not bool(x.isfinite().all()):
        raise ColorcliError(f"{name} gave colours that are not numbers")
    return x


def _output_names(files: list[Path]) -> list[str]:
    """A name for each file's results: its path without the suffix, where only one file has that."""
    stems = Counter(file.with_suffix("") for file in files)
    return [str(file if stems[file.with_suffix("")] > 1 else file.with_suffix("")) for file in files]


def _tensor(pixels: np.ndarray) -> Tensor:
    """uint8 (H, W[, 3]) -> uint8 (1, 3, H, W)."""
    planes = torch.from_numpy(np.ascontiguousarray(pixels))
    return planes.expand(1, 3, -1, -1) if pixels.ndim == 2 else planes.permute(2, 0, 1)[None]


def _to_bytes(rgb: Tensor) -> Tensor:
    """RGB uint8 or 0..1 -> uint8."""
    return rgb if rgb.dtype == torch.uint8 else (rgb * 255).round().to(torch.uint8)


def open_dataset(
    name: str,
    *,
    data_root: Path | None = None,
    limit: int | None = None,
    batch_size: int | None = None,
    download: bool = False,
) -> Dataset:
    """ "cifar10" (its test images) or a folder of photos; UsageError if it is not there.

    download: get CIFAR-10 from its authors in that case; errors as from `datasets.download_cifar10`.
    """
    options = {} if batch_size is None else {"batch_size": batch_size}
    if name == CIFAR10:
        return Cifar10Test(data_root, limit, download=download, **options)
    if not Path(name).is_dir():
        raise UsageError(f"--dataset {name}: neither {CIFAR10} nor a folder that is there")
    return PhotoFolder(Path(name), limit, **options)


def load_models(names: Sequence[str | Path], dataset: str) -> dict[str, ColorModel]:
    """Models under the names of their rows: their labels, or `names` as given where labels clash.

    names: what `weights.load_model` takes, a Path for a weights file; a plain model name means its weights for the
    dataset. UsageError for one given twice or one that needs conditions; other errors as from `load_model`.
    """
    repeated = [str(name) for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise UsageError(f"given twice: {', '.join(repeated)}")
    models = [_load(name, task=CIFAR10 if dataset == CIFAR10 else "photo") for name in names]
    for model in models:
        if model.needs:
            raise UsageError(f"{model.label} needs {' and '.join(model.needs)}, which a dataset does not have")
    labels = Counter([GREY, TRUTH, *(model.label for model in models)])
    return {m.label if labels[m.label] == 1 else str(name): m for name, m in zip(names, models, strict=True)}


def _load(name: str | Path, task: str) -> Any:
    return load_model(weights=name) if isinstance(name, Path) else load_model(name, task=task)


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
    on_progress: Callable[[int], None] | None = None,
) -> Evaluation:
    """Score the grey baseline and each of `colorizers`, under its key, on all images of `dataset`.

    A model that predicts RGB has a second row on CIFAR-10, "NAME (as RGB)": its pictures as they come, where all other
    rows have the input's L put back. samples: so many pictures, evenly spread, are kept for a contact sheet.
    save_images: a folder that gets MODEL/NAME.png. seed: of the noise that systems draw, each the same whatever
    others are measured. on_progress is called with the number of images done. ColorcliError if no image could be
    read; OSError from writing.
    """
    keeper = _Keeper({int((i + 0.5) * len(dataset) / samples) for i in range(samples)}, save_images)
    contenders = _contenders(dataset, colorizers)
    scores = {name: Scores() for name in (GREY, *contenders)}
    done = 0
    for batch in dataset:
        results = {GREY: batch.grey, TRUTH: batch.truth}
        for name, contender in contenders.items():
            results[name] = contender.run(batch.inputs, seed * 1_000_003 + done)
        for name, gathered in scores.items():
            for pred, real in zip(results[name], batch.truth, strict=True):
                gathered.add(measure(pred, real.to(pred.device)))
        for name in (GREY, *contenders, TRUTH):
            keeper.take(name, batch.names, results[name], done)
        done += len(batch.names)
        if on_progress:
            on_progress(done)
    if not done:
        raise ColorcliError(f"no photo of {dataset.name} could be scored: {dataset.failed[0]}")
    rates = {name: done / max(contender.seconds, 1e-9) for name, contender in contenders.items()}
    rows = _rows({name: gathered.finish() for name, gathered in scores.items()}, rates)
    return Evaluation(dataset.name, dataset.scored, done, rows, keeper.samples, list(dataset.failed))


def _rows(scores: dict[str, dict[str, Score]], rates: dict[str, float]) -> list[Row]:
    """Grey, what the truth has to say, which is its colourfulness, and the models."""
    truths = [row.pop("true_colourfulness") for row in scores.values()]  # the same in every row
    grey, *models = (Row(name, row, rates.get(name)) for name, row in scores.items())
    return [grey, Row(TRUTH, {"colourfulness": truths[0]}), *models]
