"""`scribbles`: a user's strokes spread over pixels of similar luminance (Levin, Lischinski, Weiss 2004; paper 001
section 2). A sparse system of equations: no network, no weights.
"""

from __future__ import annotations

import torch
from torch import Tensor

from colorcli.errors import UsageError
from colorcli.guidance.spread import spread
from colorcli.models.base import ColorModel


class Scribbles(ColorModel):
    """Minimises the sum over pixels of (U(r) - sum over neighbours s of w(r, s) U(s))^2, U being a or b, with U given
    under the strokes; w falls with the difference of luminance. Ties are made symmetric, w(r, s) from the lesser
    of both variances: at the minimum, which is 0, each U(r) is the weighted mean of its neighbours.
    """

    evens_tone = False
    averages_mirror = False  # it treats left and right alike
    default_size = 256

    def predict_ab(self, L: Tensor, hint_ab: Tensor | None = None, hint_mask: Tensor | None = None) -> Tensor:
        """L (B, 1, H, W) in 0..100 -> ab (B, 2, H, W) in Lab units, computed on the CPU.

        hint_ab (B, 2, H, W) in Lab units is kept where hint_mask (B, 1, H, W) is 1. All grey without a single hint;
        UsageError where hints are not given at all.
        """
        if hint_ab is None or hint_mask is None:
            raise UsageError("scribbles needs hints: it only spreads the colours that it is given")
        pictures = zip(L.float().cpu(), hint_ab.float().cpu(), hint_mask.cpu(), strict=True)
        return torch.stack([spread(*picture) for picture in pictures]).to(L)
