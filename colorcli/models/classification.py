"""`classification`: colours as a distribution over bins of ab (paper 000 section 3.1; Zhang et al. 2016).

The network of Zhang et al. 2016 at a quarter of its channels, for 32x32 px, in the three variants of paper 000's
figure 2. Two grow the logits to full size for a loss on every pixel: `bilinear` by interpolation, `deconv` by a
transposed convolution. The third, `downsample`, leaves them at a quarter, where the loss shrinks the truth instead, and
the ab they give is grown. Colours are the annealed mean of the bins.

What the paper leaves out: it speaks of upsampling the distribution; here logits are upsampled, before the softmax. Its
transposed convolution has no size given; here each bin's map has an 8x8 kernel of its own with stride 4, which starts
as bilinear interpolation (one kernel for every pair of bins would be three times the network).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorcli.bins import Bins, annealed_mean
from colorcli.errors import UsageError
from colorcli.models.zhang import SHRINK, ZhangNetwork

OUTPUTS = ("bilinear", "deconv", "downsample")
PIXELS_AT_ONCE = 1 << 16  # whose full-size logits are in memory at a time: 82 MB


class Classification(ZhangNetwork):
    """L -> logits over bins of ab; 2.0 million parameters as configured by default.

    output: of OUTPUTS. width: channels of the first block. colours: bins, which `adopt` fills and the weights carry;
    sigma: of the Gaussian of their soft encoding, in Lab units. temperature: of the annealed mean: 1 for the plain
    mean, towards 0 for the likeliest bin.
    """

    centres: Tensor  # (colours, 2): ab in Lab units
    prior: Tensor  # (colours,): share of the pixels

    def __init__(
        self,
        output: str = "bilinear",
        width: int = 16,
        colours: int = 313,
        sigma: float = 5.0,
        temperature: float = 0.38,
    ) -> None:
        if output not in OUTPUTS:
            raise ValueError(f"output must be one of {', '.join(OUTPUTS)}, not {output!r}")
        if not temperature > 0:
            raise ValueError(f"temperature must be above 0, not {temperature}")
        super().__init__(
            width, colours, output=output, width=width, colours=colours, sigma=sigma, temperature=temperature
        )
        self.output, self.temperature = output, temperature
        if output == "deconv":
            self.deconv = _bilinear_deconvolution(colours)
        self.register_buffer("centres", torch.zeros(colours, 2))
        self.register_buffer("prior", torch.full((colours,), 1 / colours))

    @property
    def bins(self) -> Bins:
        """The bins and how common each of them is, to learn from."""
        centres, prior = self.centres.float().cpu().numpy(), self.prior.double().cpu().numpy()
        return Bins(centres.copy(), prior / prior.sum(), sigma=self.config["sigma"])

    def adopt(self, bins: Bins) -> None:
        """Take the bins, their prior and their sigma. UsageError for other bins than `colours` of "ab"."""
        if bins.space != "ab" or len(bins) != len(self.centres):
            raise UsageError(f"{len(bins)} bins of {bins.space}, where the network has {len(self.centres)} of ab")
        self.centres.copy_(torch.from_numpy(bins.centres.copy()))
        self.prior.copy_(torch.from_numpy(bins.prior.copy()))
        self.config["sigma"] = bins.sigma

    def forward(self, L: Tensor) -> Tensor:
        """L (B, 1, H, W) in 0..100, sides multiples of 8 -> logits float32 (B, colours, H, W); (B, colours, H/4, W/4)
        for "downsample"."""
        return self.grow(super().forward(L))

    def grow(self, logits: Tensor) -> Tensor:
        """Logits (B, colours, h, w) -> float32 at the size that the loss takes them at."""
        logits = logits.float()  # as the loss needs them; on a CPU it is quicker than in half precision, too
        if self.output == "bilinear":
            return F.interpolate(logits, scale_factor=SHRINK, mode="bilinear", align_corners=False)
        if self.output == "downsample":
            return logits
        with torch.autocast(logits.device.type, enabled=False):
            kernels = self.deconv.weight.float()
            return F.conv_transpose2d(logits, kernels, stride=SHRINK, padding=SHRINK // 2, groups=len(kernels))

    def predict_ab(self, L: Tensor) -> Tensor:
        """L (B, 1, H, W) in 0..100, sides multiples of 8 -> ab (B, 2, H, W) in Lab units."""
        logits = super().forward(L)
        some = max(1, PIXELS_AT_ONCE // (L.shape[-2] * L.shape[-1]))
        ab = torch.cat([annealed_mean(self.grow(x), self.centres, self.temperature) for x in logits.split(some)])
        if self.output == "downsample":
            ab = F.interpolate(ab, scale_factor=SHRINK, mode="bilinear", align_corners=False)
        return ab.to(logits.dtype)


def _bilinear_deconvolution(channels: int) -> nn.ConvTranspose2d:
    """Of each channel by itself, SHRINK times the size; as bilinear interpolation but for the edges."""
    size = 2 * SHRINK
    deconv = nn.ConvTranspose2d(channels, channels, size, SHRINK, SHRINK // 2, groups=channels, bias=False)
    tent = 1 - (torch.arange(size) - (size - 1) / 2).abs() / SHRINK
    with torch.no_grad():
        deconv.weight.copy_((tent[:, None] * tent).expand_as(deconv.weight))
    return deconv
