import numpy as np
import pytest
import torch
from known import COLOURED, error, grey, true

from colorcli.engine import Colorizer
from colorcli.errors import UsageError
from colorcli.guidance.reference import Reference
from colorcli.models.catalog import build
from colorcli.models.transfer import SAMPLES, Transfer, _features, _jittered, _patches
from colorcli.photo import Photo


@pytest.fixture(scope="module")
def colorizer():
    return Colorizer(build("transfer"), device="cpu")


def ramp(height=20, width=60):
    """L (1, 1, height, width) from 20 to 80, left to right."""
    return torch.linspace(20, 80, width).expand(1, 1, height, width).contiguous()


def tinted(L, a=lambda L: L - 50):
    """Lab of that L, with a as a function of it."""
    return torch.cat([L, a(L), torch.zeros_like(L)], 1)


@pytest.mark.parametrize("name", COLOURED)
def test_a_photos_own_colours_find_their_places(colorizer, name):
    """CIEDE2000 grey -> transfer: astronaut 11.3 -> 6.9, cat 15.9 -> 3.9, coffee 21.5 -> 2.8, rocket 12.3 -> 3.2."""
    truth = true(name)
    found = colorizer(grey(truth), reference=Reference.from_photo(truth))
    assert error(found, truth) < 0.7 * error(grey(truth), truth)


def test_colours_go_by_luminance():
    found = Transfer().predict_ab(ramp(), tinted(ramp()))
    assert (found[0, 0] - (ramp()[0, 0] - 50)).abs().max() < 4
    assert not found[0, 1].any()


def test_the_references_luminance_is_remapped_to_the_photos():
    darker = ramp() * 0.3 + 5
    found = Transfer().predict_ab(ramp(), torch.cat([darker, ramp() - 50, darker], 1))
    assert (found[0, 0] - (ramp()[0, 0] - 50)).abs().max() < 4


def test_colours_go_by_texture_where_luminance_is_the_same():
    """Left smooth, right rough, of one mean; in the reference the other way round."""
    noise = torch.where(torch.rand(40, 80, generator=torch.Generator().manual_seed(1)) < 0.5, -15.0, 15.0)
    L = torch.full((40, 80), 50.0)
    L[:, 40:] += noise[:, 40:]
    reference = tinted(L[None, None].flip(-1))
    reference[:, 1] = torch.where(torch.arange(80) < 40, 30.0, -30.0)
    a = Transfer().predict_ab(L[None, None], reference)[0, 0]
    assert (a[:, :37] < 0).float().mean() > 0.95
    assert (a[:, 43:] > 0).float().mean() > 0.95


def test_swatches_say_which_colour_goes_where():
    """By luminance alone, the dark side would take the reference's dark side's colour; the swatches cross them."""
    L = torch.where(torch.arange(60) < 30, 30.0, 70.0).expand(1, 1, 20, 60) + torch.rand(1, 1, 20, 60)
    reference = torch.cat([L, torch.where(L < 50, 30.0, -30.0), L * 0], 1)
    ours, theirs = torch.zeros_like(L), torch.zeros_like(L)
    ours[..., 5:15, 5:20], theirs[..., 2:18, 35:55] = 1, 1
    ours[..., 5:15, 40:55], theirs[..., 2:18, 5:25] = 2, 2
    plain = Transfer().predict_ab(L, reference)[0, 0]
    crossed = Transfer().predict_ab(L, reference, ours, theirs)[0, 0]
    assert (plain[:, 4:26] > 0).all() and (plain[:, 34:56] < 0).all()
    assert (crossed[:, 4:26] < 0).all() and (crossed[:, 34:56] > 0).all()


def test_a_swatch_that_only_one_of_the_two_has_is_passed_over():
    none, one = torch.zeros_like(ramp()), torch.zeros_like(ramp())
    one[..., 3:6, 3:6] = 1
    plain = Transfer().predict_ab(ramp(), tinted(ramp()))
    assert torch.equal(Transfer().predict_ab(ramp(), tinted(ramp()), one, none), plain)


def test_samples_are_spread_over_the_region_and_the_same_each_time():
    region = torch.zeros(50, 90, dtype=torch.bool)
    region[10:40, 20:80] = True
    chosen = _jittered(region, SAMPLES)
    assert 0.9 * SAMPLES <= len(chosen.unique()) <= 1.1 * SAMPLES
    assert region.flatten()[chosen].all()
    quarters = (chosen // 90 >= 25).long() * 2 + (chosen % 90 >= 50).long()
    assert quarters.bincount().tolist() == pytest.approx([SAMPLES / 4] * 4, abs=2)
    assert torch.equal(chosen, _jittered(region, SAMPLES))


def test_features_are_luminance_and_the_deviation_around():
    L = torch.rand(9, 11) * 100
    found = _features(L).view(9, 11, 2)
    assert torch.equal(found[..., 0], L)
    assert float(found[4, 5, 1]) == pytest.approx(float(np.std(L[2:7, 3:8].numpy())), rel=1e-4)
    assert torch.equal(_patches(L).view(9, 11, 5, 5)[4, 5], L[2:7, 3:8])


def test_flat_pictures_and_single_pixels_have_colours_too(colorizer):
    flat = Photo(np.full((9, 9), 128, np.uint8))
    for reference in (np.full((5, 5, 3), (200, 30, 20), np.uint8), np.full((1, 1, 3), (200, 30, 20), np.uint8)):
        pixels = colorizer(flat, reference=Reference(reference)).pixels
        assert (pixels[..., 0] > pixels[..., 1]).all()


def test_a_reference_is_needed():
    with pytest.raises(UsageError, match="needs a reference"):
        Transfer().predict_ab(ramp())
