import pytest
import torch

from colorcli.bins import annealed_mean
from colorcli.models import catalog
from colorcli.weights.weightsfile import load_file, save_weights

ENCODER = "efficientnet-lite0"


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return catalog.build("gan", encoder=ENCODER, widths=[16, 24, 32, 40, 48]).eval()


@pytest.fixture(scope="module")
def L():
    return torch.rand(2, 1, 64, 96) * 100


def hinted(L):
    ab, mask = torch.zeros(2, 2, *L.shape[-2:]), torch.zeros(2, 1, *L.shape[-2:])
    ab[:, :, 10:14, 20:24], mask[:, :, 10:14, 20:24] = 40.0, 1.0
    return ab, mask


def test_ab_and_bins_of_every_size_that_is_a_multiple(network, L):
    ab, logits = network(L)
    assert ab.shape == (2, 2, 32, 48) and logits.shape == (2, 313, 16, 24)
    assert network.predict_ab(L).shape == (2, 2, 64, 96)
    assert network.multiple == 32


def test_places_are_those_rows_and_columns_of_the_bins(network, L):
    every, some = network(L)[1], network(L, None, None, (slice(1, None, 2), slice(0, None, 2)))[1]
    torch.testing.assert_close(some, every[..., 1::2, 0::2], rtol=1e-4, atol=1e-4)


def test_before_it_learns_hints_change_nothing_to_the_bit(network, L):
    assert torch.equal(network.predict_ab(L), network.predict_ab(L, *hinted(L)))


def test_hints_reach_every_level_once_learned(network, L):
    for conv in (network.hint_stem, *network.hints):
        torch.nn.init.normal_(conv.weight, std=0.05)
        moved = (network.predict_ab(L, *hinted(L)) - network.predict_ab(L)).abs().sum()
        torch.nn.init.zeros_(conv.weight)
        assert moved > 0


def test_hints_go_together(network, L):
    with pytest.raises(ValueError, match="go together"):
        network.predict_ab(L, hint_mask=torch.ones_like(L))


def test_vivid_goes_from_the_colour_to_the_annealed_mean(network, L):
    ab, logits = network(L)
    grown = torch.nn.functional.interpolate
    mean = grown(annealed_mean(logits, network.centres, 0.38), size=L.shape[-2:], mode="bilinear")
    one = grown(ab * network.ab_scale, size=L.shape[-2:], mode="bilinear")
    try:
        for network.vivid in (0.0, 0.25, 1.0):
            torch.testing.assert_close(network.predict_ab(L), one.lerp(mean, network.vivid), rtol=1e-4, atol=1e-4)
    finally:
        network.vivid = 0.0


def test_it_takes_hints_though_other_networks_of_gan_do_not(network):
    assert network.takes == ("hints",) and catalog.build("gan").takes == ()


def test_every_parameter_learns_at_one_rate(network):
    groups = network.learning_rates()
    assert [factor for factor, _ in groups] == [1.0, 0.25, 5.0]
    learned = [parameter for _, group in groups for parameter in group]
    assert len({id(parameter) for parameter in learned}) == len(learned) == len(list(network.parameters()))


def test_its_file_alone_rebuilds_it(network, L, tmp_path):
    network.default_size = 64
    save_weights(tmp_path / "it.safetensors", network, {"model": "gan"})
    again = load_file(tmp_path / "it.safetensors")
    assert again.config == network.config and again.takes == ("hints",)
    torch.testing.assert_close(again.predict_ab(L), network.predict_ab(L), rtol=1e-2, atol=0.1)
