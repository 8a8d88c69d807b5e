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


DDCOLOR = (
    "Kang et al., DDColor: Towards Photo-Realistic Image Colorization via Dual Decoders, ICCV 2023, arXiv:2212.11613"
)

MODELS: dict[str, Spec] = {
    "gan": Spec(
        factory="colorcli.models.gan:GanGenerator",
        summary="residual U-Net generator trained with L1 and a PatchGAN",
        paper="Petre et al. (paper 001, section 3); Isola et al. 2017 (paper 002, section 3)",
    ),
    "eccv16": Spec(
        factory="colorcli.models.eccv16:ECCV16",
        summary="classification into 313 colours, published weights",
        paper="Zhang et al., Colorful Image Colorization, ECCV 2016, arXiv:1603.08511",
    ),
    "siggraph17": Spec(
        factory="colorcli.models.siggraph17:SIGGRAPH17",
        summary="regression that follows a user's hints, published weights",
        paper="Zhang et al., Real-Time User-Guided Image Colorization, SIGGRAPH 2017, arXiv:1705.02999",
    ),
    "ddcolor": Spec(
        factory="colorcli.models.ddcolor:DDColor",
        summary="transformer of colour queries; the published weights that suit most photos",
        paper=DDCOLOR,
    ),
    "ddcolor-tiny": Spec(
        factory="colorcli.models.ddcolor:DDColor",
        summary="ddcolor with a small encoder: a quarter of the size",
        paper=DDCOLOR,
    ),
    "ddcolor-artistic": Spec(
        factory="colorcli.models.ddcolor:DDColor",
        summary="ddcolor trained on artistic photos too, without the loss that favours strong colours",
        paper=DDCOLOR,
    ),
    "ddcolor-paper": Spec(
        factory="colorcli.models.ddcolor:DDColor",
        summary="ddcolor with the weights of its paper's figures",
        paper=DDCOLOR,
    ),
}


def build(name: str, **config: Any) -> ColorModel:
    """The untrained network called `name`, made with `config`; UsageError lists the known names."""
    if name not in MODELS:
        raise UsageError(f"unknown model '{name}'; known: {', '.join(sorted(MODELS))}")
    module, _, cls = MODELS[name].factory.partition(":")
    model: ColorModel = getattr(import_module(module), cls)(**config)
    return model
