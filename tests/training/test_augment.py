import torch

from colorcli.training.augment import age, bordered


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


def test_a_share_of_photos_gets_an_even_grey_border():
    rgb = torch.rand(400, 3, 24, 32) * torch.tensor([0.2, 0.5, 0.9])[:, None, None]
    out = bordered(rgb, torch.Generator().manual_seed(0), share=0.25)
    changed = (out != rgb).any(1)
    assert 60 < int(changed.any(2).any(1).sum()) < 140
    assert not changed[:, 3:-3, 4:-4].any()  # 12% of 24 and 32 px
    tones = out.permute(0, 2, 3, 1)[changed]
    assert torch.equal(tones[:, 0], tones[:, 1]) and torch.equal(tones[:, 0], tones[:, 2])
