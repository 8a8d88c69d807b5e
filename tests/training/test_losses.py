"""Each loss against a case worked by hand."""

import math

import pytest
import torch
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from colorcli.color import lab_to_rgb, rgb_to_lab
from colorcli.evaluation.metrics import colourfulness
from colorcli.training.losses import (
    discriminator_bce,
    dissimilarity,
    distance,
    generator_bce,
    huber,
    l1,
    log_mse,
    paleness,
    shown,
)


def test_l1():
    assert l1(torch.tensor([0.0, 1.0]), torch.tensor([0.5, -1.0])).item() == pytest.approx(1.25)


def test_huber_is_squared_then_linear():
    zero = torch.zeros(1)
    assert huber(torch.tensor([0.05]), zero).item() == pytest.approx(0.05**2 / 2 / 0.1)
    assert huber(torch.tensor([0.7]), zero).item() == pytest.approx(0.7 - 0.05)


def test_log_mse_is_psnr_picture_by_picture():
    prediction, truth = torch.zeros(2, 2, 3, 3), torch.full((2, 2, 3, 3), 0.1)
    truth[1] = 0.01
    psnr = -10 * math.log10(1e-2), -10 * math.log10(1e-4)
    found = log_mse(prediction, truth, floor=0).item()
    assert found == pytest.approx(-sum(psnr) / 2 * math.log(10) / 10, rel=1e-5)


def test_distance_is_that_of_pixels():
    truth = torch.tensor([[3.0, 0.0], [4.0, 1.0]]).view(1, 2, 1, 2)  # (3, 4) and (0, 1)
    assert distance(torch.zeros(1, 2, 1, 2), truth).item() == pytest.approx((5 + 1) / 2, rel=1e-5)


def test_psnr_is_that_of_the_pictures():
    real, other = torch.rand(2, 2, 3, 8, 8, generator=torch.Generator().manual_seed(0)).mul(0.6).add(0.2)
    lab = rgb_to_lab(real)
    ab = (0.5 * lab[:, 1:] + 0.5 * rgb_to_lab(other)[:, 1:]).requires_grad_()
    found = log_mse(shown(lab[:, :1], ab), shown(lab[:, :1], lab[:, 1:]))
    coloured = lab_to_rgb(torch.cat([lab[:, :1], ab.detach()], 1))
    decibel = [peak_signal_noise_ratio(a.numpy(), b.numpy(), data_range=1) for a, b in zip(real, coloured, strict=True)]
    assert found.item() == pytest.approx(-sum(decibel) / 2 * math.log(10) / 10, abs=0.02)  # some left sRGB
    found.backward()
    assert ab.grad.isfinite().all() and ab.grad.abs().max() > 0


def test_dissimilarity_is_what_ssim_lacks():
    real = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0)).mul(0.4).add(0.3)
    lab = rgb_to_lab(real)
    ab = (0.7 * lab[:, 1:]).requires_grad_()
    found = dissimilarity(shown(lab[:, :1], ab), shown(lab[:, :1], lab[:, 1:]))
    coloured = lab_to_rgb(torch.cat([lab[:, :1], ab.detach()], 1))
    kinds = {"channel_axis": 0, "data_range": 1}
    theirs = [structural_similarity(a.numpy(), b.numpy(), **kinds) for a, b in zip(real, coloured, strict=True)]
    assert found.item() == pytest.approx(1 - sum(theirs) / 3, abs=1e-4)
    found.backward()
    assert ab.grad.isfinite().all() and ab.grad.abs().max() > 0


def test_paleness_is_what_colourfulness_lacks():
    pictures = torch.rand(3, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    assert paleness(pictures).item() == pytest.approx(1 - colourfulness(pictures).mean().item() / 100, abs=1e-4)


def test_paleness_has_a_slope_even_where_all_is_grey():
    grey = torch.full((1, 3, 8, 8), 0.5).requires_grad_()
    paleness(grey).backward()
    assert grey.grad.isfinite().all()


def test_generator_bce():
    assert generator_bce(torch.zeros(3)).item() == pytest.approx(math.log(2))
    assert generator_bce(torch.tensor([2.0])).item() == pytest.approx(math.log(1 + math.exp(-2)))


def test_discriminator_bce_smooths_the_real_label_only():
    real, fake = torch.tensor([2.0]), torch.tensor([-1.0])
    p, q = 1 / (1 + math.exp(-2)), 1 / (1 + math.exp(1))
    expected = (-0.9 * math.log(p) - 0.1 * math.log(1 - p) - math.log(1 - q)) / 2
    assert discriminator_bce(real, fake).item() == pytest.approx(expected)
