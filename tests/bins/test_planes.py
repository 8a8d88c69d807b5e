import numpy as np
import pytest
import torch

from colorcli.bins.planes import PLANES, grid_in_gamut

# b of the first and the last of the points that Zhang et al. 2016 published, for each a from -90 to 100
PUBLISHED = (
    *[(50, 90), (20, 90), (0, 90), (-20, 90), (-30, 100), (-40, 100), (-50, 100), (-50, 100), (-60, 100), (-70, 100)],
    *[
        (-80, 90),
        (-80, 90),
        (-90, 90),
        (-100, 90),
        (-100, 80),
        (-110, 80),
        (-110, 80),
        (-110, 70),
        (-110, 70),
        (-90, 0),
    ],
)


def test_the_313_bins_are_the_published_ones_in_their_order():
    expected = [
        (a, b) for a, (low, high) in zip(range(-90, 101, 10), PUBLISHED, strict=True) for b in range(low, high + 1, 10)
    ]
    assert len(expected) == 313
    assert grid_in_gamut(10.0).tolist() == [list(map(float, point)) for point in expected]


@pytest.mark.parametrize("grid", [5.0, 7.5, 20.0, 60.0])
def test_every_colour_of_srgb_has_its_grid_point(grid):
    rgb = torch.rand(1, 3, 100, 100, generator=torch.Generator().manual_seed(0)).round(decimals=1)
    nearest = np.rint(PLANES["ab"].to_chroma(rgb)[0].flatten(1).T.numpy() / grid) * grid
    assert {tuple(p) for p in nearest.tolist()} <= {tuple(p) for p in grid_in_gamut(grid).tolist()}


@pytest.mark.parametrize("name", PLANES)
def test_planes_hold_srgb_and_lead_back(name):
    plane = PLANES[name]
    rgb = torch.rand(1, 3, 50, 50, generator=torch.Generator().manual_seed(0)).round()
    assert plane.to_chroma(rgb).abs().max() < plane.extent
    chroma = plane.grid * torch.tensor([[[[0.0]], [[1.0]]], [[[1.0]], [[0.0]]]])
    assert torch.allclose(plane.to_chroma(plane.to_rgb(chroma)), chroma, atol=plane.cell / 5)


def test_the_lattice_meets_at_0():
    lattice = PLANES["ab"].lattice()
    assert lattice.shape == (256, 256, 2)
    assert (lattice[0, 0].tolist(), lattice[128, 127].tolist()) == ([-127.5, -127.5], [0.5, -0.5])
