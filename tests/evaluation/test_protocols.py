import numpy as np
import pytest
import torch
from PIL import Image
from skimage import data

from colorcli.color import rgb_to_lab
from colorcli.engine import Colorizer
from colorcli.evaluation.evaluate import evaluate
from colorcli.evaluation.protocols import open_dataset
from colorcli.models.base import ColorModel


class Deaf(ColorModel):
    """Grey whatever it is given; the engine brings hints in."""

    takes = ("hints",)
    default_size = 64

    def predict_ab(self, L, hint_ab=None, hint_mask=None):
        return torch.zeros_like(L).expand(-1, 2, -1, -1)


@pytest.fixture
def folder(tmp_path):
    for i in range(2):
        Image.fromarray(data.astronaut()[90 * i : 90 * i + 128, 100:260]).save(tmp_path / f"{i}.png")
    return tmp_path


def lab(tensor):
    return rgb_to_lab(tensor.float() / 255)


def test_without_its_cast_a_truth_has_no_mean_colour_and_the_same_luminance(folder):
    plain, bare = (next(iter(open_dataset(str(folder), no_cast=no_cast))) for no_cast in (False, True))
    assert lab(plain.truth[0])[:, 1:].mean((2, 3)).norm() > 5
    assert lab(bare.truth[0])[:, 1:].mean((2, 3)).norm() < 0.5
    assert (lab(bare.truth[0])[:, :1] - lab(plain.truth[0])[:, :1]).abs().mean() < 0.3
    assert (bare.grey[0].int() - plain.grey[0].int()).abs().max() <= 2


def test_points_have_the_true_colours_of_their_places(folder):
    for batch in open_dataset(str(folder), hints=20):
        (_, hints), truth = batch.inputs[0], lab(batch.truth[0])[0, 1:]
        height, width = truth.shape[-2:]
        assert len(hints.places) == 20
        for (x, y, w, h), colour in zip(hints.places, hints.colours, strict=True):
            top, left = round((y - h / 2) * height), round((x - w / 2) * width)
            square = truth[:, top : top + round(h * height), left : left + round(w * width)]
            assert square.shape[1:] == (3, 3)
            got = lab(torch.tensor(colour.astype(np.float32)).view(1, 3, 1, 1))[0, 1:, 0, 0]
            assert (got - square.mean((1, 2))).norm() < 3  # what sRGB cannot show at the mean L is less


def test_the_places_follow_from_the_seed_alone(folder):
    def places(seed):
        return [batch.inputs[0][1].places for batch in open_dataset(str(folder), hints=3, seed=seed)]

    assert np.array_equal(places(0), places(0)) and not np.array_equal(places(0), places(1))
    assert not np.array_equal(*places(0))


def test_more_points_bring_the_colours_nearer(folder):
    def psnr(hints):
        colorizers = {"deaf": Colorizer(Deaf().eval(), device="cpu")}
        rows = evaluate(open_dataset(str(folder), hints=hints), colorizers).rows
        return [row.scores["psnr"].value for row in rows if row.name in ("grey", "deaf")]

    grey, none = psnr(0)
    assert none == pytest.approx(grey, abs=0.05)
    assert grey + 1 < psnr(10)[1] < psnr(100)[1] - 1
