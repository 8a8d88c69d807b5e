"""Pictures to train on and to measure with: CIFAR-10 in its two official layouts, and folders of photos."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import numpy as np

from colorcli.data.archives import Archive, obtain
from colorcli.errors import ColorcliError, UsageError, VerificationError
from colorcli.files import cache_folder

CIFAR10 = "cifar10"  # its name on the command line
DATA_ROOT_VARIABLE = "COLORCLI_DATA"
CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
BATCHES = (*(f"data_batch_{i}" for i in range(1, 6)), "test_batch")
SPLITS = {"train": slice(0, 5), "test": slice(5, 6)}  # of the files of a layout
RECORD = 1 + 3 * 32 * 32  # bytes of an image in the binary layout: its label, then red, green, blue planes

CIFAR10_ARCHIVES = {  # by layout
    "binary": Archive(
        url="https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
        size=170_052_171,
        md5="c32a1d4ab5d03f1284b67883e8d87530",
        folder="cifar-10-batches-bin",
        files=tuple(f"{name}.bin" for name in BATCHES),
    ),
    "python": Archive(
        url="https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        size=170_498_071,
        md5="c58f30108f718f92721af3b95e74349a",
        folder="cifar-10-batches-py",
        files=BATCHES,
    ),
}


@dataclass(frozen=True)
class Cifar10:
    """A split of CIFAR-10: images uint8 (N, 3, 32, 32) RGB, labels uint8 (N,) that index CIFAR10_CLASSES."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.images)


def data_folder(data_root: Path | None = None) -> Path:
    """Where data sets lie: data_root, else the folder COLORCLI_DATA, else `datasets` in the cache folder."""
    named = data_root or os.environ.get(DATA_ROOT_VARIABLE)
    return Path(named) if named else cache_folder() / "datasets"


def cifar10(split: str, data_root: Path | None = None, limit: int | None = None, *, download: bool = False) -> Cifar10:
    """Read a split, "train" (50,000 images) or "test" (10,000), of which the first `limit`.

    data_root: see `data_folder`; a folder of the binary or the python layout, or one that holds one. download: get
    the data if they are not there, see `download_cifar10`. UsageError says where to get them; VerificationError
    names a damaged file.
    """
    parent = data_folder(data_root)
    found = _find_cifar10(parent)
    if found is None and download:
        found = download_cifar10(parent), "binary"
    if found is None:
        raise UsageError(_advice(parent))
    folder, layout = found
    read = _read_binary if layout == "binary" else _read_pickle
    images, labels, count = [], [], 0
    for name in CIFAR10_ARCHIVES[layout].files[SPLITS[split]]:
        if limit is not None and count >= limit:
            break
        pixels, classes = _checked(read, folder / name)
        images.append(pixels.reshape(-1, 3, 32, 32))
        labels.append(classes)
        count += len(classes)
    return Cifar10(np.concatenate(images)[:limit], np.concatenate(labels)[:limit])


def download_cifar10(
    folder: Path | None = None, layout: str = "binary", on_progress: Callable[[int], None] | None = None
) -> Path:
    """The folder of CIFAR-10 in `folder` (default: `data_folder`), fetched from its authors unless it is there.

    layout: "binary" or "python". on_progress: called with the bytes that are on disk, in place of a bar on stderr.
    Errors as from `archives.obtain`.
    """
    return obtain(CIFAR10_ARCHIVES[layout], data_folder(folder), on_progress)


def _find_cifar10(parent: Path) -> tuple[Path, str] | None:
    """The folder with the files, and their layout."""
    for layout, archive in CIFAR10_ARCHIVES.items():
        for folder in (parent, parent / archive.folder):
            if (folder / archive.files[-1]).is_file():
                return folder, layout
    return None


def _advice(parent: Path) -> str:
    archive = CIFAR10_ARCHIVES["binary"]
    return (
        f"no CIFAR-10 in {parent}. Name its folder with --data-root or {DATA_ROOT_VARIABLE}; or get it with "
        f"'colorcli eval --dataset cifar10 --download'; or unpack {archive.url} (md5 {archive.md5}) there: "
        f"it makes {archive.folder}/"
    )


def _checked(read: Callable[[Path], tuple[np.ndarray, np.ndarray]], path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Pixels uint8 (N, 3072) and labels uint8 (N,) of one file, known to be so."""
    try:
        pixels, labels = read(path)
    except OSError as error:
        raise ColorcliError(f"{path}: cannot be read: {error.strerror}") from error
    fits = pixels.dtype == np.uint8 and pixels.shape == (len(labels), RECORD - 1) and len(labels) > 0
    if not fits or labels.min() < 0 or labels.max() >= len(CIFAR10_CLASSES):
        raise VerificationError(f"{path}: not a batch of CIFAR-10. Remove its folder and get it again")
    return pixels, labels.astype(np.uint8)


def _read_binary(path: Path) -> tuple[np.ndarray, np.ndarray]:
    content = np.fromfile(path, np.uint8)
    if content.size % RECORD:
        raise VerificationError(
            f"{path}: truncated: {content.size:,} bytes are no whole number of images. "
            "Remove its folder and get it again"
        )
    records = content.reshape(-1, RECORD)
    return records[:, 1:], records[:, 0]


def _read_pickle(path: Path) -> tuple[np.ndarray, np.ndarray]:
    with path.open("rb") as file:
        batch = _unpickle(file, path)
    try:
        pixels, labels = batch[b"data"], np.array(batch[b"labels"], np.int64)
        if isinstance(pixels, np.ndarray) and labels.ndim == 1:
            return pixels, labels
    except (KeyError, TypeError, ValueError, OverflowError):
        pass
    raise VerificationError(f"{path}: not a batch of CIFAR-10: 'data' or 'labels' missing")


def _unpickle(file: BinaryIO, path: Path) -> Any:
    try:
        return _BatchUnpickler(file, encoding="bytes").load()
    except OSError:
        raise
    # bytes that are no pickle make it raise anything at all
    except Exception as error:
        raise VerificationError(f"{path}: not a batch of CIFAR-10: {error}") from error


def _latin1(text: str, encoding: str) -> bytes:
    """What a pickle of protocol 2 calls to make bytes, for the one encoding that it uses."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"unexpected encoding {encoding!r:.40}")
    return text.encode("latin1")


class _BatchUnpickler(pickle.Unpickler):
    """Loads containers, numbers, strings and numpy arrays, and calls nothing else."""

    ALLOWED: ClassVar[dict[tuple[str, str], Any]] = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        # an array's own constructor, which has moved between releases of numpy
        ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
        ("numpy._core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],
        ("_codecs", "encode"): _latin1,
    }

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self.ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no such file needs") from None
