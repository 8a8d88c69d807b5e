"""`colorcli quantize-bins`."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from colorcli.cli import options
from colorcli.cli.progress import counting_bar, put, say
from colorcli.errors import UsageError

if TYPE_CHECKING:
    from colorcli.bins import Bins
    from colorcli.data.census import Census

NAMED = 10  # files that are named before they are only counted
EXAMPLES = """Examples:

colorcli quantize-bins --data cifar10 --data-root data -o bins.npz --plot bins.png

colorcli quantize-bins --data photos --space yuv --colors 32 -o palette.npz
"""
COUNTED, BINS = "What is counted", "Bins"


class Space(str, Enum):
    """The plane that the bins lie in."""

    ab = "ab"
    yuv = "yuv"


def quantize_bins_command(
    data: Annotated[
        list[str],
        typer.Option(
            metavar="cifar10|FOLDER",
            help="CIFAR-10's training images, or photos, subfolders too; repeat for more.",
            show_default=False,
            rich_help_panel=COUNTED,
        ),
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The bins, as .npz.", show_default=False)
    ],
    data_root: Annotated[Path | None, options.data_root()] = None,
    download: Annotated[bool, options.download()] = False,
    space: Annotated[
        Space, typer.Option(help="ab: a grid of Lab's ab. yuv: the commonest colours of UV.", rich_help_panel=BINS)
    ] = Space.ab,
    grid: Annotated[
        float | None,
        typer.Option(
            metavar="STEP", help="In Lab units, or in U and V of 0..1. Default: 10 or 0.08.", rich_help_panel=BINS
        ),
    ] = None,
    colors: Annotated[
        int | None,
        typer.Option(metavar="N", min=2, max=256, help="With --space yuv. Default: 32.", rich_help_panel=BINS),
    ] = None,
    sigma: Annotated[
        float | None,
        typer.Option(
            metavar="WIDTH",
            help="Of the Gaussian that smooths and encodes. Default: half of --grid.",
            rich_help_panel=BINS,
        ),
    ] = None,
    lambda_: Annotated[
        float,
        typer.Option(
            "--lambda", metavar="SHARE", help="Of the uniform distribution in the weights.", rich_help_panel=BINS
        ),
    ] = 0.5,
    plot: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw the bins and how common they are.")] = None,
    overwrite: Annotated[bool, options.overwrite()] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON.")] = False,
) -> None:
    """Count the colours of photos: bins, how common each is, and weights against rarity.

    What `train` and `eval` take to treat colours as classes.
    """
    if space is Space.ab and colors is not None:
        raise UsageError("--colors goes with --space yuv: an ab grid has the bins that --grid gives")
    _check_outputs(data, output, plot, overwrite)
    from colorcli.bins import save_bins
    from colorcli.bins.bins import check_numbers
    from colorcli.bins.count import COLOURS, bins_of
    from colorcli.bins.planes import PLANES
    from colorcli.data.census import take_census

    check_numbers(space.value, PLANES[space.value].grid if grid is None else grid, sigma, lambda_)
    with counting_bar() as on_progress:
        census = take_census(data, space.value, data_root=data_root, download=download, on_progress=on_progress)
    bins = bins_of(census, grid=grid, colours=colors or COLOURS, sigma=sigma, lambda_=lambda_)
    save_bins(output, bins)
    if plot is not None:
        from colorcli.bins.plot import plot as drawn

        options.write_picture(drawn(bins), plot)
    _tell_left_out(census)
    put(_as_json(bins, census, output) if as_json else str(output))
    if not as_json:
        _print_table(bins, census)


def _check_outputs(data: list[str], output: Path, plot: Path | None, overwrite: bool) -> None:
    """All that can be known before hours of counting."""
    options.check_file("--output", output, overwrite=overwrite)
    if output.suffix.lower() != ".npz":
        raise UsageError(f"--output {output}: give it the suffix .npz")
    if plot is not None:
        options.check_picture("--plot", plot, overwrite=overwrite, outside=data)


def _tell_left_out(census: Census) -> None:
    for line in census.skipped[:NAMED]:
        say(f"note: {line}: left out")
    if len(census.skipped) > NAMED:
        say(f"note: {len(census.skipped) - NAMED} more could not be read")
    if census.colourless:
        say(f"note: {census.colourless} photos without colour left out")


def _summary(bins: Bins) -> dict[str, float]:
    """What the table and JSON say of a prior and its weights."""
    import numpy as np

    shares = bins.prior[bins.prior > 0]
    weights = bins.class_weights().numpy()
    return {
        "entropy_bits": float(-(shares * np.log2(shares)).sum()),
        "share_of_10_commonest": float(np.sort(bins.prior)[-10:].sum()),
        "weight_min": float(weights.min()),
        "weight_max": float(weights.max()),
    }


def _as_json(bins: Bins, census: Census, output: Path) -> str:
    from colorcli.bins.binsfile import metadata

    counted = {"images": census.images, "skipped": len(census.skipped), "colourless": census.colourless}
    return json.dumps({"output": str(output)} | metadata(bins) | counted | _summary(bins))


def _print_table(bins: Bins, census: Census) -> None:
    """The figures, on stderr: stdout has the file's name."""
    numbers = _summary(bins)
    rows = (
        ("bins", f"{len(bins)} ({bins.space}, grid {bins.grid:g}, sigma {bins.sigma:g}, lambda {bins.lambda_:g})"),
        ("images", f"{census.images:,} of {census.source}"),
        ("pixels", f"{census.pixels:,}"),
        ("entropy", f"{numbers['entropy_bits']:.2f} bits"),
        ("10 commonest", f"{numbers['share_of_10_commonest']:.1%} of the pixels, smoothed"),
        ("weights", f"{numbers['weight_min']:.4f} to {numbers['weight_max']:.4f}"),
    )
    for name, value in rows:
        say(f"{name:<14}{value}")
