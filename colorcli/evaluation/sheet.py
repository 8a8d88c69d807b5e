"""Contact sheets: pictures side by side in labelled columns, as figure 4 of paper 000."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

GAP = 4  # px between pictures
LABEL_HEIGHT, FONT_SIZE = 20, 13
PAPER, INK = (255, 255, 255), (0, 0, 0)


def contact_sheet(columns: Mapping[str, Sequence[np.ndarray]], thumb: int = 160) -> Image.Image:
    """One column a label, one row for each picture: {"grey": [...], "gan": [...], "truth": [...]}.

    Pictures are uint8 (H, W) or (H, W, 3), of any size; each is fitted into thumb x thumb px with its aspect
    ratio kept, tiny ones enlarged by whole factors so that their pixels stay sharp. ValueError if the columns
    differ in length or hold nothing.
    """
    lengths = {len(pictures) for pictures in columns.values()}
    if len(lengths) != 1 or lengths == {0}:
        raise ValueError(f"columns of one length are needed, not {sorted(lengths)}")
    rows = [[Image.fromarray(fitted(p, thumb)) for p in row] for row in zip(*columns.values(), strict=True)]
    heights = [max(picture.height for picture in row) for row in rows]
    width = max(picture.width for row in rows for picture in row)
    size = GAP + len(columns) * (width + GAP), LABEL_HEIGHT + GAP + sum(heights) + GAP * len(rows)
    sheet = Image.new("RGB", size, PAPER)
    _write_labels(sheet, list(columns), width)
    top = LABEL_HEIGHT + GAP
    for row, height in zip(rows, heights, strict=True):
        for i, picture in enumerate(row):
            left = GAP + i * (width + GAP) + (width - picture.width) // 2
            sheet.paste(picture, (left, top + (height - picture.height) // 2))
        top += height + GAP
    return sheet


def fitted(pixels: np.ndarray, side: int) -> np.ndarray:
    """uint8 (H, W[, 3]) -> uint8 (h, w, 3) whose longer side is `side` px, or near it for a tiny picture."""
    picture = Image.fromarray(pixels).convert("RGB")
    longest = max(picture.size)
    if longest > side:
        scale = side / longest
        size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
        return np.asarray(picture.resize(size, Image.Resampling.LANCZOS))
    factor = side // longest
    return np.asarray(picture).repeat(factor, axis=0).repeat(factor, axis=1)


def _write_labels(sheet: Image.Image, labels: list[str], width: int) -> None:
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(FONT_SIZE)
    for i, label in enumerate(labels):
        middle = GAP + i * (width + GAP) + width / 2
        draw.text((middle, LABEL_HEIGHT / 2), _shortened(label, width, font), INK, font, anchor="mm")


def _shortened(label: str, width: int, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> str:
    """As much of the label as `width` px hold, with dots for the rest."""
    text = label
    while font.getlength(text) > width and len(text) > 3:
        text = text.removesuffix("...")[:-1] + "..."
    return text
