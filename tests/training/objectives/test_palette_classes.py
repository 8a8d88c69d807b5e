import math

import numpy as np
import pytest
import torch

from colorcli.bins import Bins
from colorcli.color import rgb_to_lab, rgb_to_yuv
from colorcli.models.catalog import build
from colorcli.training.losses import rebalanced_cross_entropy
from colorcli.training.objectives.base import Place
from colorcli.training.objectives.classification import PaletteClassification
from colorcli.training.pictures.batches import Batch
from colorcli.training.pictures.colours import count_bins
from colorcli.training.pictures.images import Cifar10Images
from colorcli.training.settings import Settings

PLACE = Place(torch.device("cpu"))


def batch_of(rgb):
    lab = rgb_to_lab(rgb)
    return Batch(rgb, lab[:, :1], lab[:, 1:], lab[:, :1])


def palette_of(*colours, prior):
    rgb = torch.tensor(colours)[..., None, None]
    return Bins(rgb_to_yuv(rgb)[:, 1:, 0, 0].numpy().copy(), np.array(prior), space="yuv")


@pytest.fixture
def model():
    torch.manual_seed(0)
    network = build("colorunet", colours=2, widths=[8, 16, 16])
    network.adopt(palette_of((0.5, 0.5, 0.5), (0.8, 0.2, 0.2), prior=[0.75, 0.25]))
    return network


def test_rebalanced_cross_entropy():
    logits = torch.tensor([[0.0, math.log(3)], [0.0, 0.0]]).T.reshape(1, 2, 1, 2)
    loss = rebalanced_cross_entropy(logits, torch.tensor([[[1, 0]]]), torch.tensor([2.0, 5.0]))
    assert loss.item() == pytest.approx((5 * math.log(4 / 3) + 2 * math.log(2)) / 2)


@pytest.mark.parametrize(("rebalance", "weight"), [(0.0, 1.0), (1.0, 2.0)])
def test_rare_colours_weigh_more(model, rebalance, weight):
    torch.nn.init.zeros_(model.head.weight)
    torch.nn.init.zeros_(model.head.bias)
    reddish = torch.tensor([0.75, 0.25, 0.2])[None, :, None, None].expand(2, 3, 8, 8)
    objective = PaletteClassification(model, Settings(rebalance=rebalance), PLACE, 1)
    # the second colour, a quarter of the pixels: 1 / (2 * 0.25) where rarity alone counts
    assert objective.step(0, batch_of(reddish))["cross_entropy"].item() == pytest.approx(weight * math.log(2))


def test_steps_on_one_batch_lower_the_loss(model):
    grey, red = torch.full((3, 8, 8), 0.3), torch.tensor([0.8, 0.2, 0.2])[:, None, None].expand(3, 8, 8)
    batch = batch_of(torch.stack([grey, red, 2 * grey, red]))
    objective = PaletteClassification(model, Settings(lr=3e-3, rebalance=0.5), PLACE, 1)
    losses = [objective.step(number, batch)["cross_entropy"].item() for number in range(20)]
    assert losses[-1] < 0.5 * losses[0]


def test_count_bins_finds_the_commonest_colours_of_the_training_pictures():
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (12, 3, 32, 32), generator=generator, dtype=torch.uint8)
    images[:6] = torch.tensor([200, 40, 40], dtype=torch.uint8)[:, None, None]
    bins = count_bins(Cifar10Images(images, torch.zeros(12)), 32, "yuv")
    assert (len(bins), bins.space, bins.pixels) == (32, "yuv", 12 * 1024)
    red = rgb_to_yuv(torch.tensor([200, 40, 40])[:, None, None] / 255)[1:, 0, 0].numpy()
    np.testing.assert_allclose(bins.centres[0], red, atol=0.02)
