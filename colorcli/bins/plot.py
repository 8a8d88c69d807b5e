"""A picture of bins: each in its own colour, beside how common it is."""

from __future__ import annotations

import math

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from colorcli.bins.bins import Bins

SIDE = 520  # px of a plane
LEFT, TOP, BOTTOM, GAP = 78, 56, 62, 96  # px around the planes and between them
BAR, BAR_GAP, RIGHT = 18, 18, 84  # px: the legend's width, its distance, and room for its numbers
FONT_SIZE, TITLE_SIZE = 15, 17
PAPER, INK, FRAME, ZERO = (255, 255, 255), (20, 20, 20), (120, 120, 120), (190, 190, 190)
# from rare to common, evenly lighter
RAMP = ((0.16, 0.05, 0.33), (0.23, 0.32, 0.55), (0.13, 0.57, 0.55), (0.37, 0.79, 0.38), (0.99, 0.91, 0.14))


def plot(bins: Bins) -> Image.Image:
    """The plane twice, one axis across and the other upwards: the bins' colours, and log10 of their prior."""
    reach = _reach(bins)
    owner, edge = _cells(bins, reach)
    low, high = _decades(bins.prior)
    shades = (np.log10(np.maximum(bins.prior, 10.0**low)) - low) / (high - low)
    size = LEFT + 2 * SIDE + GAP + BAR_GAP + BAR + RIGHT, TOP + SIDE + BOTTOM
    sheet = Image.new("RGB", size, PAPER)
    for i, colours in enumerate((_own_colours(bins), _ramp(shades))):
        sheet.paste(_painted(owner, edge, colours), (LEFT + i * (SIDE + GAP), TOP))
    draw = ImageDraw.Draw(sheet)
    level = "L = 60" if bins.space == "ab" else "Y = 0.5"
    _axes(draw, LEFT, reach, bins, f"{len(bins)} bins in their own colours, {level}")
    _axes(draw, LEFT + SIDE + GAP, reach, bins, f"How common they are: {bins.source}")
    _legend(sheet, draw, LEFT + 2 * SIDE + GAP + BAR_GAP, low, high, rarer=bool(bins.prior.min() < 10.0**low))
    return sheet


def _reach(bins: Bins) -> float:
    """The axes go from -reach to reach: all bins, and a little room."""
    return float(np.abs(bins.centres).max()) + bins.grid


def _cells(bins: Bins, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Which bin each pixel of a plane shows, -1 for none, and which pixels part two of them: both (SIDE, SIDE)."""
    across = ((np.arange(SIDE) + 0.5) / SIDE * 2 - 1) * reach * 1.0001  # no pixel lies just between two bins
    first, second = np.meshgrid(across, -across)  # the second axis goes up
    points = np.stack([first, second]).astype(np.float32)
    owner = bins.encode_hard(torch.from_numpy(points)[None])[0].numpy()
    distance = np.abs(points - bins.centres[owner].transpose(2, 0, 1)).max(0)
    owner = np.where(distance <= bins.grid / 2, owner, -1)
    edge = np.zeros(owner.shape, bool)
    edge[1:] |= owner[1:] != owner[:-1]
    edge[:, 1:] |= owner[:, 1:] != owner[:, :-1]
    return owner, edge


def _painted(owner: np.ndarray, edge: np.ndarray, colours: np.ndarray) -> Image.Image:
    pixels = np.concatenate([colours, [PAPER]]).astype(np.uint8)[owner]  # -1 is the last
    pixels[edge] = PAPER
    return Image.fromarray(pixels)


def _own_colours(bins: Bins) -> np.ndarray:
    """(Q, 3) in 0..255."""
    chroma = torch.tensor(bins.centres).T[None, ..., None]
    return (bins.plane.to_rgb(chroma)[0, ..., 0].T * 255).round().numpy()


def _ramp(x: np.ndarray) -> np.ndarray:
    """x (N,) in 0..1 -> (N, 3) in 0..255."""
    stops = np.linspace(0, 1, len(RAMP))
    return np.stack([np.interp(x, stops, channel) for channel in np.transpose(RAMP)], 1) * 255


def _decades(prior: np.ndarray) -> tuple[int, int]:
    """Whole powers of ten around the prior, at most eight of them."""
    high = math.ceil(math.log10(prior.max()) - 1e-9)
    low = math.floor(math.log10(max(prior.min(), 1e-300)) + 1e-9)
    return max(min(low, high - 1), high - 8), high


def _axes(draw: ImageDraw.ImageDraw, left: int, reach: float, bins: Bins, title: str) -> None:
    font, bottom, middle = ImageFont.load_default(FONT_SIZE), TOP + SIDE, SIDE / 2
    step = next(s for s in (50.0, 25.0, 0.2, 0.1) if s < reach * 0.75)
    for i in range(-int(reach / step), int(reach / step) + 1):
        at, label = i * step / reach * middle, f"{i * step:g}"
        x, y = left + middle + at, TOP + middle - at
        draw.line((x, bottom, x, bottom + 6), FRAME)
        draw.text((x, bottom + 10), label, INK, font, anchor="mt")
        draw.line((left - 6, y, left, y), FRAME)
        draw.text((left - 10, y), label, INK, font, anchor="rm")
    draw.rectangle((left, TOP, left + SIDE, bottom), outline=FRAME)
    draw.text((left + middle, bottom + 34), bins.plane.axes[0], INK, font, anchor="mt")
    draw.text((left - 56, TOP + middle), bins.plane.axes[1], INK, font, anchor="mm")
    draw.text((left + middle, TOP - 16), _fitting(title), INK, ImageFont.load_default(TITLE_SIZE), anchor="ms")


def _fitting(title: str) -> str:
    """As much of a title as a plane is wide, with dots for the rest."""
    font, text = ImageFont.load_default(TITLE_SIZE), title
    while font.getlength(text) > SIDE + GAP / 2:
        text = text.removesuffix("...")[:-1] + "..."
    return text


def _legend(sheet: Image.Image, draw: ImageDraw.ImageDraw, left: int, low: int, high: int, rarer: bool) -> None:
    font = ImageFont.load_default(FONT_SIZE)
    bar = np.repeat(_ramp(np.linspace(1, 0, SIDE))[:, None], BAR, 1).round().astype(np.uint8)
    sheet.paste(Image.fromarray(bar), (left, TOP))
    draw.rectangle((left, TOP, left + BAR, TOP + SIDE), outline=FRAME)
    draw.text((left + BAR / 2, TOP - 18), "share", INK, font, anchor="ms")
    for power in range(low, high + 1):
        y = TOP + SIDE * (high - power) / (high - low)
        draw.line((left + BAR, y, left + BAR + 5, y), FRAME)
        text = ("<" if power == low and rarer else "") + (f"{10.0**power:g}" if power > -4 else f"1e{power}")
        draw.text((left + BAR + 9, y), text, INK, font, anchor="lm")
