"""Weights that others published as torch.save files: fetched, pinned, checked and converted once.

A .pth or .bin file is a pickle. It is read as nothing but tensors (weights_only), must fit its network exactly, and
is turned into a weights file of ours, which is what is loaded from then on.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from colorcli.download import fetch, is_right
from colorcli.errors import ColorcliError, VerificationError
from colorcli.files import locked
from colorcli.models.catalog import build
from colorcli.weights.hub import ask
from colorcli.weights.manifest import WeightsEntry
from colorcli.weights.pins import FILE, Content, Pin, write_pin
from colorcli.weights.weightsfile import check_fit, write_weights


def pull_published(entry: WeightsEntry) -> bool:
    """Make sure that the converted weights lie at entry.path as pinned; True if they had to be made.

    ColorcliError for network, server and disk; VerificationError for wrong bytes and for content that does not
    fit the network.
    """
    folder = entry.path.parent
    source = folder / Path(entry.source.file).name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / ".lock", entry.name):
            expected = entry.expected
            made = not (expected and is_right(entry.path, expected.size, expected.sha256))
            if made:
                pin = _pin(entry)
                address = replace(entry.source, revision=pin.revision).address()
                fetch(address, source, size=pin.published.size, sha256=pin.published.sha256)
                write_pin(folder, replace(pin, converted=_convert(source, entry, pin.published)))
            source.unlink(missing_ok=True)
    except OSError as error:
        raise ColorcliError(
            f"cannot write to {folder}: {error.strerror or error}; COLORCLI_CACHE names another folder"
        ) from error
    return made


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """The tensors of a torch.save file by name, read without running anything that it holds.

    A state dict may lie under the key "params", and each of its names may start with "module."; both are taken
    off. VerificationError for anything else.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except OSError:
        raise
    except Exception as error:  # a damaged or hostile pickle raises whatever it likes
        reason = str(error).partition("\n")[0][:200]
        raise VerificationError(f"{path}: not a state dict as torch.save writes it: {reason}") from error
    if isinstance(state, dict) and isinstance(state.get("params"), dict):
        state = state["params"]
    if not isinstance(state, dict) or not state:
        raise VerificationError(f"{path}: holds no state dict")
    for name, tensor in state.items():
        if not isinstance(name, str) or not isinstance(tensor, Tensor) or not _is_plain(tensor):
            raise VerificationError(f"{path}: not a state dict: '{name!s:.80}' is no plain tensor")
    if all(name.startswith("module.") for name in state):
        state = {name.removeprefix("module."): tensor for name, tensor in state.items()}
    return dict(state)


def _is_plain(tensor: Tensor) -> bool:
    return tensor.layout is torch.strided and not tensor.is_quantized and tensor.device.type == "cpu"


def _pin(entry: WeightsEntry) -> Pin:
    """What the published file must be: by an earlier pull, by the manifest, else by the server, which is then kept."""
    folder = entry.path.parent
    if pin := entry.pin:
        return pin
    if entry.size and entry.sha256 and (entry.source.revision or entry.source.type != "hub"):
        pin = Pin(entry.source.revision, Content(entry.size, entry.sha256))
    else:
        answer = ask(entry.source)
        pin = Pin(answer.revision, Content(entry.size or answer.size, entry.sha256 or answer.sha256))
        print(
            f"{entry.name}: pinned in {folder / FILE} to what {entry.source} states now:"
            f" {f'commit {pin.revision}, ' if pin.revision else ''}{pin.published.size:,} bytes"
            f"{'' if entry.sha256 else f', SHA-256 {pin.published.sha256}'}",
            file=sys.stderr,
        )
    write_pin(folder, pin)
    return pin


def _convert(source: Path, entry: WeightsEntry, published: Content) -> Content:
    """Write the tensors of `source` as the weights file entry.path, in float32 as they are published."""
    state = read_state_dict(source)
    with torch.device("meta"):  # names and shapes are all that is needed
        model = build(entry.model, **(entry.config or {}))
    check_fit(model.state_dict(), state, str(source))
    return write_weights(entry.path, model, _stored(state), _metadata(entry, published))


def _stored(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Contiguous tensors, floats as float32, which most are already: those are not copied."""
    return {
        name: (tensor.float() if tensor.is_floating_point() else tensor).contiguous() for name, tensor in state.items()
    }


def _metadata(entry: WeightsEntry, published: Content) -> dict[str, str]:
    """For the record: where the weights come from."""
    return {
        "model": entry.model,
        "config": json.dumps(dict(entry.config or {})),
        "trained_on": entry.trained_on,
        "source": f"{entry.source}/{entry.source.file} sha256:{published.sha256}",
        "licence": entry.licence,
        "paper": entry.paper,
    }


def pull(entry: WeightsEntry) -> bool:
    """Make sure the entry's file lies at entry.path with the right SHA-256; True if it had to be fetched.

    Published weights are converted on the way, see published.pull_published.

    ColorcliError for network, server and disk; VerificationError for wrong bytes, and for a bundled file
    that is damaged. An interrupted download is taken up where it stopped.
    """
    expected = entry.expected
    if expected and is_right(entry.path, expected.size, expected.sha256):
        return False
    if entry.source.type == "bundled":
        raise VerificationError(f"{entry.path} is missing or damaged: install colorcli again")
    if _offline():
        raise ColorcliError(f"HF_HUB_OFFLINE is set, so nothing is downloaded: unset it, or {entry.by_hand()}")
    if expected is None or entry.config is not None:
        from colorcli.weights.pull import pull_published  # brings torch

        return pull_published(entry)
    return fetch(entry.source.address(), entry.path, size=expected.size, sha256=expected.sha256)


def _offline() -> bool:
    from huggingface_hub import constants

    return bool(constants.HF_HUB_OFFLINE)
