"""What a step of training sees, and in which order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from colorcli.color import rgb_to_lab
from colorcli.training.pictures.augment import age, bordered, muted, pasted
from colorcli.training.pictures.hinted import hints


@dataclass(frozen=True)
class Batch:
    """Crops of side S. rgb (B, 3, S, S) in 0..1; L (B, 1, S, S) in 0..100; ab (B, 2, S, S) in Lab units; seen_L: L as
    the network sees it, which is aged for some photos. labels: int64 (B,) classes, where the data has any. hint_ab
    (B, 2, S, S) in Lab units, hint_mask (B, 1, S, S) of 0 and 1: where there are hints."""

    rgb: Tensor
    L: Tensor
    ab: Tensor
    seen_L: Tensor
    labels: Tensor | None = None
    hint_ab: Tensor | None = None
    hint_mask: Tensor | None = None


class TrainingSet(Protocol):
    """Pictures held as uint8 on the device. labels: int64 (N,) or None; classes: how many there are."""

    @property
    def device(self) -> torch.device: ...

    @property
    def labels(self) -> Tensor | None: ...

    @property
    def classes(self) -> int: ...

    def __len__(self) -> int: ...

    def to(self, device: torch.device) -> TrainingSet: ...

    def crops(self, index: Tensor, size: int, generator: torch.Generator | None = None) -> Tensor:
        """RGB (B, 3, size, size) in 0..1 of the pictures `index`: with a generator (where the data lies) random crops,
        flipped half the time; without, the middle ones."""
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
    seed: int | None = None,
    *,
    aged: float = 0.0,
    aged_chroma: float = 1.0,
    cutmix: float = 0.0,
    hinted: float = 0.0,
    device: torch.device | None = None,
) -> Batch:
    """The batch of the pictures `index`, on `device` (default: where the data lies). With a seed: random crops, of
    which a share `aged` looks old, a tenth of that with a border, and keeps the colour that `muted` leaves by
    `aged_chroma`; a share `cutmix` has a part of another one, a share `hinted` some hints."""
    if seed is None:
        rgb = data.crops(index, size)
    else:
        generator = torch.Generator(data.device).manual_seed(seed)
        rgb = data.crops(index, size, generator)
        if aged:
            rgb = bordered(rgb, generator, aged / 10)
        if cutmix:
            rgb = torch.where(pasted(generator, len(rgb), size, size, cutmix), rgb.roll(1, 0), rgb)
    lab = rgb_to_lab(rgb)
    L, ab = lab[:, :1], lab[:, 1:]
    seen, hint_ab, hint_mask = L, None, None
    if seed is not None and aged:
        seen, chosen = age(rgb, L, generator, aged)
        ab = torch.where(chosen, muted(ab, aged_chroma), ab)
    if seed is not None and hinted:
        hint_ab, hint_mask = hints(ab, generator, hinted)
    labels = None if data.labels is None else data.labels[index.to(data.device)]
    made = (rgb, L, ab, seen, labels, hint_ab, hint_mask)
    return Batch(*(it if it is None or device is None else it.to(device) for it in made))  # type: ignore[arg-type]


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
