"""colorize with strokes, points and references: the real engine, and systems that need no weights."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

import colorcli.cli
import colorcli.cli.colorize
from colorcli.photo import read_photo

RED = (200, 30, 20)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """a.png, grey, 40 x 20; strokes.png, red on its left half; other.jpg in colour; the folder d/."""
    monkeypatch.chdir(tmp_path)
    Image.new("L", (40, 20), 120).save("a.png")
    strokes = Image.new("RGBA", (40, 20))
    strokes.paste((*RED, 255), (4, 2, 12, 18))
    strokes.save("strokes.png")
    Image.new("RGB", (30, 30), RED).save("other.jpg")
    Path("d").mkdir()
    Image.new("L", (40, 20), 120).save("d/a.png")
    return tmp_path


def colorize(*arguments, input=None):
    command = ["colorize", *arguments, "--device", "cpu", "-q"]
    return CliRunner().invoke(colorcli.cli.app, command, input=input)


def redness(path) -> np.ndarray:
    """How much red exceeds green, per pixel."""
    pixels = read_photo(Path(path)).pixels.astype(int)
    return pixels[..., 0] - pixels[..., 1]


def test_strokes_colour_a_photo(here):
    assert colorize("a.png", "--model", "scribbles", "--hints", "strokes.png").exit_code == 0
    assert redness("a-color.png").min() > 50
    with Image.open("a-color.png") as image:
        assert image.getexif()[305] == "colorcli 0.1.0 scribbles"
        assert b"/algorithmicallyEnhanced" in image.info["xmp"]


def test_points_and_strokes_go_together(here):
    grey = ["--hint", "35,2,#808080", "--hint", "35,17,#808080"]
    assert colorize("a.png", "--model", "scribbles", "--hints", "strokes.png", *grey).exit_code == 0
    found = redness("a-color.png")
    assert found[:, 4:12].min() > 50
    assert found[:, 34:37].mean() < 30


def test_points_are_places_of_the_upright_photo(here):
    """Stored on its side: a dark and a light half, side by side when upright, each with a point of its own."""
    upright = Image.new("L", (240, 120), 60)
    upright.paste(190, (120, 0, 240, 120))
    turned = Image.Exif()
    turned[0x0112] = 6
    upright.rotate(90, expand=True).save("turned.png", exif=turned)
    options = ["--hint", "30,60,#c81e14", "--hint", "210,60,#808080"]
    assert colorize("turned.png", "--model", "scribbles", *options).exit_code == 0
    found = redness("turned-color.png")
    assert found.shape == (120, 240)
    assert found[:, :110].min() > 20
    assert found[:, 130:].max() < 8


def test_a_photo_from_stdin_takes_hints(here):
    data = Path("a.png").read_bytes()
    result = colorize("-", "-o", "out.png", "--model", "scribbles", "--hint", "3,3,#c81e14", input=data)
    assert result.exit_code == 0
    assert redness("out.png").min() > 50


def test_a_reference_is_for_a_whole_folder(here):
    result = colorize("a.png", "d/a.png", "-o", "out/", "--model", "transfer", "--reference", "other.jpg")
    assert result.exit_code == 2 and "both" in result.stderr  # one name twice
    assert colorize("d", "-o", "out/", "--model", "transfer", "--reference", "other.jpg").exit_code == 0
    assert redness("out/a.png").min() > 50


def test_swatches_choose_among_the_references_colours(here):
    other = Image.new("RGB", (30, 30), RED)
    other.paste((30, 160, 40), (0, 0, 30, 15))
    other.save("other.png")
    for box, sign in (("0,0,30,10", -1), ("0,20,30,10", 1)):
        options = ["--reference", "other.png", "--swatch", f"0,0,40,20={box}", "--overwrite"]
        assert colorize("a.png", "--model", "transfer", *options).exit_code == 0
        assert (sign * redness("a-color.png")).min() > 30


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["a.png", "--model", "scribbles"], "the model scribbles needs hints: give --hints STROKES.png or --hint"),
        (["a.png", "--model", "transfer"], "the model transfer needs reference: give --reference PHOTO"),
        (
            ["a.png", "--model", "eccv16", "--hints", "strokes.png"],
            "the model eccv16 takes no hints: use --model gan or",
        ),
        (["a.png", "--model", "pix2pix@cifar10", "--hint", "1,1,#ff0000"], "pix2pix takes no hints"),
        (["a.png", "--model", "scribbles", "--reference", "other.jpg"], "takes no reference: use --model transfer"),
        (["a.png", "--model", "scribbles", "--hints", "no.png"], "--hints no.png: no such file"),
        (["a.png", "--model", "transfer", "--reference", "no.png"], "--reference no.png: no such file"),
        (["a.png", "--model", "scribbles", "--hint", "1,1,#ff000"], "--hint 1,1,#ff000: not X,Y,#RRGGBB"),
        (["a.png", "--model", "scribbles", "--hint", "1,1,red"], "not X,Y,#RRGGBB"),
        (["a.png", "--model", "scribbles", "--hint", "1,1,"], "quote it"),
        (["a.png", "--model", "scribbles", "--hint", "-1,1,#ff0000"], "not X,Y,#RRGGBB"),
        (["a.png", "--model", "transfer", "--swatch", "0,0,9,9=0,0,9,9"], "give --reference PHOTO too"),
        (["a.png", "--model", "transfer", "--reference", "other.jpg", "--swatch", "0,0,9,9"], "not X,Y,W,H=X,Y,W,H"),
        (["a.png", "d/a.png", "--model", "scribbles", "--hint", "1,1,#ff0000"], "--hint names places of one photo"),
        (["d", "--model", "scribbles", "--hints", "strokes.png"], "--hints names places of one photo"),
    ],
)
def test_wrong_use_is_answered_before_anything_is_read(here, monkeypatch, options, message):
    monkeypatch.setattr("colorcli.batch.workers.read_source", lambda source: pytest.fail("read"))
    before = sorted(here.rglob("*"))
    result = colorize(*options)
    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr
    assert sorted(here.rglob("*")) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "scribbles", "--hint", "40,1,#ff0000"], "outside the photo, which is 40 x 20 px"),
        (["--model", "scribbles", "--hints", "other.jpg"], "other.jpg: 30 x 30 px, but the photo is 40 x 20"),
        (["--model", "transfer", "--reference", "a.png"], "a.png: has no colours to take"),
        (["--model", "transfer", "--reference", "other.jpg", "--swatch", "0,0,9,9=25,0,9,9"], "not inside other.jpg"),
    ],
)
def test_what_does_not_fit_the_photo_is_answered_before_the_model_loads(here, monkeypatch, options, message):
    monkeypatch.setattr(colorcli.cli.colorize, "_load", lambda **settings: pytest.fail("loaded"))
    result = colorize("a.png", *options)
    assert (result.exit_code, message in result.stderr) == (2, True), result.stderr


def test_a_misspelt_name_is_told_the_nearest(here):
    assert "did you mean 'scribbles'?" in colorize("a.png", "--model", "scribble", "--hint", "1,1,#ff0000").stderr


def test_a_damaged_reference_is_named(here):
    Path("bad.jpg").write_text("no photo")
    result = colorize("a.png", "--model", "transfer", "--reference", "bad.jpg")
    assert result.exit_code == 1 and "bad.jpg: is damaged" in result.stderr


def test_nothing_to_pull_train_or_measure(here):
    run = CliRunner().invoke
    pulled = run(colorcli.cli.app, ["models", "pull", "scribbles"])
    assert (pulled.exit_code, "works without weights" in pulled.stderr) == (2, True)
    listed = run(colorcli.cli.app, ["models"])
    assert (listed.exit_code, listed.stderr) == (0, "ready without weights: scribbles, transfer\n")
    trained = run(colorcli.cli.app, ["train", "scribbles", "--data", ".", "--out", "run"])
    assert (trained.exit_code, "scribbles cannot be trained" in trained.stderr) == (2, True)
    measured = run(colorcli.cli.app, ["eval", "--dataset", str(here), "--model", "transfer"])
    assert (measured.exit_code, "needs reference, which a dataset" in measured.stderr) == (2, True)
