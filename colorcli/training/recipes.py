"""How each system is trained: its objective, and its presets as plain data. Importing this imports no torch.

"paper" has the hyper-parameters of the system's paper (what a paper leaves out is said beside it); "fast" reaches its
results on CIFAR-10 in minutes on a CPU, with networks so narrow that the weights of all systems ship with colorcli;
"photo" is for folders of photos. Without --preset it is "photo" for folders, where a system has it, and else "fast".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from colorcli.errors import UsageError
from colorcli.training.settings import Settings


@dataclass(frozen=True)
class Preset:
    """settings: of the run. config: of the network, for `models.build`."""

    settings: Settings
    config: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Recipe:
    """objective: "module:Class" in colorcli.training.objectives. needs_labels: whether the data must have classes.
    bins: the space ("ab" or "yuv") of the bins that the network adopts before it learns."""

    objective: str
    presets: Mapping[str, Preset]
    needs_labels: bool = False
    bins: str | None = None


# plain Adam at a constant rate, and the weights as they are in the end
AS_PUBLISHED: Mapping[str, Any] = {"schedule": "constant", "weight_decay": 0.0, "average": 0.0}


def _cgan_rgb(objective: str, *, skips: bool, luma_weight: float = 0.0) -> Recipe:
    """One of the rungs of paper 004 section 3, which differ in the loss, the skips and what the discriminator sees."""
    config = {"skips": skips}
    return Recipe(
        objective,
        {
            # section 3: the batch, the passes (at most) and one learning rate for both networks, without its value or
            # Adam's betas, which are those of DCGAN here; pictures enlarged to 64x64 px, which adds nothing to them.
            # Section 3.2 tries the generator's learning rate for the grey too, which is a weight of 1
            "paper": Preset(
                Settings(
                    epochs=10, batch_size=64, lr=2e-4, discriminator_lr=2e-4, betas=(0.5, 0.999), l1_weight=0.0,
                    luma_weight=luma_weight, real_label=1.0, **AS_PUBLISHED,
                ),
                config,
            ),
            # the paper has neither pixel loss nor diversity loss: minutes are too short for the adversary alone
            "fast": Preset(
                Settings(
                    epochs=9, pretrain_epochs=8, lr=2e-3, discriminator_lr=1e-4, loss="mse", l1_weight=2000.0,
                    luma_weight=100 * luma_weight, diversity_weight=2000.0,
                ),
                config | {"widths": [48, 96, 128]},
            ),
        },
    )  # fmt: skip


def _classification(output: str, epochs: float, rebalance: float = 0.0) -> Recipe:
    """Of the network's variant `output`; epochs: of "fast"; rebalance: 1 - lambda of Zhang et al. 2016, section 2.2."""
    return Recipe(
        "classification:BinClassification",
        {
            # paper 000 section 4, which gives no batch size; betas are PyTorch's
            "paper": Preset(
                Settings(epochs=100, batch_size=64, lr=1e-3, betas=(0.9, 0.999), rebalance=rebalance, **AS_PUBLISHED),
                {"output": output},
            ),
            "fast": Preset(Settings(epochs=epochs, lr=2e-3, rebalance=rebalance), {"output": output, "width": 12}),
        },
        bins="ab",
    )


RECIPES: dict[str, Recipe] = {
    "gan": Recipe(
        "adversarial:Adversarial",
        {
            # paper 000 sections 3.2, 4 and 5; beta1 from Nazeri et al., whose hyper-parameters it adopts. It gives no
            # batch size and no channels: theirs, one level fewer ("reduce the number of layers")
            "paper": Preset(
                Settings(
                    epochs=200, batch_size=128, lr=1e-4, discriminator_lr=1e-4, betas=(0.5, 0.999), l1_weight=100.0,
                    real_label=1.0, **AS_PUBLISHED,
                ),
                {"network": "strided", "widths": [64, 128, 256, 512]},
            ),
            "fast": Preset(
                Settings(
                    epochs=32, pretrain_epochs=30, lr=1.5e-3, discriminator_lr=1e-4, loss="psnr", l1_weight=1500.0,
                    ssim_weight=30.0, label_weight=0.2, weight_decay=0.05, cutmix=0.3, dropout=0.1,
                ),
                {
                    "widths": [64, 112, 152],
                    "encoder_blocks": [2, 2, 2],
                    "decoder_blocks": [2, 1],
                    "fine": True,
                    "classes": 10,
                },
            ),
            "photo": Preset(
                Settings(
                    epochs=28.5, pretrain_epochs=26, size=96, batch_size=256, lr=1.5e-3, discriminator_lr=1e-4,
                    weight_decay=0.05, loss="psnr", l1_weight=1000.0, dropout=0.1, aged=0.3, cutmix=0.5,
                ),
                {
                    "widths": [48, 96, 160, 256, 288],
                    "encoder_blocks": [1, 2, 2, 2, 2],
                    "decoder_blocks": [1, 1, 2, 1],
                    "fine": True,
                },
            ),
        },
    ),
    "patchgan": Recipe(
        "adversarial:Adversarial",
        {
            # paper 001 section 3, for 15,000 photos of 256 px (--size 256); it says of the learning rates only that
            # they differ, and nothing of the batch; the mean difference is added without a weight
            "paper": Preset(
                Settings(
                    epochs=20, batch_size=32, lr=2e-4, discriminator_lr=1e-4, l1_weight=1.0, real_label=0.9,
                    **AS_PUBLISHED,
                ),
            ),
            "fast": Preset(
                Settings(epochs=4, pretrain_epochs=3.4, lr=1.5e-3, discriminator_lr=2e-4, l1_weight=300.0),
                {"widths": [16, 48, 80, 112, 128], "discriminator_width": 32},
            ),
        },
    ),
    "pix2pix": Recipe(
        "adversarial:Adversarial",
        {
            # Isola et al. 2017, section 3.3 and appendix 6.2: batches of 1 to 10; 4 and 15 passes for 50,000 pictures
            # (a batch of one is slow, and batch normalisation then sees a single picture). Three layers of patches
            # and eight levels at 256 px, scaled to 32 px here. Their weights start from a Gaussian of 0.02
            "paper": Preset(
                Settings(
                    epochs=15, batch_size=4, lr=2e-4, discriminator_lr=2e-4, betas=(0.5, 0.999), l1_weight=100.0,
                    real_label=1.0, **AS_PUBLISHED,
                ),
            ),
            "fast": Preset(
                Settings(
                    epochs=5, pretrain_epochs=4.3, lr=1.5e-3, discriminator_lr=2e-4, l1_weight=300.0, real_label=1.0,
                ),
                {"widths": [64, 80, 112, 128], "dropout": 1, "discriminator_width": 32},
            ),
        },
    ),
    "palette": Recipe(
        "palette:PaletteAdversarial",
        {
            # paper 004 section 4.1 proposes it; section 3 has the batch, the passes (at most) and one learning rate for
            # both, without its value, for 64x64 px. The pixel loss is not its, and weighted as by Isola et al. 2017
            "paper": Preset(
                Settings(
                    epochs=10, batch_size=64, lr=2e-4, discriminator_lr=2e-4, betas=(0.5, 0.999), l1_weight=100.0,
                    real_label=1.0, label_weight=1.0, **AS_PUBLISHED,
                ),
            ),
            "fast": Preset(
                Settings(
                    epochs=3.8, pretrain_epochs=3.2, lr=1.5e-3, discriminator_lr=2e-4, l1_weight=300.0,
                    label_weight=0.05,
                ),
                {"widths": [16, 64, 80, 96, 96], "discriminator_width": 32},
            ),
        },
        needs_labels=True,
    ),
    "cgan-rgb-ed": _cgan_rgb("rgb:Rgb", skips=False),
    "cgan-rgb-luma": _cgan_rgb("rgb:Rgb", skips=False, luma_weight=1.0),
    "cgan-rgb-unet": _cgan_rgb("rgb:Rgb", skips=True),
    "cgan-rgb": _cgan_rgb("rgb:RgbConditioned", skips=True),
    "classification": _classification("bilinear", 3),
    "classification-deconv": _classification("deconv", 3),
    "classification-downsample": _classification("downsample", 8),
    "classification-rebalanced": _classification("bilinear", 3, rebalance=0.5),
    "regression": Recipe(
        "regression:Regression",
        {
            # paper 003 gives none: those of paper 000 section 4 for the network
            "paper": Preset(
                Settings(epochs=100, batch_size=64, lr=1e-3, betas=(0.9, 0.999), loss="mse", **AS_PUBLISHED),
            ),
            "fast": Preset(Settings(epochs=8, lr=2e-3, loss="mse"), {"width": 12}),
        },
    ),
    "global-local": Recipe(
        "regression:Joint",
        {
            # of Iizuka et al. 2016: layers, alpha, batch, passes; theirs was Adadelta, which has no learning rate
            "paper": Preset(
                Settings(epochs=11, batch_size=128, label_weight=1 / 300, **AS_PUBLISHED),
                {
                    "low": [[64, 2], [128, 1], [128, 2], [256, 1], [256, 2], [512, 1]],
                    "global_": [[512, 2], [512, 1], [512, 2], [512, 1]],
                    "pool": 1,  # 7 for their 224x224
                    "full": [1024, 512, 256],
                    "mid": [512, 256],
                    "colour": [[128], [64, 64], [32]],
                },
            ),
            "fast": Preset(Settings(epochs=4, lr=1.5e-3, label_weight=1 / 300)),
        },
        needs_labels=True,
    ),
    "colorunet": Recipe(
        "classification:PaletteClassification",
        {
            # the paper gives 32 colours, rebalancing and a temperature, but no value of any hyper-parameter
            "paper": Preset(
                Settings(epochs=30, rebalance=0.5, **AS_PUBLISHED),
                {"widths": [32, 64, 128, 256, 512]},
            ),
            "fast": Preset(Settings(epochs=3, lr=1.5e-3, rebalance=0.5)),
        },
        bins="yuv",
    ),
    # no system of a paper: what eval measures with
    "classifier": Recipe(
        "labels:Labels",
        {"fast": Preset(Settings(epochs=6, lr=2e-3, weight_decay=0.05))},
        needs_labels=True,
    ),
}  # fmt: skip


def preset(model: str, name: str | None, *, photos: bool) -> Preset:
    """The preset `name` of a system, or its default for the kind of data.

    UsageError for a system that cannot be trained or has no preset of that name; both list what there is.
    """
    if model not in RECIPES:
        raise UsageError(f"{model} cannot be trained; these can: {', '.join(sorted(RECIPES))}")
    presets = RECIPES[model].presets
    if name is None:
        name = "photo" if photos and "photo" in presets else "fast"
    if name not in presets:
        raise UsageError(f"--preset {name}: {model} has {', '.join(presets)}")
    return presets[name]
