import math

import pytest
import torch
from torch import Tensor, nn

from colorcli.models.classifier import Classifier
from colorcli.training.losses import smoothed_cross_entropy
from colorcli.training.objectives.base import Place
from colorcli.training.objectives.labels import Labels
from colorcli.training.pictures.batches import make_batch
from colorcli.training.pictures.images import Cifar10Images
from colorcli.training.recipes import RECIPES
from colorcli.training.settings import Settings

PLACE = Place(torch.device("cpu"))


def images(count: int = 12) -> Cifar10Images:
    """Plain red, green and blue pictures, labelled so."""
    labels = torch.arange(count) % 3
    plain = torch.zeros(count, 3, 32, 32, dtype=torch.uint8)
    plain[torch.arange(count), labels] = 200
    return Cifar10Images(plain, labels)


class Brightest(nn.Module):
    """Tells the first `classes` apart by their strongest channel."""

    def forward(self, rgb: Tensor) -> Tensor:
        return rgb.mean((2, 3))


def labels_of(model: nn.Module, **settings: float) -> Labels:
    return Labels(model, Settings(lr=3e-3, **settings), PLACE, 1)


def test_smoothed_cross_entropy_by_hand():
    # the softmax of (log 3, 0) is (3/4, 1/4); the label's part is 0.95, the other's 0.05
    loss = smoothed_cross_entropy(torch.tensor([[math.log(3), 0.0]]), torch.tensor([0]), 0.1)
    assert loss.item() == pytest.approx(-0.95 * math.log(0.75) - 0.05 * math.log(0.25))


def test_steps_lower_the_loss():
    torch.manual_seed(0)
    objective, batch = labels_of(Classifier(widths=[8, 16], blocks=[0, 1])), make_batch(images(), torch.arange(12), 32)
    losses = [objective.step(i, batch) for i in range(8)]
    assert set(losses[0]) == set(Labels.LOSSES)
    assert losses[-1]["cross_entropy"] < 0.7 * losses[0]["cross_entropy"]
    assert losses[-1]["top1"] == 1


def test_validation_is_the_share_told_right():
    data = images()
    data.labels[:3] = 9
    model = Classifier(widths=[8], blocks=[0])
    assert labels_of(model).validate(Brightest(), data) == {"val_top1": 0.75}
    assert labels_of(model).pictures(model, data) is None


def test_data_without_labels_are_refused():
    data = images()
    data.labels = None
    with pytest.raises(ValueError, match="needs labels"):
        labels_of(Classifier(widths=[8], blocks=[0])).step(0, make_batch(data, torch.arange(4), 32))
    assert RECIPES["classifier"].needs_labels
