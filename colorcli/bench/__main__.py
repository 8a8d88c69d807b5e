"""python -m colorcli.bench colorize [--megapixels 24] [--repeats 3] [--photos 24]

python -m colorcli.bench models [--megapixels 2] [--repeats 3] [NAME...]
"""

from __future__ import annotations

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


if __name__ == "__main__":
    app()
