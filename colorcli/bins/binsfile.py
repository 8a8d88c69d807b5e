"""bins.npz: written whole or not at all, read with every number checked."""

from __future__ import annotations

import json
import math
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from colorcli.bins.bins import Bins
from colorcli.bins.planes import PLANES
from colorcli.errors import ColorcliError, VerificationError
from colorcli.files import atomic_write

FORMAT = "colorcli-bins-1"
MOST_BYTES = 1 << 24  # no such file comes near
FIELDS: dict[str, type | tuple[type, ...]] = {
    "space": str,
    "grid": (int, float),
    "sigma": (int, float),
    "lambda": (int, float),
    "source": str,
    "pixels": int,
}


def save_bins(path: Path, bins: Bins) -> None:
    """Write centres float32 (Q, 2), prior float64 (Q,), weights float32 (Q,) and metadata, a JSON text. OSError."""
    with atomic_write(path) as file:
        np.savez(
            file,
            centres=bins.centres,
            prior=bins.prior,
            weights=bins.class_weights().numpy(),
            metadata=np.array(json.dumps({"format": FORMAT, **metadata(bins)})),
        )


def metadata(bins: Bins) -> dict[str, Any]:
    """What a file says beside its arrays."""
    return {
        "space": bins.space,
        "bins": len(bins),
        "grid": bins.grid,
        "sigma": bins.sigma,
        "lambda": bins.lambda_,
        "source": bins.source,
        "pixels": bins.pixels,
    }


def load_bins(path: Path) -> Bins:
    """Read what `save_bins` wrote. VerificationError if it is anything else, ColorcliError if it cannot be read."""
    try:
        with path.open("rb") as file:
            content = _arrays(file)
    except OSError as error:
        raise ColorcliError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error, MemoryError, NotImplementedError) as error:
        raise VerificationError(f"{path}: damaged, or no file of `colorcli quantize-bins`") from error
    try:
        return _checked(content)
    except (ValueError, KeyError, TypeError) as error:
        raise VerificationError(f"{path}: damaged, or no file of `colorcli quantize-bins`: {error}") from error


def _arrays(file: Any) -> dict[str, np.ndarray]:
    with zipfile.ZipFile(file) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MOST_BYTES:
            raise ValueError("too large")
    file.seek(0)
    with np.load(file, allow_pickle=False) as arrays:
        return {name: arrays[name] for name in ("centres", "prior", "weights", "metadata")}


def _checked(content: dict[str, np.ndarray]) -> Bins:
    about = json.loads(str(content["metadata"]))
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise ValueError("of an unknown format")
    for name, kind in FIELDS.items():
        if not isinstance(about[name], kind) or isinstance(about[name], bool):
            raise ValueError(f"{name} is {about[name]!r:.40}")
    if about["space"] not in PLANES:
        raise ValueError(f"space is {about['space']!r:.40}")
    for name, most in (("grid", math.inf), ("sigma", math.inf), ("lambda", 1 + 1e-9)):
        if not 0 < about[name] < most:
            raise ValueError(f"{name} is {about[name]}")
    if about["pixels"] < 0:
        raise ValueError(f"pixels is {about['pixels']}")
    centres, prior = content["centres"], content["prior"]
    _check_arrays(centres, prior, PLANES[about["space"]].extent)
    grid, sigma, lambda_ = (float(about[name]) for name in ("grid", "sigma", "lambda"))
    bins = Bins(centres, prior, about["space"], grid, sigma, lambda_, about["source"], about["pixels"])
    weights, expected = content["weights"], bins.class_weights().numpy()
    if weights.shape != expected.shape or not np.allclose(weights, expected, rtol=1e-4):
        raise ValueError("its weights are not those of its prior")
    return bins


def _check_arrays(centres: np.ndarray, prior: np.ndarray, extent: float) -> None:
    if centres.dtype != np.float32 or centres.ndim != 2 or centres.shape[1] != 2 or len(centres) < 2:
        raise ValueError(f"centres are {centres.dtype} {centres.shape}")
    if not (np.abs(centres) <= extent).all() or len(np.unique(centres, axis=0)) < len(centres):
        raise ValueError("centres are not distinct colours")
    if prior.dtype != np.float64 or prior.shape != (len(centres),):
        raise ValueError(f"prior is {prior.dtype} {prior.shape}")
    if not ((prior >= 0).all() and abs(prior.sum() - 1) < 1e-6):
        raise ValueError("its prior is no distribution")
