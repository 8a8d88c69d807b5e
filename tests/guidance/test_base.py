import numpy as np
import torch

from colorcli.guidance.base import Guidance
from colorcli.guidance.hints import Hints
from colorcli.guidance.palette import Palette
from colorcli.guidance.reference import Reference
from colorcli.photo import Photo

GREY, RED = Photo(np.zeros((20, 40), np.uint8)), Photo(np.full((10, 30, 3), (200, 30, 20), np.uint8))


def test_maps_are_of_the_pictures_size_and_things_beside_of_their_own():
    hints = Hints.from_points([(3, 4, (200, 30, 20))], GREY)
    reference = Reference.from_photo(RED, [((0, 0, 4, 4), (0, 0, 5, 5))], GREY)
    guidance = Guidance(hints, reference, Palette.from_photo(RED))
    assert guidance.given == ["hints", "reference", "palette"]
    maps, beside = guidance.maps(10, 20), guidance.beside(10, 20)
    assert set(maps) == {"hint_ab", "hint_mask", "swatches"}
    assert all(each.shape[-2:] == (10, 20) for each in maps.values())
    assert set(beside) == {"reference", "reference_swatches", "palette"}
    assert beside["reference"].shape[-2:] == beside["reference_swatches"].shape[-2:] != torch.Size((10, 20))
    assert beside["palette"].shape == (1, 101)


def test_without_any_there_is_nothing():
    assert (Guidance().given, Guidance().maps(4, 4), Guidance().beside(4, 4)) == ([], {}, {})
