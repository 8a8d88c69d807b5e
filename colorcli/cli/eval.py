"""`colorcli eval`."""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from colorcli.cli.colorize import Precision
from colorcli.cli.progress import counting_bar, put, say
from colorcli.errors import PARTIAL_FAILURE, UsageError

if TYPE_CHECKING:
    from colorcli.bins import Bins
    from colorcli.evaluation.evaluate import Evaluation

THUMB = 160  # px of a picture in the contact sheet
PLAIN_WIDTH = 180  # of the table where stdout is no terminal
EXAMPLES = """Examples:

colorcli eval --dataset cifar10 --download --model gan --format markdown

colorcli eval --dataset photos --model gan --weights runs/new/model.safetensors --grid sheet.png
"""


class Format(str, Enum):
    """How the scores are printed."""

    table = "table"
    markdown = "markdown"
    json = "json"
    csv = "csv"


def eval_command(
    dataset: Annotated[
        str,
        typer.Option(metavar="cifar10|FOLDER", help="The CIFAR-10 test images, or photos.", show_default=False),
    ],
    models: Annotated[
        list[str] | None,
        typer.Option("--model", metavar="NAME[@WEIGHTS]", help="Repeat for more; all: every one that is there."),
    ] = None,
    weights: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A weights file to measure as well; repeat for more.")
    ] = None,
    data_root: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where CIFAR-10 lies. Default: COLORCLI_DATA, else the cache.")
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Get CIFAR-10 (170 MB) from its authors if it is not there.")
    ] = False,
    bins: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Of `colorcli quantize-bins`: adds the AuC in which rare colours count as much."
        ),
    ] = None,
    no_cast: Annotated[
        bool,
        typer.Option("--no-cast", help="Take the mean a and b out of each true photo first: old film has a cast."),
    ] = False,
    hints: Annotated[
        int,
        typer.Option(metavar="N", min=0, help="Give every model N points at random places, in their true colours."),
    ] = 0,
    limit: Annotated[int | None, typer.Option(metavar="N", min=1, help="Only the first N images.")] = None,
    format: Annotated[Format, typer.Option(help="How the scores are printed.")] = Format.table,
    grid: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a contact sheet: grey | each model | truth.")
    ] = None,
    grid_count: Annotated[int, typer.Option(metavar="N", min=1, help="Rows of the contact sheet.")] = 8,
    save_images: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write every result to DIR/MODEL/NAME.png.")
    ] = None,
    device: Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    precision: Annotated[Precision, typer.Option(help="Number format of the network.")] = Precision.auto,
    size: Annotated[
        int | None, typer.Option(metavar="PX", help="Short side that the network sees. Default: each model's own.")
    ] = None,
    saturation: Annotated[
        float | None, typer.Option(metavar="FACTOR", help="Stronger or paler colours. Default: each model's own.")
    ] = None,
    batch_size: Annotated[int | None, typer.Option(metavar="N", min=1, help="Images in one pass.")] = None,
    seed: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, help="Random seed of the noise that some systems draw, and of the places of --hints."
        ),
    ] = 0,
) -> None:
    """Measure models against the truth, beside leaving the pictures grey.

    Without a model it prints the grey row alone.
    """
    _check_outputs(dataset, grid, save_images)
    if dataset == "cifar10" and size is not None:
        raise UsageError("--size is for photos: CIFAR-10 is measured at its 32 x 32 px")
    if dataset == "cifar10" and (no_cast or hints):
        raise UsageError(f"{'--no-cast' if no_cast else '--hints'} is for photos, not for CIFAR-10")
    if dataset != "cifar10" and download:
        raise UsageError("--download is for --dataset cifar10")
    from colorcli.engine import Colorizer
    from colorcli.evaluation.evaluate import evaluate, load_models
    from colorcli.evaluation.protocols import open_dataset

    priors = _ab_bins(bins)
    images = open_dataset(
        dataset,
        data_root=data_root,
        limit=limit,
        batch_size=batch_size,
        download=download,
        no_cast=no_cast,
        hints=hints,
        seed=seed,
    )
    loaded = load_models([*(models or []), *(weights or [])], dataset)
    colorizers = {
        name: Colorizer(model, device=device, precision=precision.value, size=size, saturation=saturation, seed=seed)
        for name, model in loaded.items()
    }
    for colorizer in colorizers.values() if hints else ():
        colorizer.check_conditions(["hints"])
    with counting_bar() as advance:
        result = evaluate(
            images,
            colorizers,
            samples=grid_count if grid else 0,
            save_images=save_images,
            seed=seed,
            bins=priors,
            on_progress=lambda done: advance(done, len(images)),
        )
    if grid:
        _write_grid(result, grid)
    _print(result, format)
    for line in result.failed:
        say(f"colorcli: {line}")
    if result.failed:
        raise typer.Exit(PARTIAL_FAILURE)


def _check_outputs(dataset: str, grid: Path | None, save_images: Path | None) -> None:
    """What is written must be writable, and never lie among the photos that are measured."""
    for option, path in (("--grid", grid), ("--save-images", save_images)):
        if path is not None and Path(dataset).is_dir() and Path(dataset).resolve() in (path / "x").resolve().parents:
            raise UsageError(f"{option} {path} lies in the dataset: it would be measured the next time")
    if save_images is not None and save_images.exists() and not save_images.is_dir():
        raise UsageError(f"--save-images {save_images}: not a folder")
    if grid is None:
        return
    from PIL import Image

    if grid.suffix.lower() not in Image.registered_extensions():
        raise UsageError(f"--grid {grid}: give it the suffix of a picture, such as .png")
    if not grid.parent.is_dir():
        raise UsageError(f"--grid {grid}: no such folder: {grid.parent}")


def _ab_bins(path: Path | None) -> Bins | None:
    from colorcli.bins import load_bins

    bins = None if path is None else load_bins(path)
    if bins is not None and bins.space != "ab":
        raise UsageError(f"--bins {path}: bins of {bins.space}, not of ab")
    return bins


def _write_grid(result: Evaluation, path: Path) -> None:
    from PIL import Image

    from colorcli.evaluation.sheet import contact_sheet
    from colorcli.files import atomic_write

    with atomic_write(path) as file:
        contact_sheet(result.samples, THUMB).save(file, Image.registered_extensions()[path.suffix.lower()])


def _print(result: Evaluation, format: Format) -> None:
    from colorcli.evaluation import tables

    if format is not Format.table:
        put(tables.TEXT_FORMATS[format.value](result))
        return
    from rich.console import Console

    console = Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH)
    console.print(tables.rich_table(result))
