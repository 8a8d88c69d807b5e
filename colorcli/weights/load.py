"""Weights files: read, verified and turned into a network; saved after training.

A weights file is a safetensors file whose metadata rebuilds its network: format "colorcli/1", model (its
name in colorcli.models), config (JSON object for its constructor), size (short side in px it works best at),
saturation and detail (1 where it is missing; see models.base.ColorModel); and for the record trained_on, command,
commit, created. Tensors are stored in half precision.
"""

from __future__ import annotations

from pathlib import Path

from colorcli.errors import VerificationError, WeightsMissing
from colorcli.models.base import ColorModel
from colorcli.models.catalog import DEFAULT_MODEL, MODELS, build
from colorcli.weights.manifest import WeightsEntry, find
from colorcli.weights.tensors import TensorFile, read_tensors
from colorcli.weights.weightsfile import check_colours, load_file, rebuild


def load_model(name: str = DEFAULT_MODEL, *, task: str = "photo", weights: Path | None = None) -> ColorModel:
    """The trained colorizer called `name`, or the one in the file `weights` (then `name` is not looked at).

    name: MODEL or MODEL@WEIGHTS of the manifest (plain MODEL: its default for `task`, "photo" or
    "cifar10"), or the path of a file, told by its suffix .safetensors or a folder in it. The network is in
    float32 on the CPU, in eval mode, with the attributes label, weights_sha256, default_size (px),
    default_saturation and detail set. A system without weights (see models.facts.Facts) is made by its MODEL name; its
    weights_sha256 is empty. Raises UsageError for an unknown name or a file that is not there,
    WeightsMissing for known weights that have not been pulled (nothing is ever downloaded here) and
    VerificationError for anything wrong with the file.
    """
    if weights is None and (name.endswith(".safetensors") or Path(name).name != name):
        weights = Path(name)
    if weights is not None:
        return load_file(weights)
    check_colours(name.partition("@")[0], name)
    if name in MODELS and not MODELS[name].trained:
        model = build(name).eval()
        model.label = name
        return model
    return load_entry(find(name, task))


def load_entry(entry: WeightsEntry) -> ColorModel:
    """The network of one manifest entry, checked as by `load_model`."""
    return rebuild(read_verified(entry), str(entry.path), label=entry.name, expected=entry.model)


def read_verified(entry: WeightsEntry) -> TensorFile:
    """The content of the entry's file, its size and SHA-256 checked: what is hashed is what is loaded.

    WeightsMissing says which file to put where; VerificationError what differs.
    """
    expected = entry.expected
    if expected is None or not entry.path.exists():
        raise WeightsMissing(missing_message(entry))
    size = entry.path.stat().st_size
    if size != expected.size:
        raise VerificationError(
            f"{entry.path}: {size:,} bytes, but {entry.name} has {expected.size:,}: {_remedy(entry)}"
        )
    try:
        content = read_tensors(entry.path)
    except VerificationError as error:
        raise VerificationError(f"{error}: {_remedy(entry)}") from error
    if content.sha256 != expected.sha256:
        raise VerificationError(f"{entry.path}: its SHA-256 is not that of {entry.name}: {_remedy(entry)}")
    return content


def missing_message(entry: WeightsEntry) -> str:
    """One line: what is missing, and how to get it with and without a network on this machine."""
    if entry.source.type == "bundled":
        return f"{entry.path} is missing, though it comes with colorcli: install colorcli again"
    return (
        f"the weights {entry.name} are not on this machine: run 'colorcli models pull {entry.name}', or"
        f" {entry.by_hand()}"
    )


def _remedy(entry: WeightsEntry) -> str:
    if entry.source.type == "bundled":
        return "damaged or changed; install colorcli again"
    return f"damaged, changed or of another version; run 'colorcli models pull {entry.name}'"
