"""A small classifier of CIFAR-10: whether recoloured pictures still look like what they show.

Zhang et al. 2016 (section 3.2) classify recoloured photos with a network that was trained on true ones: colours that
are wrong for what is in the picture mislead it. So this one is trained on true colours alone, and never on grey
pictures or changed colours (which would teach it to do without colour, and so to see no difference): what it loses on
grey pictures is what colours are worth to it. It is no colorizer; it is trained by `colorcli train classifier` and
kept as weights are for the same care with files and hashes.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from colorcli.models.base import ColorModel
from colorcli.models.blocks import ResidualBlock


class Classifier(ColorModel):
    """A residual network (He et al. 2016, section 4.2): levels of residual blocks, each half the size of the one
    before, then the mean over all places and one linear layer. It has no `predict_ab`.

    widths: channels of each level, finest first; the last are the features. blocks: residual blocks a level. classes:
    of the data. width: channels of the finest level, the others in proportion.
    """

    default_size = 32

    def __init__(
        self,
        widths: Sequence[int] = (32, 64, 128),
        blocks: Sequence[int] = (0, 1, 2),
        classes: int = 10,
        width: int | None = None,
    ) -> None:
        if width is not None:
            widths = [channels * width // widths[0] for channels in widths]
        super().__init__(widths=list(widths), blocks=list(blocks), classes=classes)
        self.multiple = 2 ** (len(widths) - 1)
        stages: list[nn.Module] = []
        before = 3
        for level, (channels, count) in enumerate(zip(widths, blocks, strict=True)):
            kernel, stride, padding = (2, 2, 0) if level else (3, 1, 1)
            enter = nn.Conv2d(before, channels, kernel, stride, padding, bias=False)
            stages += [enter, nn.BatchNorm2d(channels), nn.ReLU(inplace=True)]
            stages += [ResidualBlock(channels) for _ in range(count)]
            before = channels
        self.stages = nn.Sequential(*stages)
        self.head = nn.Linear(before, classes)

    def features(self, rgb: Tensor) -> Tensor:
        """RGB (B, 3, H, W) in 0..1, sides multiples of `multiple` -> (B, channels of the last level)."""
        return self.stages(rgb * 4 - 2).mean((2, 3))

    def forward(self, rgb: Tensor) -> Tensor:
        """RGB (B, 3, H, W) in 0..1 -> logits (B, classes)."""
        return self.head(self.features(rgb))
