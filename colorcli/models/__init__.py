"""The systems that colorcli knows, as plain data. Importing this imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from colorcli.errors import UsageError

if TYPE_CHECKING:
    from colorcli.models.base import ColorModel


@dataclass(frozen=True)
class Spec:
    """What can be said of a system without building it.

    factory: "module:Class" of its network.
    """

    factory: str
    summary: str
    paper: str


MODELS: dict[str, Spec] = {
    "gan": Spec(
        factory="colorcli.models.gan:GanGenerator",
        summary="residual U-Net generator trained with L1 and a PatchGAN",
        paper="Petre et al. (paper 001, section 3); Isola et al. 2017 (paper 002, section 3)",
    ),
}


def build(name: str, **config: Any) -> ColorModel:
    """The untrained network called `name`, made with `config`; UsageError lists the known names."""
    if name not in MODELS:
        raise UsageError(f"unknown model '{name}'; known: {', '.join(sorted(MODELS))}")
    module, _, cls = MODELS[name].factory.partition(":")
    model: ColorModel = getattr(import_module(module), cls)(**config)
    return model
