"""What time and cameras do to old photographs, done to the luminance that the network sees."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from colorcli.color import linear_to_L, srgb_to_linear


def age(rgb: Tensor, L: Tensor, generator: torch.Generator, share: float = 0.5) -> tuple[Tensor, Tensor]:
    """RGB (B, 3, H, W) in 0..1 and its L (B, 1, H, W) in 0..100 -> L with `share` of the photos aged: which colours
    the film saw, tone, fading, blur, grain; and which of them are, bool (B, 1, 1, 1).

    The generator lies where the photos do; the same state gives the same result there.
    """

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(len(L), 1, 1, 1, generator=generator, device=L.device)

    aged = filmed(rgb, films(len(L), generator))
    aged = 100 * (aged / 100).clamp(0, 1) ** torch.exp(uniform(-0.5, 0.5))  # another emulsion's tone curve
    black, white = uniform(-8, 20), uniform(75, 108)  # faded, or of hard contrast
    aged = black + aged * (white - black) / 100
    soft = F.avg_pool2d(F.pad(aged, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    aged = torch.lerp(aged, soft, uniform(-0.3, 1.0).clamp_min(0))
    grain = torch.randn(L.shape, generator=generator, device=L.device)
    aged = (aged + grain * uniform(-3, 6).clamp_min(0)).clamp(0, 100)
    chosen = uniform(0, 1) < share
    return torch.where(chosen, aged, L), chosen


def muted(ab: Tensor, share: float) -> Tensor:
    """ab (B, 2, H, W) with `share` of its chroma, of which the cast of the whole picture fades most: old colour film is
    duller than today's photos, and a cast is the film's, not what it shows."""
    return share * (ab - (1 - share) * ab.mean((2, 3), keepdim=True))


def films(count: int, generator: torch.Generator) -> Tensor:
    """How much of linear R, G and B each of `count` films sees: (count, 3, 1, 1), of sum 1, where the generator lies.

    From panchromatic ones, which see red, to orthochromatic ones, which see none, and the earliest, which see little
    but blue.
    """
    red, blue = torch.rand(2, count, 1, 1, 1, generator=generator, device=generator.device)
    red, blue = 0.4 * red, (1 - 0.4 * red) * blue**2
    return torch.cat([red, 1 - red - blue, blue], 1)


def filmed(rgb: Tensor, sees: Tensor) -> Tensor:
    """RGB (B, 3, H, W) in 0..1 -> L (B, 1, H, W) in 0..100 on films that see as `films` has it."""
    exposed = (srgb_to_linear(rgb) * sees).sum(1, keepdim=True)
    return linear_to_L(exposed.expand(-1, 3, -1, -1))


def bordered(rgb: Tensor, generator: torch.Generator, share: float = 0.05, widest: float = 0.12) -> Tensor:
    """RGB (B, 3, H, W) in 0..1 -> the same, `share` of the photos with an even grey border, as scans of prints have:
    up to `widest` of their sides wide on each side. Generator as of `age`."""
    count, _, height, width = rgb.shape

    def uniform(*shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=generator, device=rgb.device)

    first, last = (uniform(2, 2) * widest).unbind(1)  # of rows and of columns, each (B, 2)
    inside = _between(first, 1 - last, height, width)
    tone = (2 * uniform(1, 1, 1) - 0.5).clamp(0, 1)  # mostly black or white
    plain = uniform(1, 1, 1) >= share
    return torch.where(plain | inside, rgb, tone)


def pasted(generator: torch.Generator, count: int, height: int, width: int, share: float) -> Tensor:
    """Where pictures get a rectangle of another one: bool (count, 1, height, width), some for `share` of the pictures
    (CutMix: Yun et al., ICCV 2019, section 3). On the generator's device.

    A rectangle's sides are 30 to 75% of the picture's.
    """

    def uniform(*shape: int) -> Tensor:
        return torch.rand(count, *shape, generator=generator, device=generator.device)

    side = 0.3 + 0.45 * uniform(2)
    first = uniform(2) * (1 - side)
    return _between(first, first + side, height, width) & (uniform(1, 1, 1) < share)


def _between(first: Tensor, last: Tensor, height: int, width: int) -> Tensor:
    """Rectangles from first (B, 2) to last (B, 2), as shares of rows and of columns -> bool (B, 1, height, width)."""

    def along(axis: int, length: int) -> Tensor:
        middle = (torch.arange(length, device=first.device) + 0.5) / length
        return (middle >= first[:, axis, None]) & (middle < last[:, axis, None])

    return (along(0, height)[:, :, None] & along(1, width)[:, None, :])[:, None]
