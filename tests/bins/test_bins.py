"""Bins against brute force: every pixel's distance to every bin."""

import numpy as np
import pytest
import torch

from colorcli.bins import Bins, ab_bins
from colorcli.errors import UsageError


def chroma(count=4, side=16, spread=40.0) -> torch.Tensor:
    points = torch.randn(count, 2, side, side, generator=torch.Generator().manual_seed(0))
    return spread * points.clamp(-3, 3)  # within the plane


def palette() -> Bins:
    """32 scattered colours of UV."""
    generator = np.random.default_rng(0)
    prior = generator.random(32)
    centres = (generator.random((32, 2)) - 0.5).astype(np.float32)
    return Bins(centres, prior / prior.sum(), "yuv", 0.08, 0.04)


def by_brute_force(bins: Bins, points: torch.Tensor) -> np.ndarray:
    """(B, 2, H, W) -> (B, Q, H, W)."""
    flat = points.double().movedim(1, -1).reshape(-1, 2).numpy()
    squared = ((flat[:, None] - bins.centres[None]) ** 2).sum(-1)
    nearest = np.argsort(squared, axis=1)[:, :5]
    shares = np.exp(-np.take_along_axis(squared, nearest, 1) / (2 * bins.sigma**2))
    out = np.zeros_like(squared)
    np.put_along_axis(out, nearest, shares / shares.sum(1, keepdims=True), 1)
    batch, _, height, width = points.shape
    return out.reshape(batch, height, width, -1).transpose(0, 3, 1, 2)


@pytest.mark.parametrize(
    ("bins", "points"), [(ab_bins(), chroma()), (ab_bins(25), chroma()), (palette(), chroma(spread=0.15))]
)
def test_soft_encoding_is_that_of_brute_force(bins, points):
    encoded = bins.encode(points)
    expected = by_brute_force(bins, points)
    assert np.abs(encoded.numpy() - expected).max() < 1e-4
    assert (encoded.sum(1) - 1).abs().max() < 1e-6
    assert (bins.encode_hard(points).numpy() == expected.argmax(1)).all()


def test_a_centre_is_mostly_its_own_bin():
    bins = ab_bins()
    points = torch.from_numpy(bins.centres.copy()).T[None, ..., None]
    assert bins.encode_hard(points).flatten().tolist() == list(range(313))
    share = bins.encode(points)[0, :, :, 0].diagonal()
    # itself, and four at one step of 10: 1 / (1 + 4 exp(-2)), on the border with some of them farther
    assert share[313 // 2].item() == pytest.approx(1 / (1 + 4 * np.exp(-2)), abs=1e-5)
    assert share.min() > 0.6


def test_chroma_beyond_the_plane_is_taken_at_its_edge():
    bins = ab_bins()
    beyond, edge = (torch.tensor([float(a), 0]).view(1, 2, 1, 1) for a in (1000, 128))
    assert torch.equal(bins.encode(beyond), bins.encode(edge))


def test_half_precision_and_gradients_are_taken():
    points = chroma(1, 4).half().requires_grad_()
    encoded = ab_bins().encode(points)
    assert encoded.dtype == torch.float32
    assert not encoded.requires_grad


def test_fewer_bins_than_neighbours():
    bins = Bins(np.array([[0, 0], [0.1, 0]], np.float32), np.array([0.5, 0.5]), "yuv", 0.1, 0.05)
    encoded = bins.encode(torch.tensor([0.05, 0.0]).view(1, 2, 1, 1))
    assert encoded.flatten().tolist() == pytest.approx([0.5, 0.5], abs=1e-6)


def test_annealed_mean_by_hand():
    bins = Bins(np.array([[0, 0], [10, -20]], np.float32), np.array([0.5, 0.5]))
    logits = torch.tensor([0.0, 0.38 * np.log(3)]).view(1, 2, 1, 1)
    assert bins.annealed_mean(logits).flatten().tolist() == pytest.approx([7.5, -15])
    assert bins.annealed_mean(logits, 1e-4).flatten().tolist() == pytest.approx([10, -20])
    plain = 3**0.38 / (1 + 3**0.38)
    assert bins.annealed_mean(logits.bfloat16(), 1).flatten().tolist() == pytest.approx([10 * plain, -20 * plain], 1e-2)


def test_encoding_and_mean_give_the_colour_back():
    bins, points = ab_bins(), chroma(spread=20)
    back = bins.annealed_mean(bins.encode(points).log(), 1)
    assert (back - points).norm(dim=1).mean() < 1.5


def test_class_weights_by_hand():
    bins = Bins(np.array([[0, 0], [10, 0]], np.float32), np.array([0.9, 0.1]))
    weights = bins.class_weights()
    # 1 / (0.45 + 0.25) and 1 / (0.05 + 0.25)
    assert (weights[1] / weights[0]).item() == pytest.approx(0.7 / 0.3)
    assert 0.9 * weights[0].item() + 0.1 * weights[1].item() == pytest.approx(1)
    assert bins.class_weights(1).tolist() == pytest.approx([1, 1])


def test_bins_are_immutable():
    bins = ab_bins()
    with pytest.raises(AttributeError):
        bins.grid = 5
    with pytest.raises(ValueError, match="read-only"):
        bins.centres[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        bins.prior[0] = 1


def test_the_default_is_uniform():
    bins = ab_bins()
    assert (len(bins), bins.space, bins.grid, bins.sigma) == (313, "ab", 10, 5)
    assert bins.class_weights().tolist() == pytest.approx([1] * 313)


@pytest.mark.parametrize(
    ("numbers", "option"),
    [
        ({"grid": 1}, "--grid"),
        ({"grid": float("nan")}, "--grid"),
        ({"sigma": 0}, "--sigma"),
        ({"lambda_": 0}, "--lambda"),
    ],
)
def test_numbers_without_sense(numbers, option):
    with pytest.raises(UsageError, match=option):
        ab_bins(**numbers)
