"""The scores of a study as tables for a terminal, as Markdown, JSON or CSV, and its telling pictures as a sheet."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from rich.table import Table
from rich.text import Text

from colorcli.errors import UsageError, VerificationError
from colorcli.evaluation.sheet import contact_sheet
from colorcli.files import sha256_of
from colorcli.photo import read_photo
from colorcli.turing.key import TRUTH
from colorcli.turing.scoring import EVEN, Convincing, Mark, Rate, SourceScores, StudyScores, Tally

LISTED = 3  # pictures named as most and as least convincing
NONE = "–"
WORDS = ("", "source", "picture", "model")  # headings of columns that hold no numbers
Grid = tuple[str, list[str], list[list[str]]]  # title, headings, rows


def caption(scores: StudyScores) -> str:
    """Whose answers these are, who was left out, and how to read the numbers."""
    key, people = scores.key, len(scores.participants)
    questions = len(key.counted())
    lines = [
        f"Study {key.study}, {key.protocol}: {people} participant{'s' * (people != 1)}, {questions} questions each;"
        f" {len(scores.excluded)} excluded by catch trials, {len(scores.refused)} files refused.",
        "Fooling rate: of the answers that took the model's picture or the truth for real, those that took the model's"
        if key.protocol != "single"
        else "Fooling rate: of the model's pictures, those called real",
        "(a perfect model: 50%). Identified: taken for the real photo. [95% Wilson interval], p: exact binomial test",
        f"against guessing ({percent(EVEN)} fooling, {percent(_identified_chance(scores))} identified)."
        + (" Marks: 1 to 5, mean [95% interval]." if key.rate else ""),
    ]
    return " ".join(lines)


def _identified_chance(scores: StudyScores) -> float:
    return scores.pooled.rows[0].identified.chance if scores.pooled else EVEN


def grids(scores: StudyScores) -> list[Grid]:
    """All tables: pooled, by participant, pictures, exclusions."""
    tables = []
    if scores.pooled:
        tables.append(_pooled(scores.pooled, scores.key.rate))
        tables.append(_people(scores))
        tables.append(_pictures(scores.pictures))
    if scores.excluded:
        rows = [[person.source, f"{person.caught} of {person.catches}"] for person in scores.excluded]
        tables.append(("Excluded", ["answers", "catch trials right"], rows))
    return tables


def _pooled(tally: Tally, rated: bool) -> Grid:
    headings = ["source", "answers", "fooling rate", "p", "identified", "p", *(["mark"] if rated else [])]
    rows = []
    for row in tally.rows:
        fooling = [show_rate(row.fooling), show_p(row.fooling)] if row.fooling else ["", ""]
        mark = [show_mark(row.mark)] if row.mark else []
        identified = [show_rate(row.identified), show_p(row.identified)]
        rows.append([row.source, str(row.identified.n), *fooling, *identified, *mark])
    last = ["right answers", str(tally.found.n), "", "", show_rate(tally.found), show_p(tally.found)]
    return "All participants", headings, [*rows, last + [""] * rated]


def _people(scores: StudyScores) -> Grid:
    models = list(scores.key.models)
    rows = []
    for source, tally in scores.participants.items():
        fooling = [show_rate(row.fooling) for row in tally.rows if row.fooling]
        rows.append([source, show_rate(tally.found), show_p(tally.found), *fooling])
    return "Participants", ["answers", "right", "p", *(f"fooled by {model}" for model in models)], rows


def _pictures(pictures: Sequence[Convincing]) -> Grid:
    best, worst = _ends(pictures, LISTED)
    rows = [
        [label, picture.item.scene, picture.source, f"{picture.fooling.k} of {picture.fooling.n}"]
        for label, chosen in (("most", best), ("least", worst))
        for picture in chosen
    ]
    return "Convincing pictures", ["", "picture", "model", "taken for real"], rows


def _ends(pictures: Sequence[Convincing], count: int) -> tuple[list[Convincing], list[Convincing]]:
    """The `count` most and, worst first, least convincing, none in both; as many of each."""
    count = min(count, len(pictures) // 2)
    return list(pictures[:count]), list(pictures[len(pictures) - count :][::-1])


def percent(x: float) -> str:
    return f"{100 * x:.1f}%"


def show_rate(rate: Rate | None) -> str:
    """ "32.0% [25.9, 38.8]", or a dash."""
    if rate is None or not rate.n:
        return NONE
    low, high = rate.interval
    return f"{percent(rate.value)} [{100 * low:.1f}, {100 * high:.1f}]"


def show_p(rate: Rate | None) -> str:
    """ "0.012", "<0.001", or a dash."""
    if rate is None or not rate.n:
        return NONE
    return "<0.001" if rate.p < 0.001 else f"{rate.p:.3f}"


def show_mark(mark: Mark | None) -> str:
    """ "3.7 [3.5, 3.9]", or a dash."""
    if mark is None or not mark.n:
        return NONE
    if math.isnan(mark.low):
        return f"{mark.mean:.2f}"
    return f"{mark.mean:.2f} [{mark.low:.2f}, {mark.high:.2f}]"


def rich_tables(scores: StudyScores) -> list[Table]:
    """For a terminal."""
    tables = []
    for title, headings, rows in grids(scores):
        table = Table(title=title, title_justify="left")
        for i, heading in enumerate(headings):
            table.add_column(Text(heading), overflow="fold", justify="left" if _of_words(headings, i) else "right")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        tables.append(table)
    return tables


def markdown(scores: StudyScores) -> str:
    """Tables and caption."""
    lines: list[str] = []
    for title, headings, rows in grids(scores):
        rule = "".join("|---" if _of_words(headings, i) else "|---:" for i in range(len(headings)))
        lines += [f"**{title}**", "", _markdown_row(headings), rule + "|"]
        lines += [*map(_markdown_row, rows), ""]
    return "\n".join([*lines, caption(scores)])


def _of_words(headings: Sequence[str], i: int) -> bool:
    return i == 0 or headings[i] in WORDS


def _markdown_row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


def as_json(scores: StudyScores) -> str:
    """One object with all numbers; null where there is no value."""
    return json.dumps(
        {
            "study": scores.key.study,
            "protocol": scores.key.protocol,
            "dataset": scores.key.dataset,
            "questions": len(scores.key.counted()),
            "pooled": _tally_data(scores.pooled) if scores.pooled else None,
            "participants": {source: _tally_data(tally) for source, tally in scores.participants.items()},
            "pictures": [
                {"scene": p.item.scene, "file": p.file, "model": p.source, "fooling_rate": _rate_data(p.fooling)}
                for p in scores.pictures
            ],
            "excluded": [vars(person) for person in scores.excluded],
            "refused": [vars(refusal) for refusal in scores.refused],
        },
        indent=2,
    )


def _tally_data(tally: Tally) -> dict[str, Any]:
    return {"right": _rate_data(tally.found), "sources": [_row_data(row) for row in tally.rows]}


def _row_data(row: SourceScores) -> dict[str, Any]:
    data: dict[str, Any] = {"source": row.source, "identified": _rate_data(row.identified)}
    if row.fooling:
        data["fooling_rate"] = _rate_data(row.fooling)
    if row.mark:
        data["mark"] = {name: _finite(value) for name, value in vars(row.mark).items()}
    return data


def _rate_data(rate: Rate) -> dict[str, Any]:
    low, high = rate.interval
    numbers = {"value": rate.value, "low": low, "high": high, "chance": rate.chance, "p": rate.p}
    return {"k": rate.k, "n": rate.n} | {name: _finite(x) for name, x in numbers.items()}


def _finite(x: float) -> float | None:
    return x if math.isfinite(x) else None


def as_csv(scores: StudyScores) -> str:
    """A line for each source, of all participants ("all") and of each; empty where there is no value."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    rate = ("k", "n", "value", "low", "high", "p")
    headings = [f"{name}_{part}" for name in ("fooling_rate", "identified", "right") for part in rate]
    writer.writerow(["answers", "source", *headings, "mark", "mark_low", "mark_high", "marks"])
    scopes = {"all": scores.pooled} if scores.pooled else {}
    for scope, tally in (scopes | scores.participants).items():
        for row in tally.rows:
            rates = [(_rate_data(r) if r else {}) for r in (row.fooling, row.identified, tally.found)]
            mark = [_finite(x) for x in vars(row.mark).values()] if row.mark else [None] * 4
            writer.writerow([scope, row.source, *(data.get(part) for data in rates for part in rate), *mark])
    return text.getvalue().rstrip("\n")


TEXT_FORMATS: dict[str, Callable[[StudyScores], str]] = {"markdown": markdown, "json": as_json, "csv": as_csv}


def convincing_sheet(scores: StudyScores, folder: Path, rows: int, thumb: int = 160) -> Image.Image:
    """Most and least convincing pictures of the study in `folder`, each beside its truth where that was shown.

    UsageError if the folder lacks a picture, VerificationError if one is not the study's, or if there is but one.
    """
    best, worst = _ends(scores.pictures, rows)
    if not best:
        raise UsageError("--sheet: there are no two pictures to compare")
    columns: dict[str, list[np.ndarray]] = {}
    for label, chosen in (("most convincing", best), ("least convincing", worst)):
        columns[label] = [_pixels(folder, picture.file, picture) for picture in chosen]
        truths = [
            _pixels(folder, file, p) for p in chosen for file, source in p.item.sources.items() if source == TRUTH
        ]
        if truths:
            columns[f"truth of the {label.split()[0]}"] = truths
    return contact_sheet(columns, thumb)


def _pixels(folder: Path, file: str, picture: Convincing) -> np.ndarray:
    path = folder / file
    expected = next(p.sha256 for p in picture.item.pictures if p.file == file)
    if not path.is_file():
        raise UsageError(f"--sheet needs the pictures: {path} is missing; name the study's folder with --study")
    if sha256_of(path) != expected:
        raise VerificationError(f"{path}: not the picture that the study was made with")
    pixels = read_photo(path).pixels
    return pixels if pixels.ndim == 3 else np.repeat(pixels[:, :, None], 3, axis=2)
