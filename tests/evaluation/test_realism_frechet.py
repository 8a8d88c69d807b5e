import math

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm

from colorcli.evaluation.realism import Moments, frechet_distance


def moments(features) -> Moments:
    gathered = Moments()
    gathered.add(torch.as_tensor(features))
    return gathered


def drawn(count: int, size: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    mixed = torch.randn(size, size, generator=generator)
    return torch.randn(count, size, generator=generator) @ mixed + seed


def test_by_hand_in_one_dimension():
    # means 0 and 3, variances 2 and 8: 3^2 + (sqrt(8) - sqrt(2))^2
    assert frechet_distance(moments([[-1.0], [1.0]]), moments([[1.0], [5.0]])) == pytest.approx(9 + 2)


def test_by_hand_with_axes_of_their_own():
    cross = torch.tensor([[1.0, 0], [-1, 0], [0, 2], [0, -2]])  # variances 2/3 and 8/3
    # C1 C2 = 16/9 on the diagonal: tr(C1 + C2) - 2 tr = 2 * 10/3 - 2 * 8/3
    assert frechet_distance(moments(cross), moments(cross.flip(1))) == pytest.approx(4 / 3)


def test_agrees_with_scipy():
    one, other = drawn(60, 7, 1), drawn(80, 7, 2)
    covariances = [np.cov(x.double().numpy(), rowvar=False) for x in (one, other)]
    apart = ((one.double().mean(0) - other.double().mean(0)) ** 2).sum().item()
    expected = apart + np.trace(sum(covariances)) - 2 * np.trace(sqrtm(covariances[0] @ covariances[1]).real)
    assert frechet_distance(moments(one), moments(other)) == pytest.approx(expected, rel=1e-9)


def test_fewer_images_than_features_have_a_distance():
    few, others = drawn(5, 20, 1), drawn(5, 20, 2)
    assert frechet_distance(moments(few), moments(few)) == pytest.approx(0, abs=1e-4)
    assert frechet_distance(moments(few), moments(others)) > 1


def test_batches_add_up():
    features, whole = drawn(50, 4, 3), moments(drawn(50, 4, 3))
    parts = Moments()
    for part in features.split(13):
        parts.add(part)
    assert parts.count == 50
    assert parts.mean == pytest.approx(whole.mean)
    assert parts.covariance == pytest.approx(np.cov(features.double().numpy(), rowvar=False))


def test_a_single_image_has_none():
    assert math.isnan(frechet_distance(moments([[1.0, 2.0]]), moments(drawn(5, 2, 1))))
