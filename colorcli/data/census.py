"""Photos -> a census of their colours. Memory does not grow with the number of photos."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from colorcli.bins.count import Census
from colorcli.bins.planes import PLANES
from colorcli.data.cifar10 import CIFAR10, cifar10
from colorcli.errors import ColorcliError, PhotoError, UsageError
from colorcli.photo.find import image_files
from colorcli.photo.read import read_photo

SHORT_SIDE = 256  # px to which larger photos are shrunk before they are counted
COLOURLESS = 2.5  # mean spread of R, G, B (8-bit) under which a photo is left out, as training leaves it out
MOST_BAD = 0.01  # more unreadable files than this share are an error
CIFAR_CHUNK, PHOTO_CHUNK = 500, 16  # images in memory at a time


def take_census(
    data: Sequence[str],
    space: str = "ab",
    *,
    data_root: Path | None = None,
    download: bool = False,
    workers: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Census:
    """Count the chroma of CIFAR-10's training images ("cifar10") and of the photos in folders and below.

    Photos are shrunk to a short side of SHORT_SIDE px at most; colourless ones are left out. workers: threads that
    read photos, as many as suit the machine if not given. download: get CIFAR-10 if it is not there. on_progress is
    called with the images done and their total. UsageError for data that are not there or have no colour;
    ColorcliError if more than MOST_BAD of the files cannot be read; errors of `datasets.cifar10`.
    """
    folders = [Path(name) for name in data if name != CIFAR10]
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"--data {folder}: neither {CIFAR10} nor a folder that is there")
    files = [file for folder in folders for file in image_files(folder)]
    images = np.zeros((0, 3, 32, 32), np.uint8)
    if CIFAR10 in data:
        images = cifar10("train", data_root, download=download).images
    census = Census(PLANES[space], ", ".join(name if name == CIFAR10 else Path(name).name or name for name in data))
    total = len(images) + len(files)
    for done in _count(census, images, files, workers):
        if on_progress:
            on_progress(done, total)
    if not census.images:
        raise UsageError(f"no photo with colour found in {', '.join(data)}")
    return census


def _count(census: Census, images: np.ndarray, files: list[Path], workers: int | None) -> Iterator[int]:
    """Count all, a chunk at a time; yields how many are done."""
    for start in range(0, len(images), CIFAR_CHUNK):
        chunk = images[start : start + CIFAR_CHUNK]
        census.add(torch.from_numpy(chunk))
        census.images += len(chunk)
        yield start + len(chunk)
    with ThreadPoolExecutor(workers) as pool:
        for start in range(0, len(files), PHOTO_CHUNK):
            chunk_files = files[start : start + PHOTO_CHUNK]
            _count_photos(census, list(pool.map(_small, chunk_files)))
            if len(census.skipped) > MOST_BAD * len(files):
                raise ColorcliError(
                    f"{len(census.skipped)} of {len(files)} files could not be read: are these folders of photos? "
                    f"The first: {census.skipped[0]}"
                )
            yield len(images) + start + len(chunk_files)


def _small(path: Path) -> np.ndarray | PhotoError:
    """A photo as uint8 (H, W) or (H, W, 3) with a short side of at most SHORT_SIDE, or why it cannot be read."""
    try:
        pixels = read_photo(path).pixels
    except PhotoError as error:
        return error
    height, width = pixels.shape[:2]
    scale = SHORT_SIDE / min(height, width)
    if scale >= 1 or pixels.ndim == 2:
        return pixels
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(Image.fromarray(pixels).resize(size, Image.Resampling.BOX))


def _count_photos(census: Census, photos: list[np.ndarray | PhotoError]) -> None:
    colourful = []
    for photo in photos:
        if isinstance(photo, PhotoError):
            census.skipped.append(str(photo))
        elif photo.ndim == 2 or float((photo.max(2) - photo.min(2)).mean()) < COLOURLESS:
            census.colourless += 1
        else:
            colourful.append(photo.reshape(-1, 3))
    if colourful:  # as one row of pixels: far quicker than photo by photo
        census.add(torch.from_numpy(np.concatenate(colourful).T.reshape(1, 3, 1, -1)))
        census.images += len(colourful)
