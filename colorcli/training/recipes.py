"""How each system is trained: its objective, and its presets as plain data. Importing this imports no torch.

"paper" has the hyper-parameters of the system's paper (what a paper leaves out is said beside it); "fast" reaches its
results on CIFAR-10 in minutes on a CPU; "photo" is for folders of photos. Without --preset it is "photo" for folders,
where a system has it, and else "fast".
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
    """objective: "module:Class" in colorcli.training.objectives. needs_labels: whether the data must have classes."""

    objective: str
    presets: Mapping[str, Preset]
    needs_labels: bool = False


RECIPES: dict[str, Recipe] = {
    "gan": Recipe(
        "adversarial:Adversarial",
        {
            "fast": Preset(
                Settings(epochs=30, pretrain_epochs=24, lr=1.5e-3, discriminator_lr=2e-4, l1_weight=300.0),
                {"widths": [64, 112, 152], "encoder_blocks": [2, 2, 2], "decoder_blocks": [2, 1]},
            ),
            "photo": Preset(
                Settings(
                    epochs=12, pretrain_epochs=10, batch_size=32, size=96, lr=6e-4, discriminator_lr=2e-4,
                    l1_weight=100.0, aged=0.5,
                ),
            ),
        },
    ),
    "global-local": Recipe(
        "joint:Joint",
        {
            # of Iizuka et al. 2016: layers, alpha, batch, passes; theirs was Adadelta, which has no learning rate
            "paper": Preset(
                Settings(
                    epochs=11, batch_size=128, schedule="constant", lr=1e-3, weight_decay=0.0, label_weight=1 / 300,
                ),
                {
                    "low": [[64, 2], [128, 1], [128, 2], [256, 1], [256, 2], [512, 1]],
                    "global_": [[512, 2], [512, 1], [512, 2], [512, 1]],
                    "pool": 1,  # 7 for their 224x224
                    "full": [1024, 512, 256],
                    "mid": [512, 256],
                    "colour": [[128], [64, 64], [32]],
                },
            ),
            "fast": Preset(Settings(epochs=20, lr=1.5e-3, label_weight=1 / 300)),
        },
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
