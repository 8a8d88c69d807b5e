"""The rows of an evaluation as a table for a terminal, as Markdown, JSON or CSV."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from colorcli.evaluation.evaluate import Evaluation, ModelScores
    from colorcli.evaluation.metrics import Score


@dataclass(frozen=True)
class Column:
    """How a metric is shown: its heading, a factor (100 for %), its decimals, and the unit after the number. always:
    whether it has a column even where no row has it."""

    metric: str
    heading: str
    factor: float = 1
    decimals: int = 2
    unit: str = ""
    always: bool = True


# The main metrics; JSON and CSV have all
COLUMNS = (
    Column("pixel_accuracy_2", "acc 2%", 100),
    Column("pixel_accuracy_5", "acc 5%", 100),
    Column("psnr", "PSNR"),
    Column("ssim", "SSIM", decimals=4),
    Column("ab_auc", "AuC", decimals=4),
    Column("ab_auc_balanced", "balanced AuC", decimals=4, always=False),
    Column("ciede2000", "ΔE2000"),
    Column("ab_error", "ab error"),
    Column("colourfulness", "colourful", decimals=1),
    Column("colourfulness_ratio", "of truth", 100, 0, "%"),
    Column("top1", "top-1", 100, 1, always=False),
    Column("frechet", "Fréchet", always=False),
)
RATE_HEADING = "images/s"


def caption(evaluation: Evaluation) -> str:
    """What the table is about, in a sentence."""
    told = "; top-1 (%) and Fréchet distance from the truth by a CIFAR-10 classifier" if _labelled(evaluation) else ""
    return (
        f"{evaluation.images:,} images of {evaluation.dataset}, scored {evaluation.scored}. "
        f"acc: pixels (%) within 2% and 5% in R, G and B; PSNR in dB{told}; ±: half of the 95% bootstrap interval"
    )


def rich_table(evaluation: Evaluation) -> Table:
    """A table for a terminal: intervals in a second line of each cell."""
    columns = _columns(evaluation)
    table = Table(caption=Text(caption(evaluation)))
    table.add_column("model")
    for heading in _headings(columns):
        table.add_column(heading, justify="right")
    for row in evaluation.rows:
        cells = [Text.assemble(value, "\n", (spread, "dim")) for value, spread in _cells(row, columns)]
        table.add_row(Text(row.name), *cells, _rate(row))
    return table


def markdown(evaluation: Evaluation) -> str:
    """A Markdown table and its caption."""
    columns = _columns(evaluation)
    lines = ["| model | " + " | ".join(_headings(columns)) + " |", "|---" + "|---:" * len(_headings(columns)) + "|"]
    for row in evaluation.rows:
        cells = [f"{value} {spread}".strip() for value, spread in _cells(row, columns)]
        lines.append("| " + " | ".join([row.name.replace("|", r"\|"), *cells, _rate(row)]) + " |")
    return "\n".join([*lines, "", caption(evaluation)])


def as_json(evaluation: Evaluation) -> str:
    """One JSON object; each metric of a row is {"value", "low", "high"}, null where it has no value."""
    rows = [
        {"name": row.name, "images_per_second": row.images_per_second}
        | {name: {end: _finite(v) for end, v in asdict(score).items()} for name, score in row.scores.items()}
        for row in evaluation.rows
    ]
    head: dict[str, Any] = {"dataset": evaluation.dataset, "images": evaluation.images, "scored": evaluation.scored}
    return json.dumps(head | {"failed": evaluation.failed, "rows": rows}, indent=2)


def as_csv(evaluation: Evaluation) -> str:
    """A line for each row of the evaluation; each metric has three columns: METRIC, METRIC_low, METRIC_high."""
    metrics = list(evaluation.rows[0].scores)
    ends = ("", "_low", "_high")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["name", "images", "images_per_second", *(name + end for name in metrics for end in ends)])
    for row in evaluation.rows:
        values = [value for name in metrics for value in _ends(row.scores.get(name))]
        writer.writerow([row.name, evaluation.images, row.images_per_second, *values])
    return text.getvalue().rstrip("\n")


TEXT_FORMATS: dict[str, Callable[[Evaluation], str]] = {"markdown": markdown, "json": as_json, "csv": as_csv}


def _labelled(evaluation: Evaluation) -> bool:
    return any("top1" in row.scores for row in evaluation.rows)


def _columns(evaluation: Evaluation) -> list[Column]:
    return [c for c in COLUMNS if c.always or any(c.metric in row.scores for row in evaluation.rows)]


def _headings(columns: Sequence[Column]) -> list[str]:
    return [*(column.heading for column in columns), RATE_HEADING]


def _cells(row: ModelScores, columns: Sequence[Column]) -> list[tuple[str, str]]:
    """Value and ± half an interval for each of `columns`, empty where the row has none."""
    cells = []
    for column in columns:
        score = row.scores.get(column.metric)
        if score is None or not math.isfinite(score.value):
            cells.append(("", ""))
        else:
            half = (score.high - score.low) / 2
            numbers = [f"{x * column.factor:.{column.decimals}f}" for x in (score.value, half)]
            cells.append((numbers[0] + column.unit, f"±{numbers[1]}" if math.isfinite(half) else ""))
    return cells


def _rate(row: ModelScores) -> str:
    rate = row.images_per_second
    if rate is None:
        return ""
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.1f}"


def _ends(score: Score | None) -> list[float | None]:
    return [None] * 3 if score is None else [_finite(x) for x in (score.value, score.low, score.high)]


def _finite(x: float) -> float | None:
    return x if math.isfinite(x) else None
