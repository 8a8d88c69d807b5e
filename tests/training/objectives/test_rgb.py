"""Adversarial training of a generator of RGB: what each rung's loss is made of."""

from dataclasses import replace

import pytest
import torch

from colorcli.color import rgb_to_lab
from colorcli.models.catalog import build
from colorcli.models.cgan_rgb import luma
from colorcli.training.loop import objective_of
from colorcli.training.losses import diversity
from colorcli.training.objectives.base import Place
from colorcli.training.pictures.batches import Batch
from colorcli.training.recipes import RECIPES
from colorcli.training.settings import Settings

RUNGS = {
    "cgan-rgb-ed": "rgb:Rgb",
    "cgan-rgb-luma": "rgb:Rgb",
    "cgan-rgb-unet": "rgb:Rgb",
    "cgan-rgb": "rgb:RgbConditioned",
}
QUICK = Settings(lr=3e-3, discriminator_lr=1e-3, loss="mse", l1_weight=0.0)


def batch(count=4) -> Batch:
    coarse = torch.rand(count, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    rgb = torch.nn.functional.interpolate(coarse, scale_factor=8)
    lab = rgb_to_lab(rgb)
    return Batch(rgb, lab[:, :1], lab[:, 1:], lab[:, :1])


def teacher(settings: Settings = QUICK, name: str = "cgan-rgb", steps_per_epoch: int = 1):
    torch.manual_seed(0)
    return objective_of(RUNGS[name], build(name, width=8), settings, Place(torch.device("cpu")), steps_per_epoch)


def test_diversity_by_hand():
    pictures = torch.tensor([0.0, 0.008]).view(2, 1, 1, 1)
    assert diversity(pictures, torch.tensor([[0.0], [2.0]])).item() == pytest.approx(0.02 - 0.004)
    assert diversity(pictures, torch.tensor([[0.0], [0.25]])).item() == 0.0


def test_the_conditioned_discriminator_sees_noisy_grey():
    rgb, chance = batch().rgb, torch.Generator().manual_seed(0)
    shown = teacher()._shown(rgb, luma(rgb), chance)
    assert torch.equal(shown[:, :3], rgb * 2 - 1)
    assert (shown[:, 3:] - (luma(rgb) * 2 - 1)).std().item() == pytest.approx(0.2, rel=0.1)


def test_the_other_rungs_discriminators_see_rgb_alone():
    rgb = batch().rgb
    assert torch.equal(teacher(name="cgan-rgb-unet")._shown(rgb, luma(rgb), torch.Generator()), rgb * 2 - 1)


@pytest.mark.parametrize("name", RUNGS)
def test_pretraining_lowers_the_pixel_loss(name):
    learner = teacher(replace(QUICK, pretrain_epochs=1.0), name, steps_per_epoch=12)
    losses = [learner.step(i, batch())["pixel"].item() for i in range(12)]
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("weight", ["luma_weight", "l1_weight"])
def test_a_weighted_loss_is_lowered_beside_the_adversary(weight):
    learner = teacher(replace(QUICK, **{weight: 100.0}))
    losses = [learner.step(i, batch())[weight.removesuffix("_weight")].item() for i in range(12)]
    assert losses[-1] < 0.8 * losses[0]


def test_diversity_is_there_on_request_with_half_of_the_pictures():
    learner = teacher(replace(QUICK, diversity_weight=100.0))
    seen = []
    learner.model.register_forward_pre_hook(lambda module, inputs: seen.append(inputs))
    losses = learner.step(0, batch())
    grey, noise = seen[0]
    assert torch.equal(grey[:2], grey[2:]) and not torch.equal(noise[:2], noise[2:])
    assert 0 <= losses["diversity"].item() <= 0.02 and set(losses) <= set(learner.LOSSES)


def test_noise_is_fresh_at_every_step_and_the_same_in_every_run():
    seen = []
    for _ in range(2):
        learner = teacher()
        learner.model.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[1]))
        learner.step(0, batch())
        learner.step(1, batch())
    assert torch.equal(seen[0], seen[2]) and not torch.equal(seen[0], seen[1])


def test_the_discriminator_learns():
    learner = teacher(replace(QUICK, lr=0.0))
    losses = [learner.step(i, batch())["discriminator"].item() for i in range(12)]
    assert losses[-1] < 0.8 * losses[0]


@pytest.mark.parametrize("name", RUNGS)
def test_recipes_differ_as_the_rungs_do(name):
    recipe = RECIPES[name]
    assert recipe.objective == RUNGS[name]
    assert all(preset.config["skips"] is (name in ("cgan-rgb", "cgan-rgb-unet")) for preset in recipe.presets.values())
    assert recipe.presets["paper"].settings.luma_weight == (name == "cgan-rgb-luma")
    assert recipe.presets["paper"].settings.l1_weight == 0.0
