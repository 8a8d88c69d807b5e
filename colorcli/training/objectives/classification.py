"""Classification: the network's distribution over bins against the soft-encoded true colour."""

from __future__ import annotations

from functools import cached_property

from torch import Tensor

from colorcli.bins import Bins
from colorcli.color import rgb_to_yuv
from colorcli.models.classification import Classification as Network
from colorcli.models.colorunet import ColorUNet
from colorcli.training.losses import ab_like, rebalanced_cross_entropy, soft_cross_entropy
from colorcli.training.objectives.base import Objective
from colorcli.training.pictures.batches import Batch


class BinClassification(Objective):
    """Cross entropy with the soft-encoded truth (paper 000 section 3.1); where `rebalance` is above 0, each pixel is
    weighted by the rarity of its nearest bin (Zhang et al. 2016, section 2.2).

    The network gives logits (B, Q, h, w); the true ab is averaged down to its size.
    """

    LOSSES = ("cross_entropy",)
    model: Network

    def step(self, number: int, batch: Batch) -> dict[str, Tensor]:
        with self.place.autocast():
            logits = self.call(batch.seen_L)
        index, shares = self._bins.encode_sparse(ab_like(logits, batch.ab))
        weights = None
        if self.settings.rebalance:
            nearest = index.gather(-1, shares.argmax(-1, keepdim=True)).squeeze(-1)
            weights = self._weights.to(nearest.device)[nearest]
        loss = soft_cross_entropy(logits.float(), index, shares, weights)
        self.update("model", loss)
        return {"cross_entropy": loss.detach()}

    # both when the first step asks for them: a resumed run's bins are its checkpoint's
    @cached_property
    def _bins(self) -> Bins:
        return self.model.bins

    @cached_property
    def _weights(self) -> Tensor:
        return self._bins.class_weights(1 - self.settings.rebalance)


class PaletteClassification(Objective):
    """Cross entropy of the nearest colour of the palette, rare ones weighing more by `rebalance` (Billaut et al. 2018,
    paper 001 section 2.2).

    The network, a ColorUNet, gives logits (B, colours, h, w); the true UV is averaged down to its size.
    """

    LOSSES = ("cross_entropy",)
    model: ColorUNet

    def step(self, number: int, batch: Batch) -> dict[str, Tensor]:
        with self.place.autocast():
            logits = self.call(batch.seen_L)
        uv = ab_like(logits, rgb_to_yuv(batch.rgb)[:, 1:])
        loss = rebalanced_cross_entropy(logits.float(), self._bins.encode_hard(uv), self._weights.to(logits.device))
        self.update("model", loss)
        return {"cross_entropy": loss.detach()}

    # both when the first step asks for them: a resumed run's palette is its checkpoint's
    @cached_property
    def _bins(self) -> Bins:
        return self.model.bins

    @cached_property
    def _weights(self) -> Tensor:
        return self._bins.class_weights(1 - self.settings.rebalance)
