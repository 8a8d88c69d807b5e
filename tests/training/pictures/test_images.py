import pytest
import torch
from training_kit import images

from colorcli.data.cifar10 import Cifar10
from colorcli.errors import UsageError
from colorcli.training.pictures.images import split


def test_without_a_generator_the_image_itself():
    data = images(4)
    assert torch.equal(data.crops(torch.tensor([2]), 32) * 255, data.images[2:3].float())


def test_with_one_flipped_half_the_time_and_shifted_a_little():
    data, index = images(1), torch.zeros(400, dtype=torch.int64)
    crops = data.crops(index, 32, torch.Generator().manual_seed(0))
    mirrored = (crops != crops[0]).any(3).any(2).any(1)
    assert 160 < int(mirrored.sum()) < 240
    assert len(crops.unique(dim=0)) == 2
    again = data.crops(index, 32, torch.Generator().manual_seed(0))
    assert torch.equal(crops, again)


def test_another_size_is_a_usage_error():
    with pytest.raises(UsageError, match="--size 48"):
        images(1).crops(torch.tensor([0]), 48)


@pytest.mark.parametrize(("count", "held"), [(10, 2), (40, 8), (6000, 1000)])
def test_the_last_images_are_held_out(count, held):
    data = images(10)
    numbered = Cifar10(data.images[:1].expand(count, -1, -1, -1).numpy(), torch.arange(count).numpy())
    train, validation = split(numbered)
    assert (len(train), len(validation)) == (count - held, held)
    assert validation.labels.tolist() == list(range(count - held, count))
