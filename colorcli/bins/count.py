"""Photos -> a histogram of their chroma -> bins. Memory does not grow with the number of photos."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from scipy.spatial.distance import cdist
from torch import Tensor

from colorcli.bins.bins import BALANCE, SIGMA, Bins, check_numbers
from colorcli.bins.planes import CELLS, PLANES, Plane, grid_in_gamut
from colorcli.datasets import CIFAR10, cifar10, image_files
from colorcli.errors import ColorcliError, PhotoError, UsageError
from colorcli.photo import read_photo

SHORT_SIDE = 256  # px to which larger photos are shrunk before they are counted
COLOURLESS = 2.5  # mean spread of R, G, B (8-bit) under which a photo is left out, as training leaves it out
MOST_BAD = 0.01  # more unreadable files than this share are an error
COLOURS = 32  # of ColorUNet's palette
CIFAR_CHUNK, PHOTO_CHUNK = 500, 16  # images in memory at a time


@dataclass
class Census:
    """counts: int64 (CELLS, CELLS), pixels in each cell of the plane's lattice. images: how many were counted.

    skipped: a line for each file that could not be read; colourless: photos left out as grey.
    """

    plane: Plane
    source: str
    counts: np.ndarray = field(default_factory=lambda: np.zeros((CELLS, CELLS), np.int64))
    images: int = 0
    skipped: list[str] = field(default_factory=list)
    colourless: int = 0

    @property
    def pixels(self) -> int:
        return int(self.counts.sum())

    def add(self, rgb: Tensor) -> None:
        """Count the pixels uint8 (B, 3, H, W)."""
        chroma = self.plane.to_chroma(rgb.float() / 255)
        cell = torch.floor(chroma / self.plane.cell).long().add_(CELLS // 2).clamp_(0, CELLS - 1)
        index = (cell[:, 0] * CELLS + cell[:, 1]).flatten()
        self.counts += torch.bincount(index, minlength=CELLS**2).view(CELLS, CELLS).numpy()


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


def bins_of(
    census: Census,
    *,
    grid: float | None = None,
    colours: int = COLOURS,
    sigma: float | None = None,
    lambda_: float = BALANCE,
) -> Bins:
    """Bins and their smoothed prior: of the ab grid for "ab", of the `colours` commonest colours for "yuv".

    The prior is the share of the pixels whose nearest bin it is, smoothed by a Gaussian over the bins (Zhang et al.
    2016, section 2.2). grid: the plane's own step if not given; sigma: half the grid. UsageError for numbers that
    make no sense.
    """
    plane = census.plane
    grid = plane.grid if grid is None else grid
    check_numbers(plane.name, grid, sigma, lambda_)
    sigma = grid * SIGMA if sigma is None else sigma
    centres = grid_in_gamut(grid).copy() if plane.name == "ab" else palette(census, colours, grid)
    prior = smoothed(_shares(census, centres), centres, sigma)
    return Bins(centres, prior, plane.name, grid, sigma, lambda_, census.source, census.pixels)


def palette(census: Census, colours: int, grid: float) -> np.ndarray:
    """The commonest colours, float32 (colours, 2), the commonest first (Billaut et al. 2018; paper 001 section 2.2).

    The plane is cut into squares of side `grid`, one of them around grey; a colour is the mean of the pixels in a
    square. UsageError if fewer squares than `colours` have any.
    """
    lattice = census.plane.lattice().reshape(-1, 2)
    counts = census.counts.ravel()
    lattice, counts = lattice[counts > 0], counts[counts > 0]
    _, square = np.unique(np.rint(lattice / grid), axis=0, return_inverse=True)
    square = square.ravel()  # a column in one release of numpy
    pixels = np.bincount(square, counts)
    if len(pixels) < colours:
        raise UsageError(f"--colors {colours}: only {len(pixels)} are there; ask for fewer or give a smaller --grid")
    means = np.stack([np.bincount(square, counts * axis) for axis in lattice.T], 1) / pixels[:, None]
    return means[np.argsort(-pixels, kind="stable")[:colours]].astype(np.float32)


def _shares(census: Census, centres: np.ndarray) -> np.ndarray:
    """Share of the pixels whose nearest bin it is, float64 (Q,); to the precision of the lattice."""
    used = np.flatnonzero(census.counts)
    points = census.plane.lattice().reshape(-1, 2)[used]
    nearest = np.concatenate(
        [cdist(part, centres).argmin(1) for part in np.array_split(points, len(points) // 4096 + 1)]
    )
    counts = np.bincount(nearest, census.counts.ravel()[used], len(centres))
    return counts / counts.sum()


def smoothed(shares: np.ndarray, centres: np.ndarray, sigma: float) -> np.ndarray:
    """Shares (Q,) of bins -> shares (Q,), each bin's spread over all bins by a Gaussian of their distance."""
    kernel = np.exp(cdist(centres, centres, "sqeuclidean") / (-2 * sigma**2))
    spread = kernel / kernel.sum(0) @ shares
    return spread / spread.sum()
