"""Pictures for a study, true and coloured, that differ in their colours and in nothing else.

Every picture of a scene, the truth included, goes one way: rounded to 8 bits, fitted to the study's size, its ab
joined with the luminance of the scene's 8-bit grey copy, rounded. So neither luminance, rounding, size nor encoder
tells them apart; PNG without compression makes the files of a scene as long as each other.
"""

from __future__ import annotations

import hashlib
import io
import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from colorcli.color import merge, rgb_to_L, rgb_to_lab
from colorcli.engine import Colorizer
from colorcli.errors import ColorcliError
from colorcli.evaluation.protocols import Cifar10Test, Dataset, PhotoFolder
from colorcli.turing.key import TRUTH, WRONG

LEAST_CHROMA = 3.0  # mean distance from grey in Lab units; below, a picture has no colours to judge
WRONG_CHROMA = 70.0
WRONG_HUES = (30, 140, 215, 320)  # degrees: red, green, blue, magenta


@dataclass(frozen=True)
class Scene:
    """name: of the picture in its dataset. pictures: uint8 (H, W, 3), one for each source that was asked for."""

    name: str
    pictures: list[np.ndarray]


def shuffle(dataset: Dataset, rng: random.Random) -> dict[str, str]:
    """Put the pictures of a dataset in a random order; returns what names by position were before."""
    order = list(range(len(dataset)))
    rng.shuffle(order)
    if isinstance(dataset, Cifar10Test):
        dataset.images = dataset.images[order]
        return {f"{new:05d}": f"{old:05d}" for new, old in enumerate(order)}
    if isinstance(dataset, PhotoFolder):
        dataset.files = [dataset.files[i] for i in order]
        dataset.names = [dataset.names[i] for i in order]
    return {}


def draw(
    dataset: Dataset,
    colorizers: Mapping[str, Colorizer],
    wanted: Sequence[Sequence[str]],
    size: int,
    on_skip: Callable[[str], None] = lambda reason: None,
) -> Iterator[Scene]:
    """A scene from the front of `dataset` (of batches of one) for each list of sources in `wanted`.

    sources: "truth", "wrong" or names of `colorizers`. size: px of the longer side, at most. Pictures without
    colours, and those that came before, are passed over: on_skip hears of them. ColorcliError where the dataset
    has too few.
    """
    colourers = {name: dataset.colourer(colorizer) for name, colorizer in colorizers.items()}
    seen: set[bytes] = set()
    todo = iter(wanted)
    sources = next(todo, None)
    for batch in dataset:
        if sources is None:
            return
        name, grey, truth = batch.names[0], batch.grey[0], batch.truth[0]
        if reason := _unfit(truth, seen):
            on_skip(f"{name}: {reason}: left out")
            continue
        L = rgb_to_L(_fitted(grey, size))
        results = {source: colourers[source](batch.inputs)[0] for source in sources if source in colourers}
        results[TRUTH] = truth
        yield Scene(
            name,
            [
                _joined(L, _wrong_ab(L, turn) if source == WRONG else rgb_to_lab(_fitted(results[source], size))[:, 1:])
                for turn, source in enumerate(sources)
            ],
        )
        sources = next(todo, None)
    if sources is not None:
        missing = 1 + sum(1 for _ in todo)
        raise ColorcliError(
            f"{dataset.name} has too few pictures with colours: {len(wanted)} are needed"
            f" (those of practice and catch trials among them), {missing} are missing"
        )


def _unfit(truth: Tensor, seen: set[bytes]) -> str:
    """Why the picture RGB (1, 3, H, W) cannot be used, or nothing; `seen` learns it."""
    content = hashlib.sha256(truth.contiguous().numpy().tobytes()).digest()
    if content in seen:
        return "the same as another one"
    seen.add(content)
    ab = rgb_to_lab(_fitted(truth, 128))[:, 1:]
    return "" if ab.norm(dim=1).mean() >= LEAST_CHROMA else "has next to no colour"


def _fitted(rgb: Tensor, size: int) -> Tensor:
    """RGB (1, 3, H, W), uint8 or 0..1 -> 0..1, in steps of 8 bits, the longer side at most `size` px."""
    pixels = _to_bytes(rgb)
    height, width = pixels.shape[:2]
    scale = min(1.0, size / max(height, width))
    if scale < 1:
        shape = max(1, round(width * scale)), max(1, round(height * scale))
        pixels = np.asarray(Image.fromarray(pixels).resize(shape, Image.Resampling.LANCZOS, reducing_gap=3.0))
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 255


def _to_bytes(rgb: Tensor) -> np.ndarray:
    """RGB (1, 3, H, W), uint8 or 0..1 -> uint8 (H, W, 3)."""
    levels = rgb if rgb.dtype == torch.uint8 else (rgb * 255).round().to(torch.uint8)
    return np.ascontiguousarray(levels[0].permute(1, 2, 0).cpu().numpy())


def _joined(L: Tensor, ab: Tensor) -> np.ndarray:
    return _to_bytes(merge(L, ab))


def _wrong_ab(L: Tensor, turn: int) -> Tensor:
    """ab (1, 2, H, W) that nobody takes for real: a gaudy hue for each quarter; another set for another `turn`."""
    height, width = L.shape[-2:]
    lower = (torch.arange(height) >= height / 2)[:, None].long()
    right = (torch.arange(width) >= width / 2)[None, :].long()
    radians = torch.tensor([math.radians(hue + 55 * turn) for hue in WRONG_HUES])
    return (WRONG_CHROMA * torch.stack([radians.cos(), radians.sin()]))[:, 2 * lower + right][None]


def encode(pixels: np.ndarray) -> bytes:
    """uint8 (H, W, 3) -> PNG without compression or metadata: its length depends on the shape alone."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", compress_level=0)
    return file.getvalue()
