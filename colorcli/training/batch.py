"""What a step of training sees, and in which order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from colorcli.color import rgb_to_lab
from colorcli.training.augment import age


@dataclass(frozen=True)
class Batch:
    """Crops of side S. rgb (B, 3, S, S) in 0..1; L (B, 1, S, S) in 0..100; ab (B, 2, S, S) in Lab units; seen_L: L as
    the network sees it, which is aged for some photos. labels: int64 (B,) classes, where the data has any."""

    rgb: Tensor
    L: Tensor
    ab: Tensor
    seen_L: Tensor
    labels: Tensor | None = None


class TrainingSet(Protocol):
    """Pictures held as uint8 on the device. labels: int64 (N,) or None; classes: how many there are."""

    @property
    def labels(self) -> Tensor | None: ...

    @property
    def classes(self) -> int: ...

    def __len__(self) -> int: ...

    def to(self, device: torch.device) -> TrainingSet: ...

    def crops(self, index: Tensor, size: int, generator: torch.Generator | None = None) -> Tensor:
        """RGB (B, 3, size, size) in 0..1 of the pictures `index`: with a generator (on the CPU) random crops, flipped
        half the time; without, the middle ones."""
        ...


def held_on(device: torch.device, data: TrainingSet) -> TrainingSet:
    """`data` on `device` if it leaves a GPU half of its memory to train in, else where it is."""
    if device.type != "cuda":
        return data.to(device)
    try:
        moved = data.to(device)
    except torch.OutOfMemoryError:
        return data
    free, total = torch.cuda.mem_get_info(device)
    return moved if free > total / 2 else data


def make_batch(
    data: TrainingSet,
    index: Tensor,
    size: int,
    generator: torch.Generator | None = None,
    aged: float = 0.0,
    device: torch.device | None = None,
) -> Batch:
    """The batch of the pictures `index`, on `device` (default: where the data lies). With a generator: random crops,
    of which a share `aged` looks old."""
    rgb, labels = data.crops(index, size, generator), data.labels
    if labels is not None:
        labels = labels[index.to(labels.device)].to(rgb.device)
    if device is not None:
        rgb, labels = rgb.to(device), None if labels is None else labels.to(device)
    lab = rgb_to_lab(rgb)
    L = lab[:, :1]
    seen = age(L, generator, aged) if generator is not None and aged else L
    return Batch(rgb, L, lab[:, 1:], seen, labels)


def batches(
    count: int, batch_size: int, seed: int, start: int = 0, *, rank: int = 0, world: int = 1
) -> Iterator[Tensor]:
    """Indices (batch_size,) on the CPU without end from step `start` on; every epoch is its own shuffle of `count`.

    The order depends on the seed and the step alone, so a resumed run goes on as if it had never stopped. Of `world`
    processes, each takes its own part of every step's world * batch_size pictures.
    """
    together = batch_size * world
    per_epoch = steps_per_epoch(count, together)
    step = start
    while True:
        epoch, first = divmod(step, per_epoch)
        order = torch.randperm(count, generator=torch.Generator().manual_seed(seed * 1_000_003 + epoch))
        for within in range(first, per_epoch):
            yield order[within * together : (within + 1) * together].tensor_split(world)[rank]
            step += 1


def steps_per_epoch(count: int, batch_size: int) -> int:
    """Whole batches in `count` pictures; one where there are fewer than a batch."""
    return max(1, count // batch_size)
