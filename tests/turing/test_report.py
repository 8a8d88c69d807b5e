import csv
import io
import json

import pytest
from PIL import Image
from turing_studies import BLUE, RED, answered, right_choice, save, small_study, wrong_choice

from colorcli.errors import UsageError, VerificationError
from colorcli.turing import report
from colorcli.turing.answers import read_answers
from colorcli.turing.key import WRONG
from colorcli.turing.scoring import score


def fooled_once(key, item):
    return (wrong_choice if item.id == key.counted()[0].id else right_choice)(key, item)


def blind(key, item):
    return (wrong_choice if WRONG in item.sources.values() else right_choice)(key, item)


def scores_of(tmp_path, key, *choosers):
    """StudyScores of participants who answer by each of `choosers`, and of one broken file."""
    files = [
        save(tmp_path / f"{i}.json", answered(key, choose, f"{i:016x}", mark=lambda source: 4))
        for i, choose in enumerate(choosers)
    ]
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    return score(key, *read_answers([*files, broken], key))


@pytest.fixture
def study(tmp_path):
    folder, key = small_study(tmp_path, RED, BLUE, rate=True)
    return folder, scores_of(tmp_path, key, right_choice, fooled_once, blind)


def test_json_has_it_all(study, tmp_path):
    data = json.loads(report.as_json(study[1]))
    assert data["pooled"]["right"] | {"low": 0, "high": 0, "p": 0} == (
        {"k": 7, "n": 8, "value": 0.875, "low": 0, "high": 0, "chance": 0.5, "p": 0}
    )
    assert [row["source"] for row in data["pooled"]["sources"]] == ["truth", "red@test", "blue@test"]
    assert data["pooled"]["sources"][1]["mark"]["mean"] == 4
    assert [each["source"] for each in data["excluded"]] == [str(tmp_path / "2.json")]
    assert [each["source"] for each in data["refused"]] == [str(tmp_path / "broken.json")]
    assert len(data["pictures"]) == 4
    assert data["pictures"][0]["fooling_rate"]["k"] == 1


def test_csv_has_a_line_for_each_source_of_each_participant(study, tmp_path):
    lines = list(csv.DictReader(io.StringIO(report.as_csv(study[1]))))
    assert [line["answers"] for line in lines] == [
        name for name in ("all", str(tmp_path / "0.json"), str(tmp_path / "1.json")) for _ in range(3)
    ]
    assert lines[0]["fooling_rate_value"] == ""
    assert sum(int(line["fooling_rate_k"]) for line in lines[1:3]) == 1
    assert float(lines[0]["mark"]) == 4


def test_markdown_and_caption(study):
    text = report.markdown(study[1])
    assert "2 participants, 4 questions each; 1 excluded by catch trials, 1 files refused." in text
    assert "| right answers | 8 |" in text
    assert "87.5% [52.9, 97.8]" in text
    assert "2 of 2" not in text.split("**Excluded**")[1]
    widths = {line.count("|") for line in text.split("\n\n")[1].splitlines()}
    assert len(widths) == 1


def test_numbers_without_answers_are_dashes(tmp_path):
    _, key = small_study(tmp_path, RED, BLUE, protocol="triples", count=2)

    def taking_blue(key, item):
        return next((file for file, source in item.sources.items() if source == "blue@test"), right_choice(key, item))

    scores = scores_of(tmp_path, key, taking_blue)
    red = next(row for row in json.loads(report.as_json(scores))["pooled"]["sources"] if row["source"] == "red@test")
    assert red["fooling_rate"] == {"k": 0, "n": 0, "value": None, "low": None, "high": None, "chance": 0.5, "p": None}
    assert "| red@test | 2 | – | – | 0.0%" in report.markdown(scores)


def test_sheet_shows_the_ends_beside_their_truths(study):
    folder, scores = study
    sheet = report.convincing_sheet(scores, folder, rows=8, thumb=64)
    assert sheet.width > 4 * 40
    assert 2 * 32 < sheet.height < 4 * 64


def test_sheet_of_single_pictures(tmp_path):
    folder, key = small_study(tmp_path, RED, protocol="single")
    sheet = report.convincing_sheet(scores_of(tmp_path, key, right_choice), folder, rows=1, thumb=64)
    assert sheet.width < 3 * 64


def test_sheet_tells_of_pictures_that_are_missing_or_others(study):
    folder, scores = study
    best = folder / scores.pictures[0].file
    Image.new("RGB", (40, 32)).save(best)
    with pytest.raises(VerificationError, match=best.name):
        report.convincing_sheet(scores, folder, rows=1)
    best.unlink()
    with pytest.raises(UsageError, match="--study"):
        report.convincing_sheet(scores, folder, rows=1)
