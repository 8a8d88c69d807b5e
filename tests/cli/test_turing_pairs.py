import json
from pathlib import Path

import pytest
import torch
from PIL import Image
from turing_studies import answered, photo_folder, save, wrong_choice
from typer.testing import CliRunner

from colorcli.cli import app
from colorcli.models.catalog import build
from colorcli.turing.key import read_key
from colorcli.weights.weightsfile import save_weights


def colorcli(*arguments: object):
    return CliRunner().invoke(app, ["turing-pairs", *map(str, arguments)])


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> list[str]:
    """Options that name two toy models."""
    folder, options = tmp_path_factory.mktemp("weights"), []
    for seed, name in enumerate(("small", "other")):
        torch.manual_seed(seed)
        model = build("gan", widths=[4, 4, 4], encoder_blocks=[1, 1, 1], decoder_blocks=[1, 1])
        model.default_size = 32
        save_weights(folder / f"{name}.safetensors", model, {"model": "gan"})
        options += ["--weights", str(folder / f"{name}.safetensors")]
    return options


@pytest.fixture(scope="module")
def study(tmp_path_factory, weights) -> Path:
    """The key of a study that the command has made."""
    place = tmp_path_factory.mktemp("made")
    photo_folder(place / "photos", 8)
    result = make(place, *weights)
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [str(place / "study" / "index.html"), str(place / "study.key.json")]
    return place / "study.key.json"


def make(tmp_path, *options):
    small = ("--count", 4, "--catch", 2, "--practice", 1)
    return colorcli("make", "--dataset", tmp_path / "photos", "-o", tmp_path / "study", *small, *options)


def test_a_study_is_made_and_scored(study, tmp_path):
    key = read_key(study)
    save(tmp_path / "in" / "a.json", answered(key, participant="a" * 16))
    save(tmp_path / "in" / "b.json", answered(key, participant="b" * 16))
    result = colorcli("score", "--key", study, tmp_path / "in", "--format", "json", "--sheet", tmp_path / "sheet.png")
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    data = json.loads(result.stdout)
    assert (data["pooled"]["right"]["k"], data["pooled"]["right"]["n"]) == (8, 8)
    assert [row["source"] for row in data["pooled"]["sources"]] == ["truth", "small", "other"]
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > 4 * 40


@pytest.mark.parametrize("format", ["table", "markdown", "csv"])
def test_tables_are_printed_whole_to_a_pipe(study, tmp_path, format):
    save(tmp_path / "a.json", answered(read_key(study)))
    result = colorcli("score", "--key", study, tmp_path / "a.json", "--format", format)
    assert result.exit_code == 0
    for word in ("small", "other", "truth", "a.json"):
        assert word in result.stdout
    assert "…" not in result.stdout


def test_cifar10_at_its_own_size(tmp_path, weights, monkeypatch):
    import numpy as np

    records = np.random.default_rng(0).integers(256, size=(12, 3073), dtype=np.uint8)
    records[:, 0] = 0
    (tmp_path / "test_batch.bin").write_bytes(records.tobytes())
    monkeypatch.setenv("COLORCLI_DATA", str(tmp_path))
    options = ("--protocol", "triples", "--count", 3, "--catch", 1, "--practice", 1)
    result = colorcli("make", "--dataset", "cifar10", "-o", tmp_path / "study", *options, *weights)
    assert result.exit_code == 0, result.output
    key = read_key(tmp_path / "study.key.json")
    images = {f"{i:05d}": record[1:].reshape(3, 32, 32).transpose(1, 2, 0) for i, record in enumerate(records)}
    for item in key.counted():
        truth = next(picture.file for picture in item.pictures if picture.source == "truth")
        with Image.open(tmp_path / "study" / truth) as picture:
            assert np.abs(np.asarray(picture, int) - images[item.scene]).mean() < 3


def test_refused_answers_are_named_and_exit_3(study, tmp_path):
    key = read_key(study)
    save(tmp_path / "in" / "a.json", answered(key))
    save(tmp_path / "in" / "b.json", answered(key))
    (tmp_path / "in" / "c.json").write_text("{}")
    result = colorcli("score", "--key", study, tmp_path / "in", "--format", "json")
    assert result.exit_code == 3
    assert "b.json: duplicate of" in result.stderr
    assert "c.json: not the answers" in result.stderr
    assert json.loads(result.stdout)["pooled"]["right"]["n"] == 4


def test_nobody_left_is_an_error(study, tmp_path):
    save(tmp_path / "a.json", answered(read_key(study), wrong_choice))
    result = colorcli("score", "--key", study, tmp_path / "a.json")
    assert result.exit_code == 1
    assert "0 of 2 catch trials right" in result.stderr
    assert "1 excluded by catch trials" in result.stderr
    kept = colorcli("score", "--key", study, tmp_path / "a.json", "--min-caught", 0)
    assert kept.exit_code == 0


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--upload-url", "ftp://example.org"], "--upload-url"),
        (["--protocol", "quadruples"], "--protocol"),
        (["--count", "0"], "--count"),
        (["--exposure", "-1"], "--exposure"),
        (["-o", "PHOTOS/study"], "lies in the dataset"),
        (["-o", "nowhere/study"], "no such folder"),
        (["-o", "photos-again"], "is there already"),
        (["-o", "."], "give the new folder a name"),
        (["--dataset", "nowhere"], "neither cifar10 nor a folder"),
        (["--model", "unheard-of"], "unheard-of"),
        (["--device", "abacus"], "abacus"),
        (["--count", "1"], "fewer trials than models"),
    ],
)
def test_wrong_usage_is_told_before_any_work(tmp_path, weights, monkeypatch, options, told):
    monkeypatch.chdir(tmp_path)
    photos = photo_folder(tmp_path / "photos", 8)
    (tmp_path / "photos-again").mkdir()
    before = sorted(tmp_path.rglob("*"))
    result = make(tmp_path, *weights, *(option.replace("PHOTOS", str(photos)) for option in options))
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stdout == ""
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--key", "nowhere.json", "."], "nowhere.json: cannot be read"),
        (["--key", "KEY", "nowhere.json"], "nowhere.json: no such file"),
        (["--key", "KEY", ".", "--sheet", "sheet.txt"], "suffix of a picture"),
        (["--key", "KEY", ".", "--sheet", "nowhere/sheet.png"], "no such folder"),
        (["--key", "KEY", ".", "--min-caught", "2"], "--min-caught"),
    ],
)
def test_wrong_usage_of_score(study, monkeypatch, options, told):
    monkeypatch.chdir(study.parent)
    result = colorcli("score", *(option.replace("KEY", str(study)) for option in options))
    assert result.exit_code == 2
    assert told in result.stderr
