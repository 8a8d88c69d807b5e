"""`colorcli train`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from colorcli.cli.progress import put, say
from colorcli.models import MODELS
from colorcli.training.recipes import RECIPES

if TYPE_CHECKING:
    from colorcli.training.loop import Progress

EXAMPLES = """Examples:

colorcli train gan --data cifar10 --data-root FOLDER --out runs/gan

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
        list[str], _option("cifar10, or a folder of photos, subfolders too; repeat for more.", RUN, metavar="NAME|FOLDER")
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
    limit: Annotated[int | None, _option("Only the first so many images of CIFAR-10.", RUN, min=10)] = None,
    init: Annotated[Path | None, _option("Weights to start from.", RUN, metavar="FILE", exists=True)] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the newest checkpoint of --out.", rich_help_panel=RUN)
    ] = False,
    preset: Annotated[
        str | None, _option("paper (its hyper-parameters), fast (minutes on a CPU) or photo.", metavar="NAME")
    ] = None,
    epochs: Annotated[float | None, _option("Passes over the data.")] = None,
    pretrain_epochs: Annotated[
        float | None, _option("Of these, on the pixel loss alone, before the adversary.")
    ] = None,
    batch_size: Annotated[int | None, _option("Pictures a step (and a process).", min=1)] = None,
    size: Annotated[int | None, _option("Side of the crops in px.")] = None,
    lr: Annotated[float | None, _option("Learning rate at its highest.")] = None,
    discriminator_lr: Annotated[float | None, _option("The discriminator's own.")] = None,
    l1_weight: Annotated[float | None, _option("Weight of the pixel loss beside the adversary.")] = None,
    width: Annotated[int | None, _option("Channels of the network's finest level.", min=4)] = None,
    aged: Annotated[float | None, _option("Share of the photos aged as old prints are.", min=0, max=1)] = None,
    saturation: Annotated[
        float,
        typer.Option(min=0, help="Kept in the weights: how strong they colour.", rich_help_panel=RECIPE),
    ] = 1.0,
    seed: Annotated[int | None, _option("Of weights, order and crops.")] = None,
    device: Annotated[
        str, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:N or mps.", rich_help_panel=MACHINE)
    ] = "auto",
    precision: Annotated[
        str, typer.Option(metavar="NAME", help="auto, fp32, bf16 or fp16.", rich_help_panel=MACHINE)
    ] = "auto",
) -> None:
    """Train a system on CIFAR-10 or on folders of photos."""
    from colorcli.training.run import Order, run

    settings = {
        "epochs": epochs,
        "pretrain_epochs": pretrain_epochs,
        "batch_size": batch_size,
        "size": size,
        "lr": lr,
        "discriminator_lr": discriminator_lr,
        "l1_weight": l1_weight,
        "aged": aged,
        "seed": seed,
    }
    order = Order(
        model=model,
        data=data,
        out=out,
        preset=preset,
        settings={name: value for name, value in settings.items() if value is not None},
        width=width,
        validation=validation,
        data_root=data_root,
        limit=limit,
        init=init,
        saturation=saturation,
        device=device,
        precision=precision,
        resume=resume,
    )
    weights = run(order, report=_show, say=say)
    put(str(weights))
    if not MODELS[model].colours:
        return
    dataset = validation or data[0]
    say(f"measure it: colorcli eval --dataset {dataset} --weights {weights}")


def _show(progress: Progress) -> None:
    values = "  ".join(f"{name} {value:.4g}" for name, value in progress.values.items())
    say(
        f"epoch {progress.epoch:.2f}  step {progress.step}/{progress.steps}  "
        f"{progress.images_per_second:.0f} images/s  {progress.seconds_left / 60:.0f} min left  {values}"
    )
