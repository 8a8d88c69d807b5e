import numpy as np
import pytest
import torch
from PIL import Image
from training_kit import images

from colorcli.color import rgb_to_lab
from colorcli.errors import ColorcliError, UsageError
from colorcli.photo.find import image_files
from colorcli.training.pictures.photos import UNKNOWN, _crop_transforms, load_photos


@pytest.fixture
def folder(tmp_path):
    """Ten photos, left half red, right half green, landscape and portrait."""
    for i in range(10):
        pixels = np.zeros((60, 90, 3), np.uint8)
        pixels[:, :45, 0], pixels[:, 45:, 1] = 200, 150
        Image.fromarray(pixels if i % 2 else pixels.transpose(1, 0, 2)).save(tmp_path / f"{i}.png")
    return tmp_path


def test_middle_crop_is_the_photo(folder):
    rgb = load_photos(image_files(folder), 32).crops(torch.tensor([1]), 32)
    assert rgb.shape == (1, 3, 32, 32)
    a = rgb_to_lab(rgb)[0, 1]
    assert a[:, :14].min() > 40  # red
    assert a[:, 18:].max() < -40  # green


def test_random_crops_depend_on_the_generator_alone(folder):
    photos, index = load_photos(image_files(folder), 32), torch.arange(10)
    first, again, other = (photos.crops(index, 32, torch.Generator().manual_seed(s)) for s in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_random_crops_flip_half_of_the_photos(folder):
    photos, index = load_photos(image_files(folder), 32), torch.full((400,), 1)
    rgb = photos.crops(index, 32, torch.Generator().manual_seed(0))
    flipped = int((rgb[:, 0, :, :4].mean((1, 2)) < rgb[:, 0, :, -4:].mean((1, 2))).sum())
    assert 160 < flipped < 240


def test_crops_never_leave_the_photo(folder):
    """The canvas around a photo is black, so a crop that reached it would be dark."""
    photos, index = load_photos(image_files(folder), 32), torch.arange(10).repeat(20)
    rgb = photos.crops(index, 32, torch.Generator().manual_seed(0))
    assert rgb.amax(1).min() > 0.25


def test_crops_differ_in_scale_and_tilt(folder):
    sizes = torch.tensor([[60, 90]]).expand(2000, 2)
    theta = _crop_transforms(sizes, 90, torch.Generator().manual_seed(0))
    zoom = theta[:, :, 1].norm(dim=1) * 90 / 60
    tilt = torch.rad2deg(torch.atan2(-theta[:, 0, 1], theta[:, 1, 1]))
    assert 0.57 < zoom.min() < 0.62 and 0.95 < zoom.max() <= 1  # a tilted square is smaller than that around it
    assert 7 < tilt.abs().max() <= 8 and tilt.mean().abs() < 0.5


def test_cifar10_images_join_photos(folder):
    photos = load_photos(image_files(folder), 32).with_images(images(3))
    assert len(photos) == 13 and photos.sizes[-1].tolist() == [32, 32]
    assert photos.labels.tolist() == [UNKNOWN] * 10 + [0, 1, 2]
    assert photos.crops(torch.tensor([12]), 32).mul(255).sub(images(3).images[2]).abs().max() < 1e-3


def test_many_broken_files_are_an_error_that_names_one(folder):
    (folder / "5.png").write_bytes((folder / "5.png").read_bytes()[:60])
    with pytest.raises(ColorcliError, match=r"1 of 10 files could not be read, .*5\.png the first"):
        load_photos(image_files(folder), 32)


def test_one_in_a_hundred_is_skipped(folder):
    for i in range(89):
        (folder / f"more{i}.png").symlink_to(folder / "1.png")
    (folder / "broken.jpg").write_bytes(b"no picture")
    photos = load_photos(image_files(folder), 32)
    assert (len(photos), photos.skipped) == (99, 1)


def test_colourless_photos_are_left_out(folder):
    Image.new("L", (40, 40), 90).save(folder / "grey.png")
    photos = load_photos(image_files(folder), 32)
    assert (len(photos), photos.colourless) == (10, 1)


def test_only_grey_photos_are_a_usage_error(tmp_path):
    Image.new("L", (40, 40), 90).save(tmp_path / "grey.png")
    with pytest.raises(UsageError, match="colour"):
        load_photos(image_files(tmp_path), 32)
