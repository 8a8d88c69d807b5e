"""EfficientNet-Lite (Tan and Le, EfficientNet, ICML 2019; the Lite variants: TensorFlow's tpu repository, 2020).

EfficientNet without squeeze-and-excitation, with ReLU6, stem and head of one width. Batch normalisation, whose
statistics stay those of ImageNet, is folded into the convolutions: as many results, in less time and memory.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorcli.models.encoders.base import Encoder

EPS = 1e-3  # of the batch normalisation that is folded away
STEM = 32  # channels


@dataclass(frozen=True)
class Stage:
    """Blocks of one width; the first has the stride."""

    kernel: int
    stride: int
    expansion: int
    channels: int
    blocks: int


STAGES = (  # of width and depth 1 (Tan and Le 2019, table 1)
    Stage(3, 1, 1, 16, 1),
    Stage(3, 2, 6, 24, 2),
    Stage(5, 2, 6, 40, 2),
    Stage(3, 2, 6, 80, 3),
    Stage(5, 1, 6, 112, 3),
    Stage(5, 2, 6, 192, 4),
    Stage(3, 1, 6, 320, 1),
)
VARIANTS = {"efficientnet-lite0": (1.0, 1.0), "efficientnet-lite2": (1.1, 1.2)}  # width, depth


class EfficientNetLite(Encoder):
    """The encoder of VARIANTS; features at strides 2 to 32. Lite2: 4.3 million parameters."""

    strides: ClassVar[tuple[int, ...]] = (2, 4, 8, 16, 32)

    def __init__(self, variant: str) -> None:
        super().__init__()
        width, depth = VARIANTS[variant]
        self.stem = nn.Conv2d(3, STEM, 3, stride=2)
        self.stem_channels = STEM
        blocks: list[_Block] = []
        narrow = STEM
        for i, stage in enumerate(STAGES):
            wide = _rounded(stage.channels * width)
            repeats = stage.blocks if i in (0, len(STAGES) - 1) else math.ceil(stage.blocks * depth)
            for repeat in range(repeats):
                stride = 1 if repeat else stage.stride
                blocks.append(_Block(narrow, wide, stage.kernel, stride, stage.expansion))
                narrow = wide
        self.channels = (*(block.narrow for block in blocks if block.stride == 2), narrow)
        self.blocks = nn.ModuleList(blocks)

    def features(self, rgb: Tensor, beside: Tensor | None = None) -> list[Tensor]:
        """As Encoder.features."""
        x = self.stem(F.pad((rgb * 255 - 127) / 128, (0, 1, 0, 1)))  # TensorFlow's SAME
        x = F.relu6(x if beside is None else x + beside)
        found = []
        for block in self.blocks:
            if block.stride == 2:
                found.append(x)
            x = block(x)
        return [*found, x]

    def load_published(self, state: Mapping[str, Tensor]) -> None:
        """Take the published weights, with their names, batch normalisation folded in. KeyError or RuntimeError for
        those of another variant."""
        with torch.no_grad():
            _fold(self.stem, state, "_conv_stem", "_bn0")
            for i, block in enumerate(self.blocks):
                assert isinstance(block, _Block)
                where = f"_blocks.{i}."
                if block.expand is not None:
                    _fold(block.expand, state, f"{where}_expand_conv", f"{where}_bn0")
                _fold(block.depthwise, state, f"{where}_depthwise_conv", f"{where}_bn1")
                _fold(block.project, state, f"{where}_project_conv", f"{where}_bn2")


class _Block(nn.Module):
    """Inverted residual (MobileNetV2): 1x1 expansion, depthwise convolution, 1x1 projection; added to the input where
    shapes agree. (B, narrow, H, W) -> (B, wide, H / stride, W / stride)."""

    def __init__(self, narrow: int, wide: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = narrow * expansion
        self.narrow, self.stride = narrow, stride
        self.expand = nn.Conv2d(narrow, inner, 1) if expansion > 1 else None
        self.depthwise = nn.Conv2d(inner, inner, kernel, padding=kernel // 2, groups=inner)
        # oneDNN's gradients of large depthwise kernels in bf16 take longer than all else of a step, so they do not
        # learn, and their biases do by an addition of their own
        self.learns = kernel == 3 and stride == 1
        self.depthwise.weight.requires_grad_(self.learns)
        self.project = nn.Conv2d(inner, wide, 1)
        self.adds = stride == 1 and narrow == wide

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else F.relu6(self.expand(x))
        y = self.depthwise(y) if self.learns else _biased(self.depthwise, y)
        if self.stride == 2:  # as TensorFlow's SAME has it; much quicker than oneDNN's strided gradient
            y = _EverySecond.apply(y)
        y = self.project(F.relu6(y))
        return x + y if self.adds else y


class _EverySecond(torch.autograd.Function):
    """The second, fourth, ... pixel of the second, fourth, ... row of (B, C, H, W): as slices, which are slower."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.shape = x.shape
        return x[..., 1::2, 1::2].contiguous(memory_format=torch.channels_last)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        spread = gradient.new_empty(ctx.shape).to(memory_format=torch.channels_last).zero_()
        spread[..., 1::2, 1::2] = gradient
        return spread


def _biased(conv: nn.Conv2d, x: Tensor) -> Tensor:
    """What `conv` gives, its bias added by itself."""
    assert conv.bias is not None
    y = conv._conv_forward(x, conv.weight, None)
    return y + conv.bias.to(y.dtype)[:, None, None]


def _fold(conv: nn.Conv2d, state: Mapping[str, Tensor], weight: str, norm: str) -> None:
    scale = state[f"{norm}.weight"] / (state[f"{norm}.running_var"] + EPS).sqrt()
    conv.weight.copy_(state[f"{weight}.weight"] * scale[:, None, None, None])
    assert conv.bias is not None
    conv.bias.copy_(state[f"{norm}.bias"] - state[f"{norm}.running_mean"] * scale)


def _rounded(channels: float) -> int:
    """To a multiple of 8, at most a tenth less."""
    nearest = int(channels + 4) // 8 * 8
    return nearest + 8 if nearest < 0.9 * channels else nearest
