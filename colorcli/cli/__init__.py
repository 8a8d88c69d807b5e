"""The colorcli command: its subcommands, and the one place where an exception becomes a message and an exit code.

Exit codes are drawn in colorcli.errors. Beyond them: 128 + the signal's number where one ended the run (130
Ctrl-C, 143 TERM, 129 HUP), and 141 where the reader of stdout went away, as for a program that SIGPIPE ends.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from contextlib import suppress
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from colorcli.cli.colorize import EXAMPLES, colorize_command
from colorcli.cli.eval import EXAMPLES as EVAL_EXAMPLES
from colorcli.cli.eval import eval_command
from colorcli.cli.models import app as models_app
from colorcli.cli.quantize_bins import EXAMPLES as QUANTIZE_EXAMPLES
from colorcli.cli.quantize_bins import quantize_bins_command
from colorcli.cli.train import EXAMPLES as TRAIN_EXAMPLES
from colorcli.cli.train import train_command
from colorcli.cli.turing_pairs import app as turing_pairs_app
from colorcli.errors import ColorcliError, told
from colorcli.version import __version__

CLOSED_PIPE = 128 + 13  # SIGPIPE, which Windows does not have


class _Commands(TyperGroup):
    """Runs a subcommand; what it raises on purpose, or a user can cause, is told in one line."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except ColorcliError as error:
            complain(str(error))
            code = error.exit_code
        except KeyboardInterrupt:
            code = 128 + signal.SIGINT
        except BrokenPipeError:
            code = CLOSED_PIPE
        except MemoryError:
            complain("not enough memory")
            code = ColorcliError.exit_code
        except OSError as error:
            complain(": ".join(str(part) for part in (error.filename, error.strerror or error) if part))
            code = ColorcliError.exit_code
        raise typer.Exit(code)


app = typer.Typer(
    cls=_Commands,
    help="Colour black-and-white photos, train colorizers and measure them.",
    epilog="Colour a photo: colorcli colorize photo.jpg",
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
app.command("colorize", epilog=EXAMPLES)(colorize_command)
app.command("train", epilog=TRAIN_EXAMPLES)(train_command)
app.command("eval", epilog=EVAL_EXAMPLES)(eval_command)
app.command("quantize-bins", epilog=QUANTIZE_EXAMPLES)(quantize_bins_command)
app.add_typer(models_app, name="models")
app.add_typer(turing_pairs_app, name="turing-pairs")


def _show_version(asked: bool) -> None:
    if asked:
        typer.echo(f"colorcli {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    pass


def complain(message: str) -> None:
    """Tell a person on stderr what went wrong."""
    with suppress(OSError):
        print(f"colorcli: {message}", file=sys.stderr)


def main() -> NoReturn:
    """Run the command that the arguments name, and end the process with its exit code."""
    received = _listen()
    try:
        app(prog_name="colorcli")
        code: Any = 0
    except SystemExit as end:
        code = end.code
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except Exception as error:
        code = ColorcliError.exit_code
        if not received and (line := told(error)) is not None:
            complain(line)
        elif not received:  # an interrupted import can raise anything
            _report_bug(error)
    _end(128 + received[0] if received else code)


def _listen() -> list[int]:
    """Make TERM and HUP stop a run the way Ctrl-C does; returns the list that a signal that comes is put on.

    A signal that the caller has set to be ignored (nohup, a shell's &) stays ignored.
    """
    received: list[int] = []

    def stop(number: int, frame: object) -> None:
        received.append(number)
        raise KeyboardInterrupt

    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) not in (signal.SIG_IGN, None):
            signal.signal(number, stop)
    return received


def _report_bug(error: Exception) -> None:
    complain(f"internal error: {type(error).__name__}: {error}")
    if os.environ.get("COLORCLI_DEBUG"):
        traceback.print_exception(error)
    else:
        complain("please report it, with what COLORCLI_DEBUG=1 in the environment adds to this message")


def _end(code: Any) -> NoReturn:
    """Exit; at once where a run was cut short, for its threads may be in the middle of a long computation."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):
        code = CLOSED_PIPE if code == 0 else code
    if isinstance(code, int) and code > 128:
        os._exit(code)
    sys.exit(code)
