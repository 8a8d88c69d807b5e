"""`colorcli turing-pairs`: make a study for people, score their answers."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from colorcli.cli import options
from colorcli.cli.progress import counting_bar, put, say
from colorcli.errors import PARTIAL_FAILURE, ColorcliError, UsageError

if TYPE_CHECKING:
    from colorcli.turing.scoring import StudyScores

SHEET_ROWS = 8
EXAMPLES = """Examples:

colorcli turing-pairs make --dataset photos --model gan --count 20 -o study

colorcli turing-pairs score --key study.key.json answers/
"""
STUDY, MODEL = "Study", "Model"

app = typer.Typer(
    help="Ask people which picture is the real photo: make a study, score the answers.",
    epilog=EXAMPLES,
    no_args_is_help=True,
)


class Protocol(str, Enum):
    """What participants are asked."""

    pairs = "pairs"
    triples = "triples"
    single = "single"


@app.command("make", epilog=EXAMPLES)
def make_command(
    dataset: Annotated[
        str,
        typer.Option(metavar="cifar10|FOLDER", help="The CIFAR-10 test images, or photos.", show_default=False),
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="DIR", help="A new folder; its key becomes DIR.key.json beside it."),
    ],
    models: Annotated[
        list[str] | None,
        typer.Option("--model", metavar="NAME[@WEIGHTS]", help="Repeat for more.", rich_help_panel=MODEL),
    ] = None,
    weights: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A weights file to judge as well; repeat for more.", rich_help_panel=MODEL),
    ] = None,
    data_root: Annotated[Path | None, options.data_root()] = None,
    protocol: Annotated[
        Protocol,
        typer.Option(
            help="pairs: which of two is coloured? triples: which is real, the truth or one of the models'? "
            "single: real or coloured?",
            rich_help_panel=STUDY,
        ),
    ] = Protocol.pairs,
    count: Annotated[
        int, typer.Option(metavar="N", min=1, max=1000, help="Questions that count.", rich_help_panel=STUDY)
    ] = 20,
    catch: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, max=100, help="Questions that only find who does not look.", rich_help_panel=STUDY
        ),
    ] = 6,
    practice: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, max=100, help="Questions before them, with the answer told.", rich_help_panel=STUDY
        ),
    ] = 4,
    exposure: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS",
            min=0,
            max=60,
            help="How long pictures are shown; 0: no limit. Default: 1 for single, else no limit.",
            rich_help_panel=STUDY,
        ),
    ] = None,
    rate: Annotated[
        bool, typer.Option("--rate", help="Ask for marks from 1 to 5 as well.", rich_help_panel=STUDY)
    ] = False,
    side: Annotated[
        int, typer.Option(metavar="PX", min=16, max=2048, help="Longer side, at most.", rich_help_panel=STUDY)
    ] = 256,
    title: Annotated[
        str, typer.Option(metavar="TEXT", help="Heading of the page.", rich_help_panel=STUDY)
    ] = "Real or coloured?",
    upload_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Where the page posts the answers. Default: nothing is sent.", rich_help_panel=STUDY
        ),
    ] = None,
    seed: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT", help="Gives the same study again. Keep it as secret as the key.", rich_help_panel=STUDY
        ),
    ] = None,
    device: Annotated[str, options.device(MODEL)] = "auto",
    precision: Annotated[options.Precision, options.precision(MODEL)] = options.Precision.auto,
) -> None:
    """Make a folder with a page to send to people, and the key to score their answers."""
    from colorcli.turing.page import upload_origin

    if upload_url is not None:
        upload_origin(upload_url)
    if Path(dataset).is_dir() and Path(dataset).resolve() in (output / "x").resolve().parents:
        raise UsageError(f"--output {output} lies in the dataset: it would be part of the next study")
    from colorcli.engine import Colorizer
    from colorcli.evaluation.evaluate import load_models
    from colorcli.evaluation.protocols import open_dataset
    from colorcli.turing.key import key_path
    from colorcli.turing.study import PAGE, StudySettings, check_models, check_target, make

    settings = StudySettings(protocol.value, count, catch, practice, exposure, rate, side, title, upload_url)
    check_target(output)
    names: list[str | Path] = [*(models or []), *(weights or [])]
    check_models(settings, [str(name) for name in names])
    images = open_dataset(dataset, data_root=data_root, batch_size=1)
    colorizers = {
        name: Colorizer(model, device=device, precision=precision.value)
        for name, model in load_models(names, dataset).items()
    }
    with counting_bar() as on_progress:
        make(output, images, colorizers, settings, seed=seed, on_progress=on_progress, on_skip=_note)
    for line in images.failed:
        _note(f"{line}: left out")
    put(str(output / PAGE))
    put(str(key_path(output)))
    say(f"Send out the folder {output}; keep {key_path(output)}: it tells what is real.")


@app.command("score", epilog=EXAMPLES)
def score_command(
    answers: Annotated[
        list[Path], typer.Argument(metavar="ANSWERS...", help="Files of participants, or folders of them.")
    ],
    key: Annotated[Path, typer.Option(metavar="FILE", help="STUDY.key.json.", show_default=False)],
    min_caught: Annotated[
        float,
        typer.Option(metavar="SHARE", min=0, max=1, help="Exclude who gets less of the catch trials right."),
    ] = 0.8,
    format: Annotated[options.Format, typer.Option(help="How the scores are printed.")] = options.Format.table,
    sheet: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the most and least convincing pictures.")
    ] = None,
    sheet_rows: Annotated[int, typer.Option(metavar="N", min=1, help="Rows of that sheet, at most.")] = SHEET_ROWS,
    overwrite: Annotated[bool, options.overwrite("Replace a sheet that is there.")] = False,
    study: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The study's folder, for the sheet. Default: beside the key.")
    ] = None,
) -> None:
    """Fooling rates, identified ratios and marks, with intervals and tests.

    Answers that are foreign, partial, double or were changed are named and not counted; then the exit code is 3.
    """
    from colorcli.turing.answers import answer_files, read_answers
    from colorcli.turing.key import read_key, study_folder
    from colorcli.turing.scoring import score

    if sheet is not None:
        options.check_picture("--sheet", sheet, overwrite=overwrite)
    known = read_key(key)
    sheets, refused = read_answers(answer_files(answers), known)
    for refusal in refused:
        say(f"colorcli: {refusal.source}: {refusal.reason}")
    scores = score(known, sheets, refused, min_caught)
    for person in scores.excluded:
        say(f"note: {person.source}: excluded: {person.caught} of {person.catches} catch trials right")
    if not scores.pooled:
        raise ColorcliError(
            f"no answers to count: {len(refused)} files refused, {len(scores.excluded)} excluded by catch trials"
        )
    _print(scores, format)
    if sheet is not None:
        from colorcli.turing.report import convincing_sheet

        picture = convincing_sheet(scores, study or study_folder(key), sheet_rows, options.THUMB)
        options.write_picture(picture, sheet)
    if refused:
        raise typer.Exit(PARTIAL_FAILURE)


def _note(line: str) -> None:
    say(f"note: {line}")


def _print(scores: StudyScores, format: options.Format) -> None:
    from colorcli.turing import report

    if format is not options.Format.table:
        put(report.TEXT_FORMATS[format.value](scores))
        return
    console = options.console()
    console.print(*report.rich_tables(scores), sep="\n")
    console.print(report.caption(scores), markup=False, highlight=False)
