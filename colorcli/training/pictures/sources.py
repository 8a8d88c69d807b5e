"""The data of a run: CIFAR-10, folders of photos or both, in two parts, to train and to validate on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from colorcli.data.cifar10 import CIFAR10, cifar10
from colorcli.errors import UsageError
from colorcli.photo.find import image_files
from colorcli.training.pictures.batches import TrainingSet
from colorcli.training.pictures.images import SIDE, split
from colorcli.training.pictures.photos import PhotoSet, load_photos

FEWEST = 10  # photos from which on at least one is held out
HELD_OUT_SHARE, HELD_OUT_MOST = 0.02, 500  # of the photos, where no folder to validate on is given


@dataclass(frozen=True)
class Data:
    """train, validation: what to learn from and what to measure on. about: a line on what was read. trained_on: for
    the weights' metadata."""

    train: TrainingSet
    validation: TrainingSet | None
    about: str
    trained_on: str


def is_cifar10(names: Sequence[str]) -> bool:
    """Whether the data asked for is CIFAR-10 alone."""
    return set(names) == {CIFAR10}


def open_data(
    names: Sequence[str],
    size: int,
    *,
    validation: Path | None = None,
    data_root: Path | None = None,
    limit: int | None = None,
    download: bool = False,
) -> Data:
    """ "cifar10" (its training images; the last thousand to validate on), folders of photos, as crops of `size` px, or
    both together.

    validation: a folder to validate on; without it the last thousand of CIFAR-10 where crops are as small as they,
    else some of the photos are held out. limit: the first so many CIFAR-10 images. download: get CIFAR-10 if it is not
    there. Errors as from `datasets.cifar10` and `photos.load_photos`; UsageError for a folder that is not there and
    for crops smaller than CIFAR-10's images.
    """
    for option, given in (("--limit", limit is not None), ("--download", download)):
        if given and CIFAR10 not in names:
            raise UsageError(f"{option} is for --data {CIFAR10}")
    folders = [Path(name) for name in names if name != CIFAR10]
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"--data {folder}: neither {CIFAR10} nor a folder that is there")
    images = held = None
    if CIFAR10 in names:
        if not folders and validation is not None:
            raise UsageError(f"--val: {CIFAR10} holds out training images of its own")
        if size < SIDE:
            raise UsageError(f"--size {size}: CIFAR-10's images have {SIDE} px")
        images, held = split(cifar10("train", data_root, limit, download=download))
        trained_on = f"{len(images)} training images of CIFAR-10"
        if not folders:
            about = f"{len(images)} images of CIFAR-10's training split, {len(held)} held out"
            return Data(images, held, about, trained_on)
    files = _files(folders)
    held_out: TrainingSet | None = None
    if validation is not None:
        held_out = load_photos(_files([validation]), size)
    elif held is not None and size == SIDE:
        held_out = held
    else:
        files, kept_back = _hold_out(files)
        held_out = load_photos(kept_back, size) if kept_back else None
    photos = load_photos(files, size)
    read = [part for part in (photos, held_out) if isinstance(part, PhotoSet)]
    skipped, colourless = sum(part.skipped for part in read), sum(part.colourless for part in read)
    apart = ", none" if held_out is None else f", {len(held_out)}"
    left_out = f"{skipped} unreadable skipped, {colourless} without colour left out"
    about = f"{len(photos)} photos{apart} to validate on; {left_out}"
    of_photos = f"{len(photos)} photos of {', '.join(folder.resolve().name for folder in folders)}"
    if images is None:
        return Data(photos, held_out, about, of_photos)
    about += f"; {len(images)} images of CIFAR-10's training split"
    return Data(photos.with_images(images), held_out, about, f"{of_photos}, {trained_on}")


def _files(folders: Sequence[Path]) -> list[Path]:
    """The photos below `folders`, each once, though a folder may be given twice or lie in another one."""
    return list({file.resolve(): file for folder in folders for file in image_files(folder)}.values())


def _hold_out(files: Sequence[Path]) -> tuple[list[Path], list[Path]]:
    """Most of the files, and some evenly spread ones to validate on."""
    count = min(HELD_OUT_MOST, int(len(files) * HELD_OUT_SHARE) or int(len(files) >= FEWEST))
    held = set(np.linspace(0, len(files) - 1, count).round().astype(int).tolist())
    return [file for i, file in enumerate(files) if i not in held], [files[i] for i in sorted(held)]
