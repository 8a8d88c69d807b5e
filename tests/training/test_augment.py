import torch

from colorcli.training.augment import age


def flat(value: float, count: int = 200) -> torch.Tensor:
    return torch.full((count, 1, 16, 16), value)


def test_share_of_photos_is_aged_within_range():
    L = flat(60)
    aged = age(L, torch.Generator().manual_seed(0), share=0.5)
    assert 70 < int((aged != L).any(3).any(2).sum()) < 130
    assert 0 <= aged.min() <= aged.max() <= 100


def test_nothing_is_aged_at_share_0():
    L = flat(60)
    assert torch.equal(age(L, torch.Generator().manual_seed(0), share=0.0), L)


def test_tone_keeps_its_order():
    L = torch.linspace(0, 100, 16).expand(50, 1, 16, 16)
    means = age(L, torch.Generator().manual_seed(1), share=1.0).mean(2)[:, 0]
    assert (means[:, -1] > means[:, 0] + 20).all()
