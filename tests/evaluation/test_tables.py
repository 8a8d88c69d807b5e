import csv
import io
import json
import math

import pytest
from rich.console import Console

from colorcli.evaluation import tables
from colorcli.evaluation.evaluate import Evaluation, ModelScores
from colorcli.evaluation.metrics import Score


def score(value: float, half: float = 0.0) -> Score:
    return Score(value, value - half, value + half)


@pytest.fixture
def evaluation() -> Evaluation:
    grey = {
        "pixel_accuracy_2": score(0.17456, 0.004),
        "pixel_accuracy_2_r": score(0.349),
        "psnr": score(24.8103, 0.16),
        "ssim": score(0.93105, 0.0012),
        "colourfulness": score(0.0),
        "colourfulness_ratio": score(math.nan),
    }
    model = grey | {"psnr": score(25.5), "colourfulness_ratio": score(0.612)}
    rows = [
        ModelScores("grey", grey),
        ModelScores("gan[x]|y", model, 1312.4),
        ModelScores("truth", {"colourfulness": score(33.65, 0.3)}),
    ]
    return Evaluation("cifar10", "unrounded", 10_000, rows, {}, ["bad.jpg: truncated"])


def test_markdown_has_a_cell_for_every_heading(evaluation):
    lines = tables.markdown(evaluation).splitlines()
    cells = [[cell.strip() for cell in line.replace(r"\|", "/").strip("|").split("|")] for line in lines[:5]]
    assert {len(row) for row in cells} == {11}
    by_heading = dict(zip(cells[0], zip(*cells[2:], strict=True), strict=True))
    assert by_heading["model"] == ("grey", "gan[x]/y", "truth")
    assert by_heading["acc 2%"] == ("17.46 ±0.40", "17.46 ±0.40", "")
    assert by_heading["PSNR"] == ("24.81 ±0.16", "25.50 ±0.00", "")
    assert by_heading["colourful"][2] == "33.6 ±0.3"
    assert by_heading["of truth"] == ("", "61% ±0", "")
    assert by_heading["images/s"] == ("", "1,312", "")
    assert lines[-1].startswith("10,000 images of cifar10, scored unrounded")


def test_json_has_all_metrics_with_their_ends(evaluation):
    document = json.loads(tables.as_json(evaluation))
    assert (document["dataset"], document["images"], document["failed"]) == ("cifar10", 10_000, ["bad.jpg: truncated"])
    grey, model, truth = document["rows"]
    assert grey["psnr"] == pytest.approx({"value": 24.8103, "low": 24.6503, "high": 24.9703})
    assert grey["pixel_accuracy_2_r"]["value"] == 0.349
    assert grey["colourfulness_ratio"] == {"value": None, "low": None, "high": None}
    assert model["images_per_second"] == 1312.4
    assert truth.keys() == {"name", "images_per_second", "colourfulness"}


def test_csv_has_three_columns_a_metric(evaluation):
    rows = list(csv.DictReader(io.StringIO(tables.as_csv(evaluation))))
    assert [row["name"] for row in rows] == ["grey", "gan[x]|y", "truth"]
    assert float(rows[0]["psnr_high"]) == pytest.approx(24.9703)
    assert rows[0]["colourfulness_ratio"] == rows[2]["psnr"] == ""
    assert rows[2]["colourfulness"] == "33.65"
    assert rows[0]["images"] == "10000"


def test_rich_table_shows_names_and_intervals(evaluation):
    text = io.StringIO()
    Console(file=text, width=160).print(tables.rich_table(evaluation))
    lines = text.getvalue().splitlines()
    place = next(i for i, line in enumerate(lines) if "gan[x]|y" in line)
    assert "25.50" in lines[place]
    assert "±0.40" in lines[place + 1]


@pytest.fixture
def labelled(evaluation) -> Evaluation:
    for row, top1 in zip(evaluation.rows, (0.7, 0.8, 0.9), strict=True):
        row.scores.update(top1=score(top1, 0.01), frechet=Score(1.234, math.nan, math.nan))
    return evaluation


def test_labelled_images_have_two_columns_more(labelled):
    lines = tables.markdown(labelled).splitlines()
    cells = [[cell.strip() for cell in line.replace(r"\|", "/").strip("|").split("|")] for line in lines[:5]]
    by_heading = dict(zip(cells[0], zip(*cells[2:], strict=True), strict=True))
    assert by_heading["top-1"] == ("70.0 ±1.0", "80.0 ±1.0", "90.0 ±1.0")
    assert by_heading["Fréchet"] == ("1.23",) * 3  # without an interval
    assert "classifier" in lines[-1]
    truth = json.loads(tables.as_json(labelled))["rows"][2]
    assert truth["frechet"] == {"value": 1.234, "low": None, "high": None}
    rows = list(csv.DictReader(io.StringIO(tables.as_csv(labelled))))
    assert (rows[2]["top1"], rows[2]["frechet"], rows[2]["frechet_low"]) == ("0.9", "1.234", "")
