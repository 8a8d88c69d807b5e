"""`colorcli train`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from colorcli.cli.progress import put, say
from colorcli.training.settings import Settings

if TYPE_CHECKING:
    from colorcli.training.loop import Progress

EXAMPLES = """Examples:

colorcli train gan --data photos --val held-out --out runs/gan

colorcli train gan --data photos --out runs/gan --resume

colorcli train gan --data photos --init runs/small/model.safetensors --size 128 --out runs/large
"""

RUN, RECIPE, MACHINE = "Run", "Recipe", "Machine"
DEFAULT = Settings()


def train_command(
    model: Annotated[str, typer.Argument(help="The system to train: gan.", show_default=False)],
    data: Annotated[
        list[Path],
        typer.Option(
            metavar="FOLDER", help="Photos, subfolders too; repeat for more.", exists=True, rich_help_panel=RUN
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FOLDER", help="Where the run writes.", rich_help_panel=RUN)
    ] = Path("runs/latest"),
    validation: Annotated[
        Path | None,
        typer.Option(
            "--val", metavar="FOLDER", help="Photos to validate on every epoch.", exists=True, rich_help_panel=RUN
        ),
    ] = None,
    init: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Weights to start from.", exists=True, rich_help_panel=RUN),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the newest checkpoint of --out.", rich_help_panel=RUN)
    ] = False,
    epochs: Annotated[float, typer.Option(help="Passes over the photos.", rich_help_panel=RECIPE)] = DEFAULT.epochs,
    pretrain_epochs: Annotated[
        float, typer.Option(help="Of these, on the pixel loss alone, before the adversary.", rich_help_panel=RECIPE)
    ] = DEFAULT.pretrain_epochs,
    size: Annotated[int, typer.Option(help="Side of the crops in px.", rich_help_panel=RECIPE)] = DEFAULT.size,
    batch_size: Annotated[int, typer.Option(min=1, help="Crops a step.", rich_help_panel=RECIPE)] = DEFAULT.batch_size,
    lr: Annotated[float, typer.Option(help="Learning rate at its highest.", rich_help_panel=RECIPE)] = DEFAULT.lr,
    discriminator_lr: Annotated[
        float, typer.Option(help="The discriminator's own.", rich_help_panel=RECIPE)
    ] = DEFAULT.discriminator_lr,
    l1_weight: Annotated[
        float, typer.Option(help="Weight of L1 beside the adversary.", rich_help_panel=RECIPE)
    ] = DEFAULT.l1_weight,
    aged: Annotated[
        float, typer.Option(min=0, max=1, help="Share of the photos aged as old prints are.", rich_help_panel=RECIPE)
    ] = DEFAULT.aged,
    saturation: Annotated[
        float,
        typer.Option(
            min=0, help="Kept in the weights: how strong colorize makes their colours.", rich_help_panel=RECIPE
        ),
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="Of weights, order and crops.", rich_help_panel=RECIPE)] = DEFAULT.seed,
    device: Annotated[
        str, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:N or mps.", rich_help_panel=MACHINE)
    ] = "auto",
    precision: Annotated[
        str, typer.Option(metavar="NAME", help="auto, fp32, bf16 or fp16.", rich_help_panel=MACHINE)
    ] = "auto",
) -> None:
    """Train a system on folders of photos."""
    from colorcli.training.run import run

    settings = Settings(
        epochs=epochs,
        pretrain_epochs=pretrain_epochs,
        size=size,
        batch_size=batch_size,
        lr=lr,
        discriminator_lr=discriminator_lr,
        l1_weight=l1_weight,
        aged=aged,
        seed=seed,
    )
    weights = run(
        model,
        data,
        out,
        settings,
        validation=validation,
        init=init,
        saturation=saturation,
        device=device,
        precision=precision,
        resume=resume,
        report=_show,
        say=say,
    )
    put(str(weights))
    if validation is not None:
        say(f"measure it: colorcli eval --dataset {validation} --weights {weights}")


def _show(progress: Progress) -> None:
    values = "  ".join(f"{name} {value:.4g}" for name, value in progress.values.items())
    say(
        f"epoch {progress.epoch:.2f}  step {progress.step}/{progress.steps}  "
        f"{progress.images_per_second:.0f} images/s  {progress.seconds_left / 60:.0f} min left  {values}"
    )
