import torch

from colorcli.color import rgb_to_L
from colorcli.training.pictures.augment import age, bordered, filmed, films


def drawn(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def flat(value: float, count: int = 200) -> tuple[torch.Tensor, torch.Tensor]:
    """Even grey pictures and their L."""
    rgb = torch.full((count, 3, 16, 16), value)
    return rgb, rgb_to_L(rgb)


def test_share_of_photos_is_aged_within_range():
    rgb, L = flat(0.6)
    aged, _ = age(rgb, L, drawn(), share=0.5)
    assert 70 < int((aged != L).any(3).any(2).sum()) < 130
    assert 0 <= aged.min() <= aged.max() <= 100


def test_nothing_is_aged_at_share_0():
    rgb, L = flat(0.6)
    assert torch.equal(age(rgb, L, drawn(), share=0.0)[0], L)


def test_tone_keeps_its_order():
    rgb = torch.linspace(0, 1, 16).expand(50, 3, 16, 16)
    means = age(rgb, rgb_to_L(rgb), drawn(1), share=1.0)[0].mean(2)[:, 0]
    assert (means[:, -1] > means[:, 0] + 20).all()


def test_film_leaves_grey_as_it_is():
    rgb, L = flat(0.3)
    assert torch.allclose(filmed(rgb, films(len(rgb), drawn())), L, atol=1e-3)


def test_films_see_red_and_blue_each_in_its_own_way():
    red, blue = (torch.tensor(it).view(1, 3, 1, 1).expand(200, 3, 2, 2) for it in ([0.9, 0.2, 0.2], [0.2, 0.2, 0.9]))
    sees = films(200, drawn())
    assert 0.3 < float((filmed(red, sees) < rgb_to_L(red)).float().mean()) < 0.7
    assert float((filmed(blue, sees) > rgb_to_L(blue)).float().mean()) > 0.4
    assert filmed(blue, sees).max() > 80 > rgb_to_L(blue).max() > 30


def test_a_share_of_photos_gets_an_even_grey_border():
    rgb = torch.rand(400, 3, 24, 32) * torch.tensor([0.2, 0.5, 0.9])[:, None, None]
    out = bordered(rgb, drawn(), share=0.25)
    changed = (out != rgb).any(1)
    assert 60 < int(changed.any(2).any(1).sum()) < 140
    assert not changed[:, 3:-3, 4:-4].any()  # 12% of 24 and 32 px
    tones = out.permute(0, 2, 3, 1)[changed]
    assert torch.equal(tones[:, 0], tones[:, 1]) and torch.equal(tones[:, 0], tones[:, 2])
