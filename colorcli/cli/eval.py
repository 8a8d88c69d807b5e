"""`colorcli eval`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from colorcli.cli import options
from colorcli.cli.progress import counting_bar, put, say
from colorcli.errors import PARTIAL_FAILURE, UsageError

if TYPE_CHECKING:
    from colorcli.bins import Bins
    from colorcli.evaluation.evaluate import Evaluation

EXAMPLES = """Examples:

colorcli eval --dataset cifar10 --download --model gan --format markdown

colorcli eval --dataset photos --model gan --weights runs/new/model.safetensors --grid sheet.png
"""


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
    data_root: Annotated[Path | None, options.data_root()] = None,
    download: Annotated[bool, options.download()] = False,
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
    format: Annotated[options.Format, typer.Option(help="How the scores are printed.")] = options.Format.table,
    grid: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a contact sheet: grey | each model | truth.")
    ] = None,
    grid_count: Annotated[int, typer.Option(metavar="N", min=1, help="Rows of the contact sheet.")] = 8,
    save_images: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write every result to DIR/MODEL/NAME.png.")
    ] = None,
    overwrite: Annotated[bool, options.overwrite("Replace a contact sheet and results that are there.")] = False,
    device: Annotated[str, options.device()] = "auto",
    precision: Annotated[options.Precision, options.precision()] = options.Precision.auto,
    size: Annotated[int | None, options.size()] = None,
    saturation: Annotated[float | None, options.saturation()] = None,
    batch_size: Annotated[int | None, options.batch_size("Images in one pass of the network.")] = None,
    seed: Annotated[int, options.seed("Random seed of noise, where systems draw it, and of --hints.")] = 0,
) -> None:
    """Measure models against the truth, beside leaving the pictures grey.

    Without a model it prints the grey row alone.
    """
    _check_outputs(dataset, grid, save_images, overwrite)
    options.check_saturation(saturation)
    for name in models or []:
        options.tell_new_name(name)
    if dataset != "cifar10" and data_root is not None:
        say("note: --data-root is for --dataset cifar10: without effect here")
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
    _print(result, format)
    if grid:
        from colorcli.evaluation.sheet import contact_sheet

        options.write_picture(contact_sheet(result.samples, options.THUMB), grid)
    for line in result.failed:
        say(f"colorcli: {line}")
    if result.failed:
        raise typer.Exit(PARTIAL_FAILURE)


def _check_outputs(dataset: str, grid: Path | None, save_images: Path | None, overwrite: bool) -> None:
    """What is written must be writable, replace nothing unasked, and never lie among the photos that are measured."""
    if grid is not None:
        options.check_picture("--grid", grid, overwrite=overwrite, outside=[dataset])
    if save_images is None:
        return
    if Path(dataset).is_dir() and Path(dataset).resolve() in (save_images / "x").resolve().parents:
        raise UsageError(f"--save-images {save_images} lies in the dataset: it would be measured the next time")
    if save_images.exists() and not save_images.is_dir():
        raise UsageError(f"--save-images {save_images}: not a folder")
    if save_images.is_dir() and any(save_images.iterdir()) and not overwrite:
        raise UsageError(f"--save-images {save_images}: is not empty; --overwrite replaces what is in it")


def _ab_bins(path: Path | None) -> Bins | None:
    from colorcli.bins import load_bins

    bins = None if path is None else load_bins(path)
    if bins is not None and bins.space != "ab":
        raise UsageError(f"--bins {path}: bins of {bins.space}, not of ab")
    return bins


def _print(result: Evaluation, format: options.Format) -> None:
    from colorcli.evaluation import tables

    if format is options.Format.table:
        options.console().print(tables.rich_table(result))
    else:
        put(tables.TEXT_FORMATS[format.value](result))
