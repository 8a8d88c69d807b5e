"""Colorizer: a photo in, the same photo in colour out.

The network sees a small copy of the luminance. Its ab is brought to full size along the edges of L by a guided
filter (He et al. 2010, in the fast form of He and Sun 2015), and joined with the luminance of the source, which is
never resampled. Full-size work goes in bands of rows, so that memory stays near one copy of the picture.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from colorcli.color import saturated
from colorcli.device import choose_device, choose_precision
from colorcli.errors import ColorcliError, UsageError
from colorcli.fullsize import (
    BAND_PIXELS,
    BAND_ROWS,
    GUIDE_SIDE,
    GuidedChroma,
    _encode,
    _side_by_side,
    bounded,
    luminance,
    resized,
    shrunken,
)
from colorcli.guidance.base import Guidance
from colorcli.guidance.spread import spread
from colorcli.models.catalog import check_conditions, check_samples
from colorcli.photo import as_photo
from colorcli.weights.load import load_model

if TYPE_CHECKING:
    from pathlib import Path

    from colorcli.guidance.hints import Hints
    from colorcli.guidance.palette import Palette
    from colorcli.guidance.reference import Reference
    from colorcli.models.base import ColorModel
    from colorcli.photo import Photo

SMALLEST_SIZE, LARGEST_SIZE = 32, 2048  # px, what --size takes
MOST_AREA = 6  # the network's picture has at most this many times size * size pixels: panoramas get smaller
MIRRORED_TOGETHER = 256 * 1024  # px up to which pictures and their mirror images go through the network together
DARKEST, LIGHTEST = 10, 90  # L that the first and last percentile of a dark, light or faded photo are brought to
FADED_BLACK, FADED_WHITE = 30, 60  # L of those percentiles from which on a photo is one: wholly so 15 further
FADING = 1e-5  # of what hints change, by distance: `spread.spread`
STEEPEST = 4.0  # times that its contrast grows for that, at most


class Colorizer:
    """Colours photos with one model on one device.

    model: as `weights.load.load_model` gives it, or what it takes: NAME, NAME@WEIGHTS or a weights file. size:
    short side in px that the network sees, default the model's own. saturation: 0 (grey) to 4, see
    `color.saturated`, default the model's own. seed: of the noise, one for all photos, of models that take any.
    device, precision: see `device`; systems without a network compute in fp32. UsageError for values out of range
    or a device that is not there.
    """

    def __init__(
        self,
        model: ColorModel | str | Path,
        *,
        device: str = "auto",
        precision: str = "auto",
        size: int | None = None,
        saturation: float | None = None,
        seed: int = 0,
    ) -> None:
        if not isinstance(model, nn.Module):
            model = load_model(str(model))
        self.device = choose_device(device)
        chosen = choose_precision(precision, self.device)
        self.dtype = chosen if any(True for _ in model.parameters()) else torch.float32
        self.size = model.default_size if size is None else size
        self.saturation = model.default_saturation if saturation is None else saturation
        if not SMALLEST_SIZE <= self.size <= LARGEST_SIZE:
            raise UsageError(f"--size {self.size}: not within {SMALLEST_SIZE} to {LARGEST_SIZE} px")
        if not 0 <= self.saturation <= 4:
            raise UsageError(f"--saturation {self.saturation:g}: not within 0 to 4")
        self.name, self.weights_sha256 = model.label, model.weights_sha256
        self.model = _as_needed(model, self.device, self.dtype)
        self.seed = seed
        self.noise = self._noises(1)[0]

    def _noises(self, count: int) -> list[Tensor]:
        """The first noises of the seed, each (1, length)."""
        chance = torch.Generator().manual_seed(self.seed)
        drawn = [torch.randn(1, self.model.noise, generator=chance) for _ in range(count)]
        return [noise.to(self.device, self.dtype) for noise in drawn]

    def samples(self, count: int) -> list[Colorizer]:
        """Colorizers of this network that differ in their noise, for `count` colourings of a photo; this is the first.

        UsageError for more than one with a model whose colours follow from the photo alone.
        """
        check_samples(self.name, count, several=self.model.noise > 0)
        found = [self, *(copy.copy(self) for _ in range(count - 1))]
        for one, noise in zip(found, self._noises(count), strict=True):
            one.noise = noise
        return found

    def __call__(
        self,
        photo: Any,
        *,
        hints: Hints | None = None,
        reference: Reference | None = None,
        palette: Palette | None = None,
    ) -> Photo:
        """The photo in colour: pixels uint8 (H, W, 3) at the luminance of the source, all else carried over.

        photo: a Photo, or what `photo.as_photo` makes one of: a path, bytes, a PIL image, an array. hints, reference,
        palette: what the colours shall follow, for models that take it. UsageError if this model
        does not, or needs what is missing. ColorcliError if the network's colours are not finite numbers.
        """
        return self.many([as_photo(photo)], hints=hints, reference=reference, palette=palette)[0]

    def check_conditions(self, names: Iterable[str]) -> None:
        """UsageError unless the model takes all conditions of these names (of models.CONDITIONS) and needs no more."""
        check_conditions(self.name, self.model.takes, self.model.needs, list(names))

    @torch.inference_mode()
    def many(
        self,
        photos: Sequence[Photo],
        *,
        hints: Hints | None = None,
        reference: Reference | None = None,
        palette: Palette | None = None,
    ) -> list[Photo]:
        """Colour photos; those of one network shape go through the network together. Conditions are of each."""
        guidance = Guidance(hints, reference, palette)
        self.check_conditions(guidance.given)
        shrunk = [shrunken(photo.pixels) for photo in photos]
        small = [self._network_input(photo.pixels, less) for photo, less in zip(photos, shrunk, strict=True)]
        by_shape: dict[torch.Size, list[int]] = {}
        for i, L in enumerate(small):
            by_shape.setdefault(L.shape, []).append(i)
        done: dict[int, Photo] = {}
        for indices in by_shape.values():
            L = torch.cat([small[i] for i in indices])
            for i, ab in zip(indices, self._predict(L, guidance), strict=True):
                done[i] = replace(photos[i], pixels=self._full_size(photos[i].pixels, ab[None], shrunk[i], hints))
        return [done[i] for i in range(len(photos))]

    def _network_input(self, pixels: np.ndarray, shrunk: np.ndarray) -> Tensor:
        """L (1, 1, h, w) of the photo at the network's size, aspect ratio kept, not yet padded.

        Made from the shrunken copy where that is at least twice as large: much quicker for large photos.
        """
        height, width = pixels.shape[:2]
        scale = self.size / min(height, width)
        scale *= min(1.0, (MOST_AREA * self.size**2 / (height * width * scale**2)) ** 0.5)
        shape = bounded((height * scale, width * scale), self.model.multiple, 2 * MOST_AREA * self.size**2)
        fine = max(1, round(shape[0] * self.model.detail)), max(1, round(shape[1] * self.model.detail))
        small = resized(shrunk if min(shrunk.shape[:2]) >= 2 * min(fine) else pixels, fine)
        return luminance(small if fine == shape else resized(small, shape))

    def _predict(self, L: Tensor, guidance: Guidance) -> Tensor:
        """L (B, 1, h, w) and what guides all of them -> ab (B, 2, h, w) float32, for most models the mean over the
        picture and its mirror image, both with their tones evened; at hints as asked."""
        maps, beside = guidance.maps(*L.shape[-2:]), guidance.beside(*L.shape[-2:])
        seen, steeper = evened(L) if self.model.evens_tone else (L, torch.ones(1))
        shown = {**maps, "hint_ab": maps["hint_ab"] * steeper.max()} if "hint_ab" in maps else maps
        predict = self._both_ways if self.model.averages_mirror else self._pass
        ab = predict(seen, shown, beside) / steeper
        if "hint_ab" in maps and self.model.hint_share < 1:
            plain = {name: each for name, each in maps.items() if not name.startswith("hint_")}
            ab = (predict(seen, plain, beside) / steeper).lerp(ab, self.model.hint_share)
        if not bool(ab.isfinite().all()):
            hint = "" if self.dtype == torch.float32 else "; try --precision fp32"
            raise ColorcliError(f"{self.name} gave colours that are not numbers{hint}")
        ab = saturated(ab.clamp(-128, 128), self.saturation)
        return _as_asked(L, ab, maps["hint_ab"], maps["hint_mask"]) if "hint_ab" in maps else ab

    def _both_ways(self, L: Tensor, maps: dict[str, Tensor], beside: dict[str, Tensor]) -> Tensor:
        """The mean of `_pass` over pictures and mirror images, of small pictures in one pass."""
        if maps or L.numel() > MIRRORED_TOGETHER:
            ab = self._pass(L, maps, beside)
            other = self._pass(L.flip(-1), {name: each.flip(-1) for name, each in maps.items()}, beside)
        else:
            ab, other = self._pass(torch.cat([L, L.flip(-1)]), {}, beside).chunk(2)
        return (ab + other.flip(-1)) / 2

    def _pass(self, L: Tensor, maps: dict[str, Tensor], beside: dict[str, Tensor]) -> Tensor:
        """One pass of the network over pictures, they and their maps padded to its multiple; as `_predict`."""
        height, width = L.shape[-2:]
        padding = (0, -width % self.model.multiple, 0, -height % self.model.multiple)
        padded = F.pad(L, padding, mode="replicate").to(self.device, self.dtype)
        given = {name: F.pad(each, padding) for name, each in maps.items()} | beside
        given = {name: each.to(self.device, self.dtype).expand(len(L), *each.shape[1:]) for name, each in given.items()}
        if self.model.noise:  # the same for a picture and its mirror image
            given["noise"] = self.noise.expand(len(L), -1)
        predict: Any = self.model.predict_ab  # its further arguments differ from model to model
        return predict(padded, **given)[..., :height, :width].float()

    def _full_size(self, pixels: np.ndarray, ab: Tensor, shrunk: np.ndarray, hints: Hints | None) -> np.ndarray:
        """pixels (H, W[, 3]), ab (1, 2, h, w) and the shrunken copy of pixels -> uint8 (H, W, 3)."""
        height, width = pixels.shape[:2]
        asked = None
        if hints is not None:
            maps = hints.maps(*shrunk.shape[:2])
            asked = maps["hint_ab"].to(self.device), maps["hint_mask"].to(self.device)
        chroma = GuidedChroma(luminance(shrunk).to(self.device), ab, (height, width), asked)
        out = np.empty((height, width, 3), np.uint8)
        rows = max(1, min(BAND_ROWS, BAND_PIXELS[self.device.type] // width))

        def colour(top: int) -> None:
            with torch.inference_mode():
                L = luminance(pixels[top : top + rows]).to(self.device)
                _encode(chroma.band(top, L), out[top : top + rows])

        _side_by_side(colour, range(0, height, rows), self.device)
        return out


def _as_needed(model: ColorModel, device: torch.device, dtype: torch.dtype) -> ColorModel:
    """The network in eval mode on `device` in `dtype`: itself if it is so, else a copy; the caller's does not change.

    Its layout in memory may: channels last are quicker.
    """
    tensors = [*model.parameters(), *model.buffers()]
    wanted = {id(t): t.detach().to(device, dtype if t.is_floating_point() else t.dtype) for t in tensors}
    if not model.training and all(wanted[id(tensor)].data_ptr() == tensor.data_ptr() for tensor in tensors):
        return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    memo: dict[int, Any] = {**wanted}
    for parameter in model.parameters():
        memo[id(parameter)] = nn.Parameter(wanted[id(parameter)], requires_grad=False)
    return copy.deepcopy(model, memo).eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _as_asked(L: Tensor, ab: Tensor, hint_ab: Tensor, hint_mask: Tensor) -> Tensor:
    """ab (B, 2, h, w) brought to hint_ab (1, 2, h, w) where hint_mask (1, 1, h, w) is 1: what is missing there spreads
    over pixels of like luminance L (B, 1, h, w), and fades with distance."""
    missing = ((hint_ab.to(ab) - ab) * hint_mask.to(ab)).cpu()
    pairs = zip(L.cpu(), missing, strict=True)
    return ab + torch.stack([spread(light, more, hint_mask[0], FADING) for light, more in pairs]).to(ab)


def evened(L: Tensor) -> tuple[Tensor, Tensor]:
    """L (B, 1, h, w) of photos -> the same with the tones of dark, light and faded ones spread to DARKEST..LIGHTEST,
    and how many times each one's contrast grew, (B, 1, 1, 1): its colours are so many times too strong for it."""
    every = max(1, min(L.shape[-2:]) // GUIDE_SIDE)  # quantile takes no more than 16 million values
    some = L[..., ::every, ::every].flatten(1)
    black, white = torch.quantile(some, L.new_tensor([0.01, 0.99]), dim=1)[..., None, None, None]
    share = (torch.maximum(black - FADED_BLACK, FADED_WHITE - white) / 15).clamp(0, 1)
    to_black, to_white = black.lerp(black.clamp(max=DARKEST), share), white.lerp(white.clamp(min=LIGHTEST), share)
    steeper = ((to_white - to_black) / (white - black).clamp_min(1)).clamp(max=STEEPEST)
    return ((to_black + to_white) / 2 + (L - (black + white) / 2) * steeper).clamp(0, 100), steeper
