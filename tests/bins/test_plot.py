import numpy as np

from colorcli.bins import Bins, ab_bins
from colorcli.bins.plot import BOTTOM, GAP, LEFT, SIDE, TOP, plot


def at(picture, first, second, reach, left=LEFT):
    """The colour at a point of the plane that begins at `left`."""
    x, y = (round(SIDE / 2 * (1 + v / reach)) for v in (first, -second))
    return np.asarray(picture)[TOP + y, left + x].astype(int)


def test_bins_are_drawn_where_they_lie():
    picture = plot(ab_bins())  # to 120 Lab units
    assert at(picture, 2, 1, 120).tolist() == np.full(3, at(picture, 2, 1, 120)[0]).tolist()  # grey
    red, green, blue = at(picture, 72, 52, 120), at(picture, -72, 52, 120), at(picture, 22, -72, 120)
    assert (red.argmax(), green.argmax(), blue.argmax()) == (0, 1, 2)
    assert (at(picture, -100, -100, 120) == 255).all()


def test_the_commonest_bin_is_the_brightest():
    prior = np.full(313, 1e-4)
    prior[(ab_bins().centres == (40, 20)).all(1)] = 1
    picture = plot(ab_bins(prior=prior / prior.sum()))
    right = LEFT + SIDE + GAP
    common, rare = at(picture, 42, 22, 120, right), at(picture, 32, 22, 120, right)
    assert common.sum() > 400 and rare.sum() < 250  # yellow and violet


def test_nothing_is_clipped_at_the_rim():
    bins = Bins(
        np.array([[0, 0], [0.1, 0.3]], np.float32), np.array([0.999, 0.001]), "yuv", 0.08, 0.04, source="x" * 200
    )
    pixels = np.asarray(plot(bins))
    assert pixels.shape[0] == TOP + SIDE + BOTTOM
    for rim in (pixels[:6], pixels[-6:], pixels[:, :6], pixels[:, -6:]):
        assert (rim == 255).all()
