import numpy as np
import pytest
import torch
from PIL import Image

from colorcli.bins.count import Census, bins_of, palette, smoothed
from colorcli.bins.planes import PLANES, grid_in_gamut
from colorcli.data import census as census_module
from colorcli.data.census import take_census
from colorcli.errors import ColorcliError, UsageError

RED, BLUE, GREY = (200, 60, 50), (40, 80, 200), (120, 120, 120)


def picture(path, *bands, side=20):
    """A JPEG-free picture of coloured bands, each `side` px square."""
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(np.repeat(np.repeat(np.array([bands], np.uint8), side, 0), side, 1)).save(path)
    return path.parent


def chroma_of(colour, space="ab"):
    rgb = torch.tensor(colour).view(1, 3, 1, 1) / 255
    return PLANES[space].to_chroma(rgb).flatten().numpy()


def nearest_bin(bins, colour):
    return int(((bins.centres - chroma_of(colour, bins.space)) ** 2).sum(1).argmin())


def test_pixels_are_counted_in_their_cell(tmp_path):
    census = take_census([str(picture(tmp_path / "in" / "a.png", RED, BLUE, BLUE))])
    a, b = np.floor(chroma_of(BLUE)).astype(int) + 128
    assert (census.images, census.pixels, census.counts[a, b]) == (1, 1200, 800)


def test_chunks_and_folders_add_up(tmp_path, monkeypatch):
    for i in range(5):
        picture(tmp_path / f"in{i % 2}" / f"{i}.png", RED, BLUE)
    monkeypatch.setattr(census_module, "PHOTO_CHUNK", 2)
    calls = []
    folders = [str(tmp_path / "in0"), str(tmp_path / "in1")]
    census = take_census(folders, on_progress=lambda *progress: calls.append(progress))
    assert calls == [(2, 5), (4, 5), (5, 5)]
    assert (census.images, census.pixels, census.source) == (5, 5 * 800, "in0, in1")


def test_large_photos_are_shrunk(tmp_path):
    folder = picture(tmp_path / "in" / "a.png", RED, BLUE, side=512)
    assert take_census([str(folder)]).pixels == 256 * 512


def test_cifar10_train_is_counted(tmp_path):
    red = np.repeat(np.array(RED, np.uint8), 1024)
    for i in range(1, 6):
        (tmp_path / f"data_batch_{i}.bin").write_bytes(b"\0" + red.tobytes())
    (tmp_path / "test_batch.bin").write_bytes(b"\0" + red.tobytes())
    bins = bins_of(take_census(["cifar10"], data_root=tmp_path))
    assert (bins.source, bins.pixels) == ("cifar10", 5 * 1024)
    assert bins.prior.argmax() == nearest_bin(bins, RED)


def test_photos_without_colour_are_left_out(tmp_path):
    picture(tmp_path / "in" / "grey.png", GREY)
    picture(tmp_path / "in" / "nearly.png", (120, 121, 120))
    with pytest.raises(UsageError, match="no photo with colour"):
        take_census([str(tmp_path / "in")])
    picture(tmp_path / "in" / "a.png", RED)
    census = take_census([str(tmp_path / "in")])
    assert (census.images, census.colourless) == (1, 2)


def test_unreadable_photos_are_named_and_too_many_are_an_error(tmp_path, monkeypatch):
    picture(tmp_path / "in" / "a.png", RED)
    (tmp_path / "in" / "b.jpg").write_text("no photo")
    with pytest.raises(ColorcliError, match=r"1 of 2 files could not be read.*b\.jpg"):
        take_census([str(tmp_path / "in")])
    monkeypatch.setattr(census_module, "MOST_BAD", 0.5)
    census = take_census([str(tmp_path / "in")])
    assert census.images == 1
    assert len(census.skipped) == 1 and "b.jpg" in census.skipped[0]


def test_no_such_data(tmp_path):
    with pytest.raises(UsageError, match="neither cifar10 nor a folder"):
        take_census([str(tmp_path / "nowhere")])


def census_of(space, *colours):
    """Each colour once more than the one before it."""
    census = Census(PLANES[space], "test")
    for times, colour in enumerate(colours, 1):
        census.add(torch.tensor(colour, dtype=torch.uint8).view(1, 3, 1, 1).expand(1, 3, times, 100))
    return census


def test_the_prior_is_the_smoothed_share_of_the_nearest_bins():
    bins = bins_of(census_of("ab", RED, BLUE))
    shares = np.zeros(313)
    shares[nearest_bin(bins, RED)], shares[nearest_bin(bins, BLUE)] = 1 / 3, 2 / 3
    centres = grid_in_gamut(10.0).astype(float)
    expected = np.zeros(313)
    for i in np.flatnonzero(shares):  # each bin's share goes out from it
        kernel = np.exp(-((centres - centres[i]) ** 2).sum(1) / (2 * 5**2))
        expected += shares[i] * kernel / kernel.sum()
    assert np.abs(bins.prior - expected).max() < 1e-12
    assert bins.prior.sum() == pytest.approx(1)


def test_a_narrow_gaussian_smooths_nothing():
    shares = np.array([0.2, 0.8])
    assert smoothed(shares, np.array([[0.0, 0], [10, 0]]), 0.1) == pytest.approx(shares)


def test_the_palette_has_the_commonest_colours_first():
    centres = palette(census_of("yuv", RED, GREY, BLUE), 2, 0.08)
    assert np.abs(centres[0] - chroma_of(BLUE, "yuv")).max() < 0.005
    assert np.abs(centres[1]).max() < 0.005


def test_a_colour_outside_the_palette_counts_for_the_closest():
    bins = bins_of(census_of("yuv", RED, GREY, BLUE), colours=2, sigma=0.001)
    red_is_nearer_to = nearest_bin(bins, RED)
    assert bins.prior[red_is_nearer_to] == pytest.approx((3 if red_is_nearer_to == 0 else 2) / 6 + 1 / 6)


def test_a_palette_of_more_colours_than_there_are():
    with pytest.raises(UsageError, match="--colors 4: only 3"):
        bins_of(census_of("yuv", RED, GREY, BLUE), colours=4)
