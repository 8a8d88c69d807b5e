import pytest
import torch

from colorcli.errors import ColorcliError
from colorcli.guidance import multigrid
from colorcli.guidance.spread import spread


@pytest.fixture
def halves():
    """L of a dark half beside a light one, and one value in the dark."""
    L = torch.full((1, 24, 32), 30.0)
    L[:, :, 16:] = 70.0
    ab, mask = torch.zeros(2, 24, 32), torch.zeros(1, 24, 32)
    ab[:, 12, 4], mask[:, 12, 4] = 20.0, 1.0
    return L, ab, mask


def test_what_is_given_is_kept_and_fills_its_half(halves):
    found = spread(*halves, fading=1e-5)
    assert found[:, 12, 4].tolist() == [20.0, 20.0]
    assert found[:, :, :15].min() > 18 and found[:, :, 17:].max() < found[:, :, :15].min()


def test_it_fades_the_more_the_larger_fading_is(halves):
    far = [float(spread(*halves, fading=fading)[0, 12, 14]) for fading in (0.0, 1e-3, 1e-1)]
    assert far[0] == pytest.approx(20, abs=0.1)
    assert far[0] > far[1] > far[2] and far[2] < 2


def test_equations_that_are_not_solved_are_an_error(halves, monkeypatch):
    monkeypatch.setattr(multigrid, "MOST_STEPS", 1)
    monkeypatch.setattr(multigrid, "COARSEST", 10)
    monkeypatch.setattr(multigrid, "TOLERANCE", 1e-14)
    with pytest.raises(ColorcliError, match="not solved"):
        spread(*halves)
