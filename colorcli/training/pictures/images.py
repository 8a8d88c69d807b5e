"""CIFAR-10 for training: the uint8 images on the device, flipped and shifted there."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from colorcli.data.cifar10 import CIFAR10_CLASSES, Cifar10
from colorcli.errors import UsageError

SIDE = 32
SHIFT = 2  # px, at most, of a whole batch in each direction; mirrored at the edges
HELD_OUT = 1000  # images at the end of the training split on which the run validates


@dataclass
class Cifar10Images:
    """Images uint8 (N, 3, 32, 32) with labels int64 (N,): a TrainingSet."""

    images: Tensor
    labels: Tensor
    classes: int = len(CIFAR10_CLASSES)

    @property
    def device(self) -> torch.device:
        return self.images.device

    def __len__(self) -> int:
        return len(self.images)

    def to(self, device: torch.device) -> Cifar10Images:
        return Cifar10Images(self.images.to(device), self.labels.to(device))

    def crops(self, index: Tensor, size: int, generator: torch.Generator | None = None) -> Tensor:
        """RGB (B, 3, 32, 32) in 0..1: with a generator flipped half the time and shifted by up to SHIFT px.

        UsageError for another size than 32.
        """
        if size != SIDE:
            raise UsageError(f"--size {size}: CIFAR-10's images have {SIDE} px")
        rgb = self.images[index.to(self.images.device)].float().div_(255)
        if generator is None:
            return rgb
        flip = torch.rand(len(index), 1, 1, 1, generator=generator, device=rgb.device) < 0.5
        rgb = torch.where(flip, rgb.flip(-1), rgb)
        top, left = torch.randint(0, 2 * SHIFT + 1, (2,), generator=generator, device=rgb.device)
        rows = torch.arange(SIDE, device=rgb.device)  # on the device, which need not be waited for
        padded = F.pad(rgb, (SHIFT,) * 4, mode="reflect")
        return padded.index_select(-2, top + rows).index_select(-1, left + rows)


def split(data: Cifar10) -> tuple[Cifar10Images, Cifar10Images]:
    """The training split as images to train on and the HELD_OUT last ones (a fifth of a small split) to validate on."""
    held = min(HELD_OUT, max(1, len(data) // 5))
    images, labels = torch.from_numpy(data.images), torch.from_numpy(data.labels).long()
    return Cifar10Images(images[:-held], labels[:-held]), Cifar10Images(images[-held:], labels[-held:])
