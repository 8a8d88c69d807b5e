"""Systems that learn from a pixel loss and a discriminator: a few steps on one batch of small pictures."""

import math
from dataclasses import replace

import pytest
import torch
from training_kit import CPU

from colorcli.color import rgb_to_lab
from colorcli.guidance.palette import palette_bins, shares
from colorcli.models.catalog import build
from colorcli.training.loop import objective_of
from colorcli.training.pictures.batches import Batch
from colorcli.training.pictures.photos import UNKNOWN
from colorcli.training.recipes import RECIPES
from colorcli.training.settings import Settings

NARROW = {
    "gan": {"network": "strided", "widths": [8, 8, 8]},
    "patchgan": {"widths": [8, 8, 8], "discriminator_width": 8},
    "pix2pix": {"widths": [8, 8, 8], "dropout": 0, "discriminator_width": 8},
    "palette": {"widths": [8, 8, 8], "discriminator_width": 8, "classes": 4},
}
systems = pytest.mark.parametrize("name", NARROW)


def batch(count=4):
    """Pictures of one colour each, with some texture; labels 0, 1, ..."""
    generator = torch.Generator().manual_seed(0)
    colour, texture = (torch.rand(shape, generator=generator) for shape in ((count, 3, 1, 1), (count, 1, 16, 16)))
    rgb = 0.6 * colour + 0.4 * texture
    lab = rgb_to_lab(rgb)
    return Batch(rgb, lab[:, :1], lab[:, 1:], lab[:, :1], torch.arange(count))


def objective(name, **settings):
    torch.manual_seed(0)
    chosen = replace(RECIPES[name].presets["fast"].settings, lr=1e-2, **settings)
    return objective_of(RECIPES[name].objective, build(name, **NARROW[name]), chosen, CPU)


@systems
@pytest.mark.parametrize("pretrain", [1000, 0], ids=["pixel", "adversarial"])
def test_steps_on_one_batch_lower_the_pixel_loss(name, pretrain):
    teacher, seen = objective(name, pretrain_epochs=pretrain), batch()
    losses = [teacher.step(number, seen) for number in range(8)]
    assert losses[-1]["l1"] < 0.9 * losses[0]["l1"]
    assert set(losses[0]) <= set(teacher.LOSSES)
    assert ("fool" in losses[0]) == (not pretrain)


@systems
def test_the_losses_of_a_step_are_those_of_its_networks(name):
    """With a discriminator that always says 0: -log(1/2) for the generator, as much for each half of the other."""
    teacher, seen = objective(name, pretrain_epochs=0), batch()
    judge = teacher.modules["discriminator"]
    last = judge.head if name == "gan" else judge.patches[-1]
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.zeros_(last.bias)
    teacher.optimizers["discriminator"].param_groups[0]["lr"] = 0.0
    losses = teacher.step(0, seen)
    assert losses["fool"].item() == pytest.approx(math.log(2))
    assert losses["discriminator"].item() == pytest.approx(math.log(2))


def classes_of_gan(**settings):
    config = {"widths": [8, 8], "encoder_blocks": [1, 1], "decoder_blocks": [1], "classes": 4}
    chosen = replace(RECIPES["gan"].presets["fast"].settings, lr=1e-2, pretrain_epochs=1000, **settings)
    torch.manual_seed(0)
    return objective_of(RECIPES["gan"].objective, build("gan", **config), chosen, CPU)


def test_gan_learns_the_labels_that_there_are():
    teacher, seen = classes_of_gan(label_weight=1.0), batch()
    torch.nn.init.zeros_(teacher.model.labels.weight)
    torch.nn.init.zeros_(teacher.model.labels.bias)
    seen = replace(seen, labels=torch.tensor([0, UNKNOWN, 2, UNKNOWN]))
    losses = [teacher.step(number, seen)["labels"].item() for number in range(8)]
    assert losses[0] == pytest.approx(math.log(4))
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize("labels", [None, torch.full((4,), UNKNOWN)])
def test_gan_learns_colours_where_nothing_has_a_label(labels):
    teacher = classes_of_gan(label_weight=1.0)
    losses = [teacher.step(number, replace(batch(), labels=labels)) for number in range(8)]
    assert losses[-1]["pixel"] < losses[0]["pixel"] and losses[0].get("labels", 0) == 0


@pytest.mark.parametrize("loss", ["psnr", "distance"])
def test_gan_learns_by_any_pixel_loss(loss):
    teacher, seen = objective("gan", pretrain_epochs=1000, loss=loss), batch()
    losses = [teacher.step(number, seen)["pixel"].item() for number in range(8)]
    assert losses[-1] < losses[0] - 0.1 * abs(losses[0])


def test_gan_learns_structure_where_it_has_a_weight():
    teacher, seen = objective("gan", pretrain_epochs=1000, ssim_weight=100.0), batch()
    losses = [teacher.step(number, seen)["ssim"].item() for number in range(8)]
    assert losses[0] < losses[-1] - 0.01 and losses[-1] < 1


def test_gan_learns_to_be_colourful_where_that_has_a_weight():
    colours = []
    for weight in (1e-9, 10.0):
        teacher, seen = objective("gan", pretrain_epochs=1000, loss="distance", colourfulness_weight=weight), batch()
        colours.append([teacher.step(number, seen)["colourfulness"].item() for number in range(24)])
    assert colours[0][0] == colours[1][0] and colours[1][-1] > 2 * colours[0][-1]


def test_palettes_classifier_learns_the_labels():
    teacher, seen = objective("palette", pretrain_epochs=1000, label_weight=1.0), batch()
    torch.nn.init.zeros_(teacher.model.classify.weight)
    torch.nn.init.zeros_(teacher.model.classify.bias)
    losses = [teacher.step(number, seen)["labels"].item() for number in range(8)]
    assert losses[0] == pytest.approx(math.log(4))
    assert losses[-1] < 0.9 * losses[0]


def test_palettes_of_classes_come_from_the_pictures_of_the_class():
    teacher, seen = objective("palette", pretrain_epochs=1000), batch()
    before = teacher.model.class_shares.clone()
    teacher.step(0, seen)
    own = shares(seen.ab[..., ::2, ::2])
    torch.testing.assert_close(teacher.model.class_shares, 0.99 * before + 0.01 * own)


def test_half_of_the_pictures_see_their_own_palette_another_half_every_step():
    teacher, seen = objective("palette", pretrain_epochs=1000), batch(64)
    seen = replace(seen, labels=seen.labels % 4)
    given = []
    teacher.call = lambda L, palette: given.append(palette) or teacher.model(L, palette)
    for number in (0, 1, 0):
        teacher.step(number, seen)
    who = [palette.sum(1) > 0 for palette in given]
    assert given[0].shape == (64, len(palette_bins()))
    assert 16 < who[0].sum() < 48
    assert not torch.equal(who[0], who[1])
    assert torch.equal(who[0], who[2])  # what a resumed run does


def test_palette_needs_labels():
    with pytest.raises(ValueError, match="need labels"):
        objective("palette").step(0, replace(batch(), labels=None))


def test_papers_hyper_parameters():
    gan, patchgan, pix2pix, palette = (RECIPES[name].presets["paper"].settings for name in NARROW)
    assert (gan.epochs, gan.lr, gan.discriminator_lr, gan.l1_weight, gan.real_label) == (200, 1e-4, 1e-4, 100, 1)
    assert (patchgan.epochs, patchgan.real_label, patchgan.l1_weight) == (20, 0.9, 1)
    assert patchgan.lr != patchgan.discriminator_lr
    assert (pix2pix.lr, pix2pix.betas, pix2pix.l1_weight) == (2e-4, (0.5, 0.999), 100)
    assert (palette.batch_size, palette.epochs, palette.lr) == (64, 10, palette.discriminator_lr)
    for settings in (gan, patchgan, pix2pix, palette):
        assert isinstance(settings, Settings) and settings.pretrain_epochs == settings.weight_decay == 0
