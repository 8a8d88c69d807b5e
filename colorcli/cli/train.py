"""`colorcli train`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from colorcli.training.loop import Progress


def train_command(
    model: Annotated[str, typer.Argument(help="The system to train, such as gan.")],
    data: Annotated[list[Path], typer.Option(help="Folder of photos; may be given several times.", exists=True)],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.")] = Path("runs/latest"),
    validation: Annotated[
        Path | None, typer.Option("--val", help="Folder of photos to validate on after every epoch.", exists=True)
    ] = None,
    init: Annotated[Path | None, typer.Option(help="Weights to start from.", exists=True)] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the newest checkpoint of --out.")] = False,
    epochs: Annotated[float | None, typer.Option(help="Passes over the photos.", show_default=False)] = None,
    pretrain_epochs: Annotated[
        float | None,
        typer.Option(help="Of these, on the pixel loss alone before the adversary joins.", show_default=False),
    ] = None,
    size: Annotated[int | None, typer.Option(help="Side of the crops in px.", show_default=False)] = None,
    batch_size: Annotated[int | None, typer.Option(show_default=False)] = None,
    lr: Annotated[float | None, typer.Option(help="Learning rate at its highest.", show_default=False)] = None,
    discriminator_lr: Annotated[
        float | None, typer.Option(help="The discriminator's own learning rate.", show_default=False)
    ] = None,
    l1_weight: Annotated[
        float | None, typer.Option(help="Weight of L1 beside the adversarial loss.", show_default=False)
    ] = None,
    aged: Annotated[
        float | None, typer.Option(help="Share of the photos aged as old prints are.", show_default=False)
    ] = None,
    seed: Annotated[int | None, typer.Option(show_default=False)] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32, bf16 or fp16.")] = "auto",
) -> None:
    """Train a system on folders of photos.

    Example: colorcli train gan --data photos --val held-out --out runs/gan
    """
    from colorcli.training.loop import Settings
    from colorcli.training.run import run

    given: dict[str, Any] = {
        "epochs": epochs,
        "pretrain_epochs": pretrain_epochs,
        "size": size,
        "batch_size": batch_size,
        "lr": lr,
        "discriminator_lr": discriminator_lr,
        "l1_weight": l1_weight,
        "aged": aged,
        "seed": seed,
    }
    settings = Settings(**{name: value for name, value in given.items() if value is not None})
    weights = run(
        model,
        data,
        out,
        settings,
        validation=validation,
        init=init,
        device=device,
        precision=precision,
        resume=resume,
        report=_print_progress,
        say=_say,
    )
    print(weights)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _print_progress(progress: Progress) -> None:
    values = "  ".join(f"{name} {value:.4g}" for name, value in progress.values.items())
    _say(
        f"epoch {progress.epoch:.2f}  step {progress.step}/{progress.steps}  "
        f"{progress.images_per_second:.0f} images/s  {values}"
    )
