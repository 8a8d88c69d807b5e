from pathlib import Path

import pytest

from colorcli.errors import UsageError
from colorcli.training.options import TrainingOptions, settled


def options(model, data=("cifar10",), **settings):
    return TrainingOptions(model, data, Path("run"), settings=settings)


@pytest.mark.parametrize(
    ("model", "settings", "message"),
    [
        ("cgan-rgb", {"batch_size": 1}, "--batch-size 1: cgan-rgb compares pictures of a batch"),
        ("regression", {"loss": "psnr"}, "--loss psnr: regression has"),
        ("regression", {"ssim_weight": 1.0}, "--ssim-weight 1: regression does not learn by it"),
        ("scribbles", {}, "scribbles cannot be trained"),
    ],
)
def test_what_cannot_work_is_refused_before_data_is_read(model, settings, message):
    with pytest.raises(UsageError, match=message):
        settled(options(model, **settings))


def test_missing_classes_are_found_without_reading_a_photo(tmp_path):
    with pytest.raises(UsageError, match="global-local learns from classes too"):
        settled(options("global-local", [str(tmp_path / "nowhere")]))


def test_what_is_given_replaces_what_the_preset_says():
    chosen, settings, bins = settled(options("regression", lr=0.5))
    assert (settings.lr, settings.epochs, bins) == (0.5, chosen.settings.epochs, None)
