"""`patchgan`: a U-Net against a PatchGAN (Petre et al., paper 001 section 3)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from colorcli.models.base import ColorModel
from colorcli.models.blocks import PatchDiscriminator
from colorcli.models.unet import TANH_AB, StridedUNet, scaled


class PatchGAN(ColorModel):
    """L -> ab through the plain U-Net, judged in patches of 34x34 px.

    The paper says "a modified U-Net" of convolutions and transposed convolutions, no more; it is unet.StridedUNet
    here. widths: channels of each level, finest first; width: of the finest, the others in proportion. Sides of L are
    multiples of 2 ** (len(widths) - 1). discriminator_width, layers: see blocks.PatchDiscriminator.
    """

    ab_scale = TANH_AB

    def __init__(
        self,
        widths: Sequence[int] = (64, 128, 256, 512, 512),
        discriminator_width: int = 64,
        layers: int = 2,
        width: int | None = None,
    ) -> None:
        widths = scaled(widths, width)
        super().__init__(widths=widths, discriminator_width=discriminator_width, layers=layers)
        self.multiple = 2 ** (len(widths) - 1)
        self.unet = StridedUNet(1, 2, widths)

    def forward(self, L: Tensor) -> Tensor:
        """L (B, 1, H, W) in 0..100, sides multiples of `multiple` -> ab / ab_scale (B, 2, H, W) in -1..1."""
        return self.unet((L - 50) / 50)

    def predict_ab(self, L: Tensor) -> Tensor:
        """L (B, 1, H, W) in 0..100, sides multiples of `multiple` -> ab (B, 2, H, W) in Lab units."""
        return self(L) * self.ab_scale

    def discriminator(self) -> PatchDiscriminator:
        return PatchDiscriminator(3, self.config["discriminator_width"], self.config["layers"])
