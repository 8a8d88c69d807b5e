"""`colorcli models`: which weights there are, fetch them, check them."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from colorcli.errors import ColorcliError, VerificationError
from colorcli.models.catalog import MODELS

if TYPE_CHECKING:
    from colorcli.weights.manifest import WeightsEntry

COLUMNS = ("NAME", "TASK", "SIZE", "LICENCE", "SOURCE", "PRESENT")

app = typer.Typer(help="List, fetch and verify the trained weights.", no_args_is_help=False)

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]


@app.callback(invoke_without_command=True)
def models_command(context: typer.Context, as_json: AsJson = False) -> None:
    """List, fetch and verify the trained weights. Without a command: list."""
    if context.invoked_subcommand is None:
        list_command(as_json=as_json)
    elif as_json:
        raise typer.BadParameter(f"goes after '{context.invoked_subcommand}'", param_hint="--json")


@app.command("list")
def list_command(as_json: AsJson = False) -> None:
    """List all known weights. * marks what a plain model's name means for the task."""
    from colorcli.weights.manifest import entries

    known = entries()
    if as_json:
        for entry in known:
            print(json.dumps(_facts(entry)))
        return
    rows = [_row(entry) for entry in known]
    if not rows:
        print("this colorcli comes without any weights: train some, or give colorize a file", file=sys.stderr)
    elif sys.stdout.isatty():
        _print_table(rows)
    else:
        _print_aligned(rows)
    free = [name for name, spec in MODELS.items() if not spec.trained]
    print(f"ready without weights: {', '.join(free)}", file=sys.stderr)


@app.command("pull")
def pull_command(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="MODEL or MODEL@WEIGHTS.")],
    as_json: AsJson = False,
) -> None:
    """Fetch weights and check their SHA-256. What is already here and right is left alone."""
    from colorcli.weights.manifest import find
    from colorcli.weights.pull import pull

    for entry in [find(name) for name in names]:
        fetched = pull(entry)
        if as_json:
            print(json.dumps({"name": entry.name, "fetched": fetched, "path": str(entry.path)}))
        else:
            print(f"{entry.name}: {'fetched and' if fetched else 'already here,'} verified: {entry.path}")


@app.command("verify")
def verify_command(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME...]", help="Default: all.")] = None,
    as_json: AsJson = False,
) -> None:
    """Hash and load weights that are on this machine. Exit code 4 if any are bad.

    Weights that were never pulled are missing, not bad; bundled ones that are missing are bad.
    """
    from colorcli.weights.manifest import entries, find

    chosen = [find(name) for name in names] if names else entries()
    bad = 0
    for entry in chosen:
        status, problem = _verify(entry)
        bad += status == "BAD"
        if as_json:
            print(json.dumps({"name": entry.name, "status": status.lower(), "problem": problem}), flush=True)
        else:
            print(f"{status:7} {entry.name}{': ' + problem if problem else ''}", flush=True)
    if bad:
        raise VerificationError(f"{bad} of {len(chosen)} weights are bad")


def _verify(entry: WeightsEntry) -> tuple[str, str]:
    """("ok" | "missing" | "BAD", what is wrong with it)."""
    if not entry.path.exists() and entry.source.type != "bundled":
        return "missing", ""
    from colorcli.weights.load import load_entry

    try:
        load_entry(entry)
    except ColorcliError as error:
        return "BAD", str(error)
    return "ok", ""


def _facts(entry: WeightsEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "model": entry.model,
        "task": entry.task,
        "default": entry.default,
        "bytes": entry.size,
        "sha256": entry.sha256,
        "licence": entry.licence,
        "source": str(entry.source),
        "present": entry.present,
        "path": str(entry.path),
        "trained_on": entry.trained_on,
        "results": dict(entry.results),
        "paper": entry.paper,
    }


def _row(entry: WeightsEntry) -> tuple[str, ...]:
    return (
        entry.name + (" *" if entry.default else ""),
        entry.task,
        _size(entry),
        entry.licence,
        str(entry.source),
        "yes" if entry.present else "no",
    )


def _size(entry: WeightsEntry) -> str:
    """What is downloaded; "?" until the first pull where the manifest does not know."""
    size = entry.size or (entry.expected.size if entry.present and entry.expected else 0)
    return f"{size / 1e6:.1f} MB" if size else "?"


def _print_table(rows: list[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*COLUMNS, caption="* what the plain name means for the task", caption_justify="left")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))  # Text: brackets in a cell are not markup
    Console().print(table)


def _print_aligned(rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    for row in (COLUMNS, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
