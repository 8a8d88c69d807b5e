import pytest
import torch
from gans import filled, luminance

from colorcli.guidance.palette import palette_bins, shares
from colorcli.models.catalog import build

Q = len(palette_bins())


def palette_of(a, b):
    return shares(torch.tensor([a, b])[None, :, None, None].expand(2, -1, 1, 1))


@pytest.fixture
def model():
    return filled("palette")


def test_without_a_palette_it_takes_that_of_the_predicted_classes(model, inference):
    L = luminance()
    ab, logits = model(L)
    weighted = torch.softmax(logits, 1) @ model.class_shares
    torch.testing.assert_close(model(L, weighted)[0], ab)
    torch.testing.assert_close(model.predict_ab(L), 110 * ab)


def test_a_palette_of_zeros_is_none(model, inference):
    L, red = luminance(), palette_of(60.0, 40.0)
    mixed = model(L, red * torch.tensor([[1.0], [0.0]]))[0]
    torch.testing.assert_close(mixed[:1], model(L, red)[0][:1])
    torch.testing.assert_close(mixed[1:], model(L)[0][1:])


def test_palettes_of_classes_move_towards_those_seen():
    model = build("palette", widths=[8, 8], classes=3)
    seen = torch.zeros(3, Q)
    seen[0, 0] = seen[1, 1] = seen[2, 5] = 1.0
    model.learn_classes(seen, torch.tensor([2, 2, 0]), rate=0.5)
    assert model.class_shares[2, :3].tolist() == pytest.approx([0.25 + 0.5 / Q, 0.25 + 0.5 / Q, 0.5 / Q])
    assert model.class_shares[0, 5] == pytest.approx(0.5 + 0.5 / Q)
    assert torch.equal(model.class_shares[1], torch.full((Q,), 1 / Q))
    assert model.class_shares.sum(1).tolist() == pytest.approx([1.0] * 3)
