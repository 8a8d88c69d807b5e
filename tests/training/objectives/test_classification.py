"""Training of classification and regression."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from colorcli.bins import ab_bins
from colorcli.color import rgb_to_lab
from colorcli.models.catalog import build
from colorcli.training.loop import objective_of
from colorcli.training.losses import soft_cross_entropy
from colorcli.training.objectives.base import Place
from colorcli.training.pictures.batches import Batch
from colorcli.training.recipes import RECIPES
from colorcli.training.settings import Settings

PLACE = Place(torch.device("cpu"))
BINS = ab_bins(60)
SYSTEMS = (
    "classification", "classification-deconv", "classification-downsample", "classification-rebalanced", "regression",
)  # fmt: skip


def batch_of(rgb):
    lab = rgb_to_lab(rgb)
    return Batch(rgb, lab[:, :1], lab[:, 1:], lab[:, :1])


def teacher(name, bins=BINS, **settings):
    torch.manual_seed(0)
    model = build(name, width=4, **({} if name == "regression" else {"colours": len(bins)}))
    if RECIPES[name].bins:
        model.adopt(bins)
    chosen = replace(RECIPES[name].presets["fast"].settings, **settings)
    return objective_of(RECIPES[name].objective, model, chosen, PLACE)


def sparse_case(dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 7, 3, 4, generator=generator, dtype=dtype)
    index = torch.rand(2, 3, 4, 7, generator=generator).argsort(-1)[..., :5]
    shares = torch.softmax(torch.randn(2, 3, 4, 5, generator=generator, dtype=dtype), -1)
    return logits, index, shares, torch.rand(2, 3, 4, generator=generator, dtype=dtype)


def test_soft_cross_entropy_by_hand():
    logits = torch.tensor([[0.0, math.log(2)], [0.0, 0.0], [0.0, 0.0]]).reshape(1, 3, 1, 2)
    index = torch.tensor([[0, 2], [0, 1]]).reshape(1, 1, 2, 2)
    shares = torch.tensor([[0.75, 0.25], [0.5, 0.5]]).reshape(1, 1, 2, 2)
    first, second = math.log(3), math.log(2) / 2 + math.log(4) / 2
    assert soft_cross_entropy(logits, index, shares).item() == pytest.approx((first + second) / 2)
    weights = torch.tensor([[[3.0, 1.0]]])
    assert soft_cross_entropy(logits, index, shares, weights).item() == pytest.approx((3 * first + second) / 2)


@pytest.mark.parametrize("weighted", [False, True])
def test_soft_cross_entropy_is_that_of_the_whole_distribution(weighted):
    logits, index, shares, weights = sparse_case()
    dense = torch.zeros(2, 3, 4, 7).scatter_(-1, index, shares).movedim(-1, 1)
    each = torch.nn.functional.cross_entropy(logits, dense, reduction="none")
    expected = (each * weights).mean() if weighted else each.mean()
    assert soft_cross_entropy(logits, index, shares, weights if weighted else None) == pytest.approx(expected.item())


def test_gradient_of_soft_cross_entropy():
    logits, index, shares, weights = sparse_case()
    one, other = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    dense = torch.zeros(2, 3, 4, 7).scatter_(-1, index, shares).movedim(-1, 1)
    (3 * soft_cross_entropy(one, index, shares, weights)).backward()
    (3 * (torch.nn.functional.cross_entropy(other, dense, reduction="none") * weights).mean()).backward()
    torch.testing.assert_close(one.grad, other.grad)


@pytest.mark.parametrize("name", SYSTEMS)
def test_steps_on_one_batch_lower_the_loss(name):
    grey, red = torch.full((3, 16, 16), 0.3), torch.tensor([0.8, 0.2, 0.2])[:, None, None].expand(3, 16, 16)
    batch = batch_of(torch.stack([grey, red, 2 * grey, red]))
    objective = teacher(name, lr=3e-3)
    losses = [objective.step(number, batch)[objective.LOSSES[0]].item() for number in range(15)]
    assert losses[-1] < 0.75 * losses[0]


@pytest.mark.parametrize("rebalance", [0.0, 0.5])
def test_common_colours_weigh_less(rebalance):
    prior = np.full(len(BINS), 0.5 / (len(BINS) - 1))
    blue = torch.tensor([0.1, 0.1, 0.9])[:, None, None].expand(2, 3, 8, 8)
    nearest = BINS.encode_hard(batch_of(blue).ab)[0, 0, 0].item()
    prior[nearest] = 0.5
    objective = teacher("classification", ab_bins(60, prior=prior), rebalance=rebalance)
    last = objective.model.model8[-1]
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.zeros_(last.bias)
    # 1 / ((1 - lambda) p + lambda / Q), such that the weights' mean over the pixels is 1
    bins = len(BINS)
    common = 1 / (rebalance * 0.5 + (1 - rebalance) / bins)
    rare = 1 / (rebalance * 0.5 / (bins - 1) + (1 - rebalance) / bins)
    expected = common / (0.5 * common + 0.5 * rare) * math.log(bins)
    assert objective.step(0, batch_of(blue))["cross_entropy"].item() == pytest.approx(expected, rel=1e-4)


def test_the_paper_presets_have_its_hyper_parameters():
    for name in SYSTEMS:
        settings = RECIPES[name].presets["paper"].settings
        assert (settings.epochs, settings.lr, settings.schedule) == (100, 1e-3, "constant")
    rebalanced = [name for name in SYSTEMS if RECIPES[name].presets["paper"].settings.rebalance]
    assert rebalanced == ["classification-rebalanced"]
    assert Settings().rebalance == 0
