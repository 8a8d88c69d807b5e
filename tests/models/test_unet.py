import pytest
import torch

from colorcli.models.blocks import PatchDiscriminator
from colorcli.models.catalog import build
from colorcli.models.unet import ContractingDiscriminator, StridedUNet, scaled


def reach(network, side, at):
    """Rows of the input that the output's row `at` (in the middle column) depends on: first and last."""
    torch.manual_seed(0)
    x = torch.rand(1, 3, side, side, requires_grad=True)
    out = network.eval()(x)
    out[0, :, at, out.shape[-1] // 2].sum().backward()
    rows = x.grad.abs().sum((0, 1, 3)).nonzero().flatten()
    return int(rows[0]), int(rows[-1])


@pytest.mark.parametrize(("layers", "patch"), [(1, 16), (2, 34), (3, 70)])
def test_a_discriminator_sees_patches_of_the_papers_size(layers, patch):
    first, last = reach(PatchDiscriminator(3, 4, layers), 192, 10)
    assert last - first + 1 == patch


def test_levels_halve_the_picture_and_come_back(inference):
    unet = StridedUNet(1, 2, [4, 6, 8])
    features = unet.encode(torch.rand(1, 1, 16, 24))
    assert [tuple(f.shape[1:]) for f in features] == [(4, 16, 24), (6, 8, 12), (8, 4, 6)]
    assert unet.decode(features).shape == (1, 2, 16, 24)


def test_what_is_joined_reaches_every_pixel(inference):
    torch.manual_seed(0)
    unet = StridedUNet(1, 2, [16, 16, 16], joined=3).eval()
    features = unet.encode(torch.rand(1, 1, 16, 24))
    change = unet.decode(features, torch.zeros(1, 3)) - unet.decode(features, torch.ones(1, 3))
    assert (change.abs().amax(1) > 0).all()


def test_the_contracting_discriminator_gives_one_number_for_32_px(inference):
    judge = ContractingDiscriminator(3, 4, levels=3).eval()
    assert [stage[0].out_channels for stage in judge.down] == [4, 8, 16, 32]
    assert judge(torch.rand(2, 3, 32, 32)).shape == (2, 1, 1, 1)
    assert judge(torch.rand(2, 3, 64, 48)).shape == (2, 1, 5, 3)
    assert judge(torch.rand(2, 3, 16, 32)).shape == (2, 1, 1, 1)


def test_widths_scale_to_multiples_of_8():
    assert scaled([32, 64, 96], 16) == [16, 32, 48]
    assert scaled([32, 64, 96], 4) == [8, 8, 16]
    assert scaled((32, 64), None) == [32, 64]


def test_gan_takes_no_other_network():
    with pytest.raises(ValueError, match="'plain', neither"):
        build("gan", network="plain")


def test_a_fine_network_gives_ab_at_full_size_and_classes(inference):
    small = {"widths": [8, 32], "encoder_blocks": [1, 1], "decoder_blocks": [1]}
    ab, logits = build("gan", **small, fine=True, classes=7)(torch.rand(3, 1, 16, 24) * 100)
    assert ab.shape == (3, 2, 16, 24) and logits.shape == (3, 7)
    assert build("gan", **small)(torch.rand(3, 1, 16, 24) * 100).shape == (3, 2, 8, 12)
