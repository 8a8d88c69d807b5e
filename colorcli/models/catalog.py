"""The systems that colorcli knows, as plain data. Importing this imports no torch."""

from __future__ import annotations

from collections.abc import Collection
from importlib import import_module
from typing import TYPE_CHECKING, Any

from colorcli.errors import UsageError
from colorcli.models.facts import CONDITIONS, Facts

if TYPE_CHECKING:
    from colorcli.models.base import ColorModel


DEFAULT_MODEL = "gan"
DDCOLOR = (
    "Kang et al., DDColor: Towards Photo-Realistic Image Colorization via Dual Decoders, ICCV 2023, arXiv:2212.11613"
)

MODELS: dict[str, Facts] = {
    "gan": Facts(
        factory="colorcli.models.gan:generator",
        summary="U-Net generator: on an ImageNet classifier, which follows hints; residual; or C-DCGAN",
        paper="Qiu et al. (paper 000, section 3.2); Petre et al. (paper 001, section 3); on a classifier: Iglovikov and"
        " Shvets, TernausNet, 2018, arXiv:1801.05746, and Tan and Le, EfficientNet, ICML 2019, arXiv:1905.11946; hints:"
        " Zhang et al., SIGGRAPH 2017, arXiv:1705.02999",
        takes=("hints",),
    ),
    "patchgan": Facts(
        factory="colorcli.models.patchgan:PatchGAN",
        summary="plain U-Net against a discriminator of patches of 34x34 px",
        paper="Petre et al. (paper 001, section 3)",
    ),
    "pix2pix": Facts(
        factory="colorcli.models.pix2pix:Pix2Pix",
        summary="U-Net of pix2pix, L1 and a discriminator of patches",
        paper="Isola et al., Image-to-Image Translation with Conditional Adversarial Networks, CVPR 2017,"
        " arXiv:1611.07004 (paper 002, section 3)",
    ),
    "palette": Facts(
        factory="colorcli.models.palette:PaletteGenerator",
        summary="U-Net that follows a colour histogram: another photo's, or that of the classes it sees",
        paper="Wan (paper 004, section 4.1)",
        takes=("palette",),
    ),
    "classification": Facts(
        factory="colorcli.models.classification:Classification",
        config={"output": "bilinear"},
        summary="classification into 313 colours, interpolated to full size",
        paper="Qiu et al. (paper 000, section 3.1); Zhang et al. 2016 (paper 001, section 2.1)",
    ),
    "classification-deconv": Facts(
        factory="colorcli.models.classification:Classification",
        config={"output": "deconv"},
        summary="classification grown to full size by a transposed convolution",
        paper="Qiu et al. (paper 000, section 3.1); Zhang et al. 2016 (paper 001, section 2.1)",
    ),
    "classification-downsample": Facts(
        factory="colorcli.models.classification:Classification",
        config={"output": "downsample"},
        summary="classification that learns at a quarter of the size",
        paper="Qiu et al. (paper 000, section 3.1); Zhang et al. 2016 (paper 001, section 2.1)",
    ),
    "classification-rebalanced": Facts(
        factory="colorcli.models.classification:Classification",
        config={"output": "bilinear"},
        summary="classification in which rare colours weigh more",
        paper="Zhang et al., Colorful Image Colorization, ECCV 2016 (paper 001, section 2.1)",
    ),
    "regression": Facts(
        factory="colorcli.models.regression:RegressionNetwork",
        summary="the network of classification, with the mean squared error of ab",
        paper="Kisan (paper 003); Zhang et al. 2016, section 3.1",
    ),
    "eccv16": Facts(
        factory="colorcli.models.eccv16:ECCV16",
        summary="classification into 313 colours, published weights",
        paper="Zhang et al., Colorful Image Colorization, ECCV 2016, arXiv:1603.08511",
    ),
    "siggraph17": Facts(
        factory="colorcli.models.siggraph17:SIGGRAPH17",
        summary="regression that follows a user's hints, published weights",
        paper="Zhang et al., Real-Time User-Guided Image Colorization, SIGGRAPH 2017, arXiv:1705.02999",
        takes=("hints",),
    ),
    "ddcolor": Facts(
        factory="colorcli.models.ddcolor:DDColor",
        summary="transformer of colour queries; four published weights: @modelscope, @tiny, @artistic, @paper",
        paper=DDCOLOR,
    ),
    "cgan-rgb-ed": Facts(
        factory="colorcli.models.cgan_rgb:CganRgb",
        config={"skips": False},
        summary="encoder-decoder from grey and noise to RGB; several colourings of a photo",
        paper="Wan (paper 004, section 3.1)",
        samples=True,
    ),
    "cgan-rgb-luma": Facts(
        factory="colorcli.models.cgan_rgb:CganRgb",
        config={"skips": False},
        summary="cgan-rgb-ed trained to keep the grey",
        paper="Wan (paper 004, section 3.2)",
        samples=True,
    ),
    "cgan-rgb-unet": Facts(
        factory="colorcli.models.cgan_rgb:CganRgb",
        config={"skips": True},
        summary="U-Net from grey and noise to RGB; several colourings of a photo",
        paper="Wan (paper 004, section 3.3)",
        samples=True,
    ),
    "cgan-rgb": Facts(
        factory="colorcli.models.cgan_rgb:CganRgb",
        config={"skips": True},
        summary="cgan-rgb-unet against a discriminator that sees the grey too",
        paper="Wan (paper 004, section 3.4)",
        samples=True,
    ),
    "global-local": Facts(
        factory="colorcli.models.global_local:GlobalLocal",
        summary="local features and one vector for the whole picture, trained with labels too",
        paper="Iizuka et al., Let there be Color!, SIGGRAPH 2016 (paper 002, section 4)",
    ),
    "colorunet": Facts(
        factory="colorcli.models.colorunet:ColorUNet",
        summary="U-Net that picks among the 32 commonest colours, in YUV",
        paper="Billaut et al., ColorUNet, 2018 (paper 001, section 2.2)",
    ),
    "scribbles": Facts(
        factory="colorcli.models.scribbles:Scribbles",
        summary="spreads the colours of a user's strokes along even luminance; no network",
        paper="Levin et al., Colorization using Optimization, SIGGRAPH 2004 (paper 001, section 2)",
        takes=("hints",),
        needs=("hints",),
        trained=False,
    ),
    "transfer": Facts(
        factory="colorcli.models.transfer:Transfer",
        summary="takes the colours of another photo where luminance and texture agree; no network",
        paper="Welsh et al., Transferring Color to Greyscale Images, SIGGRAPH 2002 (paper 002, section 2.1)",
        takes=("reference",),
        needs=("reference",),
        trained=False,
    ),
    "classifier": Facts(
        factory="colorcli.models.classifier:Classifier",
        summary="tells CIFAR-10's classes in colour pictures: what eval measures with, no colorizer",
        paper="the measure: Zhang et al. 2016, section 3.2; Heusel et al. 2017; the network: He et al. 2016",
        colours=False,
    ),
}


def build(name: str, **config: Any) -> ColorModel:
    """The untrained network called `name`, made with `config`; UsageError lists the known names."""
    if name not in MODELS:
        raise UsageError(f"unknown model '{name}'; known: {', '.join(sorted(MODELS))}")
    module, _, cls = MODELS[name].factory.partition(":")
    model: ColorModel = getattr(import_module(module), cls)(**{**MODELS[name].config, **config})
    if "takes" not in vars(type(model)):
        model.takes = MODELS[name].takes
    model.needs = MODELS[name].needs
    return model


def check_samples(model: str, count: int, *, several: bool) -> None:
    """UsageError for several colourings of a photo with a model that has only one."""
    if count > 1 and not several:
        fitting = " or ".join(sorted(known for known, spec in MODELS.items() if spec.samples))
        raise UsageError(f"--samples {count}: the model {model} has one colouring for a photo: use --model {fitting}")


def check_conditions(model: str, takes: Collection[str], needs: Collection[str], given: Collection[str]) -> None:
    """UsageError if a model, called `model` in the message, does not take a condition or is left without one."""
    for name in given:
        if name not in takes:
            fitting = " or ".join(sorted(known for known, spec in MODELS.items() if name in spec.takes))
            raise UsageError(f"the model {model} takes no {name}: use --model {fitting}")
    for name in needs:
        if name not in given:
            raise UsageError(f"the model {model} needs {name}: give {CONDITIONS[name]}")


def is_variant(model: ColorModel, name: str) -> bool:
    """Whether a network is one that the system `name` has: of its class, with what sets the system apart from others of
    that class."""
    try:
        other = build(name, **model.config)
    except (TypeError, ValueError):  # a config of another class
        return False
    return type(model) is type(other) and all(model.config.get(key) == it for key, it in MODELS[name].config.items())
