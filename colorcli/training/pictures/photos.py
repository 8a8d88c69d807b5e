"""Photos for training: small uint8 copies held on the device, crops and flips made there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from colorcli.errors import ColorcliError, PhotoError, UsageError
from colorcli.photo import read_photo
from colorcli.training.pictures.images import Cifar10Images

MARGIN = 1.6  # a copy's short side over the crop's side, so that few crops are enlarged
SMALLEST = 0.65  # of a photo's short side: a crop's side, at least, so that crops differ in scale
TILT = 8.0  # degrees, at most: nobody holds a camera level
LONGEST = 4 / 3  # a copy's sides differ at most so much; the middle of longer photos is kept
MOST_BAD = 0.01  # more unreadable files than this share are an error
UNKNOWN = -100  # the label of a picture without one: cross entropy passes it over
COLOURLESS = 2.5  # mean spread of R, G, B (8-bit) under which a photo teaches only grey


@dataclass
class PhotoSet:
    """Small copies of photos. pixels uint8 (sum of 3 * height * width): one after the other, each (3, height, width);
    sizes int64 (N, 2): height, width of each. skipped: files that could not be read; colourless: photos
    left out as grey. labels: int64 (N,), where some of the pictures have any; UNKNOWN for the others. A TrainingSet."""

    pixels: Tensor
    sizes: Tensor
    skipped: int = 0
    colourless: int = 0
    labels: Tensor | None = None
    classes: int = 0

    @property
    def device(self) -> torch.device:
        return self.pixels.device

    def __len__(self) -> int:
        return len(self.sizes)

    def __post_init__(self) -> None:
        self.ends = (3 * self.sizes.prod(1)).cumsum(0).cpu()

    def to(self, device: torch.device) -> PhotoSet:
        labels = None if self.labels is None else self.labels.to(device)
        return replace(self, pixels=self.pixels.to(device), sizes=self.sizes.to(device), labels=labels)

    def crops(self, index: Tensor, size: int, generator: torch.Generator | None = None) -> Tensor:
        """RGB (B, 3, size, size) in 0..1 of the photos `index`.

        With a generator (where the photos lie): a random square of SMALLEST to 1 of the short side, tilted by up to
        TILT degrees, flipped half the time. Without: the middle square.
        """
        sizes = self.sizes[index.to(self.device)]
        canvas = int(sizes.max())
        theta = _crop_transforms(sizes, canvas, generator)
        pixels = torch.zeros(len(index), 3, canvas, canvas, device=self.device)
        for which, (end, (height, width)) in enumerate(
            zip(self.ends[index.cpu()].tolist(), sizes.tolist(), strict=True)
        ):
            copy = self.pixels[end - 3 * height * width : end].view(3, height, width)
            pixels[which, :, :height, :width] = copy.float() / 255
        grid = F.affine_grid(theta, [len(index), 3, size, size], align_corners=False)
        return F.grid_sample(pixels, grid, mode="bilinear", padding_mode="border", align_corners=False)

    def with_images(self, images: Cifar10Images) -> PhotoSet:
        """These photos and CIFAR-10's images, with their labels."""
        count, _, height, width = images.images.shape
        return replace(
            self,
            pixels=torch.cat([self.pixels, images.images.flatten()]),
            sizes=torch.cat([self.sizes, self.sizes.new_tensor([[height, width]]).expand(count, -1)]),
            labels=torch.cat([images.labels.new_full((len(self),), UNKNOWN), images.labels]),
            classes=images.classes,
        )


def _crop_transforms(sizes: Tensor, canvas: int, generator: torch.Generator | None) -> Tensor:
    """Affine maps (B, 2, 3) from a crop's coordinates in -1..1 to the canvas's."""
    size = sizes.float()
    count, device = len(sizes), sizes.device

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(count, *shape, generator=generator, device=device)

    if generator is None:
        scale, place = torch.ones(count, device=device), torch.full((count, 2), 0.5, device=device)
        flip, angle = torch.ones(count, device=device), torch.zeros(count, device=device)
    else:
        scale, place = uniform(SMALLEST, 1), uniform(0, 1, 2)
        flip, angle = uniform(-1, 1).sign(), torch.deg2rad(uniform(-TILT, TILT))
    around = size.amin(1) * scale  # the side of the upright square around the tilted one
    start = (size - around[:, None]) * place  # (B, 2): top, left
    centre = (start + around[:, None] / 2) / canvas * 2 - 1
    zoom = around / (angle.cos() + angle.sin().abs()) / canvas
    theta = torch.empty(count, 2, 3, device=device)
    theta[:, 0, 0], theta[:, 0, 1] = zoom * flip * angle.cos(), -zoom * angle.sin()
    theta[:, 1, 0], theta[:, 1, 1] = zoom * flip * angle.sin(), zoom * angle.cos()
    theta[:, 0, 2], theta[:, 1, 2] = centre[:, 1], centre[:, 0]
    return theta


def _small_copy(path: Path, side: int, canvas: int) -> np.ndarray | None:
    """uint8 (h, w, 3), upright and in sRGB, with a short side of at most `side` and both at most `canvas`; None if
    unreadable."""
    try:
        pixels = read_photo(path).pixels
    except PhotoError:
        return None
    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    rgb = Image.fromarray(pixels).convert("RGB")
    scale = min(1.0, side / min(rgb.size))
    width, height = (max(1, round(s * scale)) for s in rgb.size)
    rgb = rgb.resize((width, height), Image.Resampling.BOX if scale < 0.5 else Image.Resampling.LANCZOS)
    left, top = max(0, (width - canvas) // 2), max(0, (height - canvas) // 2)
    return np.asarray(rgb.crop((left, top, left + min(width, canvas), top + min(height, canvas))))


def load_photos(files: Sequence[Path], size: int, *, workers: int | None = None) -> PhotoSet:
    """Read the photos `files` as copies for crops of `size` px.

    workers: files read at once, by default one a core. Unreadable files are skipped and counted; ColorcliError if
    there are more than MOST_BAD of them. Colourless photos are left out and counted.
    """
    side = round(size * MARGIN)
    canvas = round(side * LONGEST)
    pixels: list[np.ndarray] = []
    skipped, colourless, bad = 0, 0, None
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        for path, copy in zip(files, pool.map(lambda path: _small_copy(path, side, canvas), files), strict=True):
            if copy is None:
                skipped += 1
                bad = bad or path
            elif _colourless(copy):
                colourless += 1
            else:
                pixels.append(copy.transpose(2, 0, 1).copy())
    if skipped > MOST_BAD * len(files):
        raise ColorcliError(
            f"{skipped} of {len(files)} files could not be read, {bad} the first: is this a folder of photos?"
        )
    if not pixels:
        raise UsageError("no photo with colour found")
    sizes = torch.tensor([copy.shape[1:] for copy in pixels])
    return PhotoSet(torch.from_numpy(np.concatenate([copy.ravel() for copy in pixels])), sizes, skipped, colourless)


def _colourless(rgb: np.ndarray) -> bool:
    small = rgb[::2, ::2].astype(np.int16)
    return float((small.max(2) - small.min(2)).mean()) < COLOURLESS
