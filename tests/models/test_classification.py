"""classification in its variants, and regression: Zhang's network at a quarter of its channels."""

from pathlib import Path

import numpy as np
import pytest
import torch
from parity import values

from colorcli.bins import Bins, ab_bins
from colorcli.errors import UsageError
from colorcli.models.catalog import build
from colorcli.training.recipes import RECIPES
from colorcli.weights.load import load_model
from colorcli.weights.weightsfile import save_weights

GOLDEN = Path(__file__).parents[1] / "golden" / "zhang_small.npz"
CLASSIFIERS = ("classification", "classification-deconv", "classification-downsample", "classification-rebalanced")
SYSTEMS = (*CLASSIFIERS, "regression")
BINS = ab_bins(60)


def made(name, **config):
    """A narrow network with weights made from the tensors' names."""
    network = build(name, width=4, **({} if name == "regression" else {"colours": len(BINS)}), **config)
    network.load_state_dict({k: torch.as_tensor(values(k, tuple(v.shape))) for k, v in network.state_dict().items()})
    if name != "regression":
        network.adopt(BINS)
    return network.eval()


def luminance(height=16, width=24):
    return torch.linspace(0, 100, 2 * height * width).reshape(2, 1, height, width)


@pytest.mark.parametrize("name", SYSTEMS)
def test_golden_colours(name, inference):
    with np.load(GOLDEN) as golden:
        expected = torch.from_numpy(golden[name])
    torch.testing.assert_close(made(name).predict_ab(luminance()), expected, atol=0.02, rtol=1e-3)


@pytest.mark.parametrize("name", SYSTEMS)
@pytest.mark.parametrize(("height", "width"), [(8, 8), (16, 40)])
def test_any_size_that_is_a_multiple_of_8(name, height, width, inference):
    model = made(name)
    assert model.multiple == 8
    assert model.predict_ab(luminance(height, width)).shape == (2, 2, height, width)


@pytest.mark.parametrize(("name", "shrink"), [(name, 4 if name.endswith("downsample") else 1) for name in CLASSIFIERS])
def test_logits_of_each_variant(name, shrink, inference):
    assert made(name)(luminance()).shape == (2, len(BINS), 16 // shrink, 24 // shrink)


def test_a_new_transposed_convolution_interpolates(inference):
    logits = torch.randn(1, len(BINS), 4, 4, generator=torch.Generator().manual_seed(0))
    bilinear, deconv = (build(name, width=4, colours=len(BINS)).grow(logits) for name in CLASSIFIERS[:2])
    inside = (..., slice(2, -2), slice(2, -2))
    torch.testing.assert_close(deconv[inside], bilinear[inside])


def test_colours_in_parts_are_those_of_the_whole(inference, monkeypatch):
    model = made("classification")
    whole = model.predict_ab(luminance())
    monkeypatch.setattr("colorcli.models.classification.PIXELS_AT_ONCE", 1)
    torch.testing.assert_close(model.predict_ab(luminance()), whole)


def test_a_low_temperature_takes_the_likeliest_bin(inference):
    model = made("classification", temperature=1e-4)
    likeliest = model.centres[model(luminance(8, 8)).argmax(1)].movedim(-1, 1)
    torch.testing.assert_close(model.predict_ab(luminance(8, 8)).median(), likeliest.median(), atol=0.1, rtol=0)


@pytest.mark.parametrize("name", SYSTEMS)
def test_half_precision(name, inference):
    model = made(name)
    single = model.predict_ab(luminance())
    half = model.bfloat16().predict_ab(luminance().bfloat16())
    assert half.dtype == torch.bfloat16
    assert (half.float() - single).abs().mean() < 0.05 * single.abs().max()


@pytest.mark.parametrize("name", SYSTEMS)
def test_a_weights_file_colours_alike(name, tmp_path, inference):
    model = made(name)
    save_weights(tmp_path / "model.safetensors", model, {"model": name})
    loaded = load_model(weights=tmp_path / "model.safetensors")
    assert type(loaded) is type(model)
    torch.testing.assert_close(loaded.predict_ab(luminance()), model.predict_ab(luminance()), atol=0.5, rtol=0.02)


def test_bins_come_back_as_they_were_adopted():
    model = build("classification", width=4, colours=len(BINS))
    prior = np.arange(1, len(BINS) + 1) / sum(range(1, len(BINS) + 1))
    model.adopt(ab_bins(60, sigma=12.5, prior=prior))
    assert np.array_equal(model.bins.centres, BINS.centres)
    assert np.allclose(model.bins.prior, prior)
    assert model.bins.sigma == model.config["sigma"] == 12.5


def test_other_bins_are_refused():
    model = build("classification", width=4, colours=len(BINS))
    palette = Bins(BINS.centres / 200, BINS.prior.copy(), space="yuv")
    for wrong in (ab_bins(50), palette):
        with pytest.raises(UsageError, match=f"the network has {len(BINS)} of ab"):
            model.adopt(wrong)


@pytest.mark.parametrize("config", [{"output": "nearest"}, {"temperature": 0.0}, {"temperature": float("nan")}])
def test_wrong_configurations_are_refused(config):
    with pytest.raises(ValueError, match=next(iter(config))):
        build("classification", width=4, **config)


@pytest.mark.parametrize("name", SYSTEMS)
def test_both_presets_fit_a_weights_file_of_4_mib(name):
    for preset in RECIPES[name].presets.values():
        state = build(name, **preset.config).state_dict()
        assert 2 * sum(tensor.numel() for tensor in state.values()) < 4 << 20
