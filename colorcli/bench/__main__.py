"""python -m colorcli.bench colorize [--megapixels 24] [--repeats 3] [--photos 24]

python -m colorcli.bench models [--megapixels 2] [--repeats 3] [NAME...]

python -m colorcli.bench quality PHOTOS [--model NAME...] [--size PX...] [--saturation FACTOR...] [--sheets DIR]
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(add_completion=False, no_args_is_help=True, help="Measure colorcli on this machine.")


@app.callback()
def _group() -> None:
    """Each benchmark is a command of its own."""


@app.command()
def colorize(
    megapixels: Annotated[float, typer.Option(min=0.1, help="Size of the large photo.")] = 24,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each; medians are shown.")] = 3,
    photos: Annotated[int, typer.Option(min=2, help="Photos in the folder.")] = 24,
) -> None:
    """One large photo beside the usual script and Pillow; a folder beside one photo after another."""
    from colorcli.bench.colorize import main

    main(megapixels, repeats, photos)


@app.command()
def models(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME...]", help="Default: one of each shape.")] = None,
    megapixels: Annotated[float, typer.Option(min=0.1, help="Size of the photo.")] = 2,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each; medians are shown.")] = 3,
) -> None:
    """One photo with each model at the size that suits it, on the CPU; ratios are over the first."""
    from colorcli.bench.models import NAMES, main

    main(megapixels, repeats, names or NAMES)


@app.command()
def quality(
    photos: Annotated[Path, typer.Argument(exists=True, file_okay=False, help="A folder of colour photos.")],
    model: Annotated[list[str] | None, typer.Option(metavar="NAME|FILE", help="Default: gan.")] = None,
    size: Annotated[list[int] | None, typer.Option(metavar="PX", help="Short sides to try.")] = None,
    saturation: Annotated[list[float] | None, typer.Option(metavar="FACTOR", help="Saturations to try.")] = None,
    sheets: Annotated[Path | None, typer.Option(metavar="DIR", help="Write contact sheets.")] = None,
    count: Annotated[int, typer.Option(min=1, help="Photos on the sheets, evenly spread.")] = 100,
    copies: Annotated[int, typer.Option(min=0, help="Photos to see in other states, evenly spread.")] = 20,
    limit: Annotated[int | None, typer.Option(metavar="N", min=1, help="Only the first N photos.")] = None,
) -> None:
    """Contact sheets and scores over grey of photo models, at several sizes and saturations; and how far colours move
    when a photo is enlarged, darkened, faded, grainy, on old film, sepia or badly compressed."""
    from colorcli.bench.quality import main

    main(photos, model or ["gan"], size or [None], saturation or [None], sheets, count, copies, limit)


if __name__ == "__main__":
    app()
