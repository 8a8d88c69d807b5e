"""How good a model's photos are, to the eye and in numbers: contact sheets, a table of sizes and saturations, and how
little the colours move with what should not move them.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from torch import Tensor

from colorcli.color import grey_of, lab_to_rgb, merge, rgb_to_lab
from colorcli.engine import Colorizer
from colorcli.evaluation.evaluate import Evaluation, evaluate
from colorcli.evaluation.metrics import as_unit, ciede2000, colourfulness
from colorcli.evaluation.protocols import PhotoFolder
from colorcli.evaluation.sheet import contact_sheet
from colorcli.photo import Photo, read_photo
from colorcli.training.pictures.augment import filmed
from colorcli.weights.load import load_model

PLAIN_WIDTH = 120  # columns, where no terminal says how many it has
ROWS = 10  # photos on a contact sheet
THUMB = 220  # px
ORTHOCHROMATIC = 0.02, 0.53, 0.45  # of R, G and B: what films saw before the 1920s, nearly no red
SMALL, LARGE = 512, 4000  # px, the longer sides of two copies of a photo


def main(
    folder: Path,
    names: Sequence[str],
    sizes: Sequence[int | None],
    saturations: Sequence[float | None],
    sheets: Path | None,
    count: int,
    copies: int,
    limit: int | None,
) -> None:
    """Measure and print the tables; write sheets of `count` photos if `sheets` is a folder to write to."""
    models = [load_model(weights=Path(name)) if Path(name).is_file() else load_model(name) for name in names]
    photos = PhotoFolder(folder, limit)
    tried = [Colorizer(m, device="cpu", size=px, saturation=by) for m, px, by in product(models, sizes, saturations)]
    settings = {f"{one.name} {one.size} px x{one.saturation:g}": one for one in tried}
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=len(photos))
        kept = min(count, len(photos)) if sheets else 0
        result = evaluate(photos, settings, samples=kept, on_progress=lambda done: bar.update(task, completed=done))
    console = Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH)
    console.print(_scores(result, settings))
    if sheets:
        written = write_sheets(result, sheets)
        console.print(f"{len(written)} contact sheets: {written[0]} to {written[-1].name}")
    if copies:
        spread = np.linspace(0, len(photos) - 1, min(copies, len(photos))).round().astype(int)
        as_they_come = {model.label: Colorizer(model, device="cpu") for model in models}
        console.print(_moves(as_they_come, [photos.files[i] for i in spread]))


def _scores(result: Evaluation, settings: Mapping[str, Colorizer]) -> Table:
    """Each setting's scores over those of the grey row."""
    grey = result.rows[0].scores
    table = Table(title=f"{result.images} photos of {result.dataset}, over leaving them grey")
    for heading in ("", "size", "saturation", "PSNR", "CIEDE2000", "AuC", "colourful"):
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    for row in result.rows[2:]:
        setting = settings[row.name]
        psnr, difference, auc = (row.scores[m].value - grey[m].value for m in ("psnr", "ciede2000", "ab_auc"))
        share = row.scores["colourfulness_ratio"].value
        change = f"{psnr:+.2f} dB", f"{difference / grey['ciede2000'].value:+.1%}", f"{auc:+.4f}"
        table.add_row(setting.name, str(setting.size), f"{setting.saturation:g}", *change, f"{share:.0%}")
    return table


def write_sheets(result: Evaluation, folder: Path) -> list[Path]:
    """The kept samples as PNG contact sheets of ROWS photos in `folder`: grey | each setting | truth."""
    folder.mkdir(parents=True, exist_ok=True)
    count = len(result.samples["truth"])
    paths = []
    for first in range(0, count, ROWS):
        page = {label: pictures[first : first + ROWS] for label, pictures in result.samples.items()}
        paths.append(folder / f"quality-{first // ROWS + 1:02d}.png")
        contact_sheet(page, THUMB).save(paths[-1])
    return paths


def copies_of(pixels: np.ndarray, seed: int = 0) -> dict[str, np.ndarray]:
    """Pixels of a Photo -> the photo without its colours, in states that should get the same ones: uint8 (h, w) or
    (h, w, 3).

    The first is what the others are compared with.
    """
    grey = grey_of(pixels)
    image = Image.fromarray(grey)
    film = Image.fromarray(_on_film(pixels) if pixels.ndim == 3 else grey)
    small = np.asarray(_enlarged(image, SMALL))
    tone = small / 255
    grain = np.random.default_rng(seed).normal(0, 12, small.shape)
    jpeg = io.BytesIO()
    Image.fromarray(small).save(jpeg, "JPEG", quality=20)
    states = {
        f"{LARGE} px instead of {SMALL}": np.asarray(_enlarged(image, LARGE)),
        "a third as bright": 255 * tone / 3,
        "two thirds of the way to white": 255 * (2 + tone) / 3,
        "grain of 12 levels": small + grain,
        "orthochromatic film": np.asarray(_enlarged(film, SMALL)),
        "sepia": small[..., None] * np.array([1.0, 0.86, 0.67]),
        "JPEG quality 20": np.asarray(Image.open(jpeg)),
    }
    return {f"{SMALL} px": small} | {name: x.clip(0, 255).round().astype(np.uint8) for name, x in states.items()}


def _on_film(rgb: np.ndarray) -> np.ndarray:
    """uint8 (H, W, 3) -> uint8 (H, W): the photo on ORTHOCHROMATIC film."""
    L = filmed(as_unit(torch.from_numpy(rgb).movedim(-1, 0)[None]), torch.tensor(ORTHOCHROMATIC).view(3, 1, 1))
    return (lab_to_rgb(F.pad(L, (0, 0, 0, 0, 0, 2)))[0, 1] * 255).round().to(torch.uint8).numpy()


def _enlarged(image: Image.Image, longer: int) -> Image.Image:
    scale = longer / max(image.size)
    size = max(1, round(image.width * scale)), max(1, round(image.height * scale))
    return image.resize(size, Image.Resampling.LANCZOS)


def _moves(colorizers: Mapping[str, Colorizer], files: Sequence[Path]) -> Table:
    """How far the colours of each state are from those of the first, on the L of the first; and how strong they are."""
    found: dict[str, dict[str, list[tuple[float, float]]]] = {name: {} for name in colorizers}
    for file in files:
        states = copies_of(read_photo(file).pixels)
        for name, colorizer in colorizers.items():
            plain, *others = (_lab(colorizer(Photo(state)).pixels) for state in states.values())
            strength = float(colourfulness(merge(*plain.split((1, 2), 1))))
            for state, lab in zip(list(states)[1:], others, strict=True):
                ab = F.interpolate(lab[:, 1:], size=plain.shape[-2:], mode="area")
                moved = torch.cat([plain[:, :1], ab], 1)
                shown = float(colourfulness(merge(*moved.split((1, 2), 1))))
                found[name].setdefault(state, []).append(
                    (float(ciede2000(moved, plain).mean()), shown / max(strength, 1e-6))
                )
    table = Table(title=f"The same {len(files)} photos in other states: how far their colours move")
    for heading in ("", "state", "mean CIEDE2000", "of the colourfulness"):
        table.add_column(heading, justify="right" if heading.startswith(("mean", "of")) else "left")
    for name, row in found.items():
        for state, values in row.items():
            difference, share = np.mean(values, axis=0)
            table.add_row(name, state, f"{difference:.2f}", f"{share:.0%}")
    return table


def _lab(pixels: np.ndarray) -> Tensor:
    """uint8 (H, W, 3) -> Lab (1, 3, H, W)."""
    return rgb_to_lab(as_unit(torch.from_numpy(pixels).movedim(-1, 0)[None]))
