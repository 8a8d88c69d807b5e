import math

import pytest
import torch

from colorcli.color import rgb_to_lab
from colorcli.models.base import ColorModel
from colorcli.models.catalog import build
from colorcli.training.objectives.base import Place
from colorcli.training.objectives.regression import Joint
from colorcli.training.pictures.batches import Batch
from colorcli.training.settings import Settings

PLACE = Place(torch.device("cpu"))


class Told(ColorModel):
    """The same ab and logits for every picture."""

    ab_scale = 10.0

    def __init__(self) -> None:
        super().__init__()
        self.ab = torch.nn.Parameter(torch.tensor([0.5, -0.1])[None, :, None, None])
        self.logits = torch.nn.Parameter(torch.tensor([[0.0, math.log(3)]]))

    def forward(self, L):
        return self.ab.expand(len(L), 2, 2, 2), self.logits.expand(len(L), 2)


def batch_of(rgb, labels):
    lab = rgb_to_lab(rgb)
    return Batch(rgb, lab[:, :1], lab[:, 1:], lab[:, :1], labels)


def test_losses_of_a_case_worked_by_hand():
    L, ab = torch.zeros(2, 1, 4, 4), torch.tensor([3.0, -1.0])[None, :, None, None].expand(2, 2, 4, 4)
    losses = Joint(Told(), Settings(), PLACE, 1).step(0, Batch(L, L, ab, L, torch.tensor([1, 0])))
    assert losses["mse"].item() == pytest.approx(0.2**2 / 2)  # (0.5 - 3 / 10)^2 and 0
    assert losses["labels"].item() == pytest.approx((math.log(4 / 3) + math.log(4)) / 2)


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_the_head_learns_by_label_weight(weight):
    objective = Joint(Told(), Settings(label_weight=weight), PLACE, 1)
    L = torch.zeros(2, 1, 4, 4)
    objective.step(0, Batch(L, L, torch.zeros(2, 2, 4, 4), L, torch.tensor([1, 0])))
    # of softmax (1/4, 3/4) less the labels' mean (1/2, 1/2)
    expected = weight * torch.tensor([[-0.25, 0.25]])
    torch.testing.assert_close(objective.model.logits.grad, expected)


def test_steps_on_one_batch_lower_both_losses():
    torch.manual_seed(0)
    model = build("global-local", width=16)
    objective = Joint(model, Settings(lr=3e-3, label_weight=1 / 300), PLACE, 1)
    batch = batch_of(torch.rand(8, 3, 1, 1).expand(8, 3, 16, 16), torch.arange(8))
    losses = [objective.step(number, batch) for number in range(20)]
    for name in Joint.LOSSES:
        assert losses[-1][name] < 0.7 * losses[0][name]
