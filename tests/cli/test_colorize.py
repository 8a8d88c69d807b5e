import io
import json
from pathlib import Path

import pytest
from PIL import Image

import colorcli.cli.colorize
from colorcli.errors import VerificationError
from colorcli.photo import read_photo


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def folder(here, make_photo):
    """d/ with a.jpg, b.png and bad.jpg, which is text."""
    make_photo(here / "d" / "a.jpg")
    make_photo(here / "d" / "b.png")
    (here / "d" / "bad.jpg").write_text("not a photo")


def files(root="."):
    return sorted(str(path) for path in Path(root).rglob("*") if path.is_file())


def test_one_photo(here, run_cli, make_photo):
    make_photo(here / "a.jpg")
    result = run_cli("colorize", "a.jpg")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith("a.jpg -> a-color.jpg") and result.stderr.count("\n") == 1
    assert read_photo(Path("a-color.jpg")).pixels.shape == (16, 16, 3)


def test_a_folder_with_one_bad_file(folder, run_cli):
    result = run_cli("colorize", "d")
    assert result.exit_code == 3
    assert "[1/3] d/a.jpg -> d-color/a.jpg" in result.stderr
    assert "colorcli: d/bad.jpg: is damaged or no photo" in result.stderr
    assert "2 done, 1 failed in" in result.stderr
    assert files("d-color") == ["d-color/a.jpg", "d-color/b.png"]


def test_quiet_says_only_what_went_wrong(folder, run_cli):
    result = run_cli("colorize", "d", "-q")
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.count("\n") == 1 and "bad.jpg" in result.stderr


def test_all_bad_is_exit_1(here, run_cli):
    for name in ("a.jpg", "b.jpg"):
        (here / name).write_text("no")
    assert run_cli("colorize", "a.jpg", "b.jpg").exit_code == 1
    assert files() == ["a.jpg", "b.jpg"]


def test_a_single_bad_file_is_answered_before_the_model_loads(here, run_cli, monkeypatch):
    (here / "a.jpg").write_text("no")
    monkeypatch.setattr(colorcli.cli.colorize, "_load", lambda **settings: pytest.fail("loaded"))
    result = run_cli("colorize", "a.jpg")
    assert result.exit_code == 1 and result.stderr.startswith("colorcli: a.jpg: ")


def test_in_the_way_then_overwrite_then_skip(here, run_cli, make_photo):
    make_photo(here / "a.jpg")
    Path("a-color.jpg").write_text("old")
    result = run_cli("colorize", "a.jpg")
    assert result.exit_code == 2
    assert "this file is in the way" in result.stderr and "  a-color.jpg" in result.stderr
    assert Path("a-color.jpg").read_text() == "old"
    result = run_cli("colorize", "a.jpg", "--skip-existing")
    assert (result.exit_code, Path("a-color.jpg").read_text()) == (0, "old")
    assert "0 done, 1 skipped" in result.stderr
    assert run_cli("colorize", "a.jpg", "--overwrite").exit_code == 0
    assert read_photo(Path("a-color.jpg")).pixels.ndim == 3


def test_dry_run_touches_nothing(folder, run_cli, monkeypatch):
    monkeypatch.setattr(colorcli.cli.colorize, "_load", lambda **settings: pytest.fail("loaded"))
    before = files()
    result = run_cli("colorize", "d", "-o", "out/deep", "--dry-run", "--compare")
    assert result.exit_code == 0 and files() == before and not Path("out").exists()
    assert result.stdout.splitlines()[:2] == ["d/a.jpg -> out/deep/a.jpg", "d/a.jpg -> out/deep/a-compare.jpg"]


def test_dry_run_as_json_says_what_would_be_skipped(folder, run_cli):
    Path("d-color").mkdir()
    Path("d-color/b.png").touch()
    result = run_cli("colorize", "d", "--dry-run", "--json", "--skip-existing")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [line["source"] for line in lines] == ["d/a.jpg", "d/bad.jpg", "d/b.png"]
    assert [line.get("skipped") for line in lines] == [None, None, True]


def test_json_is_one_line_a_photo_and_a_summary(folder, run_cli):
    result = run_cli("colorize", "d", "--json", "--compare")
    a, b, bad, last = [json.loads(line) for line in result.stdout.splitlines()]
    assert (a["source"], a["target"], a["compare"]) == ("d/a.jpg", "d-color/a.jpg", "d-color/a-compare.jpg")
    assert (a["size"], a["model"], a["notes"]) == ([16, 16], "tint@test", []) and a["seconds"] >= 0
    assert b["target"] == "d-color/b.png" and "bad.jpg" in bad["error"]
    assert {"done": 2, "failed": 1, "skipped": 0}.items() <= last["summary"].items()


def test_stdin_to_stdout(here, run_cli, make_photo):
    data = make_photo(here / "a.png").read_bytes()
    result = run_cli("colorize", "-", input=data)
    assert result.exit_code == 0
    with Image.open(io.BytesIO(result.stdout_bytes)) as image:
        assert (image.format, image.mode) == ("PNG", "RGB")


def test_stdin_to_a_file_and_a_file_to_stdout(here, run_cli, make_photo):
    data = make_photo(here / "a.png").read_bytes()
    assert run_cli("colorize", "-", "-o", "out.jpg", input=data).exit_code == 0
    with Image.open("out.jpg") as image:
        assert image.format == "JPEG"
    result = run_cli("colorize", "a.png", "-o", "-", "--format", "webp")
    with Image.open(io.BytesIO(result.stdout_bytes)) as image:
        assert image.format == "WEBP"


def test_empty_stdin(here, run_cli):
    result = run_cli("colorize", "-", input=b"")
    assert (result.exit_code, result.stdout_bytes) == (1, b"")
    assert "stdin: is empty" in result.stderr


def test_compare_writes_both_side_by_side(here, run_cli, make_photo):
    make_photo(here / "a.png")
    assert run_cli("colorize", "a.png", "--compare").exit_code == 0
    assert read_photo(here / "a-compare.png").pixels.shape == (16, 32, 3)


def test_no_provenance(here, run_cli, make_photo):
    make_photo(here / "a.jpg")
    run_cli("colorize", "a.jpg", "-o", "with.jpg")
    run_cli("colorize", "a.jpg", "-o", "without.jpg", "--no-provenance")
    assert b"tint@test" in Path("with.jpg").read_bytes()
    assert b"tint@test" not in Path("without.jpg").read_bytes()


def test_a_note_is_shown_once_and_counted(here, run_cli):
    for name in "abc":
        Image.new("LA", (8, 8), (90, 100)).save(f"{name}.png")
    result = run_cli("colorize", "a.png", "b.png", "c.png", "-o", "out/", "--format", "jpg")
    assert result.stderr.count("JPEG holds no transparency") == 2
    assert "(in 3 photos)" in result.stderr


def test_own_results_left_out_are_mentioned(here, run_cli, make_photo):
    make_photo(here / "d" / "a.jpg")
    make_photo(here / "d" / "a-color.jpg")
    result = run_cli("colorize", "d")
    assert "note: 1 NAME-color" in result.stderr and files("d-color") == ["d-color/a.jpg"]


def test_only_what_was_set_is_passed_on(here, run_cli, make_photo, tint, monkeypatch):
    make_photo(here / "a.jpg")
    seen = []
    monkeypatch.setattr(colorcli.cli.colorize, "_load", lambda **settings: seen.append(settings) or tint)
    run_cli("colorize", "a.jpg", "--dry-run")
    run_cli("colorize", "a.jpg")
    run_cli("colorize", "a.jpg", "--overwrite", "--model", "gan@photo", "--size", "256", "--precision", "bf16")
    assert seen == [
        {"device": "auto", "precision": "auto", "seed": 0},
        {"device": "auto", "precision": "bf16", "seed": 0, "model": "gan@photo", "size": 256},
    ]


def test_bad_weights_are_exit_4_and_nothing_is_written(here, run_cli, make_photo, monkeypatch):
    def fail(**settings):
        raise VerificationError("gan.safetensors: not the right hash")

    make_photo(here / "a.jpg")
    monkeypatch.setattr(colorcli.cli.colorize, "_load", fail)
    result = run_cli("colorize", "a.jpg")
    assert (result.exit_code, result.stderr) == (4, "colorcli: gan.safetensors: not the right hash\n")
    assert files() == ["a.jpg"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--quality", "0"], "quality"),
        (["--quality", "101"], "quality"),
        (["--batch-size", "0"], "batch-size"),
        (["--precision", "fp8"], "precision"),
        (["--device", "gpu"], "--device gpu: not one of"),
        (["--saturation", "nan"], "--saturation nan"),
        (["--saturation", "-1"], "--saturation -1"),
        (["--overwrite", "--skip-existing"], "exclude each other"),
        (["-o", "-", "--json"], "--json and the picture"),
        (["--colour"], "colour"),
    ],
)
def test_wrong_use_is_exit_2_and_touches_nothing(here, run_cli, make_photo, options, message):
    make_photo(here / "a.jpg")
    result = run_cli("colorize", "a.jpg", *options)
    assert result.exit_code == 2 and message in result.stderr
    assert files() == ["a.jpg"]


def test_no_input_is_wrong_use(run_cli):
    assert run_cli("colorize").exit_code == 2


def test_help_fits_80_columns(run_cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = run_cli("colorize", "--help").stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert any("Examples" in line for line in lines)


@pytest.mark.parametrize(
    ("options", "note"),
    [
        (["--quality", "80", "-o", "b.png"], "--quality is without effect: .png is lossless"),
        (["--seed", "3", "-o", "b.jpg"], "--seed is without effect: gan draws no noise"),
    ],
)
def test_options_without_effect_say_so(run_cli, make_photo, tmp_path, monkeypatch, options, note):
    monkeypatch.chdir(tmp_path)
    make_photo(tmp_path / "a.jpg")
    result = run_cli("colorize", "a.jpg", *options)
    assert result.exit_code == 0 and note in result.stderr


def test_a_model_and_a_weights_file_exclude_each_other(run_cli, make_photo, tmp_path):
    photo = make_photo(tmp_path / "a.jpg")
    result = run_cli("colorize", photo, "--model", "gan", "--weights", photo)
    assert result.exit_code == 2 and "exclude each other" in result.stderr


def test_an_old_name_says_the_new_one(run_cli, make_photo, tmp_path):
    result = run_cli("colorize", make_photo(tmp_path / "a.jpg"), "--model", "ddcolor-tiny")
    assert "note: ddcolor-tiny is now called ddcolor@tiny" in result.stderr
