import torch

from colorcli.training.pictures.hinted import hints


def drawn(seed=0):
    return torch.Generator().manual_seed(seed)


def test_a_hint_is_the_mean_true_colour_of_its_square():
    ab = torch.randn(64, 2, 32, 48) * 20
    hint_ab, mask = hints(ab, drawn(), 1.0)
    assert set(mask.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(hint_ab * mask, hint_ab)
    even = torch.full((64, 2, 32, 48), 7.0)
    hint_ab, mask = hints(even, drawn(), 1.0)
    torch.testing.assert_close(hint_ab, even * mask)


def test_the_share_of_pictures_that_get_hints():
    _, mask = hints(torch.zeros(2000, 2, 16, 16), drawn(), 0.3)
    assert 0.26 < (mask.amax((1, 2, 3)) > 0).float().mean() < 0.34


def test_most_get_few_and_some_get_many():
    _, mask = hints(torch.zeros(400, 2, 128, 128), drawn(), 1.0)
    covered = mask.mean((1, 2, 3))
    assert covered.median() < 0.02 and covered.max() > 0.1


def test_the_same_generator_gives_the_same_hints():
    ab = torch.randn(8, 2, 32, 32)
    first, again, other = (hints(ab, drawn(seed), 1.0)[1] for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)
