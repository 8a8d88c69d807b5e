import numpy as np
import pytest
import torch
from PIL import Image

from colorcli.errors import ColorcliError, UsageError
from colorcli.training.data import batches, load_photos


@pytest.fixture
def folder(tmp_path):
    """Ten photos, left half red, right half green, landscape and portrait."""
    for i in range(10):
        pixels = np.zeros((60, 90, 3), np.uint8)
        pixels[:, :45, 0], pixels[:, 45:, 1] = 200, 150
        Image.fromarray(pixels if i % 2 else pixels.transpose(1, 0, 2)).save(tmp_path / f"{i}.png")
    return tmp_path


def test_middle_crop_is_the_photo(folder):
    L, ab = load_photos([folder], 32).crops(torch.tensor([1]), 32)
    assert L.shape == (1, 1, 32, 32)
    assert ab.shape == (1, 2, 32, 32)
    a = ab[0, 0]
    assert a[:, :14].min() > 40  # red
    assert a[:, 18:].max() < -40  # green


def test_random_crops_depend_on_the_generator_alone(folder):
    photos, index = load_photos([folder], 32), torch.arange(10)
    first, again, other = (photos.crops(index, 32, torch.Generator().manual_seed(s))[1] for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_random_crops_flip_half_of_the_photos(folder):
    photos, index = load_photos([folder], 32), torch.full((400,), 1)
    _, ab = photos.crops(index, 32, torch.Generator().manual_seed(0))
    flipped = int((ab[:, 0, :, :4].mean((1, 2)) < ab[:, 0, :, -4:].mean((1, 2))).sum())
    assert 160 < flipped < 240


def test_crops_never_leave_the_photo(folder):
    """The canvas around a photo is black, so a crop that reached it would be dark."""
    photos, index = load_photos([folder], 32), torch.arange(10).repeat(20)
    L, _ = photos.crops(index, 32, torch.Generator().manual_seed(0))
    assert L.min() > 30


def test_a_few_broken_files_are_skipped_and_counted(tmp_path):
    for i in range(120):
        Image.new("RGB", (40, 40), (200, 30, i)).save(tmp_path / f"{i}.png")
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    photos = load_photos([tmp_path], 32)
    assert (len(photos), photos.skipped) == (120, 1)


def test_many_broken_files_are_an_error(folder):
    (folder / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(ColorcliError, match="1 of 11 files"):
        load_photos([folder], 32)


def test_colourless_photos_are_left_out(folder):
    Image.new("L", (40, 40), 90).save(folder / "grey.png")
    photos = load_photos([folder], 32)
    assert (len(photos), photos.colourless) == (10, 1)


def test_a_folder_without_photos_is_named(tmp_path):
    with pytest.raises(UsageError, match=tmp_path.name):
        load_photos([tmp_path], 32)


def test_an_epoch_sees_every_photo_once_and_resumes_anywhere():
    order = [index for index, _ in zip(batches(20, 5, seed=3), range(8), strict=False)]
    assert sorted(torch.cat(order[:4]).tolist()) == list(range(20))
    assert not torch.equal(torch.cat(order[:4]), torch.cat(order[4:]))
    resumed = [index for index, _ in zip(batches(20, 5, seed=3, start=3), range(5), strict=False)]
    assert all(map(torch.equal, order[3:], resumed))
