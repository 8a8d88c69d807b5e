"""safetensors files, read and written one tensor at a time and hashed on the way: nothing is in memory twice.

The format: 8 bytes with the length of the header (little-endian), the header in JSON, which gives every tensor's dtype,
shape and place, and the tensors' bytes without gaps. See the safetensors project's README. The library itself maps the
file anew after it was hashed, or holds all of it twice: what is hashed here is what is loaded, once.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from colorcli.errors import UsageError, VerificationError
from colorcli.weights.pins import Content

MAX_HEADER = 100_000_000  # bytes; the limit of the format itself
DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


@dataclass(frozen=True)
class TensorFile:
    """What a file held: metadata, tensors by name, and the SHA-256 of the very bytes that they were made of."""

    metadata: dict[str, str]
    tensors: dict[str, Tensor]
    sha256: str


@dataclass(frozen=True)
class _Place:
    """One tensor of a file; begin and end in bytes after the header."""

    name: str
    dtype: torch.dtype
    shape: list[int]
    begin: int
    end: int


def read_tensors(path: Path) -> TensorFile:
    """Read a whole file, each byte once. UsageError if there is none, VerificationError for anything else wrong."""
    try:
        # before opening: opening a pipe would wait for its writer
        if not stat.S_ISREG(path.stat().st_mode):
            raise VerificationError(f"{path}: not a weights file but a folder or device")
        with path.open("rb") as file:
            return _read(file, path)
    except FileNotFoundError:
        raise UsageError(f"{path}: no such weights file") from None
    except (OSError, ValueError) as error:
        raise VerificationError(f"{path}: cannot be read: {getattr(error, 'strerror', error)}") from error


def write_tensors(file: BinaryIO, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> Content:
    """Write contiguous tensors on the CPU; the size and SHA-256 of what was written. OSError as from write()."""
    # the widest types first, so that all lie at multiples of their width
    order = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    end = 0
    for name in order:
        tensor = tensors[name]
        begin, end = end, end + tensor.nbytes
        header[name] = {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    digest = hashlib.sha256()
    start: Any = len(text).to_bytes(8, "little") + text
    for piece in (start, *(_bytes_of(tensors[name]) for name in order)):
        digest.update(piece)
        file.write(piece)
    return Content(8 + len(text) + end, digest.hexdigest())


def _bytes_of(tensor: Tensor) -> Any:
    """The memory of a contiguous tensor, as a uint8 array that shares it."""
    return tensor.detach().reshape(-1).view(torch.uint8).numpy()


def _read(file: BinaryIO, path: Path) -> TensorFile:
    size = os.fstat(file.fileno()).st_size
    start = file.read(8)
    _check_start(start, size, path)
    text = file.read(int.from_bytes(start, "little"))
    try:
        metadata, places = _parse_header(text, size - 8 - len(text))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise VerificationError(f"{path}: damaged or not a safetensors file: {error}") from error
    digest = hashlib.sha256(start + text)
    tensors = {}
    for place in places:
        # memory of its own for each: the engine changes some, and the rest need not keep the whole file alive
        tensor = torch.empty(place.end - place.begin, dtype=torch.uint8)
        content = _bytes_of(tensor)
        if file.readinto(content) != len(content):  # type: ignore[attr-defined]
            raise VerificationError(f"{path}: damaged or not a safetensors file: it changed while it was read")
        digest.update(content)
        tensors[place.name] = tensor.view(place.dtype).view(place.shape)
    return TensorFile(metadata, tensors, digest.hexdigest())


def _check_start(start: bytes, size: int, path: Path) -> None:
    """A wrong kind of file is told by its first 8 bytes."""
    header = int.from_bytes(start, "little")
    fault = ""
    if len(start) < 8:
        fault = f"only {size} bytes long"
    elif header > MAX_HEADER and (start[:2] == b"PK" or start[:1] == b"\x80"):
        fault = "a pickle, as torch.save writes it"
    elif header > MAX_HEADER:
        fault = f"its header would take {header:,} bytes"
    elif header > size - 8:
        fault = f"truncated, or never one: a header of {header:,} bytes in {size:,}"
    if fault:
        raise VerificationError(f"{path}: not a safetensors file: {fault}")


def _parse_header(text: bytes, room: int) -> tuple[dict[str, str], list[_Place]]:
    """Metadata and places in the order of the file, which fill its `room` bytes. ValueError and its like if not."""
    document = json.loads(text)
    metadata = document.pop("__metadata__", {})
    if not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("metadata that is no text")
    places = sorted((_parse_place(name, fields) for name, fields in document.items()), key=lambda place: place.end)
    end = 0
    for place in places:
        if place.begin != end:
            raise ValueError(f"the tensors do not lie side by side at '{place.name:.80}'")
        end = place.end
    if end != room:
        raise ValueError(f"{room:,} bytes of tensors, {end:,} of them told in the header")
    return metadata, places


def _parse_place(name: str, fields: dict[str, Any]) -> _Place:
    if fields["dtype"] not in DTYPES:
        raise ValueError(f"the tensor '{name:.80}' is of the type {fields['dtype']!r:.20}")
    dtype, shape = DTYPES[fields["dtype"]], fields["shape"]
    begin, end = fields["data_offsets"]
    if any(type(number) is not int or number < 0 for number in (*shape, begin, end)):
        raise ValueError(f"the tensor '{name:.80}' has sides or offsets that are no whole numbers")
    if end - begin != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"the tensor '{name:.80}' does not fill its place")
    return _Place(name, dtype, list(shape), begin, end)
