"""`train --bins`: a file of `colorcli quantize-bins`."""

from pathlib import Path

import pytest
from PIL import Image

from colorcli.bins import ab_bins, save_bins
from colorcli.errors import UsageError
from colorcli.training.options import TrainingOptions, _given_bins
from colorcli.training.run import run
from colorcli.weights.load import load_model


@pytest.fixture
def file(tmp_path):
    save_bins(tmp_path / "bins.npz", ab_bins(60, lambda_=0.25))
    return tmp_path / "bins.npz"


def order(model, file, **more):
    return TrainingOptions(model, ["cifar10"], Path("out"), bins=file, **more)


def test_a_system_that_knows_no_bins_refuses_them(file):
    with pytest.raises(UsageError, match="regression does not tell colours in bins"):
        _given_bins(order("regression", file))


def test_a_system_refuses_bins_of_another_space(file):
    with pytest.raises(UsageError, match="bins of ab; colorunet takes those of yuv"):
        _given_bins(order("colorunet", file))


def test_a_run_takes_the_bins_and_their_lambda(file, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("colorcli.training.run.train", lambda model, *rest, **more: seen.append(rest[3]) or model)
    (tmp_path / "photos").mkdir()
    for number in range(4):
        Image.new("RGB", (40, 40), (200, 40 * number, 30)).save(tmp_path / "photos" / f"{number}.png")
    asked = TrainingOptions(
        "classification-rebalanced", [str(tmp_path / "photos")], tmp_path / "out", bins=file, width=4, device="cpu"
    )
    asked.out.mkdir()
    model = load_model(weights=run(asked))
    assert seen[0].rebalance == 0.75
    assert model.bins.centres.tolist() == ab_bins(60).centres.tolist()
