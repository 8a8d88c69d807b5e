"""`colorcli train` from the command line, to weights that colour."""

import json
import sys
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from training_kit import history, write_cifar10
from typer.testing import CliRunner

from colorcli.cli import app
from colorcli.training.recipes import RECIPES
from colorcli.training.settings import Settings

DATA = Path(__file__).parents[1] / "data"
SMALL = ["--batch-size", "4", "--epochs", "2", "--pretrain-epochs", "1", "--width", "8", "--device", "cpu"]


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def cifar(tmp_path):
    return ["--data", "cifar10", "--data-root", write_cifar10(tmp_path / "cifar"), "--limit", 20]


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("astronaut.jpg", "coffee.jpg", "rocket.webp", "cat.png"):
        (folder / name).symlink_to(DATA / name)
    return ["--data", folder, "--size", 32]


def train(*arguments, model="gan"):
    return CliRunner().invoke(app, ["train", model, *SMALL, *map(str, arguments)])


def metadata(path):
    with safe_open(path, "pt") as file:
        return file.metadata()


def test_trains_weights_that_colour_a_photo(photos, tmp_path):
    done = train(*photos, "--val", photos[1], "--out", tmp_path / "run")
    assert done.exit_code == 0, done.output
    weights, picture = tmp_path / "run" / "model.safetensors", tmp_path / "out.png"
    assert done.stdout == f"{weights}\n"
    assert f"colorcli eval --dataset {photos[1]} --weights {weights}" in done.stderr
    coloured = CliRunner().invoke(
        app, ["colorize", str(DATA / "camera.png"), "-o", str(picture), "--weights", str(weights)]
    )
    assert coloured.exit_code == 0, coloured.output
    assert picture.exists()


def test_weights_between_those_before_and_those_learned(cifar, tmp_path):
    first, then = tmp_path / "first", tmp_path / "then"
    assert train(*cifar, "--out", first).exit_code == 0
    more = ["--batch-size", 4, "--epochs", 2, "--device", "cpu", "--init", first / "model.safetensors", "--out", then]
    for options in ([], ["--resume", "--interpolate", 0.25]):  # the second writes the trained weights anew
        done = CliRunner().invoke(app, ["train", "gan", *map(str, [*cifar, *more, *options])])
        assert done.exit_code == 0, done.output
        made = {name: tensor.float() for name, tensor in load_file(then / "model.safetensors").items()}
        if not options:
            learned = made
    before = {name: tensor.float() for name, tensor in load_file(first / "model.safetensors").items()}
    for name, tensor in made.items():
        if "num_batches" not in name:
            torch.testing.assert_close(tensor, before[name].lerp(learned[name], 0.25), atol=2e-3, rtol=2e-3)
    assert any(not torch.equal(before[name], learned[name]) for name in before)


def test_interpolation_needs_two_ends(cifar, tmp_path):
    done = train(*cifar, "--out", tmp_path / "run", "--interpolate", 0.5)
    assert done.exit_code == 2
    assert "Give --init" in done.stderr


def test_a_pixel_loss_that_a_system_does_not_have_is_a_usage_error(cifar, tmp_path):
    done = train(*cifar, "--out", tmp_path / "run", "--loss", "psnr", model="regression")
    assert done.exit_code == 2
    assert "--loss psnr: regression has l1, huber, mse, log-mse, distance" in " ".join(done.stderr.split())


@pytest.mark.parametrize("option", ["--ssim-weight", "--colourfulness-weight"])
def test_a_weight_of_a_loss_that_a_system_does_not_have_is_a_usage_error(cifar, tmp_path, option):
    done = train(*cifar, "--out", tmp_path / "run", option, 0.1, model="regression")
    assert done.exit_code == 2
    assert f"{option} 0.1: regression does not learn by it" in " ".join(done.stderr.split())


def test_cifar10_with_the_eval_line_that_runs(cifar, tmp_path):
    done = train(*cifar, "--out", tmp_path / "run")
    assert done.exit_code == 0, done.output
    assert "16 images of CIFAR-10's training split, 4 held out" in done.stderr
    line = next(line for line in done.stderr.splitlines() if line.startswith("measure it: "))
    measured = CliRunner().invoke(app, [*line.split()[3:], "--format", "csv"])
    assert measured.exit_code == 0 and "model" in measured.stdout
    assert len(history(tmp_path / "run")) == 2


def test_weights_rebuild_and_reproduce_themselves_but_tell_no_folder(cifar, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["x", "train", "gan", f"--data-root={tmp_path}/cifar", "--out", f"{tmp_path}/run"])
    assert train(*cifar, "--out", tmp_path / "run", "--seed", 5, "--saturation", 1.3, "--detail", 0.5).exit_code == 0
    for name in ("model", "best"):
        said = metadata(tmp_path / "run" / f"{name}.safetensors")
        assert (said["model"], said["size"], said["saturation"], said["detail"]) == ("gan", "32", "1.3", "0.5")
        assert said["trained_on"] == "16 training images of CIFAR-10"
        assert said["command"] == "colorcli train gan --data-root=cifar --out run"
        assert json.loads(said["config"])["widths"][0] == 8
        assert {"commit", "created"} <= set(said) and str(tmp_path) not in json.dumps(said)
    settings = json.loads(said["settings"])
    assert set(Settings.__dataclass_fields__) < set(settings)
    expected = {"preset": "fast", "limit": 20, "precision": "bfloat16", "processes": 1, "seed": 5, "init": []}
    assert expected.items() <= settings.items()


def test_an_option_overrides_the_preset(cifar, tmp_path):
    assert train(*cifar, "--out", tmp_path / "run", "--preset", "paper", "--lr", 1e-5).exit_code == 0
    settings = json.loads(metadata(tmp_path / "run" / "model.safetensors")["settings"])
    paper = RECIPES["gan"].presets["paper"].settings
    assert settings["preset"] == "paper" and settings["lr"] == 1e-5
    assert (settings["l1_weight"], settings["loss"]) == (paper.l1_weight, paper.loss)


def test_an_earlier_run_is_not_overwritten(cifar, tmp_path):
    assert train(*cifar, "--out", tmp_path / "run").exit_code == 0
    (tmp_path / "run" / "history.csv").unlink()
    again = train(*cifar, "--out", tmp_path / "run")
    assert again.exit_code == 2 and "--resume" in again.stderr
    resumed = train(*cifar, "--out", tmp_path / "run", "--resume")
    assert resumed.exit_code == 0 and "goes on from step 8" in resumed.stderr


def test_starts_from_given_weights_of_the_same_system(cifar, tmp_path):
    assert train(*cifar, "--detail", 0.5, "--out", tmp_path / "one").exit_code == 0
    first = tmp_path / "one" / "model.safetensors"
    arguments = ["train", "gan", *map(str, cifar), "--epochs", "1", "--device", "cpu", "--init", str(first)]
    done = CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "two")])
    assert done.exit_code == 0, done.output
    said = metadata(tmp_path / "two" / "model.safetensors")
    settings = json.loads(said["settings"])
    assert len(settings["init"]) == 1 and settings["init"][0].startswith("model.safetensors sha256:")
    assert said["detail"] == "0.5"  # as it is in those
    clash = CliRunner().invoke(app, [*arguments, "--width", "8", "--out", str(tmp_path / "three")])
    assert clash.exit_code == 2 and "--width" in clash.stderr


def test_starts_from_the_mean_of_several_weights(cifar, tmp_path):
    for seed in (1, 2):
        assert train(*cifar, "--seed", seed, "--out", tmp_path / str(seed)).exit_code == 0
    one, two = (tmp_path / name / "model.safetensors" for name in "12")
    arguments = ["train", "gan", *map(str, cifar), "--epochs", "1", "--device", "cpu", "--init", str(one)]
    soup = [*arguments, "--init", str(two), "--interpolate", "0", "--out", str(tmp_path / "mean")]
    done = CliRunner().invoke(app, soup)
    assert done.exit_code == 0, done.output
    first, second, mean = (load_file(file) for file in (one, two, tmp_path / "mean" / "model.safetensors"))
    for name, tensor in mean.items():
        if "num_batches" not in name:
            expected = (first[name].float() + second[name].float()) / 2
            torch.testing.assert_close(tensor.float(), expected, atol=1e-3, rtol=1e-3)
    assert train(*cifar, "--width", 12, "--out", tmp_path / "other").exit_code == 0
    clash = CliRunner().invoke(app, [*arguments, "--init", str(tmp_path / "other" / "model.safetensors")])
    assert clash.exit_code == 2 and "another network than" in clash.stderr


def test_weights_of_another_system_are_a_usage_error(cifar, tmp_path):
    assert train(*cifar, "--out", tmp_path / "one").exit_code == 0
    other = next(name for name in RECIPES if name != "gan")
    arguments = [str(word) for word in (*cifar, "--init", tmp_path / "one" / "model.safetensors")]
    done = CliRunner().invoke(app, ["train", other, *arguments, "--out", str(tmp_path / "two")])
    assert done.exit_code == 2 and f"another system than {other}" in done.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--preset", "slow"], "--preset slow: gan has"),
        (["--device", "toaster"], "--device toaster"),
        (["--precision", "fp64"], "fp64"),
        (["--precision", "fp16"], "train in bf16 or fp32"),
        (["--size", "36"], "multiples of"),
        (["--epochs", "0"], "less than a step"),
        (["--seed", "-1"], "--seed"),
    ],
)
def test_wrong_options_are_usage_errors_before_anything_is_written(cifar, tmp_path, options, message):
    done = train(*cifar, "--out", tmp_path / "run", *options)
    assert done.exit_code == 2 and message in done.stderr.replace("\n", " ")
    assert not (tmp_path / "run").exists()


def test_what_cannot_be_trained_lists_what_can(cifar):
    done = train(*cifar, model="ddcolor")
    assert done.exit_code == 2 and "these can: " in done.stderr


def test_an_empty_folder_is_a_usage_error(tmp_path):
    (tmp_path / "empty").mkdir()
    assert train("--data", tmp_path / "empty", "--out", tmp_path / "run").exit_code == 2


def test_a_folder_of_broken_files_is_an_error(photos, tmp_path):
    (photos[1] / "broken.jpg").write_bytes(b"no picture")
    done = train(*photos, "--out", tmp_path / "run")
    assert done.exit_code == 1 and "1 of 5 files" in done.stderr


def test_nan_ends_the_run_without_weights(cifar, tmp_path):
    done = train(*cifar, "--out", tmp_path / "run", "--lr", 1e38, "--epochs", 5, "--precision", "fp32")
    assert done.exit_code == 1 and "no longer finite" in done.stderr and "Traceback" not in done.output
    assert not (tmp_path / "run" / "model.safetensors").exists()


def test_dropout_is_told_and_refused_where_the_network_has_no_layers_for_it(cifar, tmp_path):
    assert train(*cifar, "--out", tmp_path / "gan", "--dropout", 0.2).exit_code == 0
    assert json.loads(metadata(tmp_path / "gan" / "model.safetensors")["settings"])["dropout"] == 0.2
    refused = train(*cifar, "--out", tmp_path / "regression", "--dropout", 0.2, model="regression")
    assert refused.exit_code == 2 and "--dropout 0.2" in refused.stderr
