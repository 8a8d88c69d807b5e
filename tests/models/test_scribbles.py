import numpy as np
import pytest
import torch
from known import COLOURED, error, grey, true

from colorcli.engine import Colorizer
from colorcli.errors import UsageError
from colorcli.guidance.hints import Hints
from colorcli.guidance.spread import _laplacian
from colorcli.models.catalog import build
from colorcli.models.scribbles import Scribbles


@pytest.fixture(scope="module")
def colorizer():
    return Colorizer(build("scribbles"), device="cpu")


def dots(photo, rows=4, columns=5):
    """The true colours at the middles of a grid of cells."""
    height, width = photo.pixels.shape[:2]
    ys = [(2 * i + 1) * height // (2 * rows) for i in range(rows)]
    xs = [(2 * i + 1) * width // (2 * columns) for i in range(columns)]
    return Hints.from_points([(x, y, tuple(photo.pixels[y, x])) for y in ys for x in xs], photo)


def halves(height=30, width=40):
    """L of two flat halves, one hint in the middle of each: a is 40 left and -20 right."""
    L = torch.full((1, 1, height, width), 30.0)
    L[..., width // 2 :] = 70.0
    ab, mask = torch.zeros(1, 2, height, width), torch.zeros(1, 1, height, width)
    for x, a in ((width // 4, 40.0), (3 * width // 4, -20.0)):
        ab[0, 0, height // 2, x], mask[0, 0, height // 2, x] = a, 1
    return L, ab, mask


@pytest.mark.parametrize("name", COLOURED)
def test_twenty_dots_of_the_true_colour_bring_most_of_it_back(colorizer, name):
    """CIEDE2000 grey -> scribbles: astronaut 11.3 -> 5.3, cat 15.9 -> 3.8, coffee 21.5 -> 3.9, rocket 12.3 -> 4.4."""
    truth = true(name)
    assert error(colorizer(grey(truth), hints=dots(truth)), truth) < 0.5 * error(grey(truth), truth)


def test_a_colour_fills_its_region_and_stops_at_the_edge():
    a = Scribbles().predict_ab(*halves())[0, 0]
    assert a[:, :20] == pytest.approx(torch.full((30, 20), 40.0), abs=1)
    assert a[:, 20:] == pytest.approx(torch.full((30, 20), -20.0), abs=1)


def test_hints_are_kept_and_each_other_pixel_is_the_mean_of_its_neighbours():
    L, ab, mask = torch.rand(1, 1, 24, 31) * 5 + 40, torch.randn(1, 2, 24, 31) * 30, torch.rand(1, 1, 24, 31) > 0.9
    found = Scribbles().predict_ab(L, ab, mask.float())
    assert torch.equal(found[mask.expand_as(ab)], ab[mask.expand_as(ab)])
    A = _laplacian(L[0, 0])
    left = (A @ found[0].flatten(1).T.double().numpy()) / A.diagonal()[:, None]
    assert np.abs(left[~mask.flatten().numpy()]).max() < 0.05


def test_the_mirror_image_gets_the_mirrored_colours():
    picture = halves()
    found = Scribbles().predict_ab(*picture)
    assert torch.allclose(Scribbles().predict_ab(*(x.flip(-1) for x in picture)).flip(-1), found, atol=0.05)


def test_pictures_of_a_batch_are_on_their_own():
    L, ab, mask = halves()
    both = Scribbles().predict_ab(torch.cat([L, L]), torch.cat([ab, -ab]), torch.cat([mask, mask]))
    assert torch.allclose(both[0], -both[1], atol=1e-4)


@pytest.mark.parametrize("fill", [0, 1])
def test_without_a_hint_all_is_grey_and_with_hints_everywhere_all_is_theirs(fill):
    L, ab, mask = halves(8, 8)
    assert torch.equal(Scribbles().predict_ab(L, ab, torch.full_like(mask, fill)), ab * fill)


def test_a_picture_of_one_pixel():
    one = torch.ones(1, 1, 1, 1)
    assert Scribbles().predict_ab(one, one.expand(1, 2, 1, 1), one).shape == (1, 2, 1, 1)
    assert not Scribbles().predict_ab(one, one.expand(1, 2, 1, 1), 0 * one).any()


def test_hints_are_needed():
    with pytest.raises(UsageError, match="needs hints"):
        Scribbles().predict_ab(torch.ones(1, 1, 4, 4))
