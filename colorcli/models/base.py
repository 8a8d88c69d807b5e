"""The one contract of every model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

if TYPE_CHECKING:
    from colorcli.bins import Bins


class ColorModel(nn.Module):
    """A colorizer: `forward` gives the paper's native output for its loss, `predict_ab` colours.

    Attributes that `weights.load_model` fills: label ("gan@photo", or a file's stem), weights_sha256,
    default_size (short side in px that the network works best at), default_saturation, and detail, the share of that
    size that the photo is shrunk to, and then enlarged from, for a network that learned from soft pictures.
    `models.build` fills takes and needs, the conditions of its Spec, which come as further arguments of `predict_ab`.
    """

    label: str = "untrained"
    weights_sha256: str = ""
    multiple: int = 1  # sides of L are multiples of this
    ab_scale: float = 100.0  # one unit of the ab that `forward` gives, in Lab units
    default_size: int = 128
    default_saturation: float = 1.0
    detail: float = 1.0
    predicts_rgb: bool = False  # whether the paper's output is a whole picture, which `predict_rgb` gives
    noise: int = 0  # length of the noise vector that a prediction draws from torch's generator
    evens_tone: bool = True  # whether it sees very dark and faded photos with their tones spread, see `engine.evened`
    hint_share: float = 1.0  # of what hints change in its colours: the engine spreads the rest itself, along edges
    averages_mirror: bool = True  # whether the mean with the mirror image's colours is better than either
    takes: tuple[str, ...] = ()  # the catalog's, but where a class says so itself
    needs: tuple[str, ...] = ()

    def __init__(self, **config: Any) -> None:
        super().__init__()
        self.config = config  # what rebuilds this network, kept in the weights file

    def predict_ab(self, L: Tensor) -> Tensor:
        """L (B, 1, H, W) in 0..100 -> ab (B, 2, H, W) in Lab units, in the dtype of the weights."""
        raise NotImplementedError

    def predict_rgb(self, L: Tensor) -> Tensor:
        """L (B, 1, H, W) in 0..100 -> RGB (B, 3, H, W) in 0..1: the picture of which `predict_ab` gives the ab.

        Only for systems that predict RGB; its luminance is not the input's.
        """
        raise NotImplementedError

    def adopt(self, bins: Bins) -> None:
        """Take the bins that the output tells colours in. Only for systems whose recipe has `bins`.

        UsageError for bins of another space or number than the network's.
        """
        raise NotImplementedError

    def learning_rates(self) -> list[tuple[float, list[nn.Parameter]]]:
        """Groups of parameters, each with its factor on the learning rate."""
        return [(1.0, list(self.parameters()))]

    def discriminator(self) -> nn.Module:
        """The network that is trained against this one: (B, 3, h, w), L / 100 and ab / ab_scale at the size of
        `forward`'s ab, -> logits of "real". Only for systems that are trained so."""
        raise NotImplementedError
