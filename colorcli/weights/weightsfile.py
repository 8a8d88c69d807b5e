"""The one reader and the one writer of weights files."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import init
from torch.overrides import TorchFunctionMode

from colorcli.errors import UsageError, VerificationError
from colorcli.files import atomic_write
from colorcli.models.base import ColorModel
from colorcli.models.catalog import MODELS, build
from colorcli.weights.pins import Content
from colorcli.weights.tensors import TensorFile, read_tensors, write_tensors

FORMAT = "colorcli/1"
RANDOM = {  # what untrained weights are drawn with
    *(Tensor.uniform_, Tensor.normal_, init.uniform_, init.normal_, init.trunc_normal_),
    *(init.kaiming_uniform_, init.kaiming_normal_, init.xavier_uniform_, init.xavier_normal_),
}


def load_file(path: Path, *, colours: bool = True) -> ColorModel:
    """The network in a weights file; with `colours`, UsageError if it is no colorizer. Errors as from `load_model`."""
    return rebuild(read_tensors(path), str(path), label=path.stem, colours=colours)


def save_weights(path: Path, model: ColorModel, metadata: Mapping[str, str]) -> None:
    """Write `model` as a weights file, in half precision (integer buffers as they are, tensors with values beyond
    65504 in float32), atomically.

    metadata: needs "model", its name in colorcli.models; "config", "size", "saturation" and "detail"
    are the model's where not given. VerificationError for values
    that are NaN or infinite and for metadata that could not be read back; OSError as from open().
    """
    tensors = {name: _stored(tensor) for name, tensor in model.state_dict().items()}
    _check_finite(tensors, str(path))
    write_weights(path, model, tensors, metadata)


def write_weights(path: Path, model: ColorModel, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> Content:
    """Write `tensors` as the weights file of the network `model`, as `save_weights` does but for their precision; the
    size and SHA-256 of what was written."""
    own = {
        "config": json.dumps(model.config),
        "size": str(model.default_size),
        "saturation": str(model.default_saturation),
        "detail": str(model.detail),
    }
    document = {**own, **metadata, "format": FORMAT}
    _parse_header(document, str(path))
    with atomic_write(path) as file:
        return write_tensors(file, tensors, document)


@dataclass(frozen=True)
class _Header:
    """What a weights file says of itself."""

    model: str
    config: dict[str, Any]
    size: int
    saturation: float
    detail: float


def rebuild(
    content: TensorFile, where: str, *, label: str, expected: str | None = None, colours: bool = False
) -> ColorModel:
    """Content of a weights file -> its network. VerificationError names the file `where` and the fault."""
    header = _parse_header(content.metadata, where)
    if colours:
        check_colours(header.model, where)
    if expected not in (None, header.model):
        raise VerificationError(f"{where}: weights of the model '{header.model}', not of '{expected}'")
    model = _build(header, where)
    _fill(model, content.tensors, where)
    model.label = label
    model.weights_sha256 = content.sha256
    model.default_size, model.default_saturation, model.detail = header.size, header.saturation, header.detail
    return model.eval()


def check_colours(model: str, where: str) -> None:
    """UsageError if `model` is known to be no colorizer."""
    if model in MODELS and not MODELS[model].colours:
        raise UsageError(f"{where}: '{model}' does not colour photos: see 'colorcli models' for those that do")


def _parse_header(metadata: Mapping[str, str], where: str) -> _Header:
    """The checked metadata of a weights file."""
    if metadata.get("format") != FORMAT:
        raise VerificationError(
            f"{where}: not a colorcli weights file (metadata format is"
            f" {metadata.get('format', 'missing')!r:.40}, not '{FORMAT}')"
        )
    model = metadata.get("model", "")
    if model not in MODELS:
        raise VerificationError(
            f"{where}: made for the model '{model:.40}', which this colorcli does not know"
            f" (it knows {', '.join(sorted(MODELS))})"
        )
    try:
        config = json.loads(metadata["config"])
        if not isinstance(config, dict):
            raise ValueError("config is not a JSON object")
        size, saturation = int(metadata["size"]), float(metadata["saturation"])
        detail = float(metadata.get("detail", "1"))
        if not (0 < size <= 65536 and math.isfinite(saturation) and saturation >= 0 and 0 < detail <= 1):
            raise ValueError(f"size {size}, saturation {saturation} or detail {detail} out of range")
    except (KeyError, ValueError, RecursionError) as error:
        problem = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise VerificationError(f"{where}: broken metadata: {problem}") from error
    return _Header(model, config, size, saturation, detail)


def _build(header: _Header, where: str) -> ColorModel:
    try:
        with _Undrawn():
            return build(header.model, **header.config)
    # the config is the file's: whatever a constructor makes of a wrong one is the file's fault
    except Exception as error:
        raise VerificationError(f"{where}: its config does not fit the model '{header.model}': {error}") from error


class _Undrawn(TorchFunctionMode):
    """Within it, random values are not drawn: weights that are about to be replaced cost neither time nor memory."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in RANDOM:
            return args[0] if args else kwargs["tensor"]
        return func(*args, **kwargs)


def _fill(model: ColorModel, tensors: dict[str, Tensor], where: str) -> None:
    """Put the tensors in, floats as float32, if they fit as `check_fit` has it; fp32 is not copied."""
    wanted = model.state_dict()
    check_fit(wanted, tensors, where)
    model.load_state_dict({name: tensors[name].to(wanted[name].dtype) for name in wanted}, strict=True, assign=True)


def check_fit(wanted: Mapping[str, Tensor], tensors: Mapping[str, Tensor], where: str) -> None:
    """VerificationError unless names, kinds (float or integer) and shapes are those wanted and all values finite."""
    shared = wanted.keys() & tensors.keys()
    wrong = [
        f"{name} {_shape(tensors[name])} instead of {_shape(wanted[name])}"
        for name in wanted
        if name in shared
        and (
            tensors[name].shape != wanted[name].shape
            or tensors[name].is_floating_point() != wanted[name].is_floating_point()
        )
    ]
    differences = {
        "missing": [name for name in wanted if name not in shared],
        "unexpected": [name for name in tensors if name not in shared],
        "of another shape": wrong,
    }
    found = [f"{len(names)} {kind} ({_few(names)})" for kind, names in differences.items() if names]
    if found:
        raise VerificationError(f"{where}: tensors do not fit the model it names: {'; '.join(found)}")
    _check_finite({name: tensors[name] for name in wanted}, where)


def _check_finite(tensors: Mapping[str, Tensor], where: str) -> None:
    for name, tensor in tensors.items():
        if not tensor.is_floating_point() or not tensor.numel():
            continue
        # the extremes of values with a NaN are NaN: far quicker than to look at each
        if not bool(torch.stack(tensor.float().aminmax()).isfinite().all()):
            raise VerificationError(f"{where}: the tensor '{name}' has values that are NaN or infinite")


def _stored(tensor: Tensor) -> Tensor:
    """As it goes to the file: on the CPU, contiguous, memory of its own, floats in half precision if it holds them."""
    kind = tensor.dtype
    if tensor.is_floating_point():
        largest = tensor.abs().max() if tensor.numel() else 0
        kind = torch.float32 if torch.finfo(torch.float16).max < largest < math.inf else torch.float16
    return tensor.detach().to("cpu", kind, copy=True).contiguous()


def _shape(tensor: Tensor) -> str:
    kind = "" if tensor.is_floating_point() else f" {str(tensor.dtype).removeprefix('torch.')}"
    return "x".join(str(side) for side in tensor.shape or (1,)) + kind


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
