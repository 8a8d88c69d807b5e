"""Every system that can be trained, as its presets have it, for a step."""

import math

import pytest
import torch
from training_kit import CPU, images

from colorcli.errors import UsageError
from colorcli.models.catalog import build
from colorcli.training.loop import objective_of
from colorcli.training.pictures.batches import make_batch
from colorcli.training.recipes import RECIPES, preset

PRESETS = [(model, name) for model, recipe in RECIPES.items() for name in recipe.presets]


def network(model, name):
    """As narrow as it gets, with the bins that a run would count."""
    torch.manual_seed(0)
    built = build(model, **{**RECIPES[model].presets[name].config, "width": 8})
    if RECIPES[model].bins is not None:
        from colorcli.training.pictures.colours import count_bins

        built.adopt(count_bins(images(), 32, RECIPES[model].bins))
    return built


@pytest.mark.parametrize(("model", "name"), PRESETS)
def test_a_step_on_cifar10_gives_finite_losses_under_their_names(model, name):
    chosen, built = RECIPES[model].presets[name], network(model, name)
    size = max(32, built.multiple)
    if size != 32:
        pytest.skip("for larger pictures than CIFAR-10's")
    teacher = objective_of(RECIPES[model].objective, built.train(), chosen.settings, CPU, steps_in_epoch=1)
    last = round(chosen.settings.epochs) - 1
    for number in {0, last}:
        losses = teacher.step(number, make_batch(images(4), torch.arange(4), size))
        assert losses and set(losses) <= set(teacher.LOSSES)
        assert all(math.isfinite(loss) and not loss.requires_grad for loss in losses.values())


@pytest.mark.parametrize("model", RECIPES)
def test_every_system_has_a_fast_preset(model):
    assert "fast" in RECIPES[model].presets


@pytest.mark.parametrize(("model", "name"), PRESETS)
def test_crops_fit_the_network(model, name):
    chosen = RECIPES[model].presets[name]
    assert chosen.settings.size % network(model, name).multiple == 0


def test_photos_have_a_preset_of_their_own():
    assert preset("gan", None, photos=True) is RECIPES["gan"].presets["photo"]
    assert preset("gan", None, photos=False) is RECIPES["gan"].presets["fast"]


@pytest.mark.parametrize(
    ("model", "name", "message"),
    [
        ("ddcolor", None, r"ddcolor cannot be trained; these can: .*gan"),
        ("gan", "slow", r"--preset slow: gan has .*fast"),
    ],
)
def test_what_there_is_not_is_a_usage_error(model, name, message):
    with pytest.raises(UsageError, match=message):
        preset(model, name, photos=False)
