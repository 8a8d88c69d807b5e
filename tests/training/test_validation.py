import pytest
import torch
from training_kit import images, small_model

from colorcli.models.base import ColorModel
from colorcli.training.validation import MEASURES, pictures, validate


class Constant(ColorModel):
    """The same ab everywhere."""

    def __init__(self, a: float, b: float) -> None:
        super().__init__()
        self.ab = torch.nn.Parameter(torch.tensor([a, b])[None, :, None, None])

    def predict_ab(self, L):
        return self.ab.expand(len(L), 2, *L.shape[-2:])


def test_validation_compares_with_grey():
    grey = validate(Constant(0.0, 0.0), images(), 32)
    assert tuple(grey) == MEASURES
    assert grey["val_psnr_gain"] == pytest.approx(0, abs=1e-4)
    assert grey["val_chroma"] == pytest.approx(0, abs=1e-2)
    wrong = validate(Constant(80.0, -80.0), images(), 32)
    assert wrong["val_psnr_gain"] < -1
    assert wrong["val_ab_error"] > grey["val_ab_error"]


def test_batches_do_not_change_the_result():
    model = small_model().eval()
    assert validate(model, images(), 32, 3) == pytest.approx(validate(model, images(), 32, 8), rel=1e-4)


def test_pictures_are_grey_prediction_and_truth():
    grid = pictures(Constant(0.0, 0.0), images(), 32, count=2)
    assert grid.shape == (3, 64, 96)
    grey, prediction, truth = grid[:, :32].split(32, dim=2)
    assert torch.allclose(grey, prediction) and torch.allclose(grey[0], grey[2], atol=0.01)
    assert torch.allclose(truth, images().crops(torch.tensor([0]), 32)[0])
