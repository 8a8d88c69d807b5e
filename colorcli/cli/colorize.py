"""`colorcli colorize`."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from colorcli.cli import options
from colorcli.cli.guidance import GuidanceOptions
from colorcli.cli.progress import Teller, put, say
from colorcli.errors import PhotoError, UsageError
from colorcli.models.catalog import DEFAULT_MODEL, MODELS, check_samples

if TYPE_CHECKING:
    from colorcli.batch.job import Plan, Report
    from colorcli.engine import Colorizer

FILES, MODEL, GUIDANCE, PICTURE, RUN = "Files", "Model", "GuidanceOptions", "Picture", "Run"
EXAMPLES = """Examples:

colorcli colorize grandma.jpg                  writes grandma-color.jpg

colorcli colorize scans -r -o coloured/        mirrors the folder's tree

colorcli colorize scan.tif -o out.png --compare

cat scan.png | colorcli colorize - > out.png

colorcli colorize a.jpg --model scribbles --hints strokes.png

colorcli colorize a.jpg --model transfer --reference b.jpg

colorcli colorize a.jpg --model palette@cifar10 --palette b.jpg

colorcli colorize a.jpg --model cgan-rgb@cifar10 --samples 4
"""


def _known_models() -> list[str]:
    return sorted(name for name, spec in MODELS.items() if spec.colours)


def colorize_command(
    inputs: Annotated[
        list[str], typer.Argument(metavar="INPUT", help="Photos, folders, or - for stdin.", show_default=False)
    ],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="File (one input), folder, or - for stdout. Default: NAME-color beside the photo or folder.",
            rich_help_panel=FILES,
        ),
    ] = None,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Subfolders of folders too.", rich_help_panel=FILES)
    ] = False,
    overwrite: Annotated[bool, options.overwrite("Replace results that are there.", FILES)] = False,
    skip_existing: Annotated[
        bool, typer.Option("--skip-existing", help="Only do what is not there yet.", rich_help_panel=FILES)
    ] = False,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME[@WEIGHTS]",
            help="Which system colours: see 'colorcli models'.",
            autocompletion=_known_models,
            rich_help_panel=MODEL,
        ),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A weights file, in place of --model.", rich_help_panel=MODEL),
    ] = None,
    device: Annotated[str, options.device(MODEL)] = "auto",
    precision: Annotated[options.Precision, options.precision(MODEL)] = options.Precision.auto,
    size: Annotated[int | None, options.size(MODEL)] = None,
    batch_size: Annotated[
        int | None, options.batch_size("Photos in one pass of the network. Default: up to 4, by the folder.", MODEL)
    ] = None,
    hints: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Strokes of the wanted colours on a transparent picture of the photo's size.",
            rich_help_panel=GUIDANCE,
        ),
    ] = None,
    hint: Annotated[
        list[str] | None,
        typer.Option(
            metavar="X,Y,#RRGGBB",
            help="A wanted colour at a pixel of the upright photo. Repeat for more.",
            rich_help_panel=GUIDANCE,
        ),
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A photo in colour to take colours from.", rich_help_panel=GUIDANCE),
    ] = None,
    swatch: Annotated[
        list[str] | None,
        typer.Option(
            metavar="X,Y,W,H=X,Y,W,H",
            help="A box in the photo and the box in the reference that it takes its colours from. Repeat for more.",
            rich_help_panel=GUIDANCE,
        ),
    ] = None,
    palette: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="A photo whose colours, and how much of each, to use.", rich_help_panel=GUIDANCE
        ),
    ] = None,
    samples: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            max=20,
            help="Colourings of each photo, NAME-1 to NAME-N, by models that draw noise.",
            rich_help_panel=PICTURE,
        ),
    ] = 1,
    seed: Annotated[
        int, options.seed("Random seed of the noise that some systems draw: another seed, other colours.", PICTURE)
    ] = 0,
    saturation: Annotated[float | None, options.saturation(PICTURE)] = None,
    format: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="jpeg, png, webp, tiff, bmp, ppm, avif, heif. Default: the photo's own, PNG if that has no colour.",
            rich_help_panel=PICTURE,
        ),
    ] = None,
    quality: Annotated[
        int | None,
        typer.Option(min=1, max=100, metavar="1-100", help="Of JPEG, WebP, AVIF, HEIC.", rich_help_panel=PICTURE),
    ] = None,
    compare: Annotated[
        bool,
        typer.Option("--compare", help="Also write NAME-compare: grey | colour.", rich_help_panel=PICTURE),
    ] = False,
    no_provenance: Annotated[
        bool,
        typer.Option("--no-provenance", help="Do not record in the file what coloured it.", rich_help_panel=PICTURE),
    ] = False,
    ray: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS",
            help="Colour on a Ray cluster: auto for the one of this machine, HOST:PORT, or local to start one. "
            "Its nodes share the files under the same paths.",
            rich_help_panel=RUN,
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show SOURCE -> TARGET and stop.", rich_help_panel=RUN)
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON line a photo on stdout, then a summary.", rich_help_panel=RUN)
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Say only what went wrong.", rich_help_panel=RUN)
    ] = False,
) -> None:
    """Colour photos: files, folders, or a stream."""
    from colorcli.batch.plan import plan

    _check_options(device, saturation)
    options.tell_new_name(model)
    if model is not None and weights is not None:
        raise UsageError("--model and --weights exclude each other: a weights file says what it is")
    guidance = GuidanceOptions(hints, hint or (), reference, swatch or (), palette)
    guidance.check(inputs, model, weights)
    _check_samples(samples, model, weights)
    todo = plan(
        inputs,
        output,
        recursive=recursive,
        format=format,
        overwrite=overwrite,
        skip_existing=skip_existing,
        compare=compare,
        samples=samples,
    )
    _check_stdout(todo, as_json, dry_run)
    if ray is not None:
        from colorcli.batch.cluster import check_options

        check_options(ray, device, todo)
    if not quiet:
        _tell_without_effect(todo, quality, seed, model, weights)
    if todo.ignored and not quiet:
        say(f"note: {todo.ignored} NAME-color or NAME-compare beside a NAME left out: results, not photos")
    if dry_run:
        _show(todo, as_json)
        return
    given: dict[str, Any] = {"model": model, "weights": weights, "size": size, "saturation": saturation}
    settings = {name: value for name, value in given.items() if value is not None}
    code = _carry_out(
        todo,
        {"device": device, "precision": precision.value, "seed": seed, **settings},
        {"batch_size": batch_size, "quality": quality, "provenance": not no_provenance},
        {"as_json": as_json, "quiet": quiet},
        guidance,
        ray,
    )
    raise typer.Exit(code)


def _check_options(device: str, saturation: float | None) -> None:
    """What can be known wrong at once, before torch, which knows the rest, is loaded."""
    if not re.fullmatch(r"auto|cpu|cuda(:\d+)?|mps", device):
        raise UsageError(f"--device {device}: not one of auto, cpu, cuda, cuda:N, mps")
    options.check_saturation(saturation)


def _tell_without_effect(todo: Plan, quality: int | None, seed: int, model: str | None, weights: Path | None) -> None:
    """Say which options change nothing in this run."""
    from colorcli.photo.formats import LOSSY, WRITABLE

    lossy = {suffix for format in LOSSY for suffix in WRITABLE[format]}
    targets = {Path(target).suffix.lower() for job in todo.jobs for target in job.targets}
    if quality is not None and targets and not targets & lossy and todo.format not in LOSSY and targets != {""}:
        say(f"note: --quality is without effect: {', '.join(sorted(targets))} is lossless")
    name = (model or DEFAULT_MODEL).partition("@")[0]
    if seed and weights is None and name in MODELS and not MODELS[name].samples:
        say(f"note: --seed is without effect: {name} draws no noise")


def _check_samples(samples: int, model: str | None, weights: Path | None) -> None:
    name = (model or DEFAULT_MODEL).partition("@")[0]
    if weights is None and name in MODELS:  # a file says only once it is read what it holds
        check_samples(name, samples, several=MODELS[name].samples)


def _check_stdout(todo: Plan, as_json: bool, dry_run: bool) -> None:
    from colorcli.batch.job import STDIO

    if all(job.target != STDIO for job in todo.jobs):
        return
    if as_json:
        raise UsageError("--json and the picture would both go to stdout: give -o a file name")
    if not dry_run and (sys.stdout is None or sys.stdout.isatty()):
        raise UsageError("a terminal cannot show the picture: redirect stdout, or give -o a file name")


def _show(todo: Plan, as_json: bool) -> None:
    teller = Teller(len(todo.jobs), as_json=as_json, quiet=True)
    for job in todo.jobs:
        if as_json:
            teller.planned(job)
        else:
            for target in job.outputs:
                put(f"{job.source} -> {target}")
    for job in todo.skipped:
        teller.skipped(job)


def _carry_out(
    todo: Plan,
    settings: dict[str, Any],
    how: dict[str, Any],
    tell: dict[str, Any],
    guidance: GuidanceOptions,
    ray: str | None,
) -> int:
    """Colour the photos of a plan and tell of them; returns the exit code."""
    from colorcli.batch import workers

    teller = Teller(len(todo.jobs), **tell)
    for job in todo.skipped:
        teller.skipped(job)
    if not todo.jobs:
        report = workers.Report(skipped=len(todo.skipped))
    elif (first := _read_single(todo, teller)) is None and len(todo.jobs) == 1:
        report = workers.Report(skipped=len(todo.skipped), failed=1)
    else:
        if guidance.given:
            how = {**how, "conditions": guidance.conditions(first)}
        colorizer = _load(**(settings if ray is None else {**settings, "device": "cpu"}))
        colorizer.check_conditions(guidance.given)
        teller.model = colorizer.name
        with teller:
            report = _runner(ray, settings)(todo, colorizer, first=first, on_outcome=teller, **how)
    teller.finish(report)
    return report.exit_code


def _runner(ray: str | None, settings: dict[str, Any]) -> Callable[..., Report]:
    """What carries out a plan: this machine, or the Ray cluster at an address."""
    if ray is None:
        from colorcli.batch import workers

        return workers.run
    from colorcli.batch import cluster

    there = {name: value for name, value in settings.items() if name not in ("model", "weights")}
    return partial(cluster.run, address=ray, settings=there, on_silence=say)


def _read_single(todo: Plan, teller: Teller) -> Any:
    """The photo of a plan of one, so that a bad file is answered before torch and weights load; else None."""
    from colorcli.batch import workers

    if len(todo.jobs) > 1:
        return None
    try:
        return workers.read_source(todo.jobs[0].source)
    except PhotoError as error:
        teller(workers.Outcome(todo.jobs[0], error=str(error)))
        return None


def _load(model: str = DEFAULT_MODEL, weights: Path | None = None, **settings: Any) -> Colorizer:
    from colorcli.engine import Colorizer
    from colorcli.weights.load import load_model

    network: Any = load_model(model, weights=weights)
    return Colorizer(network, **settings)
