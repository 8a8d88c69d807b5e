"""What commands share: options that mean the same everywhere, pictures to write, the console that tables go to."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterable, Sequence
from dataclasses import Field, fields
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from colorcli.cli.progress import say
from colorcli.errors import UsageError

if TYPE_CHECKING:
    from PIL import Image
    from rich.console import Console

THUMB = 160  # px of a picture in a contact sheet
PLAIN_WIDTH = 180  # of a table where stdout is no terminal


class Precision(str, Enum):
    """Number formats of the network's pass."""

    auto = "auto"
    fp32 = "fp32"
    bf16 = "bf16"
    fp16 = "fp16"


class Format(str, Enum):
    """How scores are printed."""

    table = "table"
    markdown = "markdown"
    json = "json"
    csv = "csv"


def device(panel: str | None = None) -> Any:
    return typer.Option(
        metavar="NAME",
        help="Device to compute on: auto, cpu, cuda, cuda:N or mps.",
        autocompletion=lambda: ["auto", "cpu", "cuda", "mps"],
        rich_help_panel=panel,
    )


def precision(panel: str | None = None) -> Any:
    return typer.Option(help="Number format of the network's pass.", rich_help_panel=panel)


def data_root(panel: str | None = None) -> Any:
    text = "Folder in which CIFAR-10 lies. Default: the environment's COLORCLI_DATA, else the cache."
    return typer.Option("--data-root", metavar="DIR", help=text, rich_help_panel=panel)


def download(panel: str | None = None) -> Any:
    text = "Get CIFAR-10 (170 MB) from its authors if it is not there."
    return typer.Option("--download", help=text, rich_help_panel=panel)


def size(panel: str | None = None) -> Any:
    text = "Short side that the network sees. Default: the model's own."
    return typer.Option(metavar="PX", help=text, rich_help_panel=panel)


def saturation(panel: str | None = None) -> Any:
    text = "Stronger or paler colours, 0 (grey) to 4. Default: the model's own."
    return typer.Option(metavar="FACTOR", help=text, rich_help_panel=panel)


def batch_size(text: str, panel: str | None = None) -> Any:
    return typer.Option(metavar="N", min=1, help=text, rich_help_panel=panel)


def seed(text: str, panel: str | None = None) -> Any:
    return typer.Option(metavar="N", min=0, max=2**63 - 1, help=text, rich_help_panel=panel)


def overwrite(text: str = "Replace files that are there.", panel: str | None = None) -> Any:
    return typer.Option("--overwrite", help=text, rich_help_panel=panel)


def tell_new_name(model: str | None) -> None:
    """Say what weights are called now that are asked for by an old name."""
    from colorcli.weights.manifest import ALIASES

    if model in ALIASES:
        say(f"note: {model} is now called {ALIASES[model]}")


def check_saturation(value: float | None) -> None:
    """UsageError unless it is a number that the engine takes; before torch is loaded."""
    if value is not None and not 0 <= value <= 4:
        raise UsageError(f"--saturation {value:g}: not within 0 (grey) to 4; 1 is as the model says")


def check_picture(option: str, path: Path, *, overwrite: bool, outside: Iterable[str] = ()) -> None:
    """UsageError for a picture that cannot be written to `path`, that is there already, or that would lie in one of the
    folders `outside`, whose photos are read."""
    from PIL import Image

    check_file(option, path, overwrite=overwrite)
    if Image.registered_extensions().get(path.suffix.lower()) not in Image.SAVE:
        raise UsageError(f"{option} {path}: give it the suffix of a picture that can be written, such as .png")
    for folder in map(Path, outside):
        if folder.is_dir() and folder.resolve() in path.resolve().parents:
            raise UsageError(f"{option} {path} lies in {folder}: it would be read as a photo the next time")


def check_file(option: str, path: Path, *, overwrite: bool) -> None:
    """UsageError for a file that cannot be written to `path` or that is there already."""
    if not path.parent.is_dir():
        raise UsageError(f"{option} {path}: no such folder: {path.parent}")
    if path.is_dir():
        raise UsageError(f"{option} {path}: is a folder")
    if path.exists() and not overwrite:
        raise UsageError(f"{option} {path}: is there already; --overwrite replaces it")


def write_picture(picture: Image.Image, path: Path) -> None:
    """Write it whole, in the format of the suffix."""
    from PIL import Image

    from colorcli.files import atomic_write

    with atomic_write(path) as file:
        picture.save(file, Image.registered_extensions()[path.suffix.lower()])


def console() -> Console:
    """Where tables go: stdout, as wide as the terminal, or PLAIN_WIDTH where it is none."""
    from rich.console import Console

    return Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH)


def with_fields(command: Any, of: type, panel: str, *, after: str, leave_out: Sequence[str] = ()) -> Any:
    """`command`, whose last parameter is **settings, with an option for each field of the dataclass `of` that has a
    help text in its metadata (help, min, max, metavar), inserted behind the parameter `after`. None where not given.
    """
    hints = get_type_hints(of)
    made = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[hints[field.name] | None, _option_of(field, panel)],
        )
        for field in fields(of)
        if "help" in field.metadata and field.name not in leave_out
    ]
    own = get_type_hints(command, include_extras=True)
    parameters: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            continue
        kept = parameter.replace(annotation=own[name], kind=inspect.Parameter.KEYWORD_ONLY)
        parameters += [kept, *(made if name == after else [])]
    command.__signature__ = inspect.Signature(parameters)
    return command


def _option_of(field: Field[Any], panel: str) -> Any:
    known = {name: field.metadata[name] for name in ("min", "max", "metavar") if name in field.metadata}
    text = field.metadata["help"]
    return typer.Option(f"--{field.name.replace('_', '-')}", help=text, rich_help_panel=panel, **known)
