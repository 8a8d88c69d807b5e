"""What `eval` and `turing-pairs` measure on: CIFAR-10's test images, or a folder of photos.

A photo folder is scored as a user gets it: every photo is made grey (8 bits), goes through `engine.Colorizer`, and
the 8-bit result is compared with the photo. CIFAR-10's test images are coloured from their exact L at 32 x 32, and
scored unrounded as in the papers; that is the protocol under which leaving them grey scores 17.46% / 40.27% /
24.81 dB (rounded to 8 bits it would be 18.85% / 39.59% / 24.83 dB).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from colorcli.color import grey_of, merge, rgb_to_L, rgb_to_lab, saturated
from colorcli.data.cifar10 import CIFAR10, cifar10
from colorcli.engine import Colorizer
from colorcli.errors import ColorcliError, PhotoError, UsageError
from colorcli.evaluation.metrics import SSIM_WINDOW, as_unit
from colorcli.guidance.hints import Hints
from colorcli.photo import Photo, read_photo
from colorcli.photo.find import image_files

POINT_SIDE = 3 / 128  # of a point's square, as a share of the short side: 3 px where a network sees 128


@dataclass(frozen=True)
class TestBatch:
    """names: one an image. grey, truth: RGB (B, 3, H, W), uint8 or 0..1, a tensor a shape. inputs: for the colourer.
    labels: int64 (B,), what the images show, of a dataset that says so."""

    names: list[str]
    grey: list[Tensor]
    truth: list[Tensor]
    inputs: Any
    labels: Tensor | None = None


Colourer = Callable[[Any], list[Tensor]]  # a TestBatch's inputs -> RGB as its truth


class Dataset(Protocol):
    """What `evaluate` needs to know of a dataset."""

    name: str
    scored: str  # what of a result is compared with the truth
    failed: list[str]

    def __len__(self) -> int: ...
    def __iter__(self) -> Iterator[TestBatch]: ...
    def colourer(self, colorizer: Colorizer) -> Colourer: ...
    def rgb_colourer(self, colorizer: Colorizer) -> Colourer | None: ...


class Cifar10Test:
    """CIFAR-10's test images, the first `limit` of them. Errors as from `datasets.cifar10`."""

    name, scored = CIFAR10, "unrounded"

    def __init__(
        self, data_root: Path | None = None, limit: int | None = None, batch_size: int = 250, *, download: bool = False
    ) -> None:
        data = cifar10("test", data_root, limit, download=download)
        self.images, self.labels = torch.from_numpy(data.images), torch.from_numpy(data.labels).long()
        self.batch_size = batch_size
        self.failed: list[str] = []

    def __len__(self) -> int:
        return len(self.images)

    def __iter__(self) -> Iterator[TestBatch]:
        for start in range(0, len(self), self.batch_size):
            truth = as_unit(self.images[start : start + self.batch_size])
            L = rgb_to_L(truth)
            names = [f"{start + i:05d}" for i in range(len(truth))]
            grey = merge(L, L.new_zeros(len(L), 2, *L.shape[-2:]))
            yield TestBatch(names, [grey], [truth], L, self.labels[start : start + self.batch_size])

    def colourer(self, colorizer: Colorizer) -> Colourer:
        """predict_ab at 32 x 32, as the papers do: nothing is resized or smoothed."""

        @torch.inference_mode()
        def colour(L: Tensor) -> list[Tensor]:
            L = L.to(colorizer.device)
            ab = _finite(colorizer.model.predict_ab(L.to(colorizer.dtype)).float(), colorizer.name)
            return [merge(L, saturated(ab, colorizer.saturation))]

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
    """The photos in a folder and below, the first `limit` by path. `failed` fills as they are read.

    no_cast: the mean a and b of each truth is taken out first. hints: so many points with their true colours, at places
    that follow from `seed` and the photo's name, are given to every model.
    """

    scored = "as 8-bit pictures"

    def __init__(
        self,
        folder: Path,
        limit: int | None = None,
        batch_size: int = 1,
        *,
        no_cast: bool = False,
        hints: int = 0,
        seed: int = 0,
    ) -> None:
        self.name, self.batch_size = str(folder), batch_size
        self.no_cast, self.hints, self.seed = no_cast, hints, seed
        self.files = image_files(folder)[:limit]
        self.names = _output_names([file.relative_to(folder) for file in self.files])
        self.failed: list[str] = []

    def __len__(self) -> int:
        return len(self.files)

    def __iter__(self) -> Iterator[TestBatch]:
        self.failed.clear()
        for start in range(0, len(self), self.batch_size):
            batch = TestBatch([], [], [], [])
            for i in range(start, min(len(self), start + self.batch_size)):
                self._read_into(batch, i)
            if batch.names:
                yield batch

    def _read_into(self, batch: TestBatch, i: int) -> None:
        try:
            photo = read_photo(self.files[i])
        except PhotoError as error:
            self.failed.append(str(error))
            return
        if min(photo.pixels.shape[:2]) < SSIM_WINDOW:
            self.failed.append(f"{self.files[i]}: smaller than 7 x 7 px: SSIM has no value for it")
            return
        if self.no_cast and photo.pixels.ndim == 3:
            photo = replace(photo, pixels=_without_cast(photo.pixels))
        grey = grey_of(photo.pixels)
        batch.names.append(self.names[i])
        batch.grey.append(_tensor(grey))
        batch.truth.append(_tensor(photo.pixels if photo.pixels.ndim == 3 else grey))
        given = replace(photo, pixels=grey)
        hints = _true_points(photo, self.hints, f"{self.seed} {self.names[i]}") if self.hints else None
        batch.inputs.append(given if hints is None else (given, hints))

    def colourer(self, colorizer: Colorizer) -> Colourer:
        """The very path of `colorcli colorize`."""

        def colour(inputs: list[Any]) -> list[Tensor]:
            if self.hints:
                photos = [colorizer(photo, hints=hints) for photo, hints in inputs]
            else:
                photos = colorizer.many(inputs)
            return [_tensor(photo.pixels).to(colorizer.device) for photo in photos]

        return colour

    def rgb_colourer(self, colorizer: Colorizer) -> Colourer | None:
        """None: a user gets a photo with its own luminance, whatever the model predicts."""
        return None


def _without_cast(pixels: np.ndarray) -> np.ndarray:
    """sRGB uint8 (H, W, 3) with the mean a and b of the picture subtracted, at the same L."""
    lab = rgb_to_lab(_tensor(pixels) / 255)
    rgb = merge(lab[:, :1], lab[:, 1:] - lab[:, 1:].mean((2, 3), keepdim=True))
    return (rgb[0] * 255).round().byte().permute(1, 2, 0).numpy()


def _true_points(photo: Photo, count: int, seed: str) -> Hints:
    """`count` squares at random places of a photo, POINT_SIDE of its short side, each of its mean colour in Lab."""
    height, width = photo.pixels.shape[:2]
    side = max(1, round(POINT_SIDE * min(height, width)))
    chance = random.Random(seed)
    lab = rgb_to_lab(_tensor(photo.pixels) / 255)[0]
    places, colours = [], []
    for _ in range(count):
        x, y = chance.randrange(width - side + 1), chance.randrange(height - side + 1)
        mean = lab[:, y : y + side, x : x + side].mean((1, 2))[None, :, None, None]
        places.append(((x + side / 2) / width, (y + side / 2) / height, side / width, side / height))
        colours.append((merge(mean[:, :1], mean[:, 1:]) * 255).round().byte().flatten().numpy())
    return Hints(np.array(places, np.float32), np.array(colours))


def _finite(x: Tensor, name: str) -> Tensor:
    if not bool(x.isfinite().all()):
        raise ColorcliError(f"{name} gave colours that are not numbers")
    return x


def _output_names(files: list[Path]) -> list[str]:
    """A name for each file's results: its path without the suffix, where only one file has that."""
    stems = Counter(file.with_suffix("") for file in files)
    names = [str(file if stems[file.with_suffix("")] > 1 else file.with_suffix("")) for file in files]
    counts = Counter(names)
    return [name if counts[name] == 1 else f"{name} ({number})" for number, name in enumerate(names, 1)]


def _tensor(pixels: np.ndarray) -> Tensor:
    """uint8 (H, W[, 3]) -> uint8 (1, 3, H, W)."""
    planes = torch.from_numpy(np.ascontiguousarray(pixels))
    return planes.expand(1, 3, -1, -1) if pixels.ndim == 2 else planes.permute(2, 0, 1)[None]


def open_dataset(
    name: str,
    *,
    data_root: Path | None = None,
    limit: int | None = None,
    batch_size: int | None = None,
    download: bool = False,
    no_cast: bool = False,
    hints: int = 0,
    seed: int = 0,
) -> Dataset:
    """ "cifar10" (its test images) or a folder of photos; UsageError if it is not there.

    no_cast, hints, seed: of photos, see PhotoFolder. download: get CIFAR-10 from its authors in that case;
    errors as from `datasets.download_cifar10`.
    """
    options = {} if batch_size is None else {"batch_size": batch_size}
    if name == CIFAR10:
        return Cifar10Test(data_root, limit, download=download, **options)
    if not Path(name).is_dir():
        raise UsageError(f"--dataset {name}: neither {CIFAR10} nor a folder that is there")
    return PhotoFolder(Path(name), limit, **options, no_cast=no_cast, hints=hints, seed=seed)
